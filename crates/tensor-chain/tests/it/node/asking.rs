//! JSON-RPC as the tests ask it: one request, one subscription, bytes as text.

use futures::{FutureExt, StreamExt};
use serde_json::{Value, value::to_raw_value};
use tensor_chain::local::{LocalChain, rpc::Subscription};

pub(crate) fn rpc(chain: &LocalChain, method: &str, params: Value) -> Value {
    let params = to_raw_value(&params).unwrap();
    let answer = chain.rpc().request(method, Some(&params)).unwrap();
    serde_json::from_str(answer.get()).unwrap()
}

pub(crate) fn subscribe(chain: &LocalChain, method: &str, params: Value) -> Subscription {
    let params = to_raw_value(&params).unwrap();
    chain.rpc().subscribe(method, Some(&params)).unwrap()
}

/// Everything that is queued now.
pub(crate) fn queued(subscription: &mut Subscription) -> Vec<Value> {
    let mut items = Vec::new();
    while let Some(Some(item)) = subscription.next().now_or_never() {
        items.push(serde_json::from_str(item.get()).unwrap());
    }
    items
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
