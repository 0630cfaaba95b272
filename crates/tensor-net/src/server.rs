//! The receiving end: [`AxonService`] verifies requests and hands them to a [`Miner`].
//!
//! The service is a [`tower_service::Service`] over any body and needs no runtime. `Server` (feature
//! `server`) puts it on a socket.
//!
//! Each request passes, in this order: size, shape, admission of the claimed hotkey, receiver and
//! freshness, signature over the raw bytes, replay, queue, miner. What is cheap comes first, and
//! nothing is charged to a hotkey before its signature verified.

mod body;
mod builder;
mod finish;
mod keys;
mod limits;
#[cfg(feature = "server")]
mod listen;
#[cfg(feature = "tracing")]
mod log;
mod metrics;
#[cfg(feature = "server")]
mod patience;
mod router;

use core::fmt;
use core::task::{Context, Poll};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{HeaderName, HeaderValue};
use tensor_core::key::PublicKey;
use tensor_core::miner::{Priority, Reject};
use tensor_core::transport::{Body, Request, Response};
use tensor_core::{BoxError, Clock, Hotkey, Miner, Signer};
use tower_service::Service;

use crate::admission::{Buckets, Queue, Slot};
use crate::replay::ReplayStore;
use crate::timer::{Timer, within};
use crate::wire::{
    AuthError, Claim, Exchange, Found, Head, Malformed, Protocol, Refusal, Reply, caller,
    replay_refusal, response,
};

use body::{Gauge, Hold};
use finish::finish;
use keys::KeyCache;
use metrics::Metrics;

pub use body::ReplyBody;
pub use builder::AxonBuilder;
pub use limits::Limits;
#[cfg(feature = "server")]
pub use listen::{ListenLimits, Server};
pub use metrics::MetricsSnapshot;
pub use router::Router;

/// Verifies signed requests and has a miner answer them.
///
/// Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct AxonService {
    inner: Arc<Inner>,
    timer: Option<Arc<dyn Timer>>,
}

struct Inner {
    hotkey: Hotkey,
    miner: Box<dyn Miner>,
    protocols: Vec<Box<dyn Protocol>>,
    replay: Box<dyn ReplayStore>,
    clock: Box<dyn Clock>,
    limits: Limits,
    queue: Queue,
    keys: KeyCache,
    in_flight: Gauge,
    body_bytes: Gauge,
    draining: AtomicBool,
    metrics: Metrics,
    #[cfg(feature = "tracing")]
    ids: log::RequestIds,
    signer: Option<Box<dyn Signer>>,
    address_rate: Option<Buckets<IpAddr>>,
    hotkey_rate: Option<Buckets<Hotkey>>,
}

impl AxonService {
    /// A service with the usual protocols and limits; see [`Self::builder`] for others.
    pub fn new(hotkey: Hotkey, miner: impl Miner + 'static) -> Self {
        Self::builder(hotkey).build(miner)
    }

    /// Starts a service that answers for this hotkey.
    pub fn builder(hotkey: Hotkey) -> AxonBuilder {
        AxonBuilder::new(hotkey)
    }

    /// Starts a service that answers for this key's account, and signs its answers for callers that ask
    /// for it; see [`response`].
    pub fn signed_by(hotkey: impl Signer + 'static) -> AxonBuilder {
        Self::builder(Hotkey::new(hotkey.account_id())).with_signer(Box::new(hotkey))
    }

    /// The hotkey that requests must be signed for.
    pub fn hotkey(&self) -> Hotkey {
        self.inner.hotkey
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// Answers `GET /health` with 503 from now on, so that no new work is sent here. Requests are
    /// still served.
    pub fn drain(&self) {
        self.inner.draining.store(true, Ordering::Relaxed);
    }

    /// Answers one request.
    ///
    /// The peer's address is taken from a [`PeerAddr`] among the request's extensions.
    pub async fn answer<B>(&self, request: http::Request<B>) -> http::Response<ReplyBody>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let head = Head {
            method: parts.method.as_str(),
            target: parts.uri.path_and_query().map_or("/", |target| target.as_str()),
            headers: &parts.headers,
            peer: parts.extensions.get::<PeerAddr>().map(|peer| peer.0),
        };
        if head.method == "GET" && head.target == "/health" {
            return self.health();
        }
        let limit = self.inner.limits.head_bytes;
        if head_bytes(&head, &parts.headers) > limit {
            return self.shed(Refusal::HeadTooLarge { limit });
        }
        let Some(in_flight) = self.inner.in_flight.hold(1) else { return self.shed(busy()) };
        let protocol = self.inner.protocols.iter().find(|protocol| protocol.recognises(&head));
        let Some(protocol) = protocol else { return self.shed(Malformed::Version.into()) };
        let started = self.inner.clock.unix_nanos();
        let mut progress = Progress::default();
        let outcome = self.serve(protocol.as_ref(), &head, body, started, &mut progress).await;
        let now = self.inner.clock.unix_nanos();
        let elapsed = Duration::from_nanos(now.saturating_sub(started));
        self.note(&outcome, &progress, started, elapsed);
        let mut exchange = Exchange::new(&head, &progress.body, now);
        exchange.proven = progress.claim.as_ref().filter(|_| progress.proven);
        exchange.elapsed = elapsed;
        let (outcome, held) = match outcome {
            Ok((response, slot)) => (Ok(response), Some((in_flight, slot))),
            Err(refusal) => (Err(refusal), None),
        };
        #[cfg(feature = "tracing")]
        let id = self.inner.ids.log(protocol.name(), &exchange, outcome.as_ref().err());
        let reply = self.sign(&exchange, protocol.reply(&exchange, outcome)).await;
        #[cfg(feature = "tracing")]
        let reply = reply.with_header(log::REQUEST_ID, id);
        finish(reply, held)
    }

    /// What has happened so far, in numbers.
    pub fn metrics(&self) -> MetricsSnapshot {
        let inner = &*self.inner;
        let mut snapshot = inner.metrics.snapshot();
        snapshot.in_flight = inner.in_flight.used();
        snapshot.running = inner.queue.running();
        snapshot.waiting = inner.queue.waiting();
        snapshot
    }

    /// Refuses what no protocol has seen.
    fn shed(&self, refusal: Refusal) -> http::Response<ReplyBody> {
        self.inner.metrics.count(Some(&refusal), 0, Duration::ZERO);
        finish(Reply::plain(Err(refusal)), None)
    }

    fn note<T>(
        &self,
        outcome: &Result<T, Refusal>,
        progress: &Progress,
        started: u64,
        elapsed: Duration,
    ) {
        let metrics = &self.inner.metrics;
        let refusal = outcome.as_ref().err();
        metrics.count(refusal, progress.body.len(), elapsed);
        let Some(claim) = &progress.claim else { return };
        let difference = match refusal {
            Some(Refusal::Auth(error)) => error.clock_difference(),
            _ if progress.proven => {
                i64::try_from(i128::from(claim.nonce) - i128::from(started)).ok()
            }
            _ => None,
        };
        if let Some(difference) = difference {
            metrics.note_clock(claim.hotkey, difference);
            #[cfg(feature = "tracing")]
            if refusal.is_some() {
                log::clock(metrics);
            }
        }
    }

    /// Signs a complete answer to a proven request that asks for it.
    async fn sign(&self, exchange: &Exchange<'_>, mut reply: Reply) -> Reply {
        let (Some(signer), Some(claim)) = (&self.inner.signer, exchange.proven) else {
            return reply;
        };
        let Body::Full(body) = &reply.response.body else { return reply };
        if exchange.head.headers.find(response::ASK) != Found::One(b"1") {
            return reply;
        }
        let answered = response::Answered {
            status: reply.response.status,
            body,
            nonce: claim.nonce,
            request_signature: &claim.signature,
            caller: &claim.hotkey,
            axon: &self.inner.hotkey,
        };
        // Without a signature the answer is still an answer, and the caller sees what is missing.
        if let Ok(signature) = signer.sign(&response::payload(signer.scheme(), &answered)).await {
            let headers = response::headers(&signature).into_iter();
            reply.headers.extend(headers.map(|(name, value)| (name.into(), value)));
        }
        reply
    }

    async fn serve<B>(
        &self,
        protocol: &dyn Protocol,
        head: &Head<'_>,
        body: B,
        now: u64,
        progress: &mut Progress,
    ) -> Result<(Response, Option<Slot>), Refusal>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let inner = &*self.inner;
        let limit = inner.limits.body_bytes;
        if body.size_hint().lower() > limit as u64 {
            return Err(Reject::TooLarge { limit }.into());
        }
        if let (Some(rate), Some(peer)) = (&inner.address_rate, head.peer) {
            rate.take(network_of(peer.ip()), now)
                .map_err(|retry_after| Reject::TooMany { retry_after })?;
        }
        let claim = protocol.claim(head, now)?;
        progress.claim = Some(claim);
        let caller = caller(protocol, &claim, head);
        let priority = inner.miner.admit(&caller)?;
        protocol.check(&claim, head, now)?;

        if !protocol.signs_body() {
            self.prove(protocol, &claim, head, &[], priority).await?;
        }
        let (body, held) = self.read(body).await?;
        progress.held = Some(held);
        progress.body = body;
        if protocol.signs_body() {
            self.prove(protocol, &claim, head, &progress.body, priority).await?;
        }
        progress.proven = true;
        if let Some(rate) = &inner.hotkey_rate {
            rate.take(claim.hotkey, now).map_err(|retry_after| Reject::TooMany { retry_after })?;
        }
        let mut request = protocol.open(head, progress.body.clone())?;
        if let Some(response) = protocol.answer(&request) {
            return Ok((response, None));
        }
        request.timeout = request.timeout.min(inner.limits.handle_time);

        let response = within(self.timer(), inner.limits.handle_time, async {
            let slot = inner.queue.enter(priority).await.map_err(|_| busy())?;
            let work = self.run(&caller, request);
            Ok::<_, Refusal>((work.await?, Some(slot)))
        });
        response.await.unwrap_or(Err(Reject::Timeout.into()))
    }

    /// Reads the whole body, within limits of size, time and memory.
    async fn read<B>(&self, body: B) -> Result<(Bytes, Hold), Refusal>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let limits = &self.inner.limits;
        let read = body::read(body, limits.body_bytes, &self.inner.body_bytes);
        within(self.timer(), limits.body_time, read).await.unwrap_or(Err(Refusal::SlowBody))
    }

    /// Verifies the signature and records the nonce.
    async fn prove(
        &self,
        protocol: &dyn Protocol,
        claim: &Claim,
        head: &Head<'_>,
        body: &[u8],
        priority: Priority,
    ) -> Result<(), Refusal> {
        let inner = &*self.inner;
        let message = protocol.message(claim, head, body);
        let known = inner.keys.find(claim);
        let key = match &known {
            Some(key) => key.clone(),
            None => PublicKey::new(&claim.hotkey.account(), claim.scheme)
                .map_err(|_| AuthError::BadSignature)?,
        };
        if !key.verify(&message, &claim.signature) {
            return Err(AuthError::BadSignature.into());
        }
        if known.is_none() {
            inner.keys.keep(claim, key);
        }
        // The body took its time: what was fresh when it began may not be any more.
        let now = inner.clock.unix_nanos();
        protocol.check(claim, head, now)?;
        let trusted = priority > Priority::default();
        let recorded = inner.replay.record(claim, trusted, now).await;
        recorded.map_err(|error| replay_refusal(error, claim, now))
    }

    /// Has the miner answer. A panic in there costs this request only.
    async fn run(
        &self,
        caller: &tensor_core::miner::Caller,
        request: Request,
    ) -> Result<Response, Refusal> {
        let work = AssertUnwindSafe(self.inner.miner.handle(caller, request)).catch_unwind();
        match work.await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Reject::Internal("the miner panicked".into()).into()),
        }
    }

    fn health(&self) -> http::Response<ReplyBody> {
        let response = if self.inner.draining.load(Ordering::Relaxed) {
            Response::new(503, r#"{"status":"draining"}"#)
        } else {
            Response::ok(r#"{"status":"ok"}"#)
        };
        finish(Reply::new(response), None)
    }

    fn timer(&self) -> Option<&dyn Timer> {
        self.timer.as_deref()
    }
}

impl fmt::Debug for AxonService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.inner.protocols.iter().map(|protocol| protocol.name()).collect();
        f.debug_struct("AxonService")
            .field("hotkey", &self.inner.hotkey)
            .field("protocols", &names)
            .field("limits", &self.inner.limits)
            .finish_non_exhaustive()
    }
}

impl<B> Service<http::Request<B>> for AxonService
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = http::Response<ReplyBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    /// Always ready: load is shed with answers, which the callers can read.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let service = self.clone();
        async move { Ok(service.answer(request).await) }.boxed()
    }
}

/// Where a request's connection comes from; put it among the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// Whose requests count together: an IPv4 address, or the network that a host has in IPv6.
const fn network_of(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => IpAddr::V4(ip),
            None => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
        },
    }
}

fn busy() -> Refusal {
    Reject::Busy { retry_after: Duration::from_secs(1) }.into()
}

fn head_bytes(head: &Head<'_>, headers: &http::HeaderMap) -> usize {
    // Four for colon, blank and line end, as on the wire.
    let header = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 4;
    head.method.len() + head.target.len() + headers.iter().map(header).sum::<usize>()
}

/// How far a request came.
#[derive(Default)]
struct Progress {
    body: Bytes,
    held: Option<Hold>,
    claim: Option<Claim>,
    proven: bool,
}
