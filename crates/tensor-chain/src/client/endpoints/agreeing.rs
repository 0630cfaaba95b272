//! Several nodes asked at once, so that one alone cannot lie about a block: [`Agreeing`].

use futures::future::join_all;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use subxt::rpcs::client::{RawRpcFuture, RawRpcSubscription};
use subxt::rpcs::{Error as RpcError, RpcClient, RpcClientT};

/// Nodes of one chain that must agree on what a block holds.
///
/// Whatever is asked of a block by its hash (storage, runtime APIs, its body, its header) is asked of all
/// of them, and answered when `least` answers are the same; else the error is
/// [`Error::Disagreement`](crate::Error::Disagreement). So no false balance and no false event gets
/// through while fewer than `least` of them lie together. Everything else (the newest block, submission,
/// subscriptions) is the first one's: it can show an old head, against which
/// [`Endpoints::check`](super::Endpoints::check) helps, but not a block that is none.
///
/// Reads at the newest block name no hash: read through [`Subtensor::pinned`](crate::Subtensor::pinned).
#[derive(Clone, Debug)]
pub struct Agreeing {
    nodes: Vec<RpcClient>,
    least: usize,
}

/// The nodes did not agree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("of {nodes} nodes, {most} at most gave the same answer to {method}; {least} must")]
#[non_exhaustive]
pub struct Disagreement {
    /// What was asked.
    pub method: String,
    /// How many were asked.
    pub nodes: usize,
    /// How many must agree.
    pub least: usize,
    /// How many did.
    pub most: usize,
}

impl Agreeing {
    /// These nodes, of which `least` must agree; all of them if `least` is more than they are. The first
    /// one is asked for what names no block.
    pub fn new(nodes: impl IntoIterator<Item = RpcClient>, least: usize) -> Self {
        let nodes: Vec<_> = nodes.into_iter().collect();
        let least = least.clamp(1, nodes.len().max(1));
        Self { nodes, least }
    }

    fn first(&self) -> Result<&RpcClient, RpcError> {
        self.nodes.first().ok_or_else(|| RpcError::Client("there is no node".into()))
    }

    async fn agree(
        &self,
        method: &str,
        params: Option<Box<RawValue>>,
    ) -> Result<Box<RawValue>, RpcError> {
        let asked = self.nodes.iter().map(|node| node.request_raw(method, params.clone()));
        let mut answers: Vec<(Json, Box<RawValue>, usize)> = Vec::new();
        let mut failure = None;
        for answer in join_all(asked).await {
            let raw = match answer {
                Ok(raw) => raw,
                Err(error) => {
                    failure.get_or_insert(error);
                    continue;
                }
            };
            // As values: two nodes may write the same thing in another order.
            let value: Json = serde_json::from_str(raw.get()).map_err(RpcError::Deserialization)?;
            match answers.iter_mut().find(|(known, ..)| *known == value) {
                Some((.., count)) => *count += 1,
                None => answers.push((value, raw, 1)),
            }
        }
        let most = answers.iter().map(|(.., count)| *count).max().unwrap_or(0);
        match (answers.into_iter().find(|(.., count)| *count >= self.least), failure) {
            (Some((_, raw, _)), _) => Ok(raw),
            // They say nothing different; they do not say enough.
            (None, Some(error)) if most == 0 => Err(error),
            _ => Err(RpcError::Client(Box::new(Disagreement {
                method: method.to_owned(),
                nodes: self.nodes.len(),
                least: self.least,
                most,
            }))),
        }
    }
}

impl RpcClientT for Agreeing {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        if is_of_a_block(method, params.as_deref()) {
            return Box::pin(self.agree(method, params));
        }
        Box::pin(async move { self.first()?.request_raw(method, params).await })
    }

    fn subscribe_raw<'a>(
        &'a self,
        sub: &'a str,
        params: Option<Box<RawValue>>,
        unsub: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        Box::pin(async move { self.first()?.subscribe_raw(sub, params, unsub).await })
    }
}

/// Whether a request names the block that it asks about: by its hash, in the last place of its parameters.
fn is_of_a_block(method: &str, params: Option<&RawValue>) -> bool {
    let place = match method {
        "chain_getBlock" | "chain_getHeader" | "state_getMetadata" | "state_getRuntimeVersion" => 0,
        "state_getStorage" | "state_queryStorageAt" => 1,
        "state_call" => 2,
        "state_getKeysPaged" => 3,
        _ => return false,
    };
    let params = params.and_then(|raw| serde_json::from_str::<Vec<Json>>(raw.get()).ok());
    params.is_some_and(|params| params.get(place).is_some_and(Json::is_string))
}
