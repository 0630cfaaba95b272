//! Several endpoints as one: [`Endpoints`], with failover, an archive for old blocks, and health by the
//! age of the head.
//!
//! A failed request goes to the next endpoint; a submission never does, since the first may have it
//! already: the client then looks for it on chain. Every endpoint must be of the same chain; one that is
//! not is refused before it is used.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use serde_json::value::RawValue;
use subxt::rpcs::client::{RawRpcFuture, RawRpcSubscription, RpcParams};
use subxt::rpcs::{Error as RpcError, RpcClient, RpcClientT};
use tensor_core::BoxError;

use super::rpc::Rpc;
use crate::error::Error;

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

struct Inner {
    endpoints: Vec<Endpoint>,
    archives: Vec<Endpoint>,
    genesis_hash: Option<[u8; 32]>,
    current: AtomicUsize,
    archive: AtomicUsize,
    failures: AtomicU64,
    sleep: Option<Sleep>,
}

struct Endpoint {
    dial: Box<dyn Dial>,
    connection: Mutex<Option<RpcClient>>,
    dialing: futures::lock::Mutex<()>,
}

impl Endpoints {
    /// The pause after the first failed round of all endpoints; twice that after the next, and so on
    /// up to [`Self::LONGEST_PAUSE`]. So no endpoint is asked more than once a second for long.
    pub const PAUSE: Duration = Duration::from_secs(1);
    /// The longest pause between two rounds.
    pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

    /// These endpoints, the first one preferred.
    pub fn new(endpoints: impl IntoIterator<Item = Box<dyn Dial>>) -> Self {
        let endpoints = endpoints.into_iter().map(Endpoint::new).collect();
        Self(Arc::new(Inner {
            endpoints,
            archives: Vec::new(),
            genesis_hash: None,
            current: AtomicUsize::new(0),
            archive: AtomicUsize::new(0),
            failures: AtomicU64::new(0),
            sleep: None,
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

    /// Which chain it must be, by the hash of block 0.
    #[must_use]
    pub fn with_genesis(mut self, genesis_hash: [u8; 32]) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.genesis_hash = Some(genesis_hash);
        }
        self
    }

    /// How to wait between two rounds of failures; without it there is no pause.
    #[must_use]
    pub fn with_sleep(mut self, sleep: Sleep) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.sleep = Some(sleep);
        }
        self
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
                Some(time) if now_ms.saturating_sub(time) <= most => return Ok(moved),
                _ => {
                    self.0.leave(place);
                    moved = true;
                }
            }
        }
        Err(Error::Disconnected("every endpoint's head is too old".into()))
    }

    /// When the newest block of an endpoint was made: `Timestamp.Now`, whose key never changed.
    async fn head_time(&self, place: usize) -> Option<u64> {
        const NOW: &str = "0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb";
        let client = self.0.connect(&self.0.endpoints, place).await.ok()?;
        let mut params = RpcParams::new();
        params.push(NOW).ok()?;
        let value: Option<super::rpc::Hex> =
            client.request("state_getStorage", params).await.ok()?;
        let bytes: [u8; 8] = value?.bytes("Timestamp.Now").ok()?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    }
}

impl std::fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.0.endpoints.iter().map(|endpoint| endpoint.dial.name());
        f.debug_list().entries(names).finish()
    }
}

impl Endpoint {
    fn new(dial: Box<dyn Dial>) -> Self {
        Self { dial, connection: Mutex::new(None), dialing: futures::lock::Mutex::new(()) }
    }

    fn open(&self) -> Option<RpcClient> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn close(&self) {
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Inner {
    /// The open connection, or a new one, of the right chain.
    async fn connect(&self, of: &[Endpoint], place: usize) -> Result<RpcClient, RpcError> {
        let nothing = || RpcError::Client("there is no endpoint".into());
        let endpoint = place.checked_rem(of.len()).and_then(|place| of.get(place));
        let endpoint = endpoint.ok_or_else(nothing)?;
        if let Some(client) = endpoint.open() {
            return Ok(client);
        }
        let _alone = endpoint.dialing.lock().await;
        if let Some(client) = endpoint.open() {
            return Ok(client);
        }
        let client = endpoint.dial.dial().await.map_err(RpcError::Client)?;
        if let Some(expected) = self.genesis_hash {
            let found = Rpc::from_client(client.clone()).genesis_hash().await;
            let found = found.map_err(|error| RpcError::Client(error.into()))?;
            if found != expected {
                let name = endpoint.dial.name();
                return Err(RpcError::Client(format!("{name} is of another chain").into()));
            }
        }
        *endpoint.connection.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }

    /// Leaves an endpoint for the next, unless somebody did already.
    fn leave(&self, place: usize) {
        let count = self.endpoints.len();
        if let Some(endpoint) = place.checked_rem(count).and_then(|at| self.endpoints.get(at)) {
            endpoint.close();
        }
        let next = place.wrapping_add(1);
        let _ = self.current.compare_exchange(place, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    async fn pause(&self, round: u32) {
        if let (Some(sleep), true) = (&self.sleep, round > 0) {
            let pause = Endpoints::PAUSE.saturating_mul(1 << (round - 1).min(5));
            sleep(pause.min(Endpoints::LONGEST_PAUSE)).await;
        }
    }

    async fn request(
        &self,
        method: &str,
        params: Option<Box<RawValue>>,
    ) -> Result<Box<RawValue>, RpcError> {
        const ROUNDS: u32 = 5;
        let mut last = RpcError::Client("there is no endpoint".into());
        for round in 0..ROUNDS {
            self.pause(round).await;
            for _ in &self.endpoints {
                let place = self.current.load(Ordering::Relaxed);
                let answer = match self.connect(&self.endpoints, place).await {
                    Ok(client) => client.request_raw(method, params.clone()).await,
                    Err(error) => Err(error),
                };
                match answer {
                    Err(error) if is_lost(&error) => {
                        self.failures.fetch_add(1, Ordering::Relaxed);
                        self.leave(place);
                        if is_submission(method) {
                            return Err(error);
                        }
                        last = error;
                    }
                    Err(error) if is_pruned(&error) && !self.archives.is_empty() => {
                        return self.ask_archive(method, params, error).await;
                    }
                    answer => return answer,
                }
            }
        }
        Err(last)
    }

    async fn ask_archive(
        &self,
        method: &str,
        params: Option<Box<RawValue>>,
        mut last: RpcError,
    ) -> Result<Box<RawValue>, RpcError> {
        for _ in &self.archives {
            let place = self.archive.load(Ordering::Relaxed);
            let answer = match self.connect(&self.archives, place).await {
                Ok(client) => client.request_raw(method, params.clone()).await,
                Err(error) => Err(error),
            };
            match answer {
                Err(error) if is_lost(&error) => {
                    if let Some(archive) = self.archives.get(place % self.archives.len()) {
                        archive.close();
                    }
                    self.archive.fetch_add(1, Ordering::Relaxed);
                    last = error;
                }
                answer => return answer,
            }
        }
        Err(last)
    }

    async fn subscribe(
        &self,
        sub: &str,
        params: Option<Box<RawValue>>,
        unsub: &str,
    ) -> Result<(usize, RawRpcSubscription), RpcError> {
        let mut last = RpcError::Client("there is no endpoint".into());
        for _ in &self.endpoints {
            let place = self.current.load(Ordering::Relaxed);
            let answer = match self.connect(&self.endpoints, place).await {
                Ok(client) => client.subscribe_raw(sub, params.clone(), unsub).await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(subscription) => return Ok((place, subscription)),
                Err(error) if is_lost(&error) => {
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    self.leave(place);
                    if is_submission(sub) {
                        return Err(error);
                    }
                    last = error;
                }
                Err(error) => return Err(error),
            }
        }
        Err(last)
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
            let (place, subscription) = self.0.subscribe(sub, params, unsub).await?;
            let RawRpcSubscription { stream: items, id } = subscription;
            if is_submission(sub) {
                return Ok(RawRpcSubscription { stream: items, id });
            }
            // When it ends, the connection is gone: whoever subscribes again gets the next endpoint.
            let inner = Arc::clone(&self.0);
            let end = stream::once(async move {
                inner.leave(place);
                Err(RpcError::DisconnectedWillReconnect("the endpoint is gone".to_owned()))
            });
            let items = items.chain(end);
            Ok(RawRpcSubscription { stream: Box::pin(items), id })
        })
    }
}

/// Whether the connection failed, rather than the request.
const fn is_lost(error: &RpcError) -> bool {
    matches!(error, RpcError::Client(_) | RpcError::DisconnectedWillReconnect(_))
}

/// Whether the node no longer has the block's state.
fn is_pruned(error: &RpcError) -> bool {
    let RpcError::User(error) = error else { return false };
    let data = error.data.as_ref().map(|data| data.get()).unwrap_or_default();
    let text = format!("{} {data}", error.message).to_ascii_lowercase();
    ["state already discarded", "unknown block", "unknownblock"].iter().any(|w| text.contains(w))
}

fn is_submission(method: &str) -> bool {
    method.starts_with("author_submit")
}

#[cfg(feature = "ws")]
struct WebSocket(String);

#[cfg(feature = "ws")]
impl Dial for WebSocket {
    fn name(&self) -> &str {
        &self.0
    }

    fn dial(&self) -> BoxFuture<'_, Result<RpcClient, BoxError>> {
        Box::pin(async { RpcClient::from_insecure_url(&self.0).await.map_err(BoxError::from) })
    }
}
