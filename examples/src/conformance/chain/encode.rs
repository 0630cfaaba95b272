//! From values to bytes: storage keys, calls, payloads, extrinsics, accounts.

use serde_json::Value as Json;
use tensor_core::account::AccountId;
use tensor_core::call::{Call, Value};

use super::entry::{Context, Entry, hexadecimal};
use super::value;
use crate::conformance::Computed;

pub(super) fn storage_key(context: &Context, entry: &Entry) -> Result<Vec<Computed>, String> {
    Ok(vec![entry.at("key_hex", key(context, entry)?)])
}

pub(super) fn key(context: &Context, entry: &Entry) -> Result<String, String> {
    let storage = entry.storage(context)?;
    let params = entry.params()?;
    let key = storage.key(&params).map_err(|error| error.to_string())?;
    let again = storage.decode_key(&key).map(|params| storage.key(&params));
    match again {
        Ok(Ok(again)) if again == key => Ok(hexadecimal(&key)),
        _ => Err("the key does not read back".to_owned()),
    }
}

pub(super) fn call(context: &Context, entry: &Entry) -> Result<Vec<Computed>, String> {
    let params = entry.json("params")?.as_object().ok_or("\"params\" is no object")?;
    let mut call = Call::new(entry.text("module")?, entry.text("function")?);
    for (name, param) in params {
        let value = match told_in_words(param) {
            // "A nested call is described in words": its bytes stand in the expected ones.
            true => given(context, entry, name)?,
            false => value::from_json(param)?,
        };
        call = call.arg(name.clone(), value);
    }
    let encoded = context.metadata.encode_call(&call).map_err(|error| error.to_string())?;
    let decoded = context.metadata.decode_call(&encoded).map_err(|error| error.to_string())?;
    if context.metadata.encode_call(&decoded).ok().as_ref() != Some(&encoded) {
        return Err("the call does not read back".to_owned());
    }
    Ok(vec![entry.at("data_hex", hexadecimal(&encoded))])
}

fn told_in_words(param: &Json) -> bool {
    match param {
        Json::String(text) => text.contains(' '),
        Json::Array(items) => !items.is_empty() && items.iter().all(told_in_words),
        _ => false,
    }
}

fn given(context: &Context, entry: &Entry, name: &str) -> Result<Value, String> {
    let call = context.metadata.decode_call(&entry.bytes("data_hex")?);
    let call = call.map_err(|error| error.to_string())?;
    let argument = call.args.into_iter().find(|(argument, _)| argument == name);
    argument.map(|(_, value)| value).ok_or_else(|| format!("no argument {name}"))
}

pub(super) fn payload(context: &Context, entry: &Entry) -> Result<Vec<Computed>, String> {
    let signing = entry.signing(context)?;
    let extensions = context.metadata.extensions(&signing).map_err(|error| error.to_string())?;
    let call = entry.bytes("call_data_hex")?;
    let payload = [call, extensions.extra, extensions.implied].concat();
    Ok(vec![entry.at("payload_hex", hexadecimal(&payload))])
}

pub(super) fn extrinsic(context: &Context, entry: &Entry) -> Result<Vec<Computed>, String> {
    let signing = entry.signing(context)?;
    let extensions = context.metadata.extensions(&signing).map_err(|error| error.to_string())?;
    let public = entry.bytes("public_key_hex")?;
    let call = entry.bytes("call_data_hex")?;
    // The variants of MultiSignature are numbered as the schemes are: ed25519 0, sr25519 1.
    let scheme = entry.number::<u8>("crypto_type")?;
    let signature = entry.bytes("signature_hex")?;
    let body = [
        &[0x84, 0x00],
        public.as_slice(),
        &[scheme],
        signature.as_slice(),
        extensions.extra.as_slice(),
        call.as_slice(),
    ]
    .concat();
    let encoded = [compact(body.len() as u64), body].concat();
    let decoded = context.metadata.decode_extrinsic(&encoded).map_err(|error| error.to_string())?;
    let signer = decoded.signer.ok_or("the extrinsic reads back unsigned")?;
    if decoded.nonce != Some(signing.nonce) || decoded.tip != signing.tip {
        return Err("the extrinsic does not read back".to_owned());
    }
    Ok(vec![
        entry.at("address", signer.to_string()),
        entry.at("extrinsic_hex", hexadecimal(&encoded)),
        entry.at("extrinsic_hash", hexadecimal(&decoded.hash)),
    ])
}

/// A number in SCALE's compact form.
pub(in crate::conformance) fn compact(number: u64) -> Vec<u8> {
    let shifted = number << 2;
    match number {
        0..=0x3f => vec![shifted as u8],
        0x40..=0x3fff => ((shifted | 1) as u16).to_le_bytes().to_vec(),
        0x4000..=0x3fff_ffff => ((shifted | 2) as u32).to_le_bytes().to_vec(),
        _ => {
            let bytes = number.to_le_bytes();
            let length =
                bytes.iter().rposition(|byte| *byte != 0).map_or(4, |last| last + 1).max(4);
            let mut out = vec![((length as u8 - 4) << 2) | 3];
            out.extend(bytes.iter().take(length));
            out
        }
    }
}

pub(super) fn multisig(_: &Context, entry: &Entry) -> Result<Vec<Computed>, String> {
    let signatories = entry.list("signatories")?.iter().map(|account| {
        let account = account.as_str().and_then(|account| account.parse::<AccountId>().ok());
        account.ok_or_else(|| "a signatory is no account".to_owned())
    });
    let signatories: Vec<AccountId> = signatories.collect::<Result<_, _>>()?;
    let account = tensor_chain::intent::multisig_account(&signatories, entry.number("threshold")?);
    Ok(vec![entry.at("ss58_address", account.to_string())])
}

pub(super) fn ss58(context: &Context, entry: &Entry) -> Result<Vec<Computed>, String> {
    let public: [u8; 32] =
        entry.bytes("public_key_hex")?.try_into().map_err(|_| "no key of 32 bytes")?;
    let format = context.network.as_ref().and_then(|network| network.get("ss58_format")?.as_u64());
    let format = format.and_then(|format| u16::try_from(format).ok()).unwrap_or(42);
    let account = AccountId::from_bytes(public);
    let address = account.to_ss58(format).map_err(|error| error.to_string())?;
    match AccountId::from_ss58_any(&address) {
        Ok(decoded) if decoded == (account, format) => Ok(vec![entry.at("address", address)]),
        _ => Err("the address does not read back".to_owned()),
    }
}
