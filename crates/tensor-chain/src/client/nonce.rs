//! Nonces under concurrency: [`Nonces`].
//!
//! Between asking for a nonce and the pool having the extrinsic, an account's submissions wait for each
//! other; inclusion they await side by side. The node's pool-aware index leads; ours is ahead of it
//! only while a node behind a balancer lags.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tensor_core::account::AccountId;

/// One account's nonce: the next one after our own submissions, and until which block that is to be
/// believed.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    next: Option<(u32, u64)>,
}

impl Lane {
    /// The nonce to use, where the node would use `pooled` and the head is `block`.
    pub(crate) fn next(&self, pooled: u32, block: u64) -> u32 {
        match self.next {
            // After the last one's era its place in the pool is lost, whatever became of it.
            Some((next, until)) if block <= until => pooled.max(next),
            _ => pooled,
        }
    }

    /// The pool took that nonce with an extrinsic valid until block `until`.
    pub(crate) fn took(&mut self, nonce: u32, until: u64) {
        self.next = Some((nonce.saturating_add(1), until));
    }

    /// The pool refused or lost one: only the node knows.
    pub(crate) fn forget(&mut self) {
        self.next = None;
    }
}

/// The lanes of all accounts that this client signs for.
#[derive(Debug, Default)]
pub(crate) struct Nonces(Mutex<HashMap<AccountId, Arc<futures::lock::Mutex<Lane>>>>);

impl Nonces {
    pub(crate) fn lane(&self, account: AccountId) -> Arc<futures::lock::Mutex<Lane>> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lanes.entry(account).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_leads_unless_it_lags() {
        let mut lane = Lane::default();
        assert_eq!(lane.next(5, 100), 5);
        lane.took(5, 164);
        assert_eq!(lane.next(5, 101), 6, "a lagging node");
        assert_eq!(lane.next(9, 101), 9, "somebody else signs too");
        assert_eq!(lane.next(5, 165), 5, "the era is over");
        lane.forget();
        assert_eq!(lane.next(5, 101), 5);
    }
}
