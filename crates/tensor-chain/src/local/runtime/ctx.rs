//! What a piece of runtime code works on: the state, the events so far, and the facts of the block.

use parity_scale_codec::Encode;

use super::error::DispatchError;
use crate::local::state::State;
use crate::local::storage::Account;

/// The block under construction, or the one at which something is simulated.
#[derive(Debug)]
pub struct Ctx<'a> {
    /// Raw storage.
    pub state: &'a mut State,
    /// Events deposited so far in this block.
    pub events: &'a mut Vec<EventRecord>,
    /// Phase that new events carry.
    pub phase: Phase,
    /// Number of the block.
    pub block: u64,
    /// Time of the block, milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// Account that receives fees; nobody: fees are dropped.
    pub author: Option<Account>,
    /// Hash of the parent block.
    pub parent_hash: [u8; 32],
    /// Index of the extrinsic being applied; 0 outside extrinsics.
    pub extrinsic_index: u32,
    /// Type of the proxy under which signed calls run at present.
    pub(crate) proxy: Option<u8>,
}

impl<'a> Ctx<'a> {
    /// A context in phase `Initialization`, without author.
    pub fn new(
        state: &'a mut State,
        events: &'a mut Vec<EventRecord>,
        block: u64,
        now_ms: u64,
    ) -> Self {
        Self {
            state,
            events,
            phase: Phase::Initialization,
            block,
            now_ms,
            author: None,
            parent_hash: [0; 32],
            extrinsic_index: 0,
            proxy: None,
        }
    }

    /// Deposits an event.
    pub(crate) fn emit(&mut self, event: EventId, fields: impl Encode) {
        self.events.push(EventRecord {
            phase: self.phase,
            pallet: event.pallet,
            event: event.event,
            fields: fields.encode(),
        });
    }

    /// Runs `body` so that an error undoes its writes and its events.
    ///
    /// # Errors
    /// Whatever `body` returns.
    pub fn transact<T, E>(
        &mut self,
        body: impl FnOnce(&mut Ctx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let events = self.events.len();
        self.state.begin();
        let outcome = body(self);
        if outcome.is_ok() {
            self.state.commit();
        } else {
            self.state.rollback();
            self.events.truncate(events);
        }
        outcome
    }

    /// Runs `body` and undoes everything it did.
    pub fn simulate<T>(&mut self, body: impl FnOnce(&mut Ctx<'_>) -> T) -> T {
        let events = self.events.len();
        self.state.begin();
        let outcome = body(self);
        self.state.rollback();
        self.events.truncate(events);
        outcome
    }
}

/// When in the block an event happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// While the extrinsic with this index was applied.
    ApplyExtrinsic(u32),
    /// After the last extrinsic.
    Finalization,
    /// Before the first extrinsic.
    Initialization,
}

impl Encode for Phase {
    fn encode_to<T: parity_scale_codec::Output + ?Sized>(&self, dest: &mut T) {
        match self {
            Self::ApplyExtrinsic(index) => {
                dest.push_byte(0);
                index.encode_to(dest);
            }
            Self::Finalization => dest.push_byte(1),
            Self::Initialization => dest.push_byte(2),
        }
    }
}

/// One deposited event; without topics, as on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// When it happened.
    pub phase: Phase,
    /// The pallet's index.
    pub pallet: u8,
    /// The event's index in the pallet.
    pub event: u8,
    /// SCALE bytes of its fields.
    pub fields: Vec<u8>,
}

impl Encode for EventRecord {
    fn encode_to<T: parity_scale_codec::Output + ?Sized>(&self, dest: &mut T) {
        self.phase.encode_to(dest);
        dest.push_byte(self.pallet);
        dest.push_byte(self.event);
        dest.write(&self.fields);
        // No topics.
        dest.push_byte(0);
    }
}

/// An event's place in the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) pallet: u8,
    pub(crate) event: u8,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nobody: inherents.
    None,
    /// The sudo dispatch.
    Root,
    /// A signer.
    Signed(Account),
}

impl Origin {
    pub(crate) fn signed(self) -> Result<Account, DispatchError> {
        match self {
            Self::Signed(who) => Ok(who),
            Self::None | Self::Root => Err(DispatchError::BadOrigin),
        }
    }

    pub(crate) fn root(self) -> Result<(), DispatchError> {
        match self {
            Self::Root => Ok(()),
            Self::None | Self::Signed(_) => Err(DispatchError::BadOrigin),
        }
    }
}
