//! What a subnet's alpha is worth in TAO.

use serde::{Deserialize, Serialize};
use tensor_core::{Alpha, NetUid, Tao};

use super::super::Subtensor;
use crate::error::Error;

/// A subnet's alpha in TAO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlphaPrice(u64);

impl AlphaPrice {
    /// One alpha for one TAO.
    pub const ONE: Self = Self(1_000_000_000);

    /// A price in rao for one alpha.
    pub const fn from_rao(rao: u64) -> Self {
        Self(rao)
    }

    /// The rao that one alpha costs.
    pub const fn rao(self) -> u64 {
        self.0
    }

    /// What that much alpha is worth at this price, not asking whether the pool would give it.
    pub fn value_of(self, alpha: Alpha) -> Tao {
        let value = u128::from(alpha.rao()) * u128::from(self.0) / 1_000_000_000;
        Tao::from_rao(u64::try_from(value).unwrap_or(u64::MAX))
    }

    /// The price as a float, for display.
    #[allow(clippy::cast_precision_loss)]
    pub fn to_f64_lossy(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Subtensor {
    /// The price of a subnet's alpha now.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn alpha_price(&self, netuid: NetUid) -> Result<AlphaPrice, Error> {
        self.runtime_call_as("SwapRuntimeApi", "current_alpha_price", &[netuid.into()]).await
    }

    /// The prices of all subnets' alpha now.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn alpha_prices(&self) -> Result<Vec<(NetUid, AlphaPrice)>, Error> {
        #[derive(Deserialize)]
        struct SubnetPrice {
            netuid: NetUid,
            price: AlphaPrice,
        }
        let all: Vec<SubnetPrice> =
            self.runtime_call_as("SwapRuntimeApi", "current_alpha_price_all", &[]).await?;
        Ok(all.into_iter().map(|subnet| (subnet.netuid, subnet.price)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_value_alpha_exactly() {
        let price = AlphaPrice::from_rao(1_500_000_000);
        assert_eq!(price.value_of(Alpha::from_rao(3)), Tao::from_rao(4));
        assert_eq!(AlphaPrice::ONE.value_of(Alpha::MAX), Tao::MAX);
    }
}
