//! From bytes to values: storage, maps, constants, answers of runtime APIs.

use serde_json::Value as Json;
use tensor_core::call::Value;

use super::encode::key;
use super::entry::{Context, Entry, bytes, hexadecimal};
use super::value::to_json;
use crate::conformance::Computed;

pub(super) fn constant(context: &Context, entry: &Entry) -> Result<Vec<Computed>, String> {
    let constant = context
        .metadata
        .constant(entry.text("module")?, entry.text("name")?)
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;
    Ok(vec![entry.at("decoded", to_json(&constant))])
}

pub(super) fn storage_value(context: &Context, entry: &Entry) -> Result<Vec<Computed>, String> {
    let storage = entry.storage(context)?;
    let read = match entry.json("raw_hex")? {
        Json::Null => storage.default().map_err(|error| error.to_string())?,
        _ => Some(storage.decode(&entry.bytes("raw_hex")?).map_err(|error| error.to_string())?),
    };
    let decoded = read.as_ref().map_or(Json::Null, to_json);
    Ok(vec![entry.at("key_hex", key(context, entry)?), entry.at("decoded", decoded)])
}

pub(super) fn map(context: &Context, entry: &Entry) -> Result<Vec<Computed>, String> {
    let storage = entry.storage(context)?;
    let params = entry.params()?;
    let prefix = storage.key(&params).map_err(|error| error.to_string())?;
    let mut pairs = Vec::new();
    for change in entry.list("raw_changes")? {
        let part = |at: usize| bytes(change.get(at).unwrap_or(&Json::Null));
        let key = part(0)?;
        if !key.starts_with(&prefix) {
            return Err("a key outside its map".to_owned());
        }
        let keys = storage.decode_key(&key).map_err(|error| error.to_string())?;
        let rest: Vec<Json> = keys.iter().skip(params.len()).map(to_json).collect();
        let key = match rest.as_slice() {
            [one] => one.clone(),
            several => Json::from(several),
        };
        let value: Value = storage.decode(&part(1)?).map_err(|error| error.to_string())?;
        pairs.push(Json::from(vec![key, to_json(&value)]));
    }
    // Pairs have no order of their own: keep the file's.
    if let Ok(expected) = entry.list("pairs") {
        let place = |pair: &Json| expected.iter().position(|other| other.get(0) == pair.get(0));
        pairs.sort_by_key(|pair| place(pair).unwrap_or(usize::MAX));
    }
    Ok(vec![entry.at("prefix_hex", hexadecimal(&prefix)), entry.at("pairs", pairs)])
}

pub(super) fn runtime_call(context: &Context, entry: &Entry) -> Result<Vec<Computed>, String> {
    let api = context
        .metadata
        .runtime_api(entry.text("api")?, entry.text("method")?)
        .map_err(|error| error.to_string())?;
    let params = api.encode_args(&entry.params()?).map_err(|error| error.to_string())?;
    let decoded = api.decode(&entry.bytes("raw_hex")?).map_err(|error| error.to_string())?;
    Ok(vec![
        // The vectors write these bytes without a prefix.
        entry.at("encoded_params_hex", hex::encode(params)),
        entry.at("decoded", to_json(&decoded)),
    ])
}
