//! The stake a hotkey counts with on a subnet, after what it lent to children and borrowed from parents.

use crate::fixed::U96F32;

/// Stake of a parent and the proportion of it that counts for the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Borrowed {
    /// Proportion of `u64::MAX`.
    pub proportion: u64,
    /// The parent's own stake, in the same unit as the child's.
    pub stake: u64,
}

/// `own - own * sum(children) + sum(parent.stake * parent.proportion)` in 96.32 fixed point, floored.
///
/// Use it twice, with alpha on the subnet and with TAO on root; the relations are those of the subnet in both cases. On
/// root (netuid 0) there are no relations. Source: `staking/stake_utils.rs`, chain rules 9.1.
#[must_use]
pub fn inherited_stake(own: u64, children: &[u64], parents: &[Borrowed]) -> u64 {
    let own = U96F32::from_int(own);
    let lent = children.iter().fold(U96F32::ZERO, |sum, p| {
        sum.saturating_add(own.saturating_mul(U96F32::from_u64_proportion(*p)))
    });
    let borrowed = parents.iter().fold(U96F32::ZERO, |sum, parent| {
        let proportion = U96F32::from_u64_proportion(parent.proportion);
        sum.saturating_add(U96F32::from_int(parent.stake).saturating_mul(proportion))
    });
    own.saturating_sub(lent).saturating_add(borrowed).to_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Chain rules 16, scenario 39.
    #[test]
    fn two_children_and_a_parent() {
        let children = [5_534_023_222_112_865_484, 3_689_348_814_741_910_323];
        let parents = [Borrowed { proportion: 9_223_372_036_854_775_807, stake: 400_000_000_000 }];
        assert_eq!(inherited_stake(1_000_000_000_000, &children, &parents), 700_000_000_139);
    }

    #[test]
    fn everything_lent_leaves_nothing() {
        assert_eq!(inherited_stake(5, &[u64::MAX], &[]), 0);
        assert_eq!(inherited_stake(5, &[u64::MAX, u64::MAX], &[]), 0);
        assert_eq!(inherited_stake(u64::MAX, &[], &[]), u64::MAX);
    }
}
