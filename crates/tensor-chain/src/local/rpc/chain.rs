//! `chain_*`: blocks, headers, heads, and the runtime's version at a block.

use serde_json::{Value, json as value};

use super::{
    Answer, RpcError,
    json::{self, Params},
    null,
    subscription::{Item, Subscription},
};
use crate::local::{
    block::Hash,
    history::{Block, Lookup},
    interface::RuntimeVersion,
    node::Node,
};

pub(super) fn block_hash(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let hash = |number: Option<u64>| match number {
        None => Some(node.history.head_hash()),
        Some(number) => u32::try_from(number).ok().and_then(|n| node.history.hash(n)),
    };
    let text = |hash: Option<Hash>| hash.map_or(Value::Null, |h| json::hex(&h).into());
    match params.next() {
        // A node answers a list with a list.
        Value::Array(numbers) if numbers.len() <= MAX_LIST => {
            let hashes: Result<Vec<_>, RpcError> =
                numbers.iter().map(|n| Ok(text(hash(json::number_of(n)?)))).collect();
            Ok(Value::Array(hashes?).into())
        }
        number => Ok(text(hash(json::number_of(&number)?)).into()),
    }
}

pub(super) fn finalized_head(node: &mut Node, _: &mut Params) -> Result<Answer, RpcError> {
    let hash = node.history.hash(node.finalized).unwrap_or_default();
    Ok(Value::from(json::hex(&hash)).into())
}

pub(super) fn header(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let block = find(node, params.hash()?);
    Ok(block.map_or(Value::Null, |b| json::header(&b.header)).into())
}

pub(super) fn block(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let Some(block) = find(node, params.hash()?) else { return Ok(null()) };
    let extrinsics: Vec<String> = block.extrinsics.iter().map(|e| json::hex(e)).collect();
    Ok(value!({
        "block": { "header": json::header(&block.header), "extrinsics": extrinsics },
        "justifications": null,
    })
    .into())
}

pub(super) fn runtime_version(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let at = state_at(node, params.hash()?)?;
    Ok(version(node.runtime_at(at).0.version()).into())
}

pub(super) fn subscribe_new(
    node: &mut Node,
    _: &mut Params,
    subscription: &Subscription,
) -> Result<(), RpcError> {
    let feed = subscription.feed();
    if let Some(block) = node.history.block(node.history.head()) {
        feed.send(Item::Head(block.header.clone()));
    }
    node.feeds.new_heads.push(feed);
    Ok(())
}

pub(super) fn subscribe_finalized(
    node: &mut Node,
    _: &mut Params,
    subscription: &Subscription,
) -> Result<(), RpcError> {
    let feed = subscription.feed();
    if let Some(block) = node.history.block(node.finalized) {
        feed.send(Item::Head(block.header.clone()));
    }
    node.feeds.finalized_heads.push(feed);
    Ok(())
}

pub(super) fn subscribe_version(
    node: &mut Node,
    _: &mut Params,
    subscription: &Subscription,
) -> Result<(), RpcError> {
    let feed = subscription.feed();
    feed.send(Item::Json(version(node.interface.version()).to_string().into()));
    node.feeds.runtime_version.push(feed);
    Ok(())
}

/// The height whose state is meant: that of `hash`, or the newest.
pub(super) fn state_at(node: &Node, hash: Option<Hash>) -> Result<u32, RpcError> {
    let Some(hash) = hash else { return Ok(node.history.head()) };
    match node.history.lookup(&hash) {
        Lookup::Kept(number) => Ok(number),
        Lookup::Discarded => Err(RpcError::discarded(&hash)),
        Lookup::Unknown => Err(RpcError::unknown_block(&hash)),
    }
}

/// `RuntimeVersion` as clients read it.
pub(super) fn version(version: &RuntimeVersion) -> Value {
    let apis: Vec<Value> =
        version.apis.iter().map(|(id, number)| value!([json::hex(id), number])).collect();
    value!({
        "specName": version.spec_name,
        "implName": version.impl_name,
        "authoringVersion": version.authoring_version,
        "specVersion": version.spec_version,
        "implVersion": version.impl_version,
        "apis": apis,
        "transactionVersion": version.transaction_version,
        "systemVersion": version.system_version,
        "stateVersion": version.system_version,
    })
}

/// A kept block, or one that was replaced not long ago.
fn find(node: &Node, hash: Option<Hash>) -> Option<&Block> {
    let Some(hash) = hash else { return node.history.block(node.history.head()) };
    match node.history.lookup(&hash) {
        Lookup::Kept(number) => node.history.block(number),
        Lookup::Discarded | Lookup::Unknown => node.history.replaced(&hash),
    }
}

/// Most numbers in one request for hashes.
const MAX_LIST: usize = 1_000;
