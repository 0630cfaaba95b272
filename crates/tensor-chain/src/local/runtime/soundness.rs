//! What must hold between the items of the state besides its ledgers (chain rules 15.4).

use std::collections::BTreeMap;

use super::Runtime;
use super::ledger::AlphaLedger;
use crate::local::state::State;

impl Runtime {
    /// Everything that does not hold, each in words.
    pub(crate) fn broken(&self, state: &State, ledgers: &[AlphaLedger]) -> Vec<String> {
        let mut broken = Vec::new();
        for ledger in ledgers {
            self.broken_uids(state, ledger.netuid, &mut broken);
            self.broken_reserve(state, ledger.netuid, &mut broken);
            self.broken_total(state, ledger, &mut broken);
        }
        self.broken_shares(state, &mut broken);
        self.broken_balances(state, &mut broken);
        broken
    }

    /// Uids `0..n` and hotkeys belong together one to one, and the vectors along them have n elements.
    fn broken_uids(&self, state: &State, netuid: u16, broken: &mut Vec<String>) {
        let items = &self.items;
        let n = items.subnetwork_n.get(state, netuid);
        let keys = items.keys.under(state, netuid);
        let uids = items.uids.under(state, netuid).len();
        let lengths = [
            keys.len(),
            uids,
            items.active.get(state, netuid).len(),
            items.emission.get(state, netuid).len(),
            items.validator_permit.get(state, netuid).len(),
        ];
        if lengths.iter().any(|length| *length != usize::from(n)) {
            broken.push(format!("subnet {netuid}: {n} neurons, but lists of {lengths:?}"));
        }
        for (uid, hotkey) in keys {
            let seated = uid < n
                && items.uids.try_get(state, (netuid, hotkey)) == Some(uid)
                && items.is_network_member.get(state, (hotkey, netuid));
            if !seated {
                broken.push(format!("subnet {netuid}: uid {uid} and its hotkey differ"));
            }
        }
    }

    /// The pool's TAO lies on the subnet's account. The reference genesis invents that of subnet 1.
    fn broken_reserve(&self, state: &State, netuid: u16, broken: &mut Vec<String>) {
        let invented = self.items.subnet_owner.get(state, netuid) == [0; 32];
        let tao = self.items.subnet_tao.get(state, netuid);
        let held = self.free_balance(state, &Self::subnet_account(netuid));
        if tao > held && !invented {
            broken.push(format!("subnet {netuid}: its pool claims {tao} rao of {held}"));
        }
    }

    fn broken_total(&self, state: &State, ledger: &AlphaLedger, broken: &mut Vec<String>) {
        let total = self.items.total_alpha_staked.get(state, ledger.netuid);
        if u128::from(total) != ledger.staked {
            let (netuid, staked) = (ledger.netuid, ledger.staked);
            broken.push(format!("subnet {netuid}: {staked} staked, {total} by the running total"));
        }
    }

    /// What the coldkeys of a share pool own together is not more than is in it.
    fn broken_shares(&self, state: &State, broken: &mut Vec<String>) {
        let mut sums: BTreeMap<([u8; 32], u16), u128> = BTreeMap::new();
        for ((hotkey, coldkey, netuid), _) in self.items.alpha_shares.entries(state) {
            let sum = sums.entry((hotkey, netuid)).or_default();
            *sum = sum.saturating_add(self.stake(state, &hotkey, &coldkey, netuid).into());
        }
        for ((hotkey, netuid), sum) in sums {
            let value = self.hotkey_stake(state, &hotkey, netuid);
            if sum > u128::from(value) {
                broken.push(format!("subnet {netuid}: shares of {sum} in a pool of {value}"));
            }
        }
    }

    /// No account has less than the existential deposit, other than nothing.
    fn broken_balances(&self, state: &State, broken: &mut Vec<String>) {
        for (_, account) in self.items.account.entries(state) {
            let total = account.total();
            if total > 0 && total < self.existential_deposit {
                broken.push(format!("an account lives on {total} rao"));
            }
        }
    }
}
