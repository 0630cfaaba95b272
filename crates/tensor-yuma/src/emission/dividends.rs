//! Paying out an epoch: between a child hotkey and its parents, between alpha and root, between delegate and stakers.

use crate::fixed::U96F32;

/// A hotkey that lends stake to the hotkey whose dividends are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Parent {
    /// Proportion of its stake that counts for the child, of `u64::MAX`.
    pub proportion: u64,
    /// Its alpha on the subnet.
    pub alpha: u64,
    /// Its TAO on root, in rao.
    pub root: u64,
    /// Owned by the coldkey that owns the child: no take and no burn apply.
    pub same_coldkey: bool,
}

/// The hotkey that earned dividends, as far as the split needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child<'a> {
    /// Its own alpha on the subnet.
    pub alpha: u64,
    /// Its own TAO on root, in rao.
    pub root: u64,
    /// Proportions (of `u64::MAX`) it lends to its own children.
    pub lent: &'a [u64],
    /// Its childkey take, a proportion of 65535 (already at least the subnet's minimum).
    pub take: u16,
}

/// Dividends of one child after the split, whole alpha units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ChildkeySplit {
    /// For each parent, in the order given.
    pub parents: Vec<u64>,
    /// For the child: what no parent is due, plus the takes.
    pub own: u64,
    /// Recycled from parents under another coldkey (`CKBurn`).
    pub recycled: u64,
}

impl ChildkeySplit {
    /// Split `dividends` (alpha units) by contributed stake.
    ///
    /// A parent contributes `alpha * p + root * p * w`; the child what it did not lend, floored. Each parent is due
    /// `dividends * (contribution / total)`, quotient first; a parent under another coldkey loses `ck_burn` and the childkey
    /// take of that. `tao_weight` and `ck_burn` are stored proportions of `u64::MAX`. Source: `coinbase/run_coinbase.rs`,
    /// `get_parent_child_dividends_distribution`; chain rules 9.4.2.
    #[must_use]
    pub fn new(
        dividends: u64,
        child: &Child<'_>,
        parents: &[Parent],
        tao_weight: u64,
        ck_burn: u64,
    ) -> Self {
        let weight = U96F32::from_u64_proportion(tao_weight);
        let burn_rate = U96F32::from_u64_proportion(ck_burn);
        let take_rate = U96F32::from_u16_proportion(child.take);
        let contributions: Vec<U96F32> = parents
            .iter()
            .map(|parent| {
                let proportion = U96F32::from_u64_proportion(parent.proportion);
                contribution(parent.alpha, parent.root, proportion, weight)
            })
            .collect();
        let own =
            U96F32::from_int(self_contribution(child.alpha, child.root, child.lent, tao_weight));
        let total = contributions.iter().fold(own, |sum, c| sum.saturating_add(*c));
        let all = U96F32::from_int(dividends);

        let mut remaining = all;
        let mut taken = U96F32::ZERO;
        let mut split = Self { parents: Vec::with_capacity(parents.len()), own: 0, recycled: 0 };
        for (parent, contribution) in parents.iter().zip(contributions) {
            let mut due = all.saturating_mul(contribution.safe_div(total));
            remaining = remaining.saturating_sub(due);
            if !parent.same_coldkey {
                let burn = burn_rate.saturating_mul(due);
                let take = take_rate.saturating_mul(due);
                due = due.saturating_sub(burn).saturating_sub(take);
                taken = taken.saturating_add(take);
                split.recycled = split.recycled.saturating_add(burn.to_u64());
            }
            split.parents.push(due.to_u64());
        }
        split.own = remaining.saturating_add(taken).to_u64();
        split
    }
}

/// Stake (alpha plus weighted root TAO) that a hotkey keeps for itself, floored.
#[must_use]
pub fn self_contribution(alpha: u64, root: u64, lent: &[u64], tao_weight: u64) -> u64 {
    let kept = lent
        .iter()
        .fold(U96F32::ONE, |rest, p| rest.saturating_sub(U96F32::from_u64_proportion(*p)));
    contribution(alpha, root, kept, U96F32::from_u64_proportion(tao_weight)).to_u64()
}

/// Dividends of one hotkey (summed over the children it is a parent of) with its own current stakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HotkeyDividends {
    /// Dividends, alpha units.
    pub dividends: u64,
    /// Alpha on the subnet (`TotalHotkeyAlpha`).
    pub alpha: u64,
    /// TAO on root, in rao.
    pub root: u64,
}

/// What a hotkey is paid from the two pots, with 32 fractional bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DividendShare {
    /// Of the validator alpha.
    pub alpha: U96F32,
    /// Of the pending root alpha.
    pub root: U96F32,
}

/// Divide `validator_alpha` and `root_alpha` between hotkeys.
///
/// A hotkey's dividends count for root by `root * w / (alpha + root * w)` and for alpha by the rest; each pot is divided in
/// proportion, share first. Source: `coinbase/run_coinbase.rs`, `calculate_dividend_distribution`; chain rules 9.4.3.
#[must_use]
pub fn distribute(
    validator_alpha: u64,
    root_alpha: u64,
    tao_weight: u64,
    hotkeys: &[HotkeyDividends],
) -> Vec<DividendShare> {
    let weight = U96F32::from_u64_proportion(tao_weight);
    let parts: Vec<DividendShare> = hotkeys
        .iter()
        .map(|hotkey| {
            let weighted_root = U96F32::from_int(hotkey.root).saturating_mul(weight);
            let total = U96F32::from_int(hotkey.alpha).saturating_add(weighted_root);
            let dividends = U96F32::from_int(hotkey.dividends);
            let root = dividends.saturating_mul(weighted_root.safe_div(total));
            DividendShare { alpha: dividends.saturating_sub(root), root }
        })
        .collect();
    let total_alpha = parts.iter().fold(U96F32::ZERO, |sum, part| sum.saturating_add(part.alpha));
    let total_root = parts.iter().fold(U96F32::ZERO, |sum, part| sum.saturating_add(part.root));
    parts
        .iter()
        .map(|part| DividendShare {
            alpha: U96F32::from_int(validator_alpha)
                .saturating_mul(part.alpha.safe_div(total_alpha)),
            root: U96F32::from_int(root_alpha).saturating_mul(part.root.safe_div(total_root)),
        })
        .collect()
}

/// Alpha that validators share in an epoch: their pot, plus the miners' pot when no incentive was earned at all.
#[must_use]
pub const fn validator_alpha(
    pending_validator: u64,
    pending_server: u64,
    incentive_sum: u64,
) -> u64 {
    if incentive_sum == 0 {
        pending_validator.saturating_add(pending_server)
    } else {
        pending_validator
    }
}

/// A delegate's take and what is left for all its stakers, whole units; one unit may be lost between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TakeSplit {
    /// For the hotkey's owner.
    pub take: u64,
    /// For every staker of the hotkey in proportion.
    pub rest: u64,
}

impl TakeSplit {
    /// Split `amount` by `take`, a proportion of 65535. Chain rules 9.4.6.
    #[must_use]
    pub fn new(amount: U96F32, take: u16) -> Self {
        let taken = U96F32::from_u16_proportion(take).saturating_mul(amount);
        Self { take: taken.to_u64(), rest: amount.saturating_sub(taken).to_u64() }
    }
}

/// `MinerBurned`: the part of an epoch's incentive that was withheld because it went to owner hotkeys; 0 without incentive.
#[must_use]
pub fn miner_burned(withheld: u64, total: u64) -> U96F32 {
    U96F32::from_int(withheld).safe_div(U96F32::from_int(total))
}

fn contribution(alpha: u64, root: u64, proportion: U96F32, tao_weight: U96F32) -> U96F32 {
    let alpha = U96F32::from_int(alpha).saturating_mul(proportion);
    let root = U96F32::from_int(root).saturating_mul(proportion).saturating_mul(tao_weight);
    alpha.saturating_add(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emission::terms::DEFAULT_TAO_WEIGHT;

    fn parent(proportion: u64, same_coldkey: bool) -> Parent {
        Parent { proportion, alpha: 1_000_000_000, root: 0, same_coldkey }
    }

    // Chain rules 16, scenario 25.
    #[test]
    fn childkey_splits() {
        let child = Child { alpha: 0, root: 0, lent: &[], take: 6_553 };
        let split = ChildkeySplit::new(
            1_000_000_000,
            &child,
            &[parent(u64::MAX, false)],
            DEFAULT_TAO_WEIGHT,
            0,
        );
        assert_eq!((split.own, &split.parents[..]), (99_992_370, &[900_007_629][..]));
        let same = ChildkeySplit::new(
            1_000_000_000,
            &child,
            &[parent(u64::MAX, true)],
            DEFAULT_TAO_WEIGHT,
            0,
        );
        assert_eq!((same.own, &same.parents[..]), (0, &[1_000_000_000][..]));
        let half = Child { alpha: 500_000_000, root: 0, lent: &[], take: 11_796 };
        let split = ChildkeySplit::new(
            1_000_000_000,
            &half,
            &[parent(u64::MAX / 2, false)],
            DEFAULT_TAO_WEIGHT,
            0,
        );
        assert_eq!((split.own, &split.parents[..]), (589_997_711, &[410_002_288][..]));
    }

    #[test]
    fn burn_is_recycled_from_foreign_parents_only() {
        let child = Child { alpha: 0, root: 0, lent: &[], take: 0 };
        let parents = [parent(u64::MAX, false), parent(u64::MAX, true)];
        let split = ChildkeySplit::new(1_000, &child, &parents, 0, u64::MAX / 2);
        assert_eq!(split.parents[1], 500);
        // Each part is floored on its own.
        assert_eq!(split.parents[0] + split.recycled, 499);
        assert!(split.recycled.abs_diff(250) <= 1);
    }

    // Chain rules 16, scenario 28.
    #[test]
    fn alpha_and_root_dividends() {
        let hotkeys = [
            HotkeyDividends { dividends: 600_000_000, alpha: 1_000_000_000_000, root: 0 },
            HotkeyDividends {
                dividends: 400_000_000,
                alpha: 1_000_000_000_000,
                root: 10_000_000_000_000,
            },
        ];
        let shares = distribute(900_000_000, 100_000_000, DEFAULT_TAO_WEIGHT, &hotkeys);
        let alpha: Vec<u64> = shares.iter().map(|s| s.alpha.to_u64()).collect();
        let root: Vec<u64> = shares.iter().map(|s| s.root.to_u64()).collect();
        assert_eq!(alpha, [626_456_624, 273_543_375]);
        assert_eq!(root, [0, 100_000_000]);
    }

    // Chain rules 9.4, last number.
    #[test]
    fn take_of_eighteen_percent() {
        let split = TakeSplit::new(U96F32::from_int(1_000_000_000), 11_796);
        assert_eq!((split.take, split.rest), (179_995_422, 820_004_577));
    }

    #[test]
    fn withheld_part() {
        assert_eq!(miner_burned(0, 0), U96F32::ZERO);
        assert_eq!(miner_burned(7, 7), U96F32::ONE);
        assert_eq!(miner_burned(1, 2), U96F32::from_bits(1 << 31));
        assert_eq!(validator_alpha(3, 4, 0), 7);
        assert_eq!(validator_alpha(3, 4, 1), 3);
    }
}
