//! btauth/1: requests signed and verified by the official SDK 11.

use std::time::Duration;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tensor_core::key::{Scheme, Signature, verify as verify_signature};
use tensor_core::{AccountId, Hotkey, Keypair};
use tensor_net::replay::{NonceWindow, WindowLimits};
use tensor_net::wire::btauth::{self, Btauth, Payload};
use tensor_net::wire::{Head, Refusal, verify};

use super::super::{Case, Computed, Object, Rule, SchemaError, flag, text};
use super::{bytes, decimal, pairs};

pub(super) fn cases(part: &Value) -> Result<Vec<Case>, SchemaError> {
    let part = Object::new("btauth1", part, &["sign", "verify"])?;
    let mut cases = Vec::new();
    for (kind, read) in [
        ("sign", sign as fn(&str, &Value) -> Result<Case, SchemaError>),
        ("verify", verification as _),
    ] {
        for (place, entry) in part.entries(kind)? {
            cases.push(read(&place, entry)?);
        }
    }
    Ok(cases)
}

/// A request that the official package signed: its payload and headers are laid out anew, and its
/// signature is verified, or made again where it is deterministic.
fn sign(place: &str, entry: &Value) -> Result<Case, SchemaError> {
    let known = [
        "name",
        "scheme",
        "sender_uri",
        "receiver_ss58",
        "method",
        "target",
        "nonce",
        "body_hex",
        "body_rule",
        "body_sha256",
        "payload",
        "headers",
        "deterministic_signature",
    ];
    let entry = Object::new(place, entry, &known)?;
    let scheme = entry.read("scheme", |value| {
        let name = text(value)?;
        Scheme::from_name(&name).ok_or_else(|| format!("unknown scheme {name:?}"))
    })?;
    let pair = entry.read("sender_uri", |value| {
        Keypair::from_uri(&text(value)?, scheme).map_err(|error| error.to_string())
    })?;
    let receiver = entry.optional("receiver_ss58").filter(|value| !value.is_null());
    let receiver = receiver.map(text).transpose();
    let receiver = receiver.map_err(|problem| SchemaError::new(place, problem))?;
    let nonce: u64 = entry.read("nonce", decimal)?;
    let method = entry.read("method", text)?;
    let target = entry.read("target", text)?;
    let body = body(&entry)?;
    let deterministic = scheme == Scheme::Ed25519;

    let sender = pair.account_id().to_string();
    let digest: [u8; 32] = Sha256::digest(&body).into();
    let name = format!("{place} {}", entry.read("name", text)?);
    let place = place.to_owned();
    Ok(Case::new(name, move || {
        let message = btauth::payload(&Payload {
            scheme,
            method: &method,
            target: &target,
            body_sha256: digest,
            nonce,
            sender: &sender,
            receiver: receiver.as_deref(),
        });
        let signature = pair.sign(&message);
        let mut headers = Map::new();
        let mut header = |name: &str, value: String| headers.insert(name.to_owned(), value.into());
        header(btauth::VERSION, "1".into());
        header(btauth::HOTKEY, sender.clone());
        header(btauth::NONCE, nonce.to_string());
        header(btauth::SIGNATURE, format!("0x{}", hex::encode(signature.bytes)));
        if scheme != Scheme::Sr25519 {
            header(btauth::CRYPTO, scheme.name().into());
        }
        if let Some(receiver) = &receiver {
            header(btauth::RECEIVER, receiver.clone());
        }
        let at = |field: &str| format!("{place}/{field}");
        let expected_headers = headers.clone();
        let (account, signed) = (pair.account_id(), message.clone());
        let matches = move |expected: &Value| {
            same_request(expected, &expected_headers, &account, scheme, &signed, deterministic)
        };
        let payload = String::from_utf8(message).map_err(|error| error.to_string())?;
        Ok(vec![
            Computed::new(&at("body_sha256"), hex::encode(digest)),
            Computed::new(&at("payload"), payload),
            Computed::new(&at("deterministic_signature"), deterministic),
            Computed::new(&at("headers"), headers).with_rule(Rule::Satisfies(Box::new(matches))),
        ])
    }))
}

/// Whether the expected headers are ours but for a signature that is valid all the same.
fn same_request(
    expected: &Value,
    ours: &Map<String, Value>,
    account: &AccountId,
    scheme: Scheme,
    message: &[u8],
    deterministic: bool,
) -> Result<(), String> {
    let Value::Object(expected) = expected else { return Err("headers are no object".into()) };
    for (name, value) in ours {
        let stored = expected.get(name).ok_or_else(|| format!("{name} is missing"))?;
        if name != btauth::SIGNATURE || deterministic {
            if stored != value {
                return Err(format!("{name}: expected {stored}, computed {value}"));
            }
            continue;
        }
        let digits = stored.as_str().unwrap_or_default().trim_start_matches("0x");
        let bytes = hex::decode(digits).ok().and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| format!("{name} is no signature"))?;
        if !verify_signature(account, message, &Signature { scheme, bytes }) {
            return Err(format!("{name} does not verify"));
        }
    }
    match expected.keys().find(|name| !ours.contains_key(*name)) {
        Some(extra) => Err(format!("{extra} is not computed")),
        None => Ok(()),
    }
}

/// A received request: it is verified after those that were accepted before, at the time of the file.
fn verification(place: &str, entry: &Value) -> Result<Case, SchemaError> {
    let known = [
        "name",
        "headers",
        "body_hex",
        "method",
        "target",
        "self_hotkey",
        "now_ns",
        "max_age_s",
        "allowed_skew_s",
        "require_receiver",
        "accepted_before",
        "expect",
        "tolerance",
    ];
    let entry = Object::new(place, entry, &known)?;
    let asked = asked(&entry)?;
    let me = entry.read("self_hotkey", text)?;
    let now: u64 = entry.read("now_ns", decimal)?;
    let seconds = |value: &Value| {
        let seconds = value.as_f64().and_then(|s| Duration::try_from_secs_f64(s).ok());
        seconds.ok_or_else(|| format!("{value} is no number of seconds"))
    };
    let max_age = entry.read("max_age_s", seconds)?;
    let skew = entry.read("allowed_skew_s", seconds)?;
    let require_receiver = entry.read("require_receiver", flag)?;
    let method = entry.read("method", text)?;
    let target = entry.read("target", text)?;
    let mut before = Vec::new();
    let earlier = entry.optional("accepted_before").and_then(Value::as_array).into_iter().flatten();
    for (at, one) in earlier.enumerate() {
        let place = format!("{place}/accepted_before/{at}");
        before.push(self::asked(&Object::new(place, one, &["headers", "body_hex"])?)?);
    }
    let tolerance = entry.optional("tolerance").and_then(Value::as_str).unwrap_or_default();
    let refusal_passes = tolerance.starts_with("either");

    let name = format!("{place} {}", entry.read("name", text)?);
    let place = place.to_owned();
    Ok(Case::new(name, move || {
        // A server of ours has an account; a vector whose own hotkey is none is met by one that nobody
        // can address.
        let me: Hotkey = me.parse().unwrap_or(Hotkey::from_bytes([0; 32]));
        let mut protocol = Btauth::new(me).with_max_age(max_age).with_skew(skew);
        if !require_receiver {
            protocol = protocol.allow_unbound();
        }
        let mut window = NonceWindow::new(WindowLimits::default(), 0);
        let mut ask = |(headers, body): &Asked| {
            let head = Head::new(&method, &target, headers);
            verify(&protocol, &head, body, now, &mut window)
        };
        for earlier in &before {
            // Its own outcome is not compared; a refused one must not burn its nonce.
            let _ = ask(earlier);
        }
        let outcome = match ask(&asked) {
            Ok(caller) => json!({
                "ok": true,
                "hotkey": caller.hotkey.to_string(),
                "nonce": caller.nonce.to_string(),
                "crypto_type": u8::from(caller.scheme == Scheme::Sr25519),
            }),
            Err(Refusal::Auth(error)) => {
                json!({"ok": false, "error": error.class(), "message": error.to_string()})
            }
            Err(other) => return Err(other.to_string()),
        };
        let refused = outcome.get("ok") == Some(&Value::Bool(false));
        let computed = Computed::new(&format!("{place}/expect"), outcome);
        Ok(vec![match refusal_passes && refused {
            true => computed.with_rule(Rule::Satisfies(Box::new(|_| Ok(())))),
            false => computed,
        }])
    }))
}

/// A request's headers and body.
type Asked = (Vec<(String, String)>, Vec<u8>);

fn asked(entry: &Object<'_>) -> Result<Asked, SchemaError> {
    Ok((entry.read("headers", pairs)?, entry.read("body_hex", bytes)?))
}

fn body(entry: &Object<'_>) -> Result<Vec<u8>, SchemaError> {
    if entry.optional("body_hex").is_some() {
        return entry.read("body_hex", bytes);
    }
    entry.read("body_rule", |value| {
        let rule = text(value)?;
        let length = rule.strip_prefix("byte i is i mod 251, length ");
        let length: usize = length
            .and_then(|length| length.parse().ok())
            .ok_or_else(|| format!("unknown body rule {rule:?}"))?;
        Ok((0..length).map(|at| u8::try_from(at % 251).unwrap_or_default()).collect())
    })
}
