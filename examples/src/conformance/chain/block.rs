//! A block: its header's hash, its extrinsics, its events, the outcome of one extrinsic.

use std::rc::Rc;

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest as _};
use serde_json::{Value as Json, json};
use tensor_chain::codec::{DispatchFailure, EventRecord, Metadata, Phase};

use super::encode::compact;
use super::entry::{self, Context, Entry, bytes, hash, hexadecimal};
use super::value::{fields_to_json, to_json};
use crate::conformance::{Case, Computed, Rule};

/// The cases of a block: one for its header, one for each extrinsic.
pub(super) fn cases(context: &Rc<Context>, block: &Json) -> Vec<Case> {
    let raw = block.pointer("/raw/block").unwrap_or(block);
    let mut cases = Vec::new();
    if let Some(header) = raw.get("header") {
        let place = "block/decoded_header".to_owned();
        cases.push(entry::case(context, place, header.clone(), decoded_header));
    }
    let extrinsics = raw.get("extrinsics").and_then(Json::as_array);
    for (at, raw) in extrinsics.into_iter().flatten().enumerate() {
        let place = format!("block/decoded_extrinsics/{at}");
        cases.push(entry::case(context, place, json!({ "raw": raw }), decoded_extrinsic));
    }
    cases
}

fn decoded_header(_: &Context, header: &Entry) -> Result<Vec<Computed>, String> {
    let number = header.text("number")?.trim_start_matches("0x");
    let number = u64::from_str_radix(number, 16).map_err(|error| error.to_string())?;
    let digest = header.json("digest")?;
    let logs = digest.get("logs").and_then(Json::as_array).ok_or("no logs in the digest")?;
    let mut encoded = hash(header.json("parentHash")?)?.to_vec();
    encoded.extend(compact(number));
    encoded.extend(hash(header.json("stateRoot")?)?);
    encoded.extend(hash(header.json("extrinsicsRoot")?)?);
    encoded.extend(compact(logs.len() as u64));
    for log in logs {
        encoded.extend(bytes(log)?);
    }
    let same = ["parentHash", "stateRoot", "extrinsicsRoot", "digest"];
    let same = same.into_iter().map(|name| Ok(header.at(name, header.json(name)?.clone())));
    let mut computed: Vec<Computed> = same.collect::<Result<_, String>>()?;
    computed.push(header.at("number", number));
    computed.push(header.at("hash", hexadecimal(&blake2_256(&encoded))));
    Ok(computed)
}

fn decoded_extrinsic(context: &Context, entry: &Entry) -> Result<Vec<Computed>, String> {
    let raw = entry.bytes("raw")?;
    let metadata = &context.metadata;
    let decoded = metadata.decode_extrinsic(&raw).map_err(|error| error.to_string())?;
    let call = metadata.encode_call(&decoded.call).map_err(|error| error.to_string())?;
    // Counted without the compact length before it, whose first two bits tell its own.
    let prefix = match raw.first().map(|first| first & 3) {
        Some(0) => 1,
        Some(1) => 2,
        _ => 4,
    };
    let mut computed = vec![
        entry.at("extrinsic_hash", hexadecimal(&decoded.hash)),
        entry.at("extrinsic_length", raw.len().saturating_sub(prefix)),
        entry.at("call/call_index", hexadecimal(call.get(..2).unwrap_or_default())),
        entry.at("call/call_module", decoded.call.pallet.clone()),
        entry.at("call/call_function", decoded.call.name.clone()),
        entry.at("call/call_hash", hexadecimal(&blake2_256(&call))),
    ];
    for (at, (name, value)) in decoded.call.args.iter().enumerate() {
        computed.push(entry.at(&format!("call/call_args/{at}/name"), name.clone()));
        computed.push(entry.at(&format!("call/call_args/{at}/value"), to_json(value)));
    }
    if let Some(signer) = decoded.signer {
        computed.push(entry.at("address", signer.to_string()));
        computed.push(entry.at("nonce", decoded.nonce));
        computed.push(entry.at("tip", decoded.tip));
    }
    Ok(computed)
}

pub(super) fn events(context: &Context, entry: &Entry) -> Result<Vec<Computed>, String> {
    let records = context.metadata.decode_events(&entry.bytes("raw_hex")?);
    let records = records.map_err(|error| error.to_string())?;
    let decoded: Result<Vec<Json>, String> =
        records.iter().map(|record| event(&context.metadata, record)).collect();
    Ok(vec![entry.at("decoded", decoded?)])
}

pub(super) fn receipt(context: &Context, entry: &Entry) -> Result<Vec<Computed>, String> {
    let (receipt, events) = (entry.json("receipt")?, entry.json("events")?);
    let index =
        receipt.get("extrinsic_idx").and_then(Json::as_u64).and_then(|at| at.try_into().ok());
    let phase = Phase::ApplyExtrinsic(index.ok_or("no extrinsic_idx")?);
    let raw = bytes(events.get("raw_hex").unwrap_or(&Json::Null))?;
    let records = context.metadata.decode_events(&raw).map_err(|error| error.to_string())?;
    let own: Vec<&EventRecord> = records.iter().filter(|record| record.phase == phase).collect();
    let failure = DispatchFailure::find(&context.metadata, own.iter().map(|record| &record.event));
    let paid = own.iter().find(|record| record.event.name == "TransactionFeePaid");
    let fee = paid.and_then(|record| record.event.field("actual_fee"));
    let triggered: Result<Vec<Json>, String> =
        own.iter().map(|record| event(&context.metadata, record)).collect();
    Ok(vec![
        entry.at("is_success", failure.is_none()),
        entry.at("total_fee_amount", fee.map_or(Json::Null, to_json)),
        entry.at("triggered_events", triggered?).with_rule(Rule::EqualIfPresent),
    ])
}

/// An event as the SDK shows it: each part twice.
fn event(metadata: &Metadata, record: &EventRecord) -> Result<Json, String> {
    let event = &record.event;
    let pallet = metadata.as_subxt().pallet_by_name(&event.pallet);
    let pallet = pallet.ok_or_else(|| format!("no pallet {}", event.pallet))?;
    let mut variants = pallet.event_variants().into_iter().flatten();
    let variant = variants.find(|variant| variant.name == event.name);
    let variant = variant.ok_or_else(|| format!("no event {}", event.name))?.index;
    let index = pallet.event_index();
    let (phase, extrinsic) = match record.phase {
        Phase::ApplyExtrinsic(at) => ("ApplyExtrinsic", Some(at)),
        Phase::Finalization => ("Finalization", None),
        _ => ("Initialization", None),
    };
    let attributes = match event.fields.as_slice() {
        [] => Json::Null,
        [(position, value)] if position == "0" => to_json(value),
        fields if fields.iter().enumerate().all(|(at, (name, _))| *name == at.to_string()) => {
            fields.iter().map(|(_, value)| to_json(value)).collect()
        }
        fields => fields_to_json(fields),
    };
    Ok(json!({
        "phase": phase,
        "extrinsic_idx": extrinsic,
        "event": {
            "event_index": format!("{index:02x}{variant:02x}"),
            "module_id": event.pallet,
            "event_id": event.name,
            "attributes": attributes,
        },
        "event_index": index,
        "module_id": event.pallet,
        "event_id": event.name,
        "attributes": attributes,
        "topics": [],
    }))
}

fn blake2_256(bytes: &[u8]) -> [u8; 32] {
    Blake2b::<U32>::digest(bytes).into()
}
