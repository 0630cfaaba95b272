//! For tests of programs that use the client: [`FaultyRpc`], a connection to a local chain whose faults are
//! scripted, and [`with_blocks`], which makes blocks while a future waits.
//!
//! ```
//! use tensor_chain::local::LocalChain;
//! use tensor_chain::testing::{Fault, FaultyRpc, with_blocks};
//! use tensor_chain::{Subtensor, intent::Transfer};
//! use tensor_core::key::{Keypair, Scheme};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let chain = LocalChain::builder().build()?;
//! let alice = Keypair::from_uri("//Alice", Scheme::Sr25519)?;
//! let bob = Keypair::from_uri("//Bob", Scheme::Sr25519)?.account_id();
//! chain.fund(&alice.account_id(), 5_000_000_000);
//!
//! let rpc = FaultyRpc::new(&chain);
//! let client = futures::executor::block_on(Subtensor::from_rpc(rpc.clone()))?;
//! // The node gets the next submission, but its answer is lost on the way back.
//! rpc.script([Fault::AnswerLost]);
//! let gift = Transfer::new(bob, tensor_core::Tao::from_rao(7));
//! let receipt = with_blocks(&chain, 20, client.execute(&gift, &alice)).ok_or("no end")??;
//! assert!(receipt.event("Balances", "Transfer").is_some(), "found on chain, and sent once");
//! # Ok(())
//! # }
//! ```

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::future::{self, BoxFuture};
use futures::stream::{self, BoxStream};
use futures::task::AtomicWaker;
use futures::{FutureExt, StreamExt};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use subxt::rpcs::client::{RawRpcFuture, RawRpcSubscription};
use subxt::rpcs::{Error as RpcError, RpcClient, RpcClientT};
use tensor_core::BoxError;

use crate::client::endpoints::Dial;
use crate::local::{LocalChain, LocalRpc};

/// Runs a future on this thread; whenever it waits, a block is made. `None` when so many were not enough.
pub fn with_blocks<T>(chain: &LocalChain, most: u32, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..most {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        chain.advance(1);
    }
    None
}

/// What happens to a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The node gets it, the answer is lost.
    AnswerLost,
    /// The node never gets it, and the connection breaks.
    RequestLost,
    /// The node gets it, and after the first update nothing comes any more: the updates end.
    Silent,
    /// The node says that it is in the newest block, takes that back, and then tells what really happens.
    Retracted,
    /// The node says that it is in the newest block, and forgets it.
    FalseSuccess,
    /// The node never gets it, and never says anything.
    Stalled,
    /// The node gets it, and says that it threw it out.
    FalseDrop,
}

/// What the connection does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line {
    /// It works.
    #[default]
    Up,
    /// It is cut: requests fail, subscriptions end, nobody can dial.
    Down,
    /// It is open and says nothing: requests and subscriptions hang.
    Stalled,
}

/// A connection to a local chain that fails as it is told to. A clone is the same connection.
#[derive(Clone)]
pub struct FaultyRpc {
    inner: LocalRpc,
    chain: LocalChain,
    state: Arc<Mutex<State>>,
}

type Hook = Box<dyn FnOnce(&LocalChain) + Send>;

/// A result, or an error's code and message.
type Scripted = Result<Box<RawValue>, (i32, String)>;

#[derive(Default)]
struct State {
    line: Line,
    watchers: Vec<Arc<AtomicWaker>>,
    submissions: VecDeque<Fault>,
    before_submission: Option<Hook>,
    lost: u32,
    answers: HashMap<String, VecDeque<Scripted>>,
    asked: HashMap<String, u64>,
}

impl FaultyRpc {
    /// A connection without faults.
    pub fn new(chain: &LocalChain) -> Self {
        Self { inner: chain.rpc(), chain: chain.clone(), state: Arc::default() }
    }

    /// What happens to the next submissions, one each; after them, nothing.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().submissions.extend(faults);
    }

    /// Loses the next requests: each is told that the connection is gone and comes back.
    pub fn lose(&self, requests: u32) {
        self.state().lost = requests;
    }

    /// Answers the next request of a method with this, whatever is true. Several wait in order.
    pub fn answer(&self, method: impl Into<String>, result: serde_json::Value) {
        // A JSON value is always text.
        if let Ok(raw) = to_raw_value(&result) {
            self.state().answers.entry(method.into()).or_default().push_back(Ok(raw));
        }
    }

    /// Answers the next request of a method with this error.
    pub fn refuse(&self, method: impl Into<String>, code: i32, message: impl Into<String>) {
        let error = Err((code, message.into()));
        self.state().answers.entry(method.into()).or_default().push_back(error);
    }

    /// Runs this when the next submission arrives, before the node sees it: what happens between signing
    /// and submitting.
    pub fn before_submission(&self, hook: impl FnOnce(&LocalChain) + Send + 'static) {
        self.state().before_submission = Some(Box::new(hook));
    }

    /// Cuts, stalls or mends the connection; subscriptions that it has notice at once.
    pub fn set_line(&self, line: Line) {
        let mut state = self.state();
        state.line = line;
        state.watchers.iter().for_each(|watcher| watcher.wake());
    }

    /// How often a method was asked for.
    pub fn asked(&self, method: &str) -> u64 {
        self.state().asked.get(method).copied().unwrap_or(0)
    }

    /// This connection as one of several [`Endpoints`](crate::client::endpoints::Endpoints).
    pub fn endpoint(&self, name: impl Into<String>) -> Box<dyn Dial> {
        Box::new(Named { name: name.into(), rpc: self.clone() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A subscription that ends or hangs with the line.
    fn watched(
        &self,
        mut items: BoxStream<'static, Result<Box<RawValue>, RpcError>>,
    ) -> BoxStream<'static, Result<Box<RawValue>, RpcError>> {
        let waker = Arc::new(AtomicWaker::new());
        self.state().watchers.push(Arc::clone(&waker));
        let state = Arc::clone(&self.state);
        stream::poll_fn(move |context| {
            waker.register(context.waker());
            let line = state.lock().unwrap_or_else(PoisonError::into_inner).line;
            match line {
                Line::Up => items.poll_next_unpin(context),
                Line::Down => Poll::Ready(None),
                Line::Stalled => Poll::Pending,
            }
        })
        .boxed()
    }

    async fn submission(
        &self,
        fault: Fault,
        sub: &str,
        params: Option<Box<RawValue>>,
        unsub: &str,
    ) -> Result<RawRpcSubscription, RpcError> {
        let newest = || {
            let hash = self.chain.block_hash(self.chain.block_number()).unwrap_or_default();
            format!("0x{}", hex::encode(hash))
        };
        let update = |json: serde_json::Value| to_raw_value(&json).map_err(RpcError::Serialization);
        let only = |updates: Vec<Result<_, _>>| RawRpcSubscription {
            stream: stream::iter(updates).chain(stream::pending()).boxed(),
            id: None,
        };
        match fault {
            Fault::RequestLost => return Err(gone()),
            Fault::Stalled => return Ok(only(vec![update("ready".into())])),
            Fault::FalseSuccess => {
                return Ok(only(vec![update(json!({ "inBlock": newest() }))]));
            }
            _ => {}
        }
        let real = self.inner.subscribe_raw(sub, params, unsub).await?;
        Ok(match fault {
            Fault::AnswerLost => return Err(gone()),
            Fault::Silent => RawRpcSubscription { stream: real.stream.take(1).boxed(), id: None },
            Fault::FalseDrop => only(vec![update("dropped".into())]),
            Fault::Retracted => {
                let block = newest();
                let first = [json!({ "inBlock": block }), json!({ "retracted": block })];
                let updates = stream::iter(first.map(update)).chain(real.stream).boxed();
                RawRpcSubscription { stream: updates, id: None }
            }
            Fault::RequestLost | Fault::Stalled | Fault::FalseSuccess => real,
        })
    }
}

impl RpcClientT for FaultyRpc {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        let mut state = self.state();
        *state.asked.entry(method.to_owned()).or_default() += 1;
        match state.line {
            Line::Up => {}
            Line::Down => return Box::pin(future::ready(Err(gone()))),
            Line::Stalled => return Box::pin(future::pending()),
        }
        if state.lost > 0 {
            state.lost -= 1;
            let lost = RpcError::DisconnectedWillReconnect("the cable was pulled".to_owned());
            return Box::pin(future::ready(Err(lost)));
        }
        match state.answers.get_mut(method).and_then(VecDeque::pop_front) {
            Some(Ok(answer)) => Box::pin(future::ready(Ok(answer))),
            Some(Err((code, message))) => {
                let error = subxt::rpcs::UserError { code, message, data: None };
                Box::pin(future::ready(Err(RpcError::User(error))))
            }
            None => self.inner.request_raw(method, params),
        }
    }

    fn subscribe_raw<'a>(
        &'a self,
        sub: &'a str,
        params: Option<Box<RawValue>>,
        unsub: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        let (fault, hook) = {
            let mut state = self.state();
            *state.asked.entry(sub.to_owned()).or_default() += 1;
            match state.line {
                Line::Up => {}
                Line::Down => return Box::pin(future::ready(Err(gone()))),
                Line::Stalled => return Box::pin(future::pending()),
            }
            match sub {
                "author_submitAndWatchExtrinsic" => {
                    (state.submissions.pop_front(), state.before_submission.take())
                }
                _ => (None, None),
            }
        };
        Box::pin(async move {
            if let Some(hook) = hook {
                hook(&self.chain);
            }
            let mut subscription = match fault {
                Some(fault) => self.submission(fault, sub, params, unsub).await?,
                None => self.inner.subscribe_raw(sub, params, unsub).await?,
            };
            subscription.stream = self.watched(subscription.stream);
            Ok(subscription)
        })
    }
}

impl std::fmt::Debug for FaultyRpc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultyRpc").field("line", &self.state().line).finish_non_exhaustive()
    }
}

fn gone() -> RpcError {
    RpcError::Client("the connection is gone".into())
}

struct Named {
    name: String,
    rpc: FaultyRpc,
}

impl Dial for Named {
    fn name(&self) -> &str {
        &self.name
    }

    fn dial(&self) -> BoxFuture<'_, Result<RpcClient, BoxError>> {
        async {
            match self.rpc.state().line {
                Line::Down => Err("connection refused".into()),
                _ => Ok(RpcClient::new(self.rpc.clone())),
            }
        }
        .boxed()
    }
}
