//! The weighted (Balancer-style) curve of spec versions 425 and 461.

use super::curve::{Curve, Reserves};
use super::power::{PowerArguments, power_scaled};
use crate::fixed::{U64F64, wide};

/// A weight of 1, in the chain's parts (Perquintill).
pub const WEIGHT_ONE: u64 = 1_000_000_000_000_000_000;

/// The least either weight may be: 0.01.
pub const MIN_WEIGHT: u64 = WEIGHT_ONE / 100;

/// Binary digits asked of the power routine for trades and for limits. The chain's figures; they decide only how far the
/// approximation may be from the true power.
const TRADE_PRECISION: u32 = 256;
const LIMIT_PRECISION: u32 = 1_024;

/// A weighted pool: `price = (b/q) * (tao/alpha)` with the quote (TAO) weight `q` and the base (alpha) weight `b = 1 - q`.
///
/// A trade keeps `alpha^b * tao^q` constant:
///
/// ```text
/// buy  dy:  dx = floor(x * (1 - E)),  E = (y / (y + dy))^(q/b)
/// sell dx:  dy = floor(y * (1 - E)),  E = (x / (x + dx))^(b/q)
/// ```
///
/// `E` has 18 decimal digits, floored, then 64 binary ones. Source: `pallets/swap/src/pallet/balancer.rs`; chain rules 4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Balancer {
    quote: u64,
}

/// A weight that leaves either side of a pool with less than [`MIN_WEIGHT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "quote weight {quote} leaves one side below a weight of {MIN_WEIGHT} parts in {WEIGHT_ONE}"
)]
pub struct WeightOutOfRange {
    /// The refused quote weight.
    pub quote: u64,
}

impl Balancer {
    /// A pool with this quote weight, in parts of [`WEIGHT_ONE`].
    ///
    /// # Errors
    /// If either weight would be below [`MIN_WEIGHT`].
    pub const fn new(quote: u64) -> Result<Self, WeightOutOfRange> {
        if quote < MIN_WEIGHT || quote > WEIGHT_ONE - MIN_WEIGHT {
            return Err(WeightOutOfRange { quote });
        }
        Ok(Self { quote })
    }

    /// Weight of TAO, in parts of [`WEIGHT_ONE`].
    #[must_use]
    pub const fn quote_weight(self) -> u64 {
        self.quote
    }

    /// Weight of alpha, in parts of [`WEIGHT_ONE`].
    #[must_use]
    pub const fn base_weight(self) -> u64 {
        WEIGHT_ONE - self.quote
    }

    /// The weights after `tao` rao and `alpha` units are added without moving the price.
    ///
    /// `q1 = round(b * y*(x + da))`, `q2 = round(q * x*(y + dt))`, new `q = floor(1e18 * q2 / (q1 + q2))`, 0.5 if both are 0.
    /// Chain rules 4.4.
    ///
    /// # Errors
    /// If either new weight would be below [`MIN_WEIGHT`]: the injection is refused.
    pub fn inject(
        self,
        reserves: Reserves,
        tao: u64,
        alpha: u64,
    ) -> Result<Self, WeightOutOfRange> {
        let (x, y) = (u128::from(reserves.alpha), u128::from(reserves.tao));
        let q1 = weigh(self.base_weight(), y.saturating_mul(x + u128::from(alpha)));
        let q2 = weigh(self.quote, x.saturating_mul(y + u128::from(tao)));
        let sum = q1.saturating_add(q2);
        if sum == 0 {
            return Ok(Self::default());
        }
        let (high, low) = wide::mul_full(q2, u128::from(WEIGHT_ONE));
        let quote =
            wide::div_256(high, low, sum).and_then(|q| u64::try_from(q).ok()).unwrap_or(WEIGHT_ONE);
        Self::new(quote)
    }

    /// Alpha units that must be sold to get `tao` rao: `floor(x * (E - 1))` with `E = (y / (y - dy))^(q/b)`.
    ///
    /// As in the pallet, the exponent is that of a buy; 0 when the pool does not hold that much.
    #[must_use]
    pub fn alpha_needed_for_tao(self, reserves: Reserves, tao: u64) -> u64 {
        let left = reserves.tao.saturating_sub(tao);
        if left == 0 {
            return 0;
        }
        let e = self.ratio_power(reserves.tao, left, self.quote, self.base_weight());
        U64F64::from_int(reserves.alpha).saturating_mul(e.saturating_sub(U64F64::ONE)).to_u64()
    }

    /// `(numerator / denominator)^(p / q)` with 18 decimal digits; 0 where the chain's routine gives none.
    fn ratio_power(self, numerator: u64, denominator: u64, p: u64, q: u64) -> U64F64 {
        let scaled = power_scaled(PowerArguments {
            base: (u128::from(numerator), u128::from(denominator)),
            exponent: (p, q),
            precision: TRADE_PRECISION,
            scale: WEIGHT_ONE,
        });
        scaled.and_then(|value| u64::try_from(value).ok()).map_or(U64F64::ZERO, |value| {
            U64F64::from_int(value).safe_div(U64F64::from_int(WEIGHT_ONE))
        })
    }

    fn trade(self, reserve_in: u64, reserve_out: u64, amount: u64, p: u64, q: u64) -> u64 {
        let e = match reserve_in.saturating_add(amount) {
            0 => U64F64::ZERO,
            after => self.ratio_power(reserve_in, after, p, q).min(U64F64::ONE),
        };
        U64F64::from_int(reserve_out).saturating_mul(U64F64::ONE.saturating_sub(e)).to_u64()
    }

    fn to_price(reserve: u64, ratio: (U64F64, U64F64), weight: u64) -> u64 {
        let scaled = power_scaled(PowerArguments {
            base: (ratio.0.to_bits(), ratio.1.to_bits()),
            exponent: (weight, WEIGHT_ONE),
            precision: LIMIT_PRECISION,
            scale: WEIGHT_ONE,
        });
        let Some(scaled) = scaled else { return 0 };
        // Negative (a diverged series) counts as zero, a large value is capped.
        let scaled = if scaled < num_bigint::BigInt::ZERO {
            0
        } else {
            u64::try_from(scaled).unwrap_or(u64::MAX)
        };
        let factor = U64F64::from_int(scaled).safe_div(U64F64::from_int(WEIGHT_ONE));
        U64F64::from_int(reserve).saturating_mul(factor.saturating_sub(U64F64::ONE)).to_u64()
    }
}

impl Default for Balancer {
    /// Equal weights, with which every pool starts.
    fn default() -> Self {
        Self { quote: WEIGHT_ONE / 2 }
    }
}

impl Curve for Balancer {
    fn price(&self, reserves: Reserves) -> U64F64 {
        let fixed = U64F64::from_int;
        let weights = fixed(self.base_weight()).safe_div(fixed(self.quote));
        weights.saturating_mul(fixed(reserves.tao).safe_div(fixed(reserves.alpha)))
    }

    fn alpha_for_tao(&self, reserves: Reserves, tao: u64) -> u64 {
        self.trade(reserves.tao, reserves.alpha, tao, self.quote, self.base_weight())
    }

    fn tao_for_alpha(&self, reserves: Reserves, alpha: u64) -> u64 {
        self.trade(reserves.alpha, reserves.tao, alpha, self.base_weight(), self.quote)
    }

    fn tao_to_price(&self, reserves: Reserves, target: U64F64) -> u64 {
        Self::to_price(reserves.tao, (target, self.price(reserves)), self.base_weight())
    }

    fn alpha_to_price(&self, reserves: Reserves, target: U64F64) -> u64 {
        Self::to_price(reserves.alpha, (self.price(reserves), target), self.quote)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Balancer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.quote.serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Balancer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// `round(value * weight / 1e18)`, half up, clamped.
fn weigh(weight: u64, value: u128) -> u128 {
    let (high, low) = wide::mul_full(value, u128::from(weight));
    let (low, carry) = low.overflowing_add(u128::from(WEIGHT_ONE / 2));
    wide::div_256(high + u128::from(carry), low, u128::from(WEIGHT_ONE)).unwrap_or(u128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(tao: u64, alpha: u64) -> Reserves {
        Reserves { tao: tao * 1_000_000_000, alpha: alpha * 1_000_000_000 }
    }

    // Chain rules 16, scenario 17.
    #[test]
    fn injection_keeps_the_price() {
        let before = pool(1_000, 4_000);
        let curve = Balancer::default().inject(before, 1_000_000_000_000, 0).unwrap();
        assert_eq!(curve.quote_weight(), 666_666_666_666_666_666);
        let after = pool(2_000, 4_000);
        assert_eq!(curve.price(after).to_bits(), 4_611_686_018_427_387_917);
        let curve = Balancer::default().inject(before, 1_234_567, 2_432_765_890).unwrap();
        assert_eq!(curve.quote_weight(), 499_848_306_996_458_184);
        let after = Reserves { tao: before.tao + 1_234_567, alpha: before.alpha + 2_432_765_890 };
        assert!((curve.price(after).to_f64_lossy() - 0.25).abs() < 1e-12);
    }

    #[test]
    fn injection_beyond_the_weight_limit_is_refused() {
        let before = pool(1, 1);
        assert!(Balancer::default().inject(before, 98_000_000_000, 0).is_ok());
        assert!(Balancer::default().inject(before, 100_000_000_000, 0).is_err());
        assert!(Balancer::default().inject(before, 0, 100_000_000_000).is_err());
        assert_eq!(Balancer::default().inject(Reserves::default(), 0, 0), Ok(Balancer::default()));
    }

    #[test]
    fn empty_pools_have_no_price_and_pay_nothing() {
        let curve = Balancer::default();
        let empty = Reserves::default();
        assert_eq!(curve.price(empty), U64F64::ZERO);
        assert_eq!(curve.alpha_for_tao(empty, 5), 0);
        assert_eq!(curve.tao_for_alpha(empty, u64::MAX), 0);
        assert_eq!(curve.tao_to_price(empty, U64F64::ONE), 0);
    }

    #[test]
    fn weights_are_bounded() {
        assert!(Balancer::new(MIN_WEIGHT).is_ok());
        assert!(Balancer::new(MIN_WEIGHT - 1).is_err());
        assert!(Balancer::new(WEIGHT_ONE - MIN_WEIGHT).is_ok());
        assert!(Balancer::new(u64::MAX).is_err());
    }
}
