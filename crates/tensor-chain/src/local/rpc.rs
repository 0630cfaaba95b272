//! The node's JSON-RPC: one table of methods for the in-memory client and for the websocket server.

use std::sync::{Arc, PoisonError};

use futures::StreamExt;
use serde_json::{Value, json as value, value::RawValue};
use subxt::rpcs::{
    self, UserError,
    client::{RawRpcFuture, RawRpcSubscription, RpcClientT},
};

use super::{
    LocalChain,
    faults::{Delivery, Draws},
    node::Node,
};

mod author;
mod chain;
pub(crate) mod error;
pub(crate) mod feeds;
pub(crate) mod json;
pub(crate) mod metadata;
mod storage;
pub mod subscription;
mod system;

pub use error::RpcError;
pub use subscription::Subscription;

use json::Params;

/// The local chain's JSON-RPC in memory: a client of subxt without a socket, and what a server
/// serves.
///
/// Cheap to clone. Requests are answered at once, within the call; only subscriptions wait.
#[derive(Debug, Clone)]
pub struct LocalRpc {
    chain: LocalChain,
}

/// Methods that answer a request, with the names clients know them by.
const REQUESTS: &[(&[&str], Request)] = &[
    (&["author_pendingExtrinsics"], author::pending),
    (&["author_submitExtrinsic"], author::submit),
    (&["account_nextIndex", "system_accountNextIndex"], author::next_index),
    (&["chain_getBlock"], chain::block),
    (&["chain_getBlockHash", "chain_getHead"], chain::block_hash),
    (&["chain_getFinalizedHead", "chain_getFinalisedHead"], chain::finalized_head),
    (&["chain_getHeader"], chain::header),
    (&["chain_getRuntimeVersion", "state_getRuntimeVersion"], chain::runtime_version),
    (&["payment_queryFeeDetails"], author::query_fee_details),
    (&["payment_queryInfo"], author::query_info),
    (&["rpc_methods"], system::methods),
    (&["state_call", "state_callAt"], storage::call),
    (&["state_getKeys"], storage::keys),
    (&["state_getKeysPaged", "state_getKeysPagedAt"], storage::keys_paged),
    (&["state_getMetadata"], storage::metadata),
    (&["state_getStorage", "state_getStorageAt"], storage::get),
    (&["state_getStorageHash", "state_getStorageHashAt"], storage::hash),
    (&["state_getStorageSize", "state_getStorageSizeAt"], storage::size),
    (&["state_queryStorage"], storage::query),
    (&["state_queryStorageAt"], storage::query_at),
    (&["system_chain"], system::chain),
    (&["system_chainType"], system::chain_type),
    (&["system_dryRun", "system_dryRunAt"], system::dry_run),
    (&["system_health"], system::health),
    (&["system_name"], system::name),
    (&["system_nodeRoles"], system::roles),
    (&["system_peers"], system::peers),
    (&["system_properties"], system::properties),
    (&["system_syncState"], system::sync_state),
    (&["system_version"], system::version),
];

/// Methods that open a subscription: names, the name of its notifications, the names to end it.
const SUBSCRIPTIONS: &[(&[&str], &str, &[&str], Subscribe)] = &[
    (
        &["author_submitAndWatchExtrinsic"],
        "author_extrinsicUpdate",
        &["author_unwatchExtrinsic"],
        author::submit_and_watch,
    ),
    (
        &["chain_subscribeAllHeads"],
        "chain_allHead",
        &["chain_unsubscribeAllHeads"],
        chain::subscribe_new,
    ),
    (
        &["chain_subscribeNewHeads", "chain_subscribeNewHead", "subscribe_newHead"],
        "chain_newHead",
        &["chain_unsubscribeNewHeads", "chain_unsubscribeNewHead", "unsubscribe_newHead"],
        chain::subscribe_new,
    ),
    (
        &["chain_subscribeFinalizedHeads", "chain_subscribeFinalisedHeads"],
        "chain_finalizedHead",
        &["chain_unsubscribeFinalizedHeads", "chain_unsubscribeFinalisedHeads"],
        chain::subscribe_finalized,
    ),
    (
        &["state_subscribeRuntimeVersion", "chain_subscribeRuntimeVersion"],
        "state_runtimeVersion",
        &["state_unsubscribeRuntimeVersion", "chain_unsubscribeRuntimeVersion"],
        chain::subscribe_version,
    ),
    (
        &["state_subscribeStorage"],
        "state_storage",
        &["state_unsubscribeStorage"],
        storage::subscribe,
    ),
];

type Request = fn(&mut Node, &mut Params) -> Result<Answer, RpcError>;
type Subscribe = fn(&mut Node, &mut Params, &Subscription) -> Result<(), RpcError>;

/// The result of a request.
pub(crate) enum Answer {
    /// A JSON value.
    Value(Value),
    /// JSON text that is large and kept.
    Text(Arc<str>),
}

impl LocalRpc {
    pub(crate) fn new(chain: LocalChain) -> Self {
        Self { chain }
    }

    /// Answers one request. `params` is a JSON array, or nothing.
    ///
    /// # Errors
    ///
    /// The error that a node would answer, codes and texts included.
    pub fn request(
        &self,
        method: &str,
        params: Option<&RawValue>,
    ) -> Result<Box<RawValue>, RpcError> {
        let found = REQUESTS.iter().find(|(names, _)| names.contains(&method));
        let Some((_, handler)) = found else { return Err(RpcError::method_not_found()) };
        let mut params = Params::parse(params)?;
        let answer = {
            let mut node = self.chain.node().lock().unwrap_or_else(PoisonError::into_inner);
            handler(&mut node, &mut params)?
        };
        Ok(match answer {
            Answer::Value(value) => json::raw(&value),
            Answer::Text(text) => RawValue::from_string(String::from(&*text)).unwrap_or_default(),
        })
    }

    /// Opens one subscription. Its first notifications, if any, are already queued.
    ///
    /// # Errors
    ///
    /// The error that a node would answer; one with code -32006 when there are too many already.
    pub fn subscribe(
        &self,
        method: &str,
        params: Option<&RawValue>,
    ) -> Result<Subscription, RpcError> {
        let found = SUBSCRIPTIONS.iter().find(|(names, ..)| names.contains(&method));
        let Some((_, notification, _, handler)) = found else {
            return Err(RpcError::method_not_found());
        };
        let mut params = Params::parse(params)?;
        let mut node = self.chain.node().lock().unwrap_or_else(PoisonError::into_inner);
        if node.feeds.count() >= feeds::Feeds::MAX {
            return Err(RpcError::new(-32_006, "Too many subscriptions on the connection", None));
        }
        node.feeds.next_id = node.feeds.next_id.wrapping_add(1);
        let id = json::hex(&node.feeds.next_id.to_be_bytes());
        let subscription = Subscription::new(id, notification);
        handler(&mut node, &mut params, &subscription)?;
        Ok(subscription)
    }

    /// The names of all methods that [`request`](Self::request) answers.
    pub fn request_methods() -> impl Iterator<Item = &'static str> {
        REQUESTS.iter().flat_map(|(names, _)| names.iter().copied())
    }

    /// For each kind of subscription: the names that open it, the name of its notifications, and
    /// the names that end it.
    pub fn subscription_methods()
    -> impl Iterator<Item = (&'static [&'static str], &'static str, &'static [&'static str])> {
        SUBSCRIPTIONS.iter().map(|(open, notification, close, _)| (*open, *notification, *close))
    }

    /// Carries a request out over a connection that may break.
    fn deliver<T>(
        &self,
        request: impl FnOnce() -> Result<T, rpcs::Error>,
    ) -> Result<T, rpcs::Error> {
        let delivery = {
            let mut node = self.chain.node().lock().unwrap_or_else(PoisonError::into_inner);
            node.faults.as_mut().map_or(Delivery::Whole, Draws::delivery)
        };
        let lost = || Err(rpcs::Error::DisconnectedWillReconnect("the connection broke".into()));
        match delivery {
            Delivery::Whole => request(),
            Delivery::RequestLost => lost(),
            Delivery::AnswerLost => request().and_then(|_| lost()),
        }
    }

    /// The chain behind it.
    #[must_use]
    pub fn chain(&self) -> &LocalChain {
        &self.chain
    }
}

impl RpcClientT for LocalRpc {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        Box::pin(async move {
            self.deliver(|| self.request(method, params.as_deref()).map_err(user_error))
        })
    }

    fn subscribe_raw<'a>(
        &'a self,
        sub: &'a str,
        params: Option<Box<RawValue>>,
        _unsub: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        Box::pin(async move {
            let subscription =
                self.deliver(|| self.subscribe(sub, params.as_deref()).map_err(user_error))?;
            let id = Some(subscription.id().to_owned());
            Ok(RawRpcSubscription { stream: Box::pin(subscription.map(Ok)), id })
        })
    }
}

fn user_error(error: RpcError) -> rpcs::Error {
    rpcs::Error::User(UserError {
        code: error.code,
        message: error.message,
        data: error.data.map(|data| json::raw(&Value::String(data))),
    })
}

/// A runtime's version as clients read it.
pub(crate) fn version_json(version: &super::interface::RuntimeVersion) -> String {
    chain::version(version).to_string()
}

/// A null answer.
fn null() -> Answer {
    Answer::Value(Value::Null)
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

/// `rpc_methods`: what is really there.
fn method_names() -> Value {
    let mut names: Vec<&str> = LocalRpc::request_methods().collect();
    for (open, _, close) in LocalRpc::subscription_methods() {
        names.extend(open);
        names.extend(close);
    }
    names.sort_unstable();
    value!({ "methods": names })
}
