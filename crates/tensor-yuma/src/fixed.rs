//! The fixed-point numbers of the runtime, with its exact rounding.
//!
//! Each type is a newtype over the raw integer the chain stores or computes with. Two roundings are in use and differ
//! for negative operands: a product rounds to minus infinity, a quotient toward zero. Sums and products saturate;
//! a quotient that does not exist (division by zero, out of range) is `None` from `checked_div` and zero from
//! `safe_div`, as in the runtime's `safe_div`. Source: encointer/substrate-fixed v0.6.0 as used by
//! opentensor/subtensor 14bc6f9f.

mod exp;
mod transcendental;
pub(crate) mod wide;

pub use exp::exp_safe;
pub(crate) use transcendental::{exp_i32f32, floor_log2, ln_i32f32};

use core::fmt;

/// `2^32`: the raw value of 1 in [`I32F32`], [`I96F32`] and [`U96F32`].
pub const ONE_32: i64 = 1 << 32;

macro_rules! common {
    ($name:ident, $raw:ty, $frac:expr) => {
        impl $name {
            /// Number of fractional bits.
            pub const FRAC_BITS: u32 = $frac;
            /// Zero.
            pub const ZERO: Self = Self(0);
            /// One.
            pub const ONE: Self = Self(1 << $frac);
            /// Largest value.
            pub const MAX: Self = Self(<$raw>::MAX);
            /// Smallest value.
            pub const MIN: Self = Self(<$raw>::MIN);

            /// The number with these raw bits.
            #[must_use]
            pub const fn from_bits(bits: $raw) -> Self {
                Self(bits)
            }

            /// The raw bits.
            #[must_use]
            pub const fn to_bits(self) -> $raw {
                self.0
            }

            /// Sum, clamped to the range of the type.
            #[must_use]
            pub const fn saturating_add(self, rhs: Self) -> Self {
                Self(self.0.saturating_add(rhs.0))
            }

            /// Difference, clamped to the range of the type.
            #[must_use]
            pub const fn saturating_sub(self, rhs: Self) -> Self {
                Self(self.0.saturating_sub(rhs.0))
            }

            /// Sum, `None` when out of range.
            #[must_use]
            pub fn checked_add(self, rhs: Self) -> Option<Self> {
                self.0.checked_add(rhs.0).map(Self)
            }

            /// Quotient rounded toward zero; 0 when it does not exist.
            #[must_use]
            pub fn safe_div(self, rhs: Self) -> Self {
                self.checked_div(rhs).unwrap_or(Self::ZERO)
            }

            /// Nearest double, for display only.
            #[must_use]
            pub fn to_f64_lossy(self) -> f64 {
                self.0 as f64 / (2.0f64).powi($frac)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.to_f64_lossy(), f)
            }
        }
    };
}

/// Signed 32.32 fixed point: every vector and matrix of the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[repr(transparent)]
pub struct I32F32(i64);

/// Signed 64.64 fixed point: stake before it is normalised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct I64F64(i128);

/// Signed 96.32 fixed point: issuance, emission, moving prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct I96F32(i128);

/// Unsigned 96.32 fixed point: coinbase, dividends, proportions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct U96F32(u128);

/// Unsigned 64.64 fixed point: prices, swap, shares of emission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct U64F64(u128);

common!(I32F32, i64, 32);
common!(I64F64, i128, 64);
common!(I96F32, i128, 32);
common!(U96F32, u128, 32);
common!(U64F64, u128, 64);

impl I32F32 {
    /// The proportion `value / 65535`; exactly 1 for 65535.
    #[must_use]
    pub const fn from_u16_proportion(value: u16) -> Self {
        // (value << 64) / (65535 << 32), truncated.
        if value == u16::MAX { Self::ONE } else { Self(value as i64 * 65_537) }
    }

    /// An integer, clamped to the range of the type.
    #[must_use]
    pub const fn from_int(value: i64) -> Self {
        if value > i32::MAX as i64 {
            Self::MAX
        } else if value < i32::MIN as i64 {
            Self::MIN
        } else {
            Self(value << 32)
        }
    }

    /// `floor(self * 65535)`, clamped to `0..=65535`: how the chain stores a proportion. Truncates, never rounds.
    #[must_use]
    pub const fn to_u16_proportion(self) -> u16 {
        let scaled = self.saturating_mul(Self(65_535 << 32)).0 >> 32;
        if scaled < 0 {
            0
        } else if scaled > 65_535 {
            65_535
        } else {
            scaled as u16
        }
    }

    /// Product, rounded to minus infinity, clamped.
    #[must_use]
    pub const fn saturating_mul(self, rhs: Self) -> Self {
        let product = (self.0 as i128 * rhs.0 as i128) >> 32;
        if product > i64::MAX as i128 {
            Self::MAX
        } else if product < i64::MIN as i128 {
            Self::MIN
        } else {
            Self(product as i64)
        }
    }

    /// Quotient rounded toward zero; `None` for division by zero or a quotient out of range.
    #[must_use]
    pub fn checked_div(self, rhs: Self) -> Option<Self> {
        if rhs.0 == 0 {
            return None;
        }
        i64::try_from((i128::from(self.0) << 32) / i128::from(rhs.0)).ok().map(Self)
    }

    /// `self` limited to `low..=high` in the order of the pallet: `max(min(self, high), low)`.
    #[must_use]
    pub const fn clamp_to(self, low: Self, high: Self) -> Self {
        let capped = if self.0 < high.0 { self.0 } else { high.0 };
        Self(if capped > low.0 { capped } else { low.0 })
    }
}

impl I64F64 {
    /// An integer; `None` at 2^63 and above.
    #[must_use]
    pub fn from_int(value: u64) -> Option<Self> {
        i64::try_from(value).ok().map(|v| Self(i128::from(v) << 64))
    }

    /// Product, rounded to minus infinity, clamped.
    #[must_use]
    pub fn saturating_mul(self, rhs: Self) -> Self {
        Self(wide::mul_shift_signed(self.0, rhs.0, 64))
    }

    /// Quotient rounded toward zero; `None` for division by zero or a quotient out of range.
    #[must_use]
    pub fn checked_div(self, rhs: Self) -> Option<Self> {
        wide::shift_div_signed(self.0, 64, rhs.0).map(Self)
    }

    /// Floor, clamped to `u64`.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        let int = self.0 >> 64;
        if int < 0 { 0 } else { int as u64 }
    }
}

impl I96F32 {
    /// An integer.
    #[must_use]
    pub const fn from_int(value: u64) -> Self {
        Self((value as i128) << 32)
    }

    /// Product, rounded to minus infinity, clamped.
    #[must_use]
    pub fn saturating_mul(self, rhs: Self) -> Self {
        Self(wide::mul_shift_signed(self.0, rhs.0, 32))
    }

    /// Quotient rounded toward zero; `None` for division by zero or a quotient out of range.
    #[must_use]
    pub fn checked_div(self, rhs: Self) -> Option<Self> {
        wide::shift_div_signed(self.0, 32, rhs.0).map(Self)
    }

    /// Floor, clamped to `u64`.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        u64::try_from((self.0 >> 32).max(0)).unwrap_or(u64::MAX)
    }

    /// The same value as [`U64F64`]; negative values become 0.
    #[must_use]
    pub fn to_u64f64(self) -> U64F64 {
        U96F32(u128::try_from(self.0).unwrap_or(0)).to_u64f64()
    }
}

impl U96F32 {
    /// An integer.
    #[must_use]
    pub const fn from_int(value: u64) -> Self {
        Self((value as u128) << 32)
    }

    /// The proportion `value / u64::MAX`, truncated; exactly 1 for `u64::MAX`. Used for the TAO weight and childkey proportions.
    #[must_use]
    pub const fn from_u64_proportion(value: u64) -> Self {
        Self(((value as u128) << 32) / (u64::MAX as u128))
    }

    /// The proportion `value / 65535`, truncated; exactly 1 for 65535. Used for takes and the owner cut.
    #[must_use]
    pub const fn from_u16_proportion(value: u16) -> Self {
        Self(((value as u128) << 32) / 65_535)
    }

    /// Product, truncated, clamped.
    #[must_use]
    pub fn saturating_mul(self, rhs: Self) -> Self {
        Self(wide::mul_shift(self.0, rhs.0, 32))
    }

    /// Quotient, truncated; `None` for division by zero or a quotient out of range.
    #[must_use]
    pub fn checked_div(self, rhs: Self) -> Option<Self> {
        wide::shift_div(self.0, 32, rhs.0).map(Self)
    }

    /// Floor, clamped to `u64`.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        u64::try_from(self.0 >> 32).unwrap_or(u64::MAX)
    }

    /// The same value as [`U64F64`], clamped.
    #[must_use]
    pub const fn to_u64f64(self) -> U64F64 {
        if self.0 >> 96 == 0 { U64F64(self.0 << 32) } else { U64F64::MAX }
    }
}

impl U64F64 {
    /// An integer.
    #[must_use]
    pub const fn from_int(value: u64) -> Self {
        Self((value as u128) << 64)
    }

    /// A price given in rao per alpha (1e9 rao = 1 TAO), truncated: `rao / 1e9`.
    #[must_use]
    pub const fn from_rao_price(rao: u64) -> Self {
        Self(((rao as u128) << 64) / 1_000_000_000)
    }

    /// Product, truncated, clamped.
    #[must_use]
    pub fn saturating_mul(self, rhs: Self) -> Self {
        Self(wide::mul_shift(self.0, rhs.0, 64))
    }

    /// Quotient, truncated; `None` for division by zero or a quotient out of range.
    #[must_use]
    pub fn checked_div(self, rhs: Self) -> Option<Self> {
        wide::shift_div(self.0, 64, rhs.0).map(Self)
    }

    /// Floor.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// The same value as [`U96F32`], truncated.
    #[must_use]
    pub const fn to_u96f32(self) -> U96F32 {
        U96F32(self.0 >> 32)
    }

    /// The same value as [`I96F32`], truncated.
    #[must_use]
    pub const fn to_i96f32(self) -> I96F32 {
        I96F32((self.0 >> 32) as i128)
    }

    /// The same value as [`I32F32`], truncated, clamped.
    #[must_use]
    pub fn to_i32f32(self) -> I32F32 {
        i64::try_from(self.0 >> 32).map_or(I32F32::MAX, I32F32)
    }
}

#[cfg(feature = "serde")]
mod wide_serde {
    //! Raw 128-bit values as decimal strings, because JSON readers lose digits above 2^53.
    macro_rules! decimal {
        ($($name:ident : $raw:ty),*) => {$(
            impl serde::Serialize for super::$name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(&self.0)
                }
            }
            impl<'de> serde::Deserialize<'de> for super::$name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                    text.parse::<$raw>().map(Self).map_err(serde::de::Error::custom)
                }
            }
        )*};
    }
    decimal!(I64F64: i128, I96F32: i128, U96F32: u128, U64F64: u128);
}
