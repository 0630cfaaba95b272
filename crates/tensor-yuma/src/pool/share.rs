//! Share pools: the stake behind a hotkey on a subnet is one value, and each coldkey owns a share of it.

mod float;

pub use float::{MANTISSA_MAX, SafeFloat};

/// The value and the denominator of a share pool: `TotalHotkeyAlpha` and `TotalHotkeySharesV2` of a hotkey on a subnet. The
/// coldkeys' shares (`AlphaV2`) are the caller's to store.
///
/// Source: `primitives/share-pool` of the runtime; chain rules 5.6.
///
/// ```
/// use tensor_yuma::pool::share::{SafeFloat, SharePool};
/// let mut pool = SharePool::default();
/// let (mut a, mut b) = (SafeFloat::ZERO, SafeFloat::ZERO);
/// pool.update_one(&mut a, 1_000_000_000);
/// pool.update_one(&mut b, 3_000_000_000);
/// pool.update_all(400_000_000); // dividends
/// assert_eq!((pool.value_of(a), pool.value_of(b)), (1_100_000_000, 3_300_000_000));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SharePool {
    /// Value shared by all, in alpha units (rao on root).
    pub value: u64,
    /// Sum of all shares.
    pub denominator: SafeFloat,
}

impl SharePool {
    /// What a share is worth: `floor(value * share / denominator)`; 0 in an empty pool.
    #[must_use]
    pub fn value_of(&self, share: SafeFloat) -> u64 {
        SafeFloat::from_int(self.value)
            .mul_div(share, self.denominator)
            .unwrap_or(SafeFloat::ZERO)
            .to_u64()
    }

    /// Change the value for everybody, as dividends do.
    pub fn update_all(&mut self, change: i64) {
        self.value = self.value.saturating_add_signed(change);
    }

    /// Change what one coldkey owns, by giving or taking shares at the present rate.
    ///
    /// The first update of an empty pool sets share and denominator to the amount. A share that would fall below zero
    /// becomes zero.
    pub fn update_one(&mut self, share: &mut SafeFloat, change: i64) {
        let amount = SafeFloat::from_int(change.unsigned_abs());
        if self.denominator.is_zero() {
            self.denominator = amount;
            *share = amount;
        } else {
            let shares = self.shares_for(change);
            let apply = |value: SafeFloat| {
                let next =
                    if change > 0 { value.checked_add(shares) } else { value.checked_sub(shares) };
                // The runtime keeps the old value when the exponent overflows or zero would go negative.
                next.unwrap_or(value)
            };
            self.denominator = apply(self.denominator);
            *share = apply(*share);
        }
        self.update_all(change);
    }

    /// Whether an update would give or take any share at all; a stake that would not is refused.
    #[must_use]
    pub fn would_change(&self, change: i64) -> bool {
        self.denominator.is_zero() || !self.shares_for(change).is_zero()
    }

    /// Shares that an amount is worth at the present rate.
    fn shares_for(&self, change: i64) -> SafeFloat {
        SafeFloat::from_int(change.unsigned_abs())
            .mul_div(self.denominator, SafeFloat::from_int(self.value))
            .unwrap_or(SafeFloat::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Chain rules 16, scenario 24.
    #[test]
    fn dividends_join_and_leave() {
        let mut pool = SharePool::default();
        let [mut a, mut b, mut c] = [SafeFloat::ZERO; 3];
        pool.update_one(&mut a, 1_000_000_000);
        pool.update_one(&mut b, 3_000_000_000);
        pool.update_all(400_000_000);
        assert_eq!((pool.value_of(a), pool.value_of(b)), (1_100_000_000, 3_300_000_000));
        pool.update_one(&mut c, 1_100_000_000);
        assert_eq!((pool.value, pool.value_of(c)), (5_500_000_000, 1_100_000_000));
        pool.update_one(&mut b, -1_650_000_000);
        let values = [a, b, c].map(|share| pool.value_of(share));
        assert_eq!(values, [1_100_000_000, 1_650_000_000, 1_100_000_000]);
    }

    #[test]
    fn thirds() {
        let mut pool = SharePool::default();
        let [mut a, mut b] = [SafeFloat::ZERO; 2];
        pool.update_one(&mut a, 1_000_000_000);
        pool.update_one(&mut b, 2_000_000_000);
        pool.update_all(1_000_000_001);
        assert_eq!((pool.value_of(a), pool.value_of(b)), (1_333_333_333, 2_666_666_667));
        assert_eq!(pool.value, 4_000_000_001);
    }

    #[test]
    fn empty_pools_and_dust() {
        let mut pool = SharePool::default();
        assert_eq!(pool.value_of(SafeFloat::from_int(5)), 0);
        assert!(pool.would_change(0));
        let mut share = SafeFloat::ZERO;
        pool.update_one(&mut share, 10);
        assert!(pool.would_change(1));
        assert!(!pool.would_change(0));
        pool.update_one(&mut share, -10);
        assert!(share.is_zero() && pool.denominator.is_zero());
        assert_eq!(pool.value, 0);
        // More is taken than is there: nothing goes negative.
        pool.update_one(&mut share, 10);
        pool.update_one(&mut share, -20);
        assert_eq!((pool.value, pool.value_of(share)), (0, 0));
        pool.update_all(i64::MIN);
        assert_eq!(pool.value, 0);
    }
}
