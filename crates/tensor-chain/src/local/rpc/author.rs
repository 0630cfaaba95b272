//! `author_*`, nonces and fees: what concerns transactions before and after their block.

use serde_json::{Value, json as value};
use tensor_core::account::AccountId;

use super::{
    Answer, RpcError,
    chain::state_at,
    json::{self, Params},
    subscription::Subscription,
};
use crate::local::{config::Sealing, extrinsic::Extrinsic, fee::Class, node::Node};

pub(super) fn submit(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let hash = node.submit(&params.bytes()?, None)?;
    seal_if_instant(node);
    Ok(Value::from(json::hex(&hash)).into())
}

pub(super) fn submit_and_watch(
    node: &mut Node,
    params: &mut Params,
    subscription: &Subscription,
) -> Result<(), RpcError> {
    node.submit(&params.bytes()?, Some(subscription.feed()))?;
    seal_if_instant(node);
    Ok(())
}

pub(super) fn pending(node: &mut Node, _: &mut Params) -> Result<Answer, RpcError> {
    let list = node.pool.extrinsics().map(|e| Value::from(json::hex(&e.bytes))).collect();
    Ok(Value::Array(list).into())
}

pub(super) fn next_index(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let who = account(&params.next())?;
    let nonce = node.runtime.account_nonce(&node.state, &who);
    Ok(Value::from(node.pool.next_nonce(&who, nonce)).into())
}

pub(super) fn query_info(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let extrinsic = extrinsic(node, params)?;
    let weight = node.weight(&extrinsic);
    let tip = extrinsic.signed.as_ref().map_or(0, |s| s.tip);
    let fee = if node.config.fees { weight.fee(extrinsic.bytes.len(), tip) } else { 0 };
    let class = match weight.class {
        Class::Normal => "normal",
        Class::Operational => "operational",
        Class::Mandatory => "mandatory",
    };
    Ok(value!({
        "weight": { "ref_time": weight.ref_time, "proof_size": weight.proof_size },
        "class": class,
        "partialFee": fee.to_string(),
    })
    .into())
}

pub(super) fn query_fee_details(node: &mut Node, params: &mut Params) -> Result<Answer, RpcError> {
    let extrinsic = extrinsic(node, params)?;
    let weight = node.weight(&extrinsic);
    let parts = node.config.fees.then(|| weight.inclusion_parts(extrinsic.bytes.len())).flatten();
    let inclusion = parts.map(|(base, length, weight)| {
        value!({
            "baseFee": format!("{base:#x}"),
            "lenFee": format!("{length:#x}"),
            "adjustedWeightFee": format!("{weight:#x}"),
        })
    });
    Ok(value!({ "inclusionFee": inclusion }).into())
}

/// An extrinsic whose fee is asked for, after the check of the block that is named with it.
fn extrinsic(node: &mut Node, params: &mut Params) -> Result<Extrinsic, RpcError> {
    let bytes = params.bytes()?;
    state_at(node, params.hash()?)?;
    Extrinsic::decode(&bytes, &node.interface)
        .map_err(|e| RpcError::new(1_001, format!("Extrinsic has invalid format: {e}"), None))
}

/// An account as SS58 text, as hex, or as an array of bytes.
fn account(given: &Value) -> Result<[u8; 32], RpcError> {
    let invalid = || RpcError::invalid_params("an account id is expected");
    match given {
        Value::String(text) if text.starts_with("0x") => {
            json::unhex(text).and_then(|bytes| bytes.try_into().ok()).ok_or_else(invalid)
        }
        Value::String(text) => {
            text.parse::<AccountId>().map(|a| a.to_bytes()).map_err(|_| invalid())
        }
        Value::Array(items) => {
            let byte = |item: &Value| item.as_u64().and_then(|b| u8::try_from(b).ok());
            let bytes: Option<Vec<u8>> = items.iter().take(33).map(byte).collect();
            bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(invalid)
        }
        _ => Err(invalid()),
    }
}

fn seal_if_instant(node: &mut Node) {
    if node.config.sealing == Sealing::Instant {
        node.produce();
    }
}
