//! The seam between the swap procedure and a pricing rule.

use std::sync::Arc;

use crate::fixed::U64F64;

/// What a pool holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Reserves {
    /// Rao in the pool (`SubnetTAO`), y in formulas.
    pub tao: u64,
    /// Alpha units in the pool (`SubnetAlphaIn`), x in formulas.
    pub alpha: u64,
}

/// A pricing rule: what a pool with given reserves charges and pays, before fees and limits.
///
/// Implementations are pure and never panic, whatever the reserves. [`super::Swap`] adds fee, limits and errors.
pub trait Curve: Send + Sync {
    /// Spot price in TAO per alpha; 0 without alpha.
    fn price(&self, reserves: Reserves) -> U64F64;

    /// Alpha units paid out for `tao` rao that enter the pool, floored.
    fn alpha_for_tao(&self, reserves: Reserves, tao: u64) -> u64;

    /// Rao paid out for `alpha` units that enter the pool, floored.
    fn tao_for_alpha(&self, reserves: Reserves, alpha: u64) -> u64;

    /// Rao that must enter to raise the price to `target`, floored; the caller has checked `target >= price`.
    fn tao_to_price(&self, reserves: Reserves, target: U64F64) -> u64;

    /// Alpha units that must enter to lower the price to `target`, floored; the caller has checked `target <= price`.
    fn alpha_to_price(&self, reserves: Reserves, target: U64F64) -> u64;

    /// Whether swaps on this curve pay the subnet's fee.
    fn charges_fee(&self) -> bool {
        true
    }
}

const _: fn(&dyn Curve) = |_| {};

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: Curve + ?Sized> Curve for $pointer {
            fn price(&self, reserves: Reserves) -> U64F64 {
                (**self).price(reserves)
            }
            fn alpha_for_tao(&self, reserves: Reserves, tao: u64) -> u64 {
                (**self).alpha_for_tao(reserves, tao)
            }
            fn tao_for_alpha(&self, reserves: Reserves, alpha: u64) -> u64 {
                (**self).tao_for_alpha(reserves, alpha)
            }
            fn tao_to_price(&self, reserves: Reserves, target: U64F64) -> u64 {
                (**self).tao_to_price(reserves, target)
            }
            fn alpha_to_price(&self, reserves: Reserves, target: U64F64) -> u64 {
                (**self).alpha_to_price(reserves, target)
            }
            fn charges_fee(&self) -> bool {
                (**self).charges_fee()
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);

/// The rule of mechanism 0: one TAO is one alpha, always, without fee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stable;

impl Curve for Stable {
    fn price(&self, _: Reserves) -> U64F64 {
        U64F64::ONE
    }

    fn alpha_for_tao(&self, _: Reserves, tao: u64) -> u64 {
        tao
    }

    fn tao_for_alpha(&self, _: Reserves, alpha: u64) -> u64 {
        alpha
    }

    // No amount moves the price: a limit on the right side of 1 allows everything.
    fn tao_to_price(&self, _: Reserves, _: U64F64) -> u64 {
        u64::MAX
    }

    fn alpha_to_price(&self, _: Reserves, _: U64F64) -> u64 {
        u64::MAX
    }

    fn charges_fee(&self) -> bool {
        false
    }
}
