//! Virtual time: [`Pace`] says when everybody who works by the chain waits for its next block.
//!
//! A chain in the process makes blocks when it is told to. Told too early, a validator misses a block;
//! told by the wall clock, every run differs. With a pace, each participant reaches the chain through
//! [`Pace::join`]; the participant rests while it waits for a header or for an inclusion, and once all
//! rest, [`Pace::all_rest`] resolves and it is time for the next block:
//!
//! ```
//! # use std::sync::Arc;
//! # use tensor_core::{chain::Chain, drive::Pace};
//! # async fn clock(pace: Pace, advance: impl Fn(), mut finished: impl FnMut() -> bool) {
//! while !finished() {
//!     pace.all_rest().await;
//!     pace.next_block(&advance);
//! }
//! # }
//! ```
//!
//! It works for chains that answer at once, as the local chain and the fakes do: whatever of theirs is
//! pending is waiting for a block.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::Stream;
use futures::stream::BoxStream;

use super::validation::WeightSetter;
use crate::call::Call;
use crate::chain::{At, Chain, ChainError, Header};
use crate::key::Signer;
use crate::metagraph::Metagraph;
use crate::network::NetUid;
use crate::receipt::Receipt;
use crate::weights::Weights;

/// The shared pace of all participants. Clones are the same pace.
#[derive(Clone, Default)]
pub struct Pace(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Counts blocks. Who rested before the last one has not reacted to it yet.
    block: u64,
    next_id: u64,
    /// For each participant, the block since which it rests.
    resting_since: BTreeMap<u64, Option<u64>>,
    waker: Option<Waker>,
}

impl Pace {
    /// A pace without participants.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a participant, busy until it first waits on the chain that is returned; it leaves when the
    /// last clone and stream of that chain are dropped.
    pub fn join<C: Chain>(&self, chain: C) -> Paced<C> {
        let mut state = self.lock();
        let id = state.next_id;
        state.next_id += 1;
        state.resting_since.insert(id, None);
        drop(state);
        Paced { chain, seat: Arc::new(Seat { pace: self.clone(), id }) }
    }

    /// Resolves once every participant rests and has reacted to the last block.
    pub fn all_rest(&self) -> impl Future<Output = ()> + Send + use<> {
        let pace = self.clone();
        poll_fn(move |context| {
            let mut state = pace.lock();
            let current = Some(state.block);
            if state.resting_since.values().all(|since| *since == current) {
                return Poll::Ready(());
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
    }

    /// Makes a block: everybody counts as busy with it until they rest again.
    ///
    /// `make` must produce exactly one block, which each participant that waits for headers sees; it
    /// must not use this pace.
    pub fn next_block<T>(&self, make: impl FnOnce() -> T) -> T {
        // Locked until the block is there: who looks at the chain in between has either not seen the
        // count go up, or sees the block.
        let mut state = self.lock();
        state.block += 1;
        make()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Pace")
            .field("block", &state.block)
            .field("participants", &state.resting_since.len())
            .finish()
    }
}

/// A chain as one participant reaches it. Clones share the participant's seat.
#[derive(Clone)]
pub struct Paced<C> {
    chain: C,
    seat: Arc<Seat>,
}

impl<C> fmt::Debug for Paced<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Paced(participant {})", self.seat.id)
    }
}

struct Seat {
    pace: Pace,
    id: u64,
}

impl Seat {
    /// Polls something of the chain; whoever finds it pending rests since the block before the look.
    fn poll<T>(&self, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        let block = self.pace.lock().block;
        let polled = poll();
        let mut state = self.pace.lock();
        state.resting_since.insert(self.id, polled.is_pending().then_some(block));
        if polled.is_pending() {
            wake(&mut state);
        }
        polled
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.pace.lock();
        state.resting_since.remove(&self.id);
        wake(&mut state);
    }
}

fn wake(state: &mut State) {
    if let Some(waker) = state.waker.take() {
        waker.wake();
    }
}

#[async_trait]
impl<C: Chain> Chain for Paced<C> {
    async fn metagraph(&self, netuid: NetUid, at: At) -> Result<Metagraph, ChainError> {
        self.chain.metagraph(netuid, at).await
    }

    async fn submit(&self, call: Call, signer: &dyn Signer) -> Result<Receipt, ChainError> {
        let mut submission = pin!(self.chain.submit(call, signer));
        poll_fn(|context| self.seat.poll(|| submission.as_mut().poll(context))).await
    }

    fn headers(&self) -> BoxStream<'static, Result<Header, ChainError>> {
        Box::pin(Headers { inner: self.chain.headers(), seat: self.seat.clone() })
    }
}

/// Setting weights waits for an inclusion as any submission does, so the participant rests meanwhile.
#[async_trait]
impl<C: WeightSetter> WeightSetter for Paced<C> {
    async fn set_weights(
        &self,
        netuid: NetUid,
        weights: &Weights,
        signer: &dyn Signer,
    ) -> Result<Receipt, ChainError> {
        let mut setting = pin!(self.chain.set_weights(netuid, weights, signer));
        poll_fn(|context| self.seat.poll(|| setting.as_mut().poll(context))).await
    }
}

struct Headers {
    inner: BoxStream<'static, Result<Header, ChainError>>,
    seat: Arc<Seat>,
}

impl Stream for Headers {
    type Item = Result<Header, ChainError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { inner, seat } = &mut *self;
        seat.poll(|| inner.as_mut().poll_next(context))
    }
}
