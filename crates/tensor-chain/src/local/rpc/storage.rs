//! `state_*`: raw storage by key, key listings, runtime APIs, metadata, and storage subscriptions.

use std::collections::HashSet;

use serde_json::{Value, json as value};
use sp_crypto_hashing::blake2_256;

use super::{
    Answer, RpcError,
    chain::state_at,
    feeds::{self, StorageFeed},
    json::{self, Params},
    subscription::{Item, Subscription},
};
use crate::local::{node::Node, state::Bytes};

/// Largest page of keys, as a node allows.
const MAX_PAGE: u64 = 1_000;
/// Most keys in one query or subscription.
const MAX_KEYS: usize = 8_192;
/// Most keys that `state_getKeys` lists.
const MAX_LISTED: usize = 1_048_576;

pub(super) fn get(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let found = read(node, params)?;
    Ok(found.map_or(Value::Null, |bytes| json::hex(&bytes).into()).into())
}

pub(super) fn hash(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let found = read(node, params)?;
    Ok(found.map_or(Value::Null, |bytes| json::hex(&blake2_256(&bytes)).into()).into())
}

pub(super) fn size(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let found = read(node, params)?;
    Ok(found.map_or(Value::Null, |bytes| bytes.len().into()).into())
}

pub(super) fn query_at(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let keys = params.list(MAX_KEYS)?;
    let at = state_at(node, params.hash()?)?;
    let change = |key: &Vec<u8>| {
        let bytes = node.history.value_at(&node.state, key, at);
        value!([json::hex(key), bytes.map(|b| json::hex(&b))])
    };
    let changes: Vec<Value> = keys.iter().map(change).collect();
    let block = node.history.hash(at).unwrap_or_default();
    Ok(value!([{ "block": json::hex(&block), "changes": changes }]).into())
}

/// The values of keys over a range of blocks: all at the first, then those that changed.
pub(super) fn query(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let keys = params.list(MAX_KEYS)?;
    let from = params.hash()?.ok_or_else(|| RpcError::invalid_params("a block hash is missing"))?;
    let from = state_at(node, Some(from))?;
    let to = state_at(node, params.hash()?)?;
    let blocks = u64::from(to.saturating_sub(from)).saturating_add(1);
    if to < from || blocks > MAX_PAGE {
        let text = format!("Cannot resolve a block range ['{from}' ... '{to}].");
        return Err(RpcError::new(4_001, text, None));
    }
    let mut last: Vec<Option<Bytes>> = Vec::new();
    let mut sets = Vec::new();
    for number in from..=to {
        let now: Vec<_> =
            keys.iter().map(|k| node.history.value_at(&node.state, k, number)).collect();
        let mut changes = Vec::new();
        for (index, (key, bytes)) in keys.iter().zip(&now).enumerate() {
            if number == from || last.get(index) != Some(bytes) {
                changes.push(value!([json::hex(key), bytes.as_ref().map(|b| json::hex(b))]));
            }
        }
        if !changes.is_empty() {
            let block = node.history.hash(number).unwrap_or_default();
            sets.push(value!({ "block": json::hex(&block), "changes": changes }));
        }
        last = now;
    }
    Ok(Value::Array(sets).into())
}

pub(super) fn keys(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let prefix = params.bytes()?;
    let at = state_at(node, params.hash()?)?;
    let list = node.history.with_state_at(&mut node.state, at, |state| {
        let keys = state.keys_with_prefix(&prefix).take(MAX_LISTED);
        keys.map(|key| Value::from(json::hex(key))).collect()
    });
    Ok(Value::Array(list).into())
}

pub(super) fn keys_paged(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let prefix = params.optional_bytes()?.unwrap_or_default();
    let count = params.number()?.ok_or_else(|| RpcError::invalid_params("a count is missing"))?;
    let start = params.optional_bytes()?.unwrap_or_default();
    let at = state_at(node, params.hash()?)?;
    if count > MAX_PAGE {
        return Err(RpcError::page_too_large(count, MAX_PAGE));
    }
    let count = usize::try_from(count).unwrap_or_default();
    let list = node.history.with_state_at(&mut node.state, at, |state| {
        let keys = state.keys_after(&prefix, &start).take(count);
        keys.map(|key| Value::from(json::hex(key))).collect()
    });
    Ok(Value::Array(list).into())
}

pub(super) fn call(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let name = params.text()?;
    let args = params.bytes()?;
    let at = state_at(node, params.hash()?)?;
    if name == "Metadata_metadata_at_version" && args == [15, 0, 0, 0] {
        return Ok(Answer::Text(node.runtime_at(at).1.at_version_15_json().clone()));
    }
    let bytes = node.call_api(&name, &args, at)?;
    Ok(Value::from(json::hex(&bytes)).into())
}

pub(super) fn metadata(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let at = state_at(node, params.hash()?)?;
    Ok(Value::from(json::hex(node.runtime_at(at).1.v14())).into())
}

pub(super) fn subscribe(
    node: &mut Node,
    params: &mut Params,
    subscription: &Subscription,
) -> Result<(), RpcError> {
    let keys = params.list(MAX_KEYS)?;
    let feed = subscription.feed();
    let changes: Vec<Value> =
        keys.iter().map(|key| value!([json::hex(key), feeds::value(&node.state, key)])).collect();
    let block = json::hex(&node.history.head_hash());
    feed.send(Item::Json(value!({ "block": block, "changes": changes }).to_string().into()));
    node.feeds.storage.push(StorageFeed { keys: HashSet::from_iter(keys), feed });
    Ok(())
}

fn read(node: &mut Node, params: &mut Params) -> Result<Option<Bytes>, RpcError> {
    let key = params.bytes()?;
    let at = state_at(node, params.hash()?)?;
    Ok(node.history.value_at(&node.state, &key, at))
}
