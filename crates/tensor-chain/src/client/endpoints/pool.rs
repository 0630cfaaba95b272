//! Which endpoint is asked, and which one after it: [`Inner`].

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::value::RawValue;
use subxt::rpcs::{Error as RpcError, RpcClient};

use super::endpoint::{Connection, Endpoint, Unconnected, Waiting};
use crate::client::rpc::Rpc;

/// The endpoints and where one is in them.
pub(super) struct Inner {
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) archives: Vec<Endpoint>,
    pub(super) genesis_hash: OnceLock<[u8; 32]>,
    pub(super) current: AtomicUsize,
    pub(super) archive: AtomicUsize,
    pub(super) failures: AtomicU64,
    pub(super) waiting: Waiting,
}

impl Inner {
    /// A connection to that endpoint, of the right chain.
    pub(super) async fn connect(
        &self,
        of: &[Endpoint],
        place: usize,
    ) -> Result<Connection, Unconnected> {
        let nothing = || {
            let error = RpcError::Client("there is no endpoint".into());
            Unconnected { error, attempts: 1 }
        };
        let endpoint = place.checked_rem(of.len()).and_then(|place| of.get(place));
        let endpoint = endpoint.ok_or_else(nothing)?;
        let check = |client: RpcClient| {
            async move {
                let found = Rpc::from_client(client).genesis_hash().await;
                let found = found.map_err(|error| RpcError::Client(error.into()))?;
                if *self.genesis_hash.get_or_init(|| found) == found {
                    return Ok(());
                }
                let name = endpoint.dial.name();
                Err(RpcError::Client(format!("{name} is of another chain").into()))
            }
            .boxed()
        };
        endpoint.connect(&self.waiting, check).await
    }

    /// The connection of an endpoint failed: the next one is used, unless somebody said so already.
    pub(super) fn leave(&self, place: usize, generation: u64, why: &str) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        if let Some(endpoint) = self.endpoint(place) {
            endpoint.fail(generation, &self.waiting, why);
        }
        self.pass(place);
    }

    /// The next endpoint is used, unless another one is already.
    pub(super) fn pass(&self, place: usize) {
        let next = place.wrapping_add(1);
        let _ = self.current.compare_exchange(place, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn endpoint(&self, place: usize) -> Option<&Endpoint> {
        place.checked_rem(self.endpoints.len()).and_then(|place| self.endpoints.get(place))
    }

    /// Asks the endpoint in use: with `how`, which gets its connection. What fails for want of a
    /// connection is asked of the next one, for some rounds; a submission never is.
    pub(super) async fn ask<'a, T>(
        &self,
        rounds: u32,
        once: bool,
        how: impl Fn(RpcClient) -> BoxFuture<'a, Result<T, RpcError>>,
    ) -> Result<(usize, u64, T), RpcError> {
        let mut last = RpcError::Client("there is no endpoint".into());
        let mut round = 1;
        while round <= rounds {
            // Attempts of others that were waited for are not made again.
            let mut spent = 1;
            for _ in &self.endpoints {
                let place = self.current.load(Ordering::Relaxed);
                let Connection { client, generation } =
                    match self.connect(&self.endpoints, place).await {
                        Ok(connection) => connection,
                        Err(Unconnected { error, attempts }) => {
                            // Nothing was sent: also a submission may go to the next.
                            self.failures.fetch_add(1, Ordering::Relaxed);
                            self.pass(place);
                            spent = spent.max(attempts);
                            last = error;
                            continue;
                        }
                    };
                let patience = self.waiting.patience.answer;
                match self.waiting.within(patience, "no answer", how(client)).await {
                    Err(error) if is_lost(&error) => {
                        self.leave(place, generation, &error.to_string());
                        if once {
                            return Err(error);
                        }
                        last = error;
                    }
                    // It wants to be asked less; the others are not asked in its stead.
                    Err(error) if is_limited(&error) && self.waiting.sleep.is_some() => {
                        self.failures.fetch_add(1, Ordering::Relaxed);
                        self.waiting.rest(round).await;
                        last = error;
                        break;
                    }
                    answer => {
                        if let Some(endpoint) = self.endpoint(place) {
                            endpoint.works();
                        }
                        return answer.map(|answer| (place, generation, answer));
                    }
                }
            }
            round = round.saturating_add(spent);
        }
        Err(last)
    }

    pub(super) async fn request(
        &self,
        method: &str,
        params: Option<Box<RawValue>>,
    ) -> Result<Box<RawValue>, RpcError> {
        const ROUNDS: u32 = 5;
        let how = |client: RpcClient| {
            let params = params.clone();
            async move { client.request_raw(method, params).await }.boxed()
        };
        match self.ask(ROUNDS, is_submission(method), how).await {
            Ok((.., answer)) => Ok(answer),
            Err(error) if is_pruned(&error) && !self.archives.is_empty() => {
                self.ask_archive(method, params, error).await
            }
            Err(error) => Err(error),
        }
    }

    async fn ask_archive(
        &self,
        method: &str,
        params: Option<Box<RawValue>>,
        mut last: RpcError,
    ) -> Result<Box<RawValue>, RpcError> {
        for _ in &self.archives {
            let place = self.archive.load(Ordering::Relaxed);
            let connected = self.connect(&self.archives, place).await;
            let Connection { client, generation } = match connected {
                Ok(connection) => connection,
                Err(error) => {
                    self.archive.fetch_add(1, Ordering::Relaxed);
                    last = error.into();
                    continue;
                }
            };
            let asked = client.request_raw(method, params.clone());
            match self.waiting.within(self.waiting.patience.answer, "no answer", asked).await {
                Err(error) if is_lost(&error) => {
                    if let Some(archive) = self.archives.get(place % self.archives.len()) {
                        archive.fail(generation, &self.waiting, &error.to_string());
                    }
                    self.archive.fetch_add(1, Ordering::Relaxed);
                    last = error;
                }
                answer => return answer,
            }
        }
        Err(last)
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

/// Whether the node says that it is asked too often.
fn is_limited(error: &RpcError) -> bool {
    let RpcError::User(error) = error else { return false };
    let text = error.message.to_ascii_lowercase();
    matches!(error.code, -32_005 | -32_029 | 429)
        || ["rate limit", "too many requests"].iter().any(|words| text.contains(words))
}

pub(super) fn is_submission(method: &str) -> bool {
    method.starts_with("author_submit")
}
