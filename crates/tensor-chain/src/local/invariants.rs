//! What must hold after every block, recomputed from storage (chain rules 15.4).

use super::runtime::{AlphaLedger, Runtime, TaoLedger};
use super::state::State;

/// Both ledgers at one block, every number recomputed from storage and none remembered.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Invariants {
    /// The block.
    pub block: u64,
    /// All TAO: who holds it, and where it came from.
    pub tao: TaoLedger,
    /// All alpha, subnet by subnet.
    pub alpha: Vec<AlphaLedger>,
}

impl Invariants {
    pub(crate) fn read(runtime: &Runtime, state: &State, block: u64) -> Self {
        Self { block, tao: runtime.tao_ledger(state), alpha: runtime.alpha_ledgers(state) }
    }

    /// Whether both ledgers close.
    #[must_use]
    pub fn hold(&self) -> bool {
        self.tao.closes() && self.alpha.iter().all(AlphaLedger::closes)
    }

    /// The ledger of one subnet's alpha.
    #[must_use]
    pub fn alpha_of(&self, netuid: u16) -> Option<&AlphaLedger> {
        self.alpha.iter().find(|ledger| ledger.netuid == netuid)
    }
}
