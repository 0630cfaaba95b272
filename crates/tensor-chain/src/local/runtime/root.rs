//! Root dividends: what stakers on root are owed by the subnets, and claiming it (chain rules 10).
//!
//! These are the rules of 425 under both rulesets: 461 replaced them by baskets, whose rules are not published. Under 461 nothing is claimed
//! automatically, and `claim_root` takes every subnet, whatever its argument names.

use std::collections::{BTreeMap, BTreeSet};

use tensor_yuma::emission::root_claim::{claimable_increment, owed};
use tensor_yuma::fixed::{I96F32, U64F64};

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::pool::ANY_SALE;
use super::{Account, Ruleset, Runtime};

/// Coldkeys for whom 425 claims in every block.
const AUTOMATIC_CLAIMS: u64 = 5;

/// A claim may name this many subnets.
const MAX_CLAIMED_SUBNETS: usize = 5;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        PAID claim_root(subnets: BTreeSet<u16>) => claim_root;
        PAID claim_root_with_hotkey(hotkey: Account) => claim_root_with_hotkey;
        PAID sudo_set_root_claim_threshold(netuid: u16, new_value: u64) => sudo_set_root_claim_threshold;
    );
}

impl Runtime {
    /// Raises what every root staker of a hotkey is owed. With too little root stake the owner is paid as alpha instead.
    pub(crate) fn add_root_dividends(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        netuid: u16,
        alpha: u64,
    ) {
        let root_stake = self.hotkey_stake(cx.state, hotkey, 0);
        match claimable_increment(alpha, root_stake) {
            None => {
                let owner = self.owner_of(cx.state, hotkey);
                self.increase_stake(cx, hotkey, &owner, netuid, alpha);
            }
            Some(increment) => {
                self.strand(cx, netuid, |stranded| stranded.root_unclaimed += alpha);
                self.items.root_claimable.mutate(cx.state, *hotkey, |rates| {
                    let rate = rates.entry(netuid).or_default();
                    *rate = I96F32::from_bits(*rate).saturating_add(increment).to_bits();
                });
            }
        }
    }

    /// Alpha that a coldkey may claim from one subnet.
    pub(crate) fn root_owed(
        &self,
        cx: &Ctx<'_>,
        hotkey: &Account,
        coldkey: &Account,
        netuid: u16,
    ) -> u64 {
        let rates = self.items.root_claimable.get(cx.state, *hotkey);
        let rate = I96F32::from_bits(rates.get(&netuid).copied().unwrap_or(0));
        let stake = self.stake(cx.state, hotkey, coldkey, 0);
        owed(rate, stake, self.items.root_claimed.get(cx.state, (netuid, *hotkey, *coldkey)))
    }

    /// New root stake has no claim on past dividends.
    pub(crate) fn note_root_stake(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        coldkey: &Account,
        tao: u64,
    ) {
        self.shift_claimed(cx, hotkey, coldkey, tao, u128::saturating_add);
        self.index_root_staker(cx, coldkey);
    }

    /// Root stake that leaves takes its claims along.
    pub(crate) fn note_root_unstake(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        coldkey: &Account,
        tao: u64,
    ) {
        self.shift_claimed(cx, hotkey, coldkey, tao, u128::saturating_sub);
        let staking = self.items.staking_hotkeys.get(cx.state, *coldkey);
        if !staking.iter().any(|hotkey| self.stake(cx.state, hotkey, coldkey, 0) > 0) {
            self.unindex_root_staker(cx, coldkey);
        }
    }

    /// Hands what was claimed under one pair of hotkey and coldkey on to another.
    pub(crate) fn move_root_claims(
        &self,
        cx: &mut Ctx<'_>,
        netuid: u16,
        (old_hotkey, old_coldkey): (&Account, &Account),
        (new_hotkey, new_coldkey): (&Account, &Account),
    ) {
        let claims = &self.items.root_claimed;
        let Some(old) = claims.take(cx.state, (netuid, *old_hotkey, *old_coldkey)) else { return };
        claims.mutate(cx.state, (netuid, *new_hotkey, *new_coldkey), |claimed| {
            *claimed = claimed.saturating_add(old);
        });
    }

    fn shift_claimed(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        coldkey: &Account,
        tao: u64,
        shift: fn(u128, u128) -> u128,
    ) {
        let rates: BTreeMap<u16, i128> =
            self.items.root_claimable.try_get(cx.state, *hotkey).unwrap_or_default();
        for (netuid, rate) in rates {
            let amount = I96F32::from_bits(rate).saturating_mul(I96F32::from_int(tao)).to_u64();
            let key = (netuid, *hotkey, *coldkey);
            let claimed = shift(self.items.root_claimed.get(cx.state, key), u128::from(amount));
            self.items.root_claimed.set(cx.state, key, &claimed);
        }
    }

    pub(crate) fn index_root_staker(&self, cx: &mut Ctx<'_>, coldkey: &Account) {
        let items = &self.items;
        if items.staking_coldkeys.contains(cx.state, *coldkey) {
            return;
        }
        let count = items.num_staking_coldkeys.get(cx.state);
        items.staking_coldkeys_by_index.set(cx.state, count, coldkey);
        items.staking_coldkeys.set(cx.state, *coldkey, &count);
        items.num_staking_coldkeys.set(cx.state, &count.saturating_add(1));
    }

    pub(crate) fn unindex_root_staker(&self, cx: &mut Ctx<'_>, coldkey: &Account) {
        let items = &self.items;
        let Some(at) = items.staking_coldkeys.take(cx.state, *coldkey) else { return };
        let last = items.num_staking_coldkeys.get(cx.state).saturating_sub(1);
        match items.staking_coldkeys_by_index.take(cx.state, last) {
            Some(moved) if at != last => {
                items.staking_coldkeys_by_index.set(cx.state, at, &moved);
                items.staking_coldkeys.set(cx.state, moved, &at);
            }
            _ => items.staking_coldkeys_by_index.remove(cx.state, at),
        }
        items.num_staking_coldkeys.set(cx.state, &last);
    }

    /// Claims for the stakers that the parent's hash picks (425).
    pub(crate) fn claim_root_automatically(&self, cx: &mut Ctx<'_>) {
        let stakers = self.items.num_staking_coldkeys.get(cx.state);
        if stakers == 0 {
            return;
        }
        for index in root_claim_indices(&cx.parent_hash, AUTOMATIC_CLAIMS, stakers) {
            if let Some(coldkey) = self.items.staking_coldkeys_by_index.try_get(cx.state, index) {
                // One that cannot be paid now is tried again when it is picked again.
                let _ = cx.transact(|cx| self.claim_all(cx, &coldkey, None));
            }
        }
    }

    fn claim_root(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        subnets: BTreeSet<u16>,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        let named = match self.ruleset {
            Ruleset::V461 => None,
            Ruleset::V425 if (1..=MAX_CLAIMED_SUBNETS).contains(&subnets.len()) => Some(subnets),
            // `InvalidSubnetNumber`, which the interface of 461 no longer has.
            Ruleset::V425 => return Err(DispatchError::Other),
        };
        self.claim_all(cx, &coldkey, named.as_ref())?;
        DONE
    }

    fn claim_root_with_hotkey(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.ensure_hotkey(cx.state, &hotkey)?;
        let tao = self.claim_from(cx, &coldkey, &hotkey, None)?;
        cx.emit(self.events.root_claimed, (coldkey, tao));
        DONE
    }

    fn claim_all(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: &Account,
        subnets: Option<&BTreeSet<u16>>,
    ) -> Result<(), DispatchError> {
        let mut tao = 0_u64;
        for hotkey in self.items.staking_hotkeys.get(cx.state, *coldkey) {
            tao = tao.saturating_add(self.claim_from(cx, coldkey, &hotkey, subnets)?);
        }
        cx.emit(self.events.root_claimed, (*coldkey, tao));
        Ok(())
    }

    fn claim_from(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: &Account,
        hotkey: &Account,
        subnets: Option<&BTreeSet<u16>>,
    ) -> Result<u64, DispatchError> {
        let mut tao = 0_u64;
        for netuid in self.items.root_claimable.get(cx.state, *hotkey).into_keys() {
            if subnets.is_some_and(|named| !named.contains(&netuid)) {
                continue;
            }
            let amount = self.root_owed(cx, hotkey, coldkey, netuid);
            let threshold = I96F32::from_bits(self.claim_threshold(cx, netuid));
            if amount == 0 || I96F32::from_int(amount) < threshold {
                continue;
            }
            tao = tao.saturating_add(self.sell_claim(cx, coldkey, hotkey, netuid, amount)?);
        }
        Ok(tao)
    }

    /// Sells owed alpha and stakes the proceeds on root.
    fn sell_claim(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: &Account,
        hotkey: &Account,
        netuid: u16,
        alpha: u64,
    ) -> Result<u64, DispatchError> {
        let items = &self.items;
        let quote = self.sell_alpha(cx, netuid, alpha, ANY_SALE, true)?;
        self.strand(cx, netuid, |stranded| {
            stranded.root_unclaimed = stranded.root_unclaimed.saturating_sub(quote.paid_in);
        });
        let tao = quote.paid_out;
        self.transfer_from_subnet(cx, netuid, &Self::subnet_account(0), tao)?;
        items.subnet_root_sell_tao.add(cx.state, netuid, tao);
        self.increase_stake(cx, hotkey, coldkey, 0, tao);
        items.subnet_tao.add(cx.state, 0, tao);
        items.subnet_alpha_out.add(cx.state, 0, tao);
        items.total_stake.add(cx.state, tao);
        self.shift_claimed(cx, hotkey, coldkey, tao, u128::saturating_add);
        items.root_claimed.mutate(cx.state, (netuid, *hotkey, *coldkey), |claimed| {
            *claimed = claimed.saturating_add(u128::from(alpha));
        });
        Ok(tao)
    }

    fn claim_threshold(&self, cx: &Ctx<'_>, netuid: u16) -> i128 {
        self.items.root_claimable_threshold.get(cx.state, netuid)
    }

    fn sudo_set_root_claim_threshold(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        new_value: u64,
    ) -> DispatchResult {
        self.ensure_owner_or_root(cx.state, origin, netuid)?;
        self.ensure_exists(cx.state, netuid)?;
        // At most 0.01 alpha.
        if new_value > 10_000_000 {
            return Err(errors::SubtensorModule::InvalidValue);
        }
        let bits = U64F64::from_int(new_value).to_i96f32().to_bits();
        self.items.root_claimable_threshold.set(cx.state, netuid, &bits);
        DONE
    }
}

/// Which of `total` root stakers a block claims for (ruleset 425, chain rules 10.1): `count` steps through the parent hash's four big-endian words,
/// modulo `total`; each index once, ascending.
#[must_use]
pub fn root_claim_indices(hash: &[u8; 32], count: u64, total: u64) -> BTreeSet<u64> {
    let words: Vec<u64> = hash
        .chunks_exact(8)
        .map(|word| word.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
        .collect();
    let mut last = words.first().copied().unwrap_or(0);
    words
        .iter()
        .cycle()
        .take(usize::try_from(count).unwrap_or(usize::MAX))
        .map(|step| {
            last = last.saturating_add(*step).checked_rem(total).unwrap_or(0);
            last
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario 30: a case of the pallet's own tests.
    #[test]
    fn claim_indices_of_the_pallet_test() {
        let hash = sp_crypto_hashing::keccak_256(b"some");
        let expected = [
            265, 630, 1286, 1558, 4496, 4861, 5517, 5789, 6803, 8096, 9092, 11034, 11399, 12055,
            12327,
        ];
        assert!(root_claim_indices(&hash, 15, 15_000).into_iter().eq(expected));
    }
}
