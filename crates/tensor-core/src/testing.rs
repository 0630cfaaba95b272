//! Fakes of the traits, for tests of code written against them (feature `testing`).

use core::fmt;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::channel::mpsc;
use futures::stream::BoxStream;

use crate::account::{AccountId, Hotkey};
use crate::chain::{At, Chain, ChainError, Header};
use crate::clock::Clock;
use crate::key::{Scheme, Signer};
use crate::miner::{Caller, Miner, Reject};
use crate::network::{BlockNumber, NetUid};
use crate::receipt::{Receipt, Stage};
use crate::transport::{Endpoint, Request, Response, Transport, TransportError};
use crate::{Call, Metagraph};

/// A clock that a test moves by hand.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that stands at that many nanoseconds since 1970.
    pub const fn new(unix_nanos: u64) -> Self {
        Self(AtomicU64::new(unix_nanos))
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanos, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn unix_nanos(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A chain of one subnet that a test writes and that remembers what was submitted.
pub struct FakeChain(Mutex<FakeState>);

struct FakeState {
    graph: Metagraph,
    height: u64,
    submitted: Vec<(AccountId, Call)>,
    refusal: Option<Refusal>,
    /// Header items of the past, for streams that start late, and whether the stream has ended.
    past: Vec<HeaderItem>,
    ended: bool,
    streams: Vec<mpsc::UnboundedSender<HeaderItem>>,
}

type Refusal = Box<dyn Fn(&Call) -> Option<ChainError> + Send>;

#[derive(Clone, Copy)]
enum HeaderItem {
    Header(Header),
    Gap,
}

impl FakeChain {
    /// A chain at height 0 with that subnet.
    pub fn new(graph: Metagraph) -> Self {
        Self(Mutex::new(FakeState {
            graph,
            height: 0,
            submitted: Vec::new(),
            refusal: None,
            past: Vec::new(),
            ended: false,
            streams: Vec::new(),
        }))
    }

    /// Makes `blocks` blocks and returns the last one's header.
    pub fn advance(&self, blocks: u64) -> Header {
        let mut state = self.lock();
        for _ in 0..blocks {
            state.height += 1;
            let header = header(state.height);
            state.push(HeaderItem::Header(header));
        }
        header(state.height)
    }

    /// Puts an error into the header streams.
    pub fn fail(&self, _gap: ChainError) {
        self.lock().push(HeaderItem::Gap);
    }

    /// Ends the header streams.
    pub fn finish(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.streams.clear();
    }

    /// Replaces the subnet.
    pub fn set_metagraph(&self, graph: Metagraph) {
        self.lock().graph = graph;
    }

    /// Refuses the calls for which `refusal` has an error.
    pub fn refuse(&self, refusal: impl Fn(&Call) -> Option<ChainError> + Send + 'static) {
        self.lock().refusal = Some(Box::new(refusal));
    }

    /// What was submitted and by whom, in order.
    pub fn submitted(&self) -> Vec<(AccountId, Call)> {
        self.lock().submitted.clone()
    }

    fn lock(&self) -> MutexGuard<'_, FakeState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FakeState {
    fn push(&mut self, item: HeaderItem) {
        self.past.push(item);
        self.streams.retain(|stream| stream.unbounded_send(item).is_ok());
    }
}

impl fmt::Debug for FakeChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FakeChain(height {})", self.lock().height)
    }
}

#[async_trait]
impl Chain for FakeChain {
    async fn metagraph(&self, netuid: NetUid, _: At) -> Result<Metagraph, ChainError> {
        let state = self.lock();
        match state.graph.netuid() == netuid {
            true => Ok(state.graph.clone()),
            false => Err(ChainError::NoSuchSubnet(netuid)),
        }
    }

    async fn submit(&self, call: Call, signer: &dyn Signer) -> Result<Receipt, ChainError> {
        signer.sign(call.to_string().as_bytes()).await?;
        let mut state = self.lock();
        if let Some(error) = state.refusal.as_ref().and_then(|refusal| refusal(&call)) {
            return Err(error);
        }
        state.submitted.push((signer.account_id(), call));
        let at = header(state.height + 1);
        Ok(Receipt::new(Stage::Finalized, at.number, at.hash))
    }

    fn headers(&self) -> BoxStream<'static, Result<Header, ChainError>> {
        let mut state = self.lock();
        let (sender, receiver) = mpsc::unbounded();
        if !state.ended {
            state.streams.push(sender);
        }
        let past = futures::stream::iter(state.past.clone());
        past.chain(receiver)
            .map(|item| match item {
                HeaderItem::Header(header) => Ok(header),
                HeaderItem::Gap => Err(ChainError::UnknownBlock),
            })
            .boxed()
    }
}

fn header(height: u64) -> Header {
    let hash = |height: u64| {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&height.to_be_bytes());
        hash
    };
    Header::new(BlockNumber::new(height), hash(height), hash(height.saturating_sub(1)))
}

/// Hands requests straight to miners, as one caller; nothing is signed.
pub struct LoopbackTransport {
    caller: Caller,
    miners: HashMap<SocketAddr, Arc<dyn Miner>>,
}

impl LoopbackTransport {
    /// A transport of that caller that reaches nobody yet.
    pub fn new(caller: Hotkey, scheme: Scheme) -> Self {
        Self { caller: Caller::new(caller, scheme, "loopback"), miners: HashMap::new() }
    }

    /// Adds a miner at an address.
    #[must_use]
    pub fn with(mut self, address: SocketAddr, miner: Arc<dyn Miner>) -> Self {
        self.miners.insert(address, miner);
        self
    }
}

impl fmt::Debug for LoopbackTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoopbackTransport({} miners)", self.miners.len())
    }
}

#[async_trait]
impl Transport for LoopbackTransport {
    async fn send(&self, to: &Endpoint, request: Request) -> Result<Response, TransportError> {
        let Some(miner) = self.miners.get(&to.address) else {
            let source = std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into();
            return Err(TransportError::Unreachable { address: to.address, source });
        };
        let outcome = match miner.admit(&self.caller) {
            Ok(_) => miner.handle(&self.caller, request).await,
            Err(reject) => Err(reject),
        };
        Ok(outcome.unwrap_or_else(|reject: Reject| {
            Response::new(reject.status(), reject.to_string()).with_content_type("text/plain")
        }))
    }
}
