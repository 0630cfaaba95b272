//! The protocol of SDK 10: Python's texts and hashes, dendrites' requests, axons' verification.

mod axon;
mod dendrite;

use serde_json::Value as Json;
use tensor_net::wire::synapse::official::class;
use tensor_net::wire::synapse::{Value, hash, hash_texts, python};

use super::super::{Case, Computed, Object, SchemaError, list, numbers, text};
use super::keys::Keys;
use super::rendering;

type Read = fn(&str, &Json, &Keys) -> Result<Case, SchemaError>;

pub(super) fn cases(part: &Json, keys: &Keys) -> Result<Vec<Case>, SchemaError> {
    let lists: [(&str, Read); 6] = [
        ("python_str", python_str),
        ("body_hash", body_hash),
        ("dendrite_requests", dendrite::request),
        ("axon_verify", axon::verification),
        ("axon_responses", axon::response),
        ("dendrite_reactions", dendrite::reaction),
    ];
    let single: [(&str, Read); 3] = [
        ("version_as_int", version),
        ("captured_http_request", dendrite::captured),
        ("axon_signature", axon::signature),
    ];
    let names = lists.iter().chain(&single).map(|(name, _)| *name);
    let part = Object::new("v10", part, &names.collect::<Vec<_>>())?;
    let mut cases = Vec::new();
    for (name, read) in lists {
        for (place, entry) in part.entries(name)? {
            cases.push(read(&place, entry, keys)?);
        }
    }
    for (name, read) in single {
        if let Some(entry) = part.optional(name) {
            cases.push(read(&format!("v10/{name}"), entry, keys)?);
        }
    }
    Ok(cases)
}

/// Versions as requests carry them: `major * 1000² + minor * 1000 + patch`.
fn version(place: &str, entry: &Json, _: &Keys) -> Result<Case, SchemaError> {
    let fields = entry.as_object().ok_or_else(|| SchemaError::new(place, "an object is wanted"))?;
    let mut computed = Vec::new();
    for version in fields.keys().filter(|key| *key != "rule") {
        let parts: Result<Vec<u64>, _> = version.split('.').map(str::parse).collect();
        let Ok([major, minor, patch]) = parts.as_deref() else {
            return Err(SchemaError::new(place, format!("unknown field {version:?}")));
        };
        let thousand = |number: u64, rest: u64| number.checked_mul(1000)?.checked_add(rest);
        let number = thousand(*major, *minor).and_then(|number| thousand(number, *patch));
        let number = number.ok_or_else(|| SchemaError::new(place, "a version is too large"))?;
        computed.push((version.clone(), number));
    }
    let place: Vec<String> = place.split('/').map(str::to_owned).collect();
    Ok(Case::new(place.join("/"), move || {
        let value = |(version, number): &(String, u64)| {
            let path = place.iter().chain([version]).map(String::as_str);
            Computed::at(path, *number)
        };
        Ok(computed.iter().map(value).collect())
    }))
}

/// What Python shows for a value, and its hashes.
fn python_str(place: &str, entry: &Json, _: &Keys) -> Result<Case, SchemaError> {
    let known = ["json", "note", "str", "sha3_256_of_str", "body_hash_single_field"];
    let entry = Object::new(place, entry, &known)?;
    let json = entry.field("json")?.clone();
    let note = entry.optional("note").and_then(Json::as_str).unwrap_or_default().to_owned();
    let given = entry.optional("str").and_then(Json::as_str).map(str::to_owned);
    let place = place.to_owned();
    Ok(Case::new(format!("{place} {}", numbers::to_line(&json)), move || {
        let shown = match (json.is_null(), note.strip_prefix("non-finite float ")) {
            (true, Some(word)) => {
                let float = word.trim().parse().map_err(|_| format!("{word:?} is no float"))?;
                python::str(&Value::Float(float))
            }
            // A value that JSON cannot write is known by its text only.
            (true, None) if !note.is_empty() => {
                given.clone().ok_or("the note alone does not give the value")?
            }
            _ => {
                let value = rendering::value(&json)?;
                let declared = given.clone().filter(|_| !note.is_empty());
                let declared = declared.filter(|text| rendering::shows(&value, text));
                declared.unwrap_or_else(|| python::str(&value))
            }
        };
        let at = |field: &str| format!("{place}/{field}");
        Ok(vec![
            Computed::new(&at("sha3_256_of_str"), hash(&shown)),
            Computed::new(&at("body_hash_single_field"), hash_texts(&[shown.as_str()])),
            Computed::new(&at("str"), shown),
        ])
    }))
}

/// The hashed texts of a body, and their hash on either side.
fn body_hash(place: &str, entry: &Json, _: &Keys) -> Result<Case, SchemaError> {
    let known = ["class", "doc", "fields", "hash_fields", "strs", "body_hash", "axon_side_hash"];
    let entry = Object::new(place, entry, &known)?;
    let name = entry.read("class", text)?;
    let fields = entry.field("fields")?.clone();
    let hashed = entry.read("hash_fields", list(text))?;
    let strs = entry.optional("strs").and_then(|strs| list(text)(strs).ok()).unwrap_or_default();
    let theirs = entry.optional("axon_side_hash").and_then(Json::as_str).map(str::to_owned);
    let place = place.to_owned();
    Ok(Case::new(format!("{place} {name}"), move || {
        let body = rendering::value(&fields)?;
        let spec = class(&name).filter(|spec| spec.hashed().eq(hashed.iter().map(String::as_str)));
        let declared = spec.and_then(|spec| spec.hashed_texts(&body).ok());
        let (mut texts, mut undeclared) = (Vec::new(), Vec::new());
        for (index, field) in hashed.iter().enumerate() {
            let value = body.get(field).ok_or_else(|| format!("there is no field {field:?}"))?;
            let literal = python::str(value);
            let known = declared.as_ref().and_then(|texts| texts.get(index)).cloned();
            // Without the class, the file's own text says what was declared, if it can at all.
            let given = strs.get(index).filter(|text| rendering::shows(value, text)).cloned();
            texts.push(known.or(given).unwrap_or_else(|| literal.clone()));
            undeclared.push(literal);
        }
        let (hash, lost) = (hash_texts(&texts), hash_texts(&undeclared));
        // The receiving side hashes the same, unless its class has lost the type.
        let axon_side = match theirs.as_ref() == Some(&lost) {
            true => lost,
            false => hash.clone(),
        };
        let at = |field: &str| format!("{place}/{field}");
        Ok(vec![
            Computed::new(&at("strs"), texts),
            Computed::new(&at("body_hash"), hash),
            Computed::new(&at("axon_side_hash"), axon_side),
        ])
    }))
}
