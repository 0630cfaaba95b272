//! Root dividends of spec 425: a claimable rate per unit of root stake, from which each staker's due follows.
//!
//! Spec 461 replaced this by baskets, whose rules are not covered here.

use crate::fixed::I96F32;

/// `RootClaimableThreshold`: less than this is not claimed.
pub const DEFAULT_CLAIM_THRESHOLD: u64 = 500_000;

/// What `amount` alpha of root dividends adds to the claimable rate of a hotkey with `root_stake` rao on root, truncated to
/// 32 bits.
///
/// `None` when the amount exceeds the root stake (or there is none): the runtime then pays it to the owner as alpha stake.
/// Chain rules 10.1.
#[must_use]
pub fn claimable_increment(amount: u64, root_stake: u64) -> Option<I96F32> {
    if amount > root_stake {
        return None;
    }
    I96F32::from_int(amount).checked_div(I96F32::from_int(root_stake))
}

/// Alpha still owed: `floor(rate * root_stake) - claimed`.
#[must_use]
pub fn owed(rate: I96F32, root_stake: u64, claimed: u128) -> u64 {
    let due = rate.saturating_mul(I96F32::from_int(root_stake)).to_u64();
    u64::try_from(u128::from(due).saturating_sub(claimed)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emission::dividends::TakeSplit;
    use crate::fixed::U96F32;

    // Chain rules 16, scenario 29.
    #[test]
    fn recorded_claim() {
        let split = TakeSplit::new(U96F32::from_int(1_000_000), 11_796);
        assert_eq!(split.take, 179_995);
        let rate = claimable_increment(split.rest, 2_000_000).unwrap();
        assert_eq!(rate.to_bits(), 1_760_945_181);
        assert_eq!(owed(rate, 2_000_000, 0), 820_003);
        assert_eq!(owed(rate, 1_500_000, 0), 615_002);
        assert_eq!(owed(rate, 500_000, 0), 205_000);
        assert_eq!(owed(rate, 2_000_000, 820_003), 0);
        assert_eq!(claimable_increment(2, 1), None);
        assert_eq!(claimable_increment(0, 0), None);
    }
}
