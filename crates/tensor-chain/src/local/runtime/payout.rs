//! Who gets what an epoch divides: owner, miners, validators, their parents and stakers, and root (chain rules 9.4).

use std::collections::{BTreeMap, HashSet};

use tensor_yuma::emission::dividends::{
    Child, ChildkeySplit, DividendShare, HotkeyDividends, Parent, TakeSplit, distribute,
    miner_burned, validator_alpha,
};

use super::coinbase::Drained;
use super::ctx::Ctx;
use super::{Account, Runtime};
use crate::local::state::State;

/// Rewards of one hotkey from an epoch: as a miner and as a validator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Earned {
    pub(crate) hotkey: Account,
    pub(crate) incentive: u64,
    pub(crate) dividend: u64,
}

/// Burn is the default of `RecycleOrBurn`.
const RECYCLE: u8 = 1;

impl Runtime {
    /// Runs a subnet's epoch on what was pending and pays it out.
    pub(crate) fn distribute(&self, cx: &mut Ctx<'_>, netuid: u16, drained: Drained) {
        let pot = drained.server.saturating_add(drained.validator).saturating_add(drained.root);
        let earned = self.run_epoch(cx, netuid, pot);
        let incentives = earned.iter().map(|e| e.incentive).fold(0, u64::saturating_add);
        let validators = validator_alpha(drained.validator, drained.server, incentives);
        // Dividends are divided by the stakes before anything of this epoch is paid.
        let shares = self.divide(cx, netuid, &earned, validators, drained.root);
        self.pay_owner_cut(cx, netuid, drained.owner_cut);
        self.pay_incentives(cx, netuid, &earned);
        let dividends = self.pay_dividends(cx, netuid, &shares);
        let paid = incentives.saturating_add(dividends);
        let left = pot.saturating_sub(paid);
        let of_miners =
            if incentives > 0 { drained.server.saturating_sub(incentives).min(left) } else { 0 };
        self.strand(cx, netuid, |stranded| {
            stranded.server_rest += of_miners;
            stranded.dividend_dust += left - of_miners;
            stranded.unbacked += paid.saturating_sub(pot);
        });
    }

    fn pay_owner_cut(&self, cx: &mut Ctx<'_>, netuid: u16, cut: u64) {
        let owner = self.items.subnet_owner.try_get(cx.state, netuid);
        let hotkey = self.items.subnet_owner_hotkey.try_get(cx.state, netuid);
        match (owner, hotkey) {
            (Some(owner), Some(hotkey)) => self.increase_stake(cx, &hotkey, &owner, netuid, cut),
            _ => self.strand(cx, netuid, |stranded| stranded.server_rest += cut),
        }
    }

    fn pay_incentives(&self, cx: &mut Ctx<'_>, netuid: u16, earned: &[Earned]) {
        let recycles = self.items.recycle_or_burn.get(cx.state, netuid) == RECYCLE;
        let (mut total, mut withheld) = (0_u64, 0_u64);
        // By hotkey, as the chain keeps them.
        let mut incentives: BTreeMap<Account, u64> = BTreeMap::new();
        for e in earned {
            let sum = incentives.entry(e.hotkey).or_default();
            *sum = sum.saturating_add(e.incentive);
        }
        let withheld_from = self.owner_hotkeys(cx.state, netuid, &incentives);
        for (hotkey, incentive) in incentives {
            total = total.saturating_add(incentive);
            if withheld_from.contains(&hotkey) {
                withheld = withheld.saturating_add(incentive);
                if recycles {
                    self.recycle_subnet_alpha(cx, netuid, incentive);
                } else if incentive > 0 {
                    self.items.alpha_burned.add(cx.state, netuid, incentive);
                    self.strand(cx, netuid, |stranded| stranded.withheld += incentive);
                }
                continue;
            }
            let owner = self.owner_of(cx.state, &hotkey);
            let chosen = self.items.auto_stake_destination.try_get(cx.state, (owner, netuid));
            if let Some(destination) = chosen {
                cx.emit(
                    self.events.auto_stake_added,
                    (netuid, destination, hotkey, owner, incentive),
                );
            }
            self.increase_stake(cx, &chosen.unwrap_or(hotkey), &owner, netuid, incentive);
        }
        let burned = miner_burned(withheld, total);
        self.items.miner_burned.set(cx.state, netuid, &burned.to_bits());
    }

    /// What each hotkey gets of the validators' and of root's pot.
    fn divide(
        &self,
        cx: &mut Ctx<'_>,
        netuid: u16,
        earned: &[Earned],
        validators: u64,
        root: u64,
    ) -> Vec<(Account, DividendShare)> {
        let tao_weight = self.items.tao_weight.get(cx.state);
        let dividends = self.split_with_parents(cx, netuid, earned, tao_weight);
        let stakes: Vec<HotkeyDividends> = dividends
            .iter()
            .map(|(hotkey, dividends)| HotkeyDividends {
                dividends: *dividends,
                alpha: self.hotkey_stake(cx.state, hotkey, netuid),
                root: self.hotkey_stake(cx.state, hotkey, 0),
            })
            .collect();
        let shares = distribute(validators, root, tao_weight, &stakes);
        dividends.into_keys().zip(shares).collect()
    }

    /// Pays the shares out, takes first; returns the alpha paid.
    fn pay_dividends(
        &self,
        cx: &mut Ctx<'_>,
        netuid: u16,
        shares: &[(Account, DividendShare)],
    ) -> u64 {
        let items = &self.items;
        let mut paid = 0_u64;
        items.alpha_dividends.clear_under(cx.state, netuid);
        for (hotkey, share) in shares {
            let split = TakeSplit::new(share.alpha, items.delegates.get(cx.state, *hotkey));
            let owner = self.owner_of(cx.state, hotkey);
            self.increase_stake(cx, hotkey, &owner, netuid, split.take);
            self.increase_stake_for_all(cx, hotkey, netuid, split.rest);
            paid = paid.saturating_add(split.take).saturating_add(split.rest);
            items.alpha_dividends.add(cx.state, (netuid, *hotkey), split.rest);
            let stake = self.hotkey_stake(cx.state, hotkey, netuid);
            items.total_hotkey_alpha_last_epoch.set(cx.state, (*hotkey, netuid), &stake);
        }
        items.root_alpha_dividends.clear_under(cx.state, netuid);
        for (hotkey, share) in shares {
            let split = TakeSplit::new(share.root, items.delegates.get(cx.state, *hotkey));
            let owner = self.owner_of(cx.state, hotkey);
            self.increase_stake(cx, hotkey, &owner, netuid, split.take);
            self.add_root_dividends(cx, hotkey, netuid, split.rest);
            paid = paid.saturating_add(split.take).saturating_add(split.rest);
            items.root_alpha_dividends.add(cx.state, (netuid, *hotkey), split.rest);
        }
        paid
    }

    /// Dividends by hotkey after each child shared with its parents.
    fn split_with_parents(
        &self,
        cx: &mut Ctx<'_>,
        netuid: u16,
        earned: &[Earned],
        tao_weight: u64,
    ) -> BTreeMap<Account, u64> {
        let items = &self.items;
        let ck_burn = items.ck_burn.get(cx.state);
        let mut dividends: BTreeMap<Account, u64> = BTreeMap::new();
        let mut add = |hotkey: Account, amount: u64| {
            let sum = dividends.entry(hotkey).or_default();
            *sum = sum.saturating_add(amount);
        };
        let mut recycled = 0_u64;
        for e in earned {
            let key = (e.hotkey, netuid);
            let relations = items.parent_keys.get(cx.state, key);
            if relations.is_empty() {
                add(e.hotkey, e.dividend);
                continue;
            }
            let owner = self.owner_of(cx.state, &e.hotkey);
            let parents: Vec<Parent> = relations
                .iter()
                .map(|(proportion, parent)| Parent {
                    proportion: *proportion,
                    alpha: self.hotkey_stake(cx.state, parent, netuid),
                    root: self.hotkey_stake(cx.state, parent, 0),
                    same_coldkey: self.owner_of(cx.state, parent) == owner,
                })
                .collect();
            let lent: Vec<u64> =
                items.child_keys.get(cx.state, key).into_iter().map(|(p, _)| p).collect();
            let child = Child {
                alpha: self.hotkey_stake(cx.state, &e.hotkey, netuid),
                root: self.hotkey_stake(cx.state, &e.hotkey, 0),
                lent: &lent,
                take: self.effective_childkey_take(cx.state, &e.hotkey, netuid),
            };
            let split = ChildkeySplit::new(e.dividend, &child, &parents, tao_weight, ck_burn);
            for ((_, parent), due) in relations.iter().zip(&split.parents) {
                add(*parent, *due);
            }
            add(e.hotkey, split.own);
            recycled = recycled.saturating_add(split.recycled);
        }
        // The chain destroys this although the pot is then divided in full all the same.
        self.recycle_subnet_alpha(cx, netuid, recycled);
        self.strand(cx, netuid, |stranded| stranded.unbacked += recycled);
        dividends
    }

    /// Which of these hotkeys, all of the subnet, have their miner incentive withheld: those of the owner, and the owner hotkey.
    fn owner_hotkeys(
        &self,
        state: &State,
        netuid: u16,
        of: &BTreeMap<Account, u64>,
    ) -> HashSet<Account> {
        let owner = self.items.subnet_owner.get(state, netuid);
        let owned = self.items.owned_hotkeys.get(state, owner);
        let hotkey = self.items.subnet_owner_hotkey.try_get(state, netuid);
        owned.into_iter().chain(hotkey).filter(|hotkey| of.contains_key(hotkey)).collect()
    }
}
