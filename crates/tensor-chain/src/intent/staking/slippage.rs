//! How much worse than now a price may get.

use tensor_core::NetUid;

use crate::client::{AlphaPrice, Subtensor};
use crate::error::Error;

/// How much worse than now a price may get before an operation is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Slippage {
    /// Worse than the price of the moment by so many millionths; 5,000 (half a percent) unless said.
    Within(u32),
    /// To this price at worst, in rao per alpha (for swaps: origin's price in destination's, times 10⁹).
    Limit(AlphaPrice),
    /// However bad: what the pool gives is what there is.
    Unbounded,
}

impl Default for Slippage {
    fn default() -> Self {
        Self::Within(5_000)
    }
}

/// Which way a price hurts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Buying,
    Selling,
}

impl Slippage {
    pub(super) fn limit(self, now: u64, side: Side) -> Option<u64> {
        match self {
            Self::Limit(limit) => Some(limit.rao()),
            Self::Unbounded => None,
            Self::Within(millionths) => {
                let part = u128::from(now) * u128::from(millionths) / 1_000_000;
                let part = u64::try_from(part).unwrap_or(u64::MAX);
                Some(match side {
                    Side::Buying => now.saturating_add(part),
                    Side::Selling => now.saturating_sub(part),
                })
            }
        }
    }

    pub(super) async fn of(
        self,
        chain: &Subtensor,
        netuid: NetUid,
        side: Side,
    ) -> Result<Option<u64>, Error> {
        if netuid == NetUid::ROOT {
            return Ok(None);
        }
        let now = match self {
            Self::Within(_) => chain.alpha_price(netuid).await?.rao(),
            _ => 0,
        };
        Ok(self.limit(now, side))
    }

    /// The limit of a swap: the origin's price in the destination's, times 10⁹.
    pub(super) async fn of_swap(
        self,
        chain: &Subtensor,
        from: NetUid,
        to: NetUid,
    ) -> Result<Option<u64>, Error> {
        let Self::Within(_) = self else { return Ok(self.limit(0, Side::Selling)) };
        let price = async |netuid| match netuid {
            NetUid::ROOT => Ok(AlphaPrice::ONE),
            netuid => chain.alpha_price(netuid).await,
        };
        let (origin, destination) = (price(from).await?, price(to).await?);
        let ratio = u128::from(origin.rao()) * 1_000_000_000 / u128::from(destination.rao().max(1));
        Ok(self.limit(u64::try_from(ratio).unwrap_or(u64::MAX), Side::Selling))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_lie_on_the_side_that_hurts() {
        let slippage = Slippage::default();
        assert_eq!(slippage.limit(1_000_000_000, Side::Buying), Some(1_005_000_000));
        assert_eq!(slippage.limit(1_000_000_000, Side::Selling), Some(995_000_000));
        assert_eq!(slippage.limit(u64::MAX, Side::Buying), Some(u64::MAX));
        assert_eq!(Slippage::Unbounded.limit(5, Side::Buying), None);
        assert_eq!(Slippage::Limit(AlphaPrice::from_rao(7)).limit(5, Side::Buying), Some(7));
    }
}
