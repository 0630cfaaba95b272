//! `system_*` and `rpc_methods`: what the node says about itself.

use serde_json::{Value, json as value};

use super::{
    Answer, RpcError,
    chain::state_at,
    json::{self, Params},
    method_names,
};
use crate::local::node::Node;

pub(super) fn methods(_: &mut Node, _: &mut Params) -> Result<Answer, RpcError> {
    Ok(method_names().into())
}

pub(super) fn chain(node: &mut Node, _: &mut Params) -> Result<Answer, RpcError> {
    Ok(Value::from(node.config.name.as_str()).into())
}

pub(super) fn chain_type(_: &mut Node, _: &mut Params) -> Result<Answer, RpcError> {
    Ok(Value::from("Local").into())
}

pub(super) fn name(_: &mut Node, _: &mut Params) -> Result<Answer, RpcError> {
    Ok(Value::from("tensor local chain").into())
}

pub(super) fn version(_: &mut Node, _: &mut Params) -> Result<Answer, RpcError> {
    Ok(Value::from(env!("CARGO_PKG_VERSION")).into())
}

pub(super) fn properties(_: &mut Node, _: &mut Params) -> Result<Answer, RpcError> {
    Ok(value!({ "ss58Format": 42, "tokenDecimals": 9, "tokenSymbol": "TAO" }).into())
}

pub(super) fn health(_: &mut Node, _: &mut Params) -> Result<Answer, RpcError> {
    Ok(value!({ "peers": 0, "isSyncing": false, "shouldHavePeers": false }).into())
}

pub(super) fn peers(_: &mut Node, _: &mut Params) -> Result<Answer, RpcError> {
    Ok(value!([]).into())
}

pub(super) fn roles(_: &mut Node, _: &mut Params) -> Result<Answer, RpcError> {
    Ok(value!(["Authority"]).into())
}

pub(super) fn sync_state(node: &mut Node, _: &mut Params) -> Result<Answer, RpcError> {
    let head = node.history.head();
    Ok(value!({ "startingBlock": 0, "currentBlock": head, "highestBlock": head }).into())
}

/// What a transaction would come to in the next block.
pub(super) fn dry_run(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let bytes = params.bytes()?;
    let at = state_at(node, params.hash()?)?;
    Ok(Value::from(json::hex(&node.dry_run(&bytes, at))).into())
}
