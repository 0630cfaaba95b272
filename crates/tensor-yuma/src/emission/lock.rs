//! The price of registering a subnet.

use crate::fixed::I64F64;

/// `NetworkLockReductionInterval` in blocks at full block emission.
pub const DEFAULT_REDUCTION_INTERVAL: u64 = 100_800;

/// `NetworkMinLockCost`, and the last lock cost before any registration: 1,000 TAO.
pub const DEFAULT_MIN_LOCK: u64 = 1_000_000_000_000;

/// State from which the lock cost follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LockState {
    /// What the last registration paid, in rao (`NetworkLastLockCost`).
    pub last_lock: u64,
    /// Block of the last registration; 0 if there was none.
    pub last_block: u64,
    /// Least cost, in rao.
    pub min_lock: u64,
    /// Reduction interval in blocks, at full emission.
    pub reduction_interval: u64,
}

impl Default for LockState {
    fn default() -> Self {
        Self {
            last_lock: DEFAULT_MIN_LOCK,
            last_block: 0,
            min_lock: DEFAULT_MIN_LOCK,
            reduction_interval: DEFAULT_REDUCTION_INTERVAL,
        }
    }
}

impl LockState {
    /// Rao that registering a subnet costs at `block`, when a block mints `block_emission` rao.
    ///
    /// Twice the last cost right after a registration, falling by the last cost per interval; the interval shrinks with the
    /// block emission. Chain rules 6.2.
    #[must_use]
    pub fn cost(&self, block: u64, block_emission: u64) -> u64 {
        let interval = reduction_interval(self.reduction_interval, block_emission);
        let multiplier = if self.last_block == 0 { 1 } else { 2 };
        let slope = self.last_lock.checked_div(interval).unwrap_or(0);
        let discount = slope.saturating_mul(block.saturating_sub(self.last_block));
        self.last_lock.saturating_mul(multiplier).saturating_sub(discount).max(self.min_lock)
    }
}

/// `floor(interval * (block_emission / 1e9))`, the quotient truncated first.
#[must_use]
pub fn reduction_interval(interval: u64, block_emission: u64) -> u64 {
    let fixed = |value| I64F64::from_int(value).unwrap_or(I64F64::MAX);
    fixed(interval).saturating_mul(fixed(block_emission).safe_div(fixed(1_000_000_000))).to_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Chain rules 16, scenario 4.
    #[test]
    fn falls_from_twice_the_last_cost() {
        let state = LockState { last_block: 1_000, ..LockState::default() };
        let cases = [
            (0, 2_000_000_000_000),
            (1, 1_999_990_079_366),
            (7_200, 1_928_571_435_200),
            (50_400, 1_500_000_046_400),
            (100_800, 1_000_000_092_800),
            (201_600, 1_000_000_000_000),
        ];
        for (blocks, cost) in cases {
            assert_eq!(state.cost(1_000 + blocks, 1_000_000_000), cost, "{blocks}");
        }
        assert_eq!(LockState::default().cost(0, 1_000_000_000), 1_000_000_000_000);
    }

    // Chain rules 16, scenario 5.
    #[test]
    fn falls_faster_after_the_halving() {
        let state = LockState { last_block: 1_000, ..LockState::default() };
        for (blocks, cost) in
            [(7_200, 1_857_142_863_200), (50_400, 1_000_000_042_400), (100_800, 1_000_000_000_000)]
        {
            assert_eq!(state.cost(1_000 + blocks, 500_000_000), cost, "{blocks}");
        }
        // No emission: the interval is 0 and nothing is discounted.
        assert_eq!(state.cost(9_000, 0), 2_000_000_000_000);
    }
}
