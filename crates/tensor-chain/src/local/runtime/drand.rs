//! The drand pulses that open timelocked commits (chain rules 12.8).
//!
//! Nobody here fetches from the beacon: pulses are supplied, by a control of the chain or by root.

use super::Runtime;
use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use crate::local::storage::record::Pulse;

/// Rounds that the chain keeps.
const KEPT_ROUNDS: u64 = 216_000;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "Drand":
        PAID set_oldest_stored_round(oldest_round: u64) => set_oldest_stored_round;
    );
}

impl Runtime {
    /// Stores a pulse; a round that is not newer than the last stored one is still stored, but does not move the marks back. Event `NewPulse`.
    ///
    /// The signature is stored as it is: whether it opens anything shows at the reveal.
    pub fn store_pulse(&self, cx: &mut Ctx<'_>, round: u64, randomness: &[u8], signature: &[u8]) {
        let items = &self.items;
        let pulse = Pulse { round, randomness: randomness.to_vec(), signature: signature.to_vec() };
        items.pulses.set(cx.state, round, &pulse);
        let last = items.last_stored_round.get(cx.state);
        if round > last {
            items.last_stored_round.set(cx.state, &round);
        }
        let oldest = items.oldest_stored_round.get(cx.state);
        if oldest == 0 || round < oldest {
            items.oldest_stored_round.set(cx.state, &round);
        } else if round.saturating_sub(oldest) >= KEPT_ROUNDS {
            items.pulses.remove(cx.state, oldest);
            items.oldest_stored_round.set(cx.state, &oldest.saturating_add(1));
        }
        cx.emit(self.events.new_pulse, vec![round]);
    }

    fn set_oldest_stored_round(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        round: u64,
    ) -> DispatchResult {
        origin.root()?;
        self.items.oldest_stored_round.set(cx.state, &round);
        DONE
    }
}
