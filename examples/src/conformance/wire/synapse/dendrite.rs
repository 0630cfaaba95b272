//! The dendrite's side: its requests laid out anew, one as it left, records of what it made of answers.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use tensor_core::key::{Keypair, Scheme};
use tensor_core::transport::Method;
use tensor_core::{Hotkey, SignerSync as _};
use tensor_net::wire::synapse::{Kind, SynapseDialect, SynapseSpec, Value, official};
use tensor_net::wire::{Dialect, Head, Outgoing};

use super::super::super::{Case, Computed, Object, Rule, SchemaError, numbers, text};
use super::super::keys::Keys;
use super::super::rendering;

const BASE: [&str; 7] =
    ["name", "timeout", "total_size", "header_size", "dendrite", "axon", "computed_body_hash"];
const SIGNATURE: &str = "bt_header_dendrite_signature";
/// Sizes of Python objects: informative, never compared.
const SIZES: [&str; 2] = ["header_size", "total_size"];

/// A request rebuilt from its body, its key and its class.
pub(super) fn request(place: &str, entry: &Json, _: &Keys) -> Result<Case, SchemaError> {
    let known = ["class", "route", "headers", "body", "signed_message", "key_uri", "note"];
    let entry = Object::new(place, entry, &known)?;
    let class = entry.read("class", text)?;
    let route = entry.read("route", text)?;
    let pair = entry.read("key_uri", |value| {
        Keypair::from_uri(&text(value)?, Scheme::Sr25519).map_err(|error| error.to_string())
    })?;
    let body = entry.field("body")?.clone();
    let given = entry.optional("headers").cloned().unwrap_or(Json::Null);
    let place = place.to_owned();
    Ok(Case::new(format!("{place} {class}"), move || {
        let spec = official::class(&class).map_or_else(|| undeclared(&class, &body, &given), Ok)?;
        let draft = draft(&spec, &route, &pair, &body)?;
        let (_, message) = draft.signatures.first().ok_or("nothing is signed")?;
        let message = message.clone();
        let signature = pair.sign_sync(&message).map_err(|error| error.to_string())?;
        let signature = format!("0x{}", hex::encode(signature.bytes));
        let mut headers = Map::new();
        for (name, value) in draft.headers.iter().filter(|(name, _)| name != "content-type") {
            let kept = given.get(name.as_ref()).filter(|_| SIZES.contains(&name.as_ref()));
            headers.insert(name.to_string(), kept.cloned().unwrap_or_else(|| json!(value)));
        }
        headers.insert(SIGNATURE.to_owned(), json!(signature));
        let mut whole = body.clone();
        if let Some(Json::Object(dendrite)) = whole.get_mut("dendrite") {
            dendrite.insert("signature".to_owned(), json!(signature));
        }
        let ours = headers.clone();
        let signer = pair.account_id().to_string();
        let signed = message.clone();
        let same = move |expected: &Json| same_headers(expected, &ours, &signer, &signed);
        let drafted = numbers::to_value(&draft.body).map_err(|error| error.to_string())?;
        let (signer, signed) = (pair.account_id().to_string(), message.clone());
        let same_body = move |expected: &Json| {
            let stored = expected.pointer("/dendrite/signature").and_then(Json::as_str);
            if let Some(stored) = stored {
                Keys::check(&signer, &signed, stored)?;
            }
            match bare(expected) == bare(&drafted) {
                true => Ok(()),
                false => Err("the body is not what the class dumps".to_owned()),
            }
        };
        let at = |field: &str| format!("{place}/{field}");
        let message = String::from_utf8(message).map_err(|error| error.to_string())?;
        Ok(vec![
            Computed::new(&at("signed_message"), message),
            Computed::new(&at("headers"), headers).with_rule(Rule::Satisfies(Box::new(same))),
            Computed::new(&at("body"), whole).with_rule(Rule::Satisfies(Box::new(same_body))),
        ])
    }))
}

/// What our dendrite makes of the body's own fields.
fn draft(
    spec: &SynapseSpec,
    route: &str,
    pair: &Keypair,
    body: &Json,
) -> Result<tensor_net::wire::Draft, String> {
    let at = |place: &str| body.pointer(place).ok_or_else(|| format!("the body has no {place}"));
    let text_at = |place: &str| at(place).and_then(text);
    let address = format!("{}:{}", text_at("/axon/ip")?, at("/axon/port")?);
    let address: SocketAddr = address.parse().map_err(|_| format!("{address} is no address"))?;
    let timeout = numbers::digits(at("/timeout")?).and_then(|digits| digits.parse().ok());
    let timeout = timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let nonce = at("/dendrite/nonce")?.as_u64().ok_or("the nonce is no integer of 64 bits")?;
    let receiver = text_at("/axon/hotkey")?;
    let receiver = receiver.parse().map_err(|_| format!("{receiver} is no address"))?;
    let ip = text_at("/dendrite/ip")?;
    let mut own = body.as_object().cloned().ok_or("the body is no object")?;
    own.retain(|key, _| !BASE.contains(&key.as_str()));
    SynapseDialect::new("")
        .with_synapse(spec.clone())
        .with_uuids([text_at("/dendrite/uuid")?])
        .with_ip(ip.parse().map_err(|_| format!("{ip} is no address"))?)
        .draft(&Outgoing {
            sender: &Hotkey::new(pair.account_id()),
            scheme: Scheme::Sr25519,
            receiver: &receiver,
            address,
            method: Method::Post,
            target: route,
            content_type: "application/json",
            body: &Bytes::from(numbers::to_line(&Json::Object(own))),
            timeout: timeout.ok_or("the timeout is no number of seconds")?,
            nonce,
        })
        .map_err(|error| error.to_string())
}

/// A class that is not among the recorded ones: required is what the headers say so, hashed the
/// fields that give the hash of the headers.
fn undeclared(name: &str, body: &Json, headers: &Json) -> Result<SynapseSpec, String> {
    let fields = body.as_object().ok_or("the body is no object")?;
    let mut spec = SynapseSpec::new(name);
    let own: Vec<&str> =
        fields.keys().map(String::as_str).filter(|key| !BASE.contains(key)).collect();
    for field in &own {
        let required = headers.get(format!("bt_header_input_obj_{field}")).is_some();
        spec = match required {
            true => spec.with_field(field, Kind::Any),
            false => spec.with_default(field, Kind::Any, Value::None),
        };
    }
    let value = rendering::value(body)?;
    let wanted = headers.get("computed_body_hash").and_then(Json::as_str).unwrap_or_default();
    for chosen in 0u32..1 << own.len().min(12) {
        let hashed = own.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1);
        let candidate = spec.clone().with_hashed(hashed.map(|(_, field)| *field));
        if candidate.body_hash(&value).is_ok_and(|hash| hash == wanted) {
            return Ok(candidate);
        }
    }
    Err(format!("the class {name} is not known, and no choice of its fields gives the hash"))
}

fn same_headers(
    expected: &Json,
    ours: &Map<String, Json>,
    signer: &str,
    message: &[u8],
) -> Result<(), String> {
    let expected = expected.as_object().ok_or("headers are no object")?;
    for (name, value) in ours.iter().filter(|(name, _)| !SIZES.contains(&name.as_str())) {
        let stored = expected.get(name).ok_or_else(|| format!("{name} is missing"))?;
        if name == SIGNATURE {
            Keys::check(signer, message, stored.as_str().unwrap_or_default())?;
        } else if stored != value {
            return Err(format!("{name}: expected {stored}, computed {value}"));
        }
    }
    match expected.keys().find(|name| !ours.contains_key(*name)) {
        Some(extra) => Err(format!("{extra} is not computed")),
        None => Ok(()),
    }
}

/// The body without what differs from run to run.
fn bare(body: &Json) -> Json {
    let mut body = body.clone();
    if let Json::Object(fields) = &mut body {
        SIZES.iter().for_each(|size| drop(fields.insert((*size).to_owned(), Json::Null)));
        if let Some(Json::Object(dendrite)) = fields.get_mut("dendrite") {
            dendrite.insert("signature".to_owned(), Json::Null);
        }
    }
    body
}

/// A request as it left: its line, headers and body agree, and its signature is the sender's.
pub(super) fn captured(place: &str, entry: &Json, _: &Keys) -> Result<Case, SchemaError> {
    let entry = Object::new(place, entry, &["line", "headers", "body"])?;
    let line = entry.read("line", text)?;
    let body = entry.read("body", text)?;
    let headers: Vec<(String, String)> = entry.read("headers", |value| {
        serde_json::from_value(value.clone()).map_err(|error| error.to_string())
    })?;
    Ok(Case::new(place.to_owned(), move || {
        let header = |name: &str| {
            let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str()).ok_or_else(|| format!("no header {name}"))
        };
        let json = numbers::to_value(body.as_bytes()).map_err(|error| error.to_string())?;
        let name = header("name")?;
        let given = headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let spec = official::class(name).map_or_else(|| undeclared(name, &json, &given), Ok)?;
        let hash = spec.body_hash(&rendering::value(&json)?).map_err(|error| error.to_string())?;
        // When it was made, its receiver accepted it.
        let receiver = header("bt_header_axon_hotkey")?;
        let receiver = receiver.parse().map_err(|_| format!("{receiver} is no address"))?;
        let nonce = header("bt_header_dendrite_nonce")?;
        let now = nonce.parse().map_err(|_| format!("{nonce} is no nonce"))?;
        let head = Head::new("POST", "/", &headers);
        official::default_verify(&head, &receiver, now, &mut official::Nonces::new())?;
        let field = |place: &str| match json.pointer(place) {
            Some(Json::String(text)) => text.clone(),
            Some(value) => numbers::to_line(value),
            None => String::new(),
        };
        for (what, stated, actual) in [
            ("line", line.as_str(), format!("POST /{name} HTTP/1.1")),
            ("computed_body_hash", header("computed_body_hash")?, hash),
            ("content-length", header("content-length")?, body.len().to_string()),
            ("name", name, field("/name")),
            ("timeout", header("timeout")?, field("/timeout")),
            ("ip", header("bt_header_axon_ip")?, field("/axon/ip")),
            ("port", header("bt_header_axon_port")?, field("/axon/port")),
            ("receiver", header("bt_header_axon_hotkey")?, field("/axon/hotkey")),
            ("sender", header("bt_header_dendrite_hotkey")?, field("/dendrite/hotkey")),
            ("nonce", nonce, field("/dendrite/nonce")),
            ("uuid", header("bt_header_dendrite_uuid")?, field("/dendrite/uuid")),
            ("version", header("bt_header_dendrite_version")?, field("/dendrite/version")),
            ("signature", header("bt_header_dendrite_signature")?, field("/dendrite/signature")),
        ] {
            if stated != actual {
                return Err(format!("{what}: {stated} and {actual} do not agree"));
            }
        }
        Ok(Vec::new())
    }))
}

/// A record of what a dendrite made of an answer: not an input, so only its form is looked at.
pub(super) fn reaction(place: &str, entry: &Json, _: &Keys) -> Result<Case, SchemaError> {
    let known = [
        "case",
        "success",
        "dendrite_status",
        "dendrite_message",
        "axon_status",
        "prompt",
        "completion",
        "axon_hotkey",
        "dendrite_hotkey",
        "dendrite_process_time",
        "chunks",
        "raised",
    ];
    let entry = Object::new(place, entry, &known)?;
    let name = format!("{place} {}", entry.read("case", text)?);
    if entry.optional("raised").is_none() {
        entry.read("success", super::super::super::flag)?;
    }
    Ok(Case::new(name, || Ok(Vec::new())))
}
