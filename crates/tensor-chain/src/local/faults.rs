//! What goes wrong on purpose: refusals, late and retracted blocks, lost requests, ended subscriptions; all
//! of it drawn from a seed, so that a failure can be played again.
//!
//! A chain without faults draws nothing. With them, whatever a client learnt before it became final may
//! be taken back, and whatever it sent may have arrived although it was told otherwise.

use std::sync::Arc;

use super::{
    LocalChain, LocalChainError,
    interface::{Interface, InterfaceError},
    node::{Node, tell},
    pool::PoolError,
    rpc::json,
    runtime::Runtime,
};

/// Chances of faults, each in thousandths, and the seed that they are drawn from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Faults {
    /// Where the draws begin: equal seeds and equal calls give equal faults.
    pub seed: u64,
    /// Per submission: the pool refuses it, as banned for a while or for want of room.
    pub reject: u16,
    /// Per waiting transaction and block: it is passed over.
    pub delay: u16,
    /// Per block: slots are lost before it, so that it comes late.
    pub stall: u16,
    /// Per block: blocks that are not final are replaced by others.
    pub reorg: u16,
    /// Most blocks that are replaced at once; none beyond the final one ever is.
    pub reorg_depth: u16,
    /// Per block: all subscriptions end, as with a socket that closes.
    pub drop_subscriptions: u16,
    /// Per request in the process: it never arrives, and the connection breaks.
    pub lose_request: u16,
    /// Per request in the process: it is carried out, and the connection breaks before its answer.
    pub lose_answer: u16,
}

impl Faults {
    /// No faults yet, to be drawn from `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Some of everything: what a client must survive without a lost or a doubled transaction.
    #[must_use]
    pub fn rough(seed: u64) -> Self {
        Self {
            seed,
            reject: 60,
            delay: 200,
            stall: 50,
            reorg: 100,
            reorg_depth: 3,
            drop_subscriptions: 50,
            lose_request: 20,
            lose_answer: 20,
        }
    }
}

/// Most slots that one stall loses.
const MOST_LOST_SLOTS: u64 = 8;

/// Faults under way: the chances, and the state of the draws.
#[derive(Debug, Clone)]
pub(crate) struct Draws {
    faults: Faults,
    state: u64,
}

/// What becomes of a request in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It is answered.
    Whole,
    /// It never arrives.
    RequestLost,
    /// It is carried out; nobody hears of it.
    AnswerLost,
}

impl Draws {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { state: faults.seed, faults }
    }

    /// The next number below `bound` (SplitMix64).
    fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)).checked_rem(bound).unwrap_or(0)
    }

    fn happens(&mut self, chance: u16) -> bool {
        chance > 0 && self.below(1_000) < u64::from(chance)
    }

    /// Why the pool refuses a transaction that it would take; `None` where it takes it.
    pub(crate) fn rejection(&mut self) -> Option<PoolError> {
        let reasons = [PoolError::Banned, PoolError::Full];
        let which = usize::try_from(self.below(2)).unwrap_or_default();
        self.happens(self.faults.reject).then(|| reasons.into_iter().nth(which)).flatten()
    }

    /// Whether a transaction that could be in this block is passed over.
    pub(crate) fn delays(&mut self) -> bool {
        self.happens(self.faults.delay)
    }

    /// What becomes of a request in the process.
    pub(crate) fn delivery(&mut self) -> Delivery {
        if self.happens(self.faults.lose_request) {
            Delivery::RequestLost
        } else if self.happens(self.faults.lose_answer) {
            Delivery::AnswerLost
        } else {
            Delivery::Whole
        }
    }
}

impl LocalChain {
    /// From now on things go wrong with these chances; `None`: nothing does any more.
    pub fn set_faults(&self, faults: Option<Faults>) {
        self.lock().faults = faults.map(Draws::new);
    }

    /// Replaces the newest `depth` blocks by as many others, as when a node changes to another branch.
    ///
    /// Whoever watches a transaction of theirs is told `retracted`, it waits again, and lands in the first
    /// of the new blocks unless it is no longer valid; the new heads follow at the same heights. The other
    /// branch began a slot later. What controls wrote since the oldest of the replaced blocks goes with
    /// them.
    ///
    /// # Errors
    ///
    /// [`LocalChainError::Final`] when one of the blocks is final or under an older runtime: let finality
    /// lag ([`finality_lag`](super::LocalChainBuilder::finality_lag)).
    pub fn reorg(&self, depth: u64) -> Result<(), LocalChainError> {
        self.lock().reorg(depth)
    }

    /// Puts another interface in force once block `number` is made; see [`upgrade`](Self::upgrade).
    ///
    /// # Errors
    ///
    /// The interface lacks what the rules need, or the chain is kept on disk; nothing is planned then.
    pub fn upgrade_at(&self, number: u64, interface: Interface) -> Result<(), InterfaceError> {
        let mut node = self.lock();
        #[cfg(feature = "durable")]
        if node.store.is_some() {
            return Err(InterfaceError::Kept);
        }
        let interface = Arc::new(interface);
        Runtime::new(Arc::clone(&interface), node.config.ruleset)?;
        node.planned.push((number, interface));
        Ok(())
    }
}

impl Node {
    /// Makes a block, with whatever goes wrong around it.
    pub(crate) fn produce(&mut self) {
        if let Some(draws) = &mut self.faults
            && draws.happens(draws.faults.stall)
        {
            let slots = draws.below(MOST_LOST_SLOTS).saturating_add(1);
            self.lose_slots(slots);
        }
        self.seal();
        let head = u64::from(self.history.head());
        if let Some(at) = self.planned.iter().position(|(number, _)| *number <= head) {
            let (_, interface) = self.planned.swap_remove(at);
            // It was tried when it was planned.
            let _ = self.upgrade(interface);
        }
        let Some(draws) = &mut self.faults else { return };
        let reorg = draws.happens(draws.faults.reorg);
        let depth = draws.below(u64::from(draws.faults.reorg_depth.max(1))).saturating_add(1);
        let drop = draws.happens(draws.faults.drop_subscriptions);
        if reorg {
            let depth = depth.min(u64::from(self.replaceable()));
            // Not more than may be replaced.
            let _ = self.reorg(depth);
        }
        if drop {
            self.feeds.close_all();
        }
    }

    fn lose_slots(&mut self, slots: u64) {
        let lost = slots.saturating_mul(self.config.block_ms());
        self.clock_shift = self.clock_shift.saturating_add(lost);
    }

    /// How many of the newest blocks are not final and under the runtime in force.
    fn replaceable(&self) -> u32 {
        let fixed = self.past.last().map_or(0, |past| past.until.saturating_add(1));
        let fixed = fixed.max(self.finalized).max(self.history.oldest());
        self.history.head().saturating_sub(fixed)
    }

    fn reorg(&mut self, depth: u64) -> Result<(), LocalChainError> {
        let count = u32::try_from(depth).unwrap_or(u32::MAX);
        if count > self.replaceable() {
            let head = u64::from(self.history.head());
            return Err(LocalChainError::Final(head.saturating_sub(depth).saturating_add(1)));
        }
        for _ in 0..count {
            self.retract();
        }
        if count > 0 {
            self.keep_whole();
            self.lose_slots(1);
            self.return_retracted();
        }
        for _ in 0..count {
            self.seal();
        }
        Ok(())
    }

    /// Takes the newest block back.
    fn retract(&mut self) {
        let Some((hash, root)) = self.history.pop(&mut self.state) else { return };
        self.root = root;
        let head = self.history.head();
        while self.awaiting_finality.back().is_some_and(|(number, _)| *number > head) {
            let Some((_, included)) = self.awaiting_finality.pop_back() else { break };
            let status = format!("{{\"retracted\":\"{}\"}}", json::hex(&hash));
            included.iter().for_each(|waiting| tell(&waiting.watchers, &status));
            self.retracted.splice(0..0, included);
        }
    }

    /// Lets the transactions of retracted blocks wait again.
    fn return_retracted(&mut self) {
        let head = self.history.head();
        let (hash, keys) = (self.history.head_hash(), self.history.take_reverted());
        self.feeds.storage(&self.state, hash, || keys.iter());
        for waiting in std::mem::take(&mut self.retracted) {
            let extrinsic = Arc::clone(&waiting.extrinsic);
            let watchers = waiting.watchers.clone();
            let Some(signed) = &extrinsic.signed else { continue };
            // Its era may have begun in a block that is gone.
            let valid = self.validate(&extrinsic, signed, head).is_ok();
            if !valid {
                tell(&watchers, "\"invalid\"");
            } else if self.pool.insert(waiting).is_err() {
                tell(&watchers, "\"dropped\"");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_seed_and_the_chances() {
        let rolls = |seed| {
            let mut draws = Draws::new(Faults { seed, delay: 250, ..Faults::default() });
            (0..2_000).map(|_| draws.delays()).collect::<Vec<_>>()
        };
        assert_eq!(rolls(1), rolls(1));
        assert_ne!(rolls(1), rolls(2));
        let hits = rolls(3).into_iter().filter(|hit| *hit).count();
        assert!((400..600).contains(&hits), "{hits}");
        let mut quiet = Draws::new(Faults::seeded(4));
        assert!((0..100).all(|_| quiet.rejection().is_none() && !quiet.delays()));
        assert_eq!(quiet.delivery(), Delivery::Whole);
    }
}
