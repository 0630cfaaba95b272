//! What subnets speak besides: Epistula, fiber and the handshake of btlightning.
//!
//! tensor-net speaks Epistula 2; the texts that the others sign are laid out here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest as _};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use tensor_core::key::Scheme;
use tensor_core::transport::Method;
use tensor_net::wire::epistula::{self, EpistulaDialect};
use tensor_net::wire::{Dialect as _, Outgoing};

use super::super::{Case, Computed, Object, Rule, SchemaError, text};
use super::bytes;
use super::keys::Keys;

pub(super) fn cases(part: &Value, keys: &Keys) -> Result<Vec<Case>, SchemaError> {
    let known = ["status", "epistula_v2", "epistula_v1", "fiber", "btlightning"];
    let part = Object::new("others", part, &known)?;
    let mut cases = Vec::new();
    for (place, entry) in part.entries("epistula_v2")? {
        cases.push(epistula_v2(&place, entry, keys)?);
    }
    if let Some(entry) = part.optional("epistula_v1") {
        cases.push(epistula_v1(entry, keys)?);
    }
    if let Some(entry) = part.optional("fiber") {
        let fiber = Object::new("others/fiber", entry, &["plain", "encrypted"])?;
        for (place, entry) in fiber.entries("plain")? {
            cases.push(self::fiber(&place, entry, keys)?);
        }
        if let Some(entry) = fiber.optional("encrypted") {
            cases.push(self::fiber("others/fiber/encrypted", entry, keys)?);
        }
    }
    if let Some(entry) = part.optional("btlightning") {
        cases.push(btlightning(entry, keys)?);
    }
    Ok(cases)
}

/// A request of version 2: its messages, and each signature over its own.
fn epistula_v2(place: &str, entry: &Value, keys: &Keys) -> Result<Case, SchemaError> {
    let known = ["name", "body_hex", "message", "headers", "secret_messages"];
    let entry = Object::new(place, entry, &known)?;
    let body = entry.read("body_hex", bytes)?;
    let headers = entry.read("headers", object)?;
    let name = format!("{place} {}", entry.read("name", text)?);
    let (place, keys) = (place.to_owned(), keys.clone());
    Ok(Case::new(name, move || {
        let of = |name: &str| headers.get(name).and_then(Value::as_str);
        let want = |name: &str| of(name).ok_or_else(|| format!("no header {name}"));
        if want("Epistula-Version")? != "2" {
            return Err("the version is not 2".to_owned());
        }
        let signer = want("Epistula-Signed-By")?;
        let stamp = want("Epistula-Timestamp")?;
        let receiver = of("Epistula-Signed-For").unwrap_or_default();
        let uuid = want("Epistula-Uuid")?;
        let message = epistula::message(&body, uuid, stamp, receiver);
        let message = String::from_utf8(message).map_err(|error| error.to_string())?;
        let mut signed = vec![("Epistula-Request-Signature".to_owned(), message.clone())];
        let mut secrets = Vec::new();
        if !receiver.is_empty() {
            let address = |text: &str| text.parse().map_err(|_| format!("{text} is no address"));
            let millis: u64 = stamp.parse().map_err(|_| format!("{stamp} is no time"))?;
            let draft = EpistulaDialect::new().draft(&Outgoing {
                sender: &address(signer)?,
                scheme: Scheme::Sr25519,
                receiver: &address(receiver)?,
                address: ([127, 0, 0, 1], 1).into(),
                method: Method::Post,
                target: "/",
                content_type: "application/json",
                body: &Bytes::from(body.clone()),
                timeout: std::time::Duration::from_secs(1),
                nonce: millis.checked_mul(1_000_000).ok_or("the time is too large")?,
            });
            let draft = draft.map_err(|error| error.to_string())?;
            for (index, (_, message)) in draft.signatures.iter().skip(1).enumerate() {
                let message = String::from_utf8_lossy(message).into_owned();
                signed.push((format!("Epistula-Secret-Signature-{index}"), message.clone()));
                secrets.push(message);
            }
        }
        let at = |field: &str| format!("{place}/{field}");
        Ok(vec![
            Computed::new(&at("message"), message),
            Computed::new(&at("secret_messages"), secrets),
            signatures(&at("headers"), &headers, signer, signed, &keys),
        ])
    }))
}

/// A request of version 1: one signature over the body as sent, by whom the body names.
fn epistula_v1(entry: &Value, keys: &Keys) -> Result<Case, SchemaError> {
    let place = "others/epistula_v1";
    let entry = Object::new(place, entry, &["body", "headers", "signed"])?;
    let body = entry.read("body", text)?;
    let headers = entry.read("headers", object)?;
    let keys = keys.clone();
    Ok(Case::new(place, move || {
        let json: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        let signer = json.get("signed_by").and_then(Value::as_str).ok_or("no one signed")?;
        let signed = vec![("Body-Signature".to_owned(), body.clone())];
        Ok(vec![signatures(&format!("{place}/headers"), &headers, signer, signed, &keys)])
    }))
}

/// A request of fiber; the encrypted mode signs the name of the key instead of the body's hash.
fn fiber(place: &str, entry: &Value, keys: &Keys) -> Result<Case, SchemaError> {
    let entry = Object::new(place, entry, &["name", "body_hex", "message", "headers"])?;
    let headers = entry.read("headers", object)?;
    let body = match entry.optional("body_hex") {
        Some(_) => Some(entry.read("body_hex", bytes)?),
        None => None,
    };
    let name = match entry.optional("name").and_then(Value::as_str) {
        Some(name) => format!("{place} {name}"),
        None => place.to_owned(),
    };
    let (place, keys) = (place.to_owned(), keys.clone());
    Ok(Case::new(name, move || {
        let want = |name: &str| {
            let header = headers.get(name).and_then(Value::as_str);
            header.ok_or_else(|| format!("no header {name}"))
        };
        let last = match &body {
            Some(body) => hex::encode(Sha256::digest(body)),
            None => want("symmetric-key-uuid")?.to_owned(),
        };
        let message = format!("{}:{}:{last}", want("nonce")?, want("miner-hotkey")?);
        let signed = vec![("signature".to_owned(), message.clone())];
        let signer = want("validator-hotkey")?;
        Ok(vec![
            Computed::new(&format!("{place}/message"), message),
            signatures(&format!("{place}/headers"), &headers, signer, signed, &keys),
        ])
    }))
}

/// The handshake: the certificate's fingerprint, and both signatures over messages that end in it.
fn btlightning(entry: &Value, keys: &Keys) -> Result<Case, SchemaError> {
    let place = "others/btlightning";
    let known = ["certificate_der_ascii", "cert_fp_b64", "request", "response"];
    let entry = Object::new(place, entry, &known)?;
    let certificate = entry.read("certificate_der_ascii", text)?;
    let mut parts = Vec::new();
    for part in ["request", "response"] {
        let Some(value) = entry.optional(part) else { continue };
        let at = format!("{place}/{part}");
        let value = Object::new(at.clone(), value, &["message", "signature_b64"])?;
        let given = value.optional("signature_b64").and_then(Value::as_str).map(str::to_owned);
        parts.push((at, value.read("message", text)?, given));
    }
    let keys = keys.clone();
    Ok(Case::new(place, move || {
        let fingerprint = STANDARD.encode(Blake2b::<U32>::digest(&certificate));
        let mut computed =
            vec![Computed::new(&format!("{place}/cert_fp_b64"), fingerprint.clone())];
        for (at, message, given) in &parts {
            let fields: Vec<&str> = message.split(':').collect();
            let (signer, last) = match fields.as_slice() {
                ["handshake", validator, _, _, last] => (*validator, *last),
                ["handshake_response", _, miner, _, _, last] => (*miner, *last),
                _ => return Err(format!("{message:?} is no handshake")),
            };
            if last != fingerprint {
                return Err(format!("{at}: the fingerprint is {fingerprint}, not {last}"));
            }
            let ours = keys.sign(signer, message.as_bytes()).map(|bytes| STANDARD.encode(bytes));
            let (signer, message) = (signer.to_owned(), message.clone());
            let valid = move |expected: &Value| {
                let bytes = STANDARD.decode(expected.as_str().unwrap_or_default());
                let bytes = bytes.map_err(|error| error.to_string())?;
                Keys::check(&signer, message.as_bytes(), &hex::encode(bytes))
            };
            let value = json!(ours.or_else(|| given.clone()));
            let value = Computed::new(&format!("{at}/signature_b64"), value);
            computed.push(value.with_rule(Rule::Satisfies(Box::new(valid))));
        }
        Ok(computed)
    }))
}

/// The headers with fresh signatures, which pass where the file's own are valid.
fn signatures(
    place: &str,
    headers: &Map<String, Value>,
    signer: &str,
    signed: Vec<(String, String)>,
    keys: &Keys,
) -> Computed {
    let mut ours = headers.clone();
    for (name, message) in &signed {
        let given = headers.get(name).and_then(Value::as_str);
        ours.insert(name.clone(), keys.signature(signer, message.as_bytes(), given));
    }
    let signer = signer.to_owned();
    let valid = move |expected: &Value| {
        for (name, message) in &signed {
            let stored = expected.get(name).and_then(Value::as_str);
            let stored = stored.ok_or_else(|| format!("{name} is missing"))?;
            Keys::check(&signer, message.as_bytes(), stored)
                .map_err(|reason| format!("{name}: {reason}"))?;
        }
        Ok(())
    };
    Computed::new(place, ours).with_rule(Rule::Satisfies(Box::new(valid)))
}

fn object(value: &Value) -> Result<Map<String, Value>, String> {
    value.as_object().cloned().ok_or_else(|| "an object is wanted".to_owned())
}
