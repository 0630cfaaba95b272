//! Several endpoints as one: [`Endpoints`], with failover, an archive for old blocks, and health by the
//! age of the head.
//!
//! A failed request goes to the next endpoint; a submission never does once it was sent, since the first
//! may have it: the client then looks for it on chain. Every endpoint must be of the same chain; one that
//! is not is refused before it is used. To have several nodes vouch for the same answer, see [`Agreeing`].

mod agreeing;
mod endpoint;
mod pool;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use serde_json::value::RawValue;
use subxt::rpcs::client::{RawRpcFuture, RawRpcSubscription, RpcParams};
use subxt::rpcs::{Error as RpcError, RpcClient, RpcClientT};
use tensor_core::BoxError;

pub use agreeing::{Agreeing, Disagreement};

use crate::error::Error;
use endpoint::{Connection, Endpoint, Waiting};
use pool::{Inner, is_submission};

/// Opens connections to one endpoint.
pub trait Dial: Send + Sync + 'static {
    /// What the endpoint is called in errors: its address.
    fn name(&self) -> &str;

    /// Opens a connection.
    fn dial(&self) -> BoxFuture<'_, Result<RpcClient, BoxError>>;
}

/// Waits; what a runtime's timer does.
pub type Sleep = Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

/// Several endpoints of one chain, used one at a time.
#[derive(Clone)]
pub struct Endpoints(Arc<Inner>);

/// How long an endpoint may take before it counts as failed. Only where time can be told: see
/// [`Endpoints::with_sleep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// For a connection; 10 s unless said.
    pub dial: Duration,
    /// For an answer; 60 s unless said.
    pub answer: Duration,
    /// Between two heads of a subscription; 60 s unless said, five blocks of the public chain. A chain
    /// that makes blocks on demand wants more.
    pub heads: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let (dial, minute) = (Duration::from_secs(10), Duration::from_secs(60));
        Self { dial, answer: minute, heads: minute }
    }
}

impl Endpoints {
    /// How long an endpoint is left alone after a failure; twice that after the next in a row, and so on
    /// up to [`Self::LONGEST_PAUSE`]. So no endpoint that fails is dialled more than once a second.
    pub const PAUSE: Duration = Duration::from_secs(1);
    /// The longest that it is left alone.
    pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

    /// These endpoints, the first one preferred.
    pub fn new(endpoints: impl IntoIterator<Item = Box<dyn Dial>>) -> Self {
        let endpoints = endpoints.into_iter().map(Endpoint::new).collect();
        Self(Arc::new(Inner {
            endpoints,
            archives: Vec::new(),
            genesis_hash: OnceLock::new(),
            current: AtomicUsize::new(0),
            archive: AtomicUsize::new(0),
            failures: AtomicU64::new(0),
            waiting: Waiting { sleep: None, patience: Patience::default() },
        }))
    }

    /// Websocket addresses. Needs a tokio runtime.
    #[cfg(feature = "ws")]
    pub fn websockets<U: Into<String>>(urls: impl IntoIterator<Item = U>) -> Self {
        let dial = |url: U| Box::new(WebSocket(url.into())) as Box<dyn Dial>;
        let endpoints = Self::new(urls.into_iter().map(dial));
        endpoints.with_sleep(Arc::new(|time| Box::pin(tokio::time::sleep(time))))
    }

    /// Where to read blocks whose state the others have let go.
    #[must_use]
    pub fn with_archives(mut self, archives: impl IntoIterator<Item = Box<dyn Dial>>) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.archives = archives.into_iter().map(Endpoint::new).collect();
        }
        self
    }

    /// Which chain it must be, by the hash of block 0. Unless said, the first endpoint that answers
    /// decides, and every other one must be of its chain.
    #[must_use]
    pub fn with_genesis(mut self, genesis_hash: [u8; 32]) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.genesis_hash = genesis_hash.into();
        }
        self
    }

    /// How to wait. With it, endpoints that failed are left alone for a while, and one that does not
    /// answer, or whose heads stop, has failed although its socket is open; without it, neither.
    #[must_use]
    pub fn with_sleep(mut self, sleep: Sleep) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.waiting.sleep = Some(sleep);
        }
        self
    }

    /// How long to wait for an endpoint.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.waiting.patience = patience;
        }
        self
    }

    /// Connects to the first endpoint that answers, each asked once: for a start that fails at once where
    /// nothing is there. Requests connect by themselves.
    ///
    /// # Errors
    /// [`Error::Disconnected`] when none answers.
    pub async fn open(&self) -> Result<(), Error> {
        let opened = self.0.ask(1, false, |_| async { Ok(()) }.boxed()).await;
        opened.map(|_| ()).map_err(|error| Error::Disconnected(error.into()))
    }

    /// The endpoint in use.
    pub fn current(&self) -> Option<&str> {
        let inner = &self.0;
        let place = inner.current.load(Ordering::Relaxed).checked_rem(inner.endpoints.len())?;
        inner.endpoints.get(place).map(|endpoint| endpoint.dial.name())
    }

    /// How many requests failed for want of a connection.
    pub fn failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }

    /// Asks the endpoint in use for its head. One whose newest block is older than `oldest` by `now_ms`,
    /// or that does not answer, is left for the next: an open socket that tells nothing new is a failure.
    /// Whether it was left.
    ///
    /// # Errors
    /// [`Error::Disconnected`] when no endpoint has a younger head.
    pub async fn check(&self, now_ms: u64, oldest: Duration) -> Result<bool, Error> {
        let most = u64::try_from(oldest.as_millis()).unwrap_or(u64::MAX);
        let mut moved = false;
        for _ in &self.0.endpoints {
            let place = self.0.current.load(Ordering::Relaxed);
            match self.head_time(place).await {
                Ok((_, Some(time))) if now_ms.saturating_sub(time) <= most => return Ok(moved),
                Ok((generation, _)) => {
                    self.0.leave(place, generation, "its head is old");
                    moved = true;
                }
                Err(_) => {
                    self.0.pass(place);
                    moved = true;
                }
            }
        }
        Err(Error::Disconnected("every endpoint's head is too old".into()))
    }

    /// When the newest block of an endpoint was made: `Timestamp.Now`, whose key never changed.
    async fn head_time(&self, place: usize) -> Result<(u64, Option<u64>), RpcError> {
        const NOW: &str = "0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb";
        let inner = &self.0;
        let Connection { client, generation } = inner.connect(&inner.endpoints, place).await?;
        let mut params = RpcParams::new();
        params.push(NOW)?;
        let asked = client.request_raw("state_getStorage", params.build());
        let answer = inner.waiting.within(inner.waiting.patience.answer, "no head", asked).await;
        let time = answer.ok().and_then(|raw| {
            let value: Option<super::rpc::Hex> = serde_json::from_str(raw.get()).ok()?;
            let bytes: [u8; 8] = value?.bytes("Timestamp.Now").ok()?.try_into().ok()?;
            Some(u64::from_le_bytes(bytes))
        });
        Ok((generation, time))
    }
}

impl std::fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.0.endpoints.iter().map(|endpoint| endpoint.dial.name());
        f.debug_list().entries(names).finish()
    }
}

impl RpcClientT for Endpoints {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        Box::pin(self.0.request(method, params))
    }

    fn subscribe_raw<'a>(
        &'a self,
        sub: &'a str,
        params: Option<Box<RawValue>>,
        unsub: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        Box::pin(async move {
            let how = |client: RpcClient| {
                let params = params.clone();
                async move { client.subscribe_raw(sub, params, unsub).await }.boxed()
            };
            let (place, generation, subscription) = self.0.ask(1, is_submission(sub), how).await?;
            let RawRpcSubscription { stream: items, id } = subscription;
            if is_submission(sub) {
                return Ok(RawRpcSubscription { stream: items, id });
            }
            // A chain has heads all the time: when they stop, the node has, whatever its socket says.
            let waiting = Waiting {
                sleep: self.0.waiting.sleep.clone().filter(|_| sub.contains("Heads")),
                ..self.0.waiting.clone()
            };
            let items = stream::unfold((items, waiting), |(mut items, waiting)| async move {
                let next = Box::pin(async { Ok(items.next().await) });
                let item = waiting.within(waiting.patience.heads, "no head", next).await;
                Some((item.ok().flatten()?, (items, waiting)))
            });
            // When it ends, the connection is gone: whoever subscribes again gets the next endpoint.
            let inner = Arc::clone(&self.0);
            let end = stream::once(async move {
                inner.leave(place, generation, "its subscription ended");
                Err(RpcError::DisconnectedWillReconnect("the endpoint is gone".to_owned()))
            });
            Ok(RawRpcSubscription { stream: Box::pin(items.chain(end)), id })
        })
    }
}

#[cfg(feature = "ws")]
struct WebSocket(String);

#[cfg(feature = "ws")]
impl Dial for WebSocket {
    fn name(&self) -> &str {
        &self.0
    }

    fn dial(&self) -> BoxFuture<'_, Result<RpcClient, BoxError>> {
        use subxt::rpcs::client::reconnecting_rpc_client::RpcClient as Socket;
        Box::pin(async {
            // It is dialled again from here, after its rest.
            let socket = Socket::builder().retry_policy(std::iter::empty());
            let socket = socket.max_response_size(super::MOST_RESPONSE).build(&self.0).await?;
            Ok(RpcClient::new(socket))
        })
    }
}
