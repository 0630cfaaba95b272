//! What a validator is: [`Validator`].

use std::time::Duration;

use bytes::Bytes;

use crate::account::Hotkey;
use crate::metagraph::Metagraph;
use crate::network::{BlockNumber, Uid};
use crate::transport::{Authenticity, Endpoint, Request, TransportError};
use crate::weights::Weights;

/// Decides what to ask, what the answers are worth, and when to say so on chain.
///
/// Policy only: no network, no clock. A loop such as [`drive::Driver`](crate::drive::Driver) asks
/// `plan` once a block, sends what it returns, tells each outcome to `observe` in the order they
/// arrive, then asks for `weights`. So a recorded run can be replayed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no validator",
    note = "implement `Validator`: `plan`, `observe` and `weights`"
)]
pub trait Validator: Send {
    /// What to ask now. Called with the metagraph of each new block that the loop acts on.
    fn plan(&mut self, graph: &Metagraph, now: BlockNumber) -> Vec<Query>;

    /// What came of one query.
    fn observe(&mut self, query: &Asked, outcome: Result<Reply, TransportError>);

    /// The weights to set now; `None` when they are not due or there is too little evidence.
    fn weights(&mut self, graph: &Metagraph, now: BlockNumber) -> Option<Weights>;
}

impl<T: Validator + ?Sized> Validator for Box<T> {
    fn plan(&mut self, graph: &Metagraph, now: BlockNumber) -> Vec<Query> {
        (**self).plan(graph, now)
    }

    fn observe(&mut self, query: &Asked, outcome: Result<Reply, TransportError>) {
        (**self).observe(query, outcome);
    }

    fn weights(&mut self, graph: &Metagraph, now: BlockNumber) -> Option<Weights> {
        (**self).weights(graph, now)
    }
}

impl<T: Validator + ?Sized> Validator for &mut T {
    fn plan(&mut self, graph: &Metagraph, now: BlockNumber) -> Vec<Query> {
        (**self).plan(graph, now)
    }

    fn observe(&mut self, query: &Asked, outcome: Result<Reply, TransportError>) {
        (**self).observe(query, outcome);
    }

    fn weights(&mut self, graph: &Metagraph, now: BlockNumber) -> Option<Weights> {
        (**self).weights(graph, now)
    }
}

/// Something to ask one miner.
#[derive(Debug)]
#[non_exhaustive]
pub struct Query {
    /// The validator's own name for it, given back to `observe`.
    pub id: u64,
    /// The miner's slot.
    pub uid: Uid,
    /// The miner.
    pub to: Endpoint,
    /// What to ask.
    pub request: Request,
}

impl Query {
    /// A query with the validator's own `id`.
    pub const fn new(id: u64, uid: Uid, to: Endpoint, request: Request) -> Self {
        Self { id, uid, to, request }
    }

    /// What `observe` is told of it.
    pub const fn asked(&self, at: BlockNumber) -> Asked {
        Asked { id: self.id, uid: self.uid, hotkey: self.to.hotkey, at }
    }
}

/// A query that was sent, without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Asked {
    /// The validator's own name for it.
    pub id: u64,
    /// The miner's slot when it was asked.
    pub uid: Uid,
    /// The miner.
    pub hotkey: Hotkey,
    /// The block at which it was asked.
    pub at: BlockNumber,
}

/// An answer, body and all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The HTTP status; 200 is success.
    pub status: u16,
    /// The body.
    pub body: Bytes,
    /// From sending to the last byte.
    pub elapsed: Duration,
    /// Whether the miner proved that the answer is its own.
    pub authenticity: Authenticity,
}

impl Reply {
    /// An unsigned answer.
    pub const fn new(status: u16, body: Bytes, elapsed: Duration) -> Self {
        Self { status, body, elapsed, authenticity: Authenticity::Unsigned }
    }

    /// Sets whether the miner proved it.
    #[must_use]
    pub const fn with_authenticity(mut self, authenticity: Authenticity) -> Self {
        self.authenticity = authenticity;
        self
    }

    /// Whether the miner did what was asked.
    pub const fn is_success(&self) -> bool {
        self.status == 200
    }
}

const _: () = {
    fn _dyn(_: &dyn Validator) {}
};
