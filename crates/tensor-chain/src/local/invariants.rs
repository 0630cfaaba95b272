//! What must hold after every block, recomputed from storage (chain rules 15.4).

use super::runtime::{AlphaLedger, Runtime, TaoLedger};
use super::state::State;

/// Everything that must hold at one block, recomputed from storage; nothing is remembered.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Invariants {
    /// The block.
    pub block: u64,
    /// All TAO: who holds it, and where it came from.
    pub tao: TaoLedger,
    /// All alpha, subnet by subnet.
    pub alpha: Vec<AlphaLedger>,
    /// What else is wrong: uids, shares, reserves and balances, each in words.
    pub broken: Vec<String>,
}

impl Invariants {
    pub(crate) fn read(runtime: &Runtime, state: &State, block: u64) -> Self {
        let alpha = runtime.alpha_ledgers(state);
        let broken = runtime.broken(state, &alpha);
        Self { block, tao: runtime.tao_ledger(state), alpha, broken }
    }

    /// Whether both ledgers close and nothing else is wrong.
    #[must_use]
    pub fn hold(&self) -> bool {
        self.tao.closes() && self.alpha.iter().all(AlphaLedger::closes) && self.broken.is_empty()
    }

    /// The ledger of one subnet's alpha.
    #[must_use]
    pub fn alpha_of(&self, netuid: u16) -> Option<&AlphaLedger> {
        self.alpha.iter().find(|ledger| ledger.netuid == netuid)
    }
}
