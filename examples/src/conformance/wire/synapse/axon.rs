//! The axon's side: the official verification to the letter, its signature, records of its answers.

use serde_json::{Map, Value as Json, json};
use tensor_net::wire::Head;
use tensor_net::wire::synapse::official;

use super::super::super::{Case, Computed, Object, Rule, SchemaError, text};
use super::super::keys::Keys;
use super::super::{decimal, pairs};

/// `default_verify` on these headers, with the table of nonces before and after.
pub(super) fn verification(place: &str, entry: &Json, _: &Keys) -> Result<Case, SchemaError> {
    let known = [
        "name",
        "headers",
        "axon_hotkey",
        "now_ns",
        "nonces_before",
        "expect",
        "nonces_after",
        "tolerance",
    ];
    let entry = Object::new(place, entry, &known)?;
    let headers = entry.read("headers", pairs)?;
    let me: tensor_core::Hotkey =
        entry.read("axon_hotkey", |value| text(value)?.parse().map_err(|_| "no address".into()))?;
    let now = entry.read("now_ns", decimal)?;
    let before = entry.read("nonces_before", |value| {
        let fields = value.as_object().ok_or("nonces are an object")?;
        fields
            .iter()
            .map(|(key, nonce)| Ok((key.clone(), decimal(nonce)?)))
            .collect::<Result<official::Nonces, String>>()
    })?;
    let lenient = entry.optional("tolerance").and_then(Json::as_str);
    let lenient = lenient.is_some_and(|text| text.starts_with("either"));
    let name = format!("{place} {}", entry.read("name", text)?);
    let place = place.to_owned();
    Ok(Case::new(name, move || {
        let mut table = before.clone();
        let head = Head::new("POST", "/", &headers);
        let outcome = official::default_verify(&head, &me, now, &mut table);
        let refused = outcome.is_err();
        let expect = match outcome {
            Ok(()) => json!({"ok": true}),
            Err(message) => {
                let raised = ["Missing", "Nonce is too old", "Signature mismatch"];
                let raised = raised.iter().any(|start| message.starts_with(start));
                let error = if raised { "Exception" } else { "ValueError" };
                json!({"ok": false, "error": error, "message": message})
            }
        };
        let mut after: Vec<_> = table.into_iter().collect();
        after.sort();
        let after: Map<_, _> =
            after.into_iter().map(|(key, nonce)| (key, json!(nonce.to_string()))).collect();
        let pass = lenient && refused;
        let ours = expect.clone();
        let same = move |expected: &Json| if pass { Ok(()) } else { same_outcome(expected, &ours) };
        let after = Computed::new(&format!("{place}/nonces_after"), after);
        Ok(vec![
            Computed::new(&format!("{place}/expect"), expect)
                .with_rule(Rule::Satisfies(Box::new(same))),
            match pass {
                true => after.with_rule(Rule::Satisfies(Box::new(|_| Ok(())))),
                false => after,
            },
        ])
    }))
}

/// Outcomes agree in what the protocol says; the name of a Python class is no part of it, nor is the
/// detail of a text that comes out of a decoder.
fn same_outcome(expected: &Json, ours: &Json) -> Result<(), String> {
    let known = ["ok", "error", "message"];
    Object::new("expect", expected, &known).map_err(|error| error.to_string())?;
    if expected.get("ok") != ours.get("ok") {
        return Err(format!("expected {expected}, computed {ours}"));
    }
    let message = |of: &Json| {
        let text = of.get("message").and_then(Json::as_str).unwrap_or_default().to_owned();
        let decoder = ["Invalid hex string:"].iter().find(|start| text.starts_with(**start));
        decoder.map_or_else(|| text.clone(), |start| (*start).to_owned())
    };
    match message(expected) == message(ours) {
        true => Ok(()),
        false => Err(format!("expected {:?}, computed {:?}", message(expected), message(ours))),
    }
}

/// A signature as the axon's middleware puts it on refusals.
pub(super) fn signature(place: &str, entry: &Json, keys: &Keys) -> Result<Case, SchemaError> {
    let entry = Object::new(place, entry, &["message", "signature", "signer", "note"])?;
    let message = entry.read("message", text)?;
    let signer = entry.read("signer", text)?;
    let given = entry.optional("signature").and_then(Json::as_str).map(str::to_owned);
    let (place, keys) = (place.to_owned(), keys.clone());
    Ok(Case::new(place.clone(), move || {
        let ours = keys.signature(&signer, message.as_bytes(), given.as_deref());
        let (signer, message) = (signer.clone(), message.clone());
        let valid = move |expected: &Json| {
            Keys::check(&signer, message.as_bytes(), expected.as_str().unwrap_or_default())
        };
        let computed = Computed::new(&format!("{place}/signature"), ours);
        Ok(vec![computed.with_rule(Rule::Satisfies(Box::new(valid)))])
    }))
}

/// A record of an answer: not an input, so only its form is looked at.
pub(super) fn response(place: &str, entry: &Json, _: &Keys) -> Result<Case, SchemaError> {
    let entry = Object::new(place, entry, &["case", "status", "headers", "body", "note"])?;
    let name = format!("{place} {}", entry.read("case", text)?);
    entry.read("status", super::super::super::number::<u16>)?;
    entry.read("headers", pairs)?;
    entry.field("body")?;
    Ok(Case::new(name, || Ok(Vec::new())))
}
