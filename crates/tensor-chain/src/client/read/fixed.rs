//! Fixed-point numbers of the chain: [`Fixed`].

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number in fixed point with `FRACTION` bits after the point, exact as the chain holds it
/// (`U64F64`, `I96F32`, …).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed<const FRACTION: u32>(i128);

impl<const FRACTION: u32> Fixed<FRACTION> {
    /// The number of these bits.
    pub const fn from_bits(bits: i128) -> Self {
        Self(bits)
    }

    /// All bits.
    pub const fn bits(self) -> i128 {
        self.0
    }

    /// The nearest float, for display.
    #[allow(clippy::cast_precision_loss)]
    pub fn to_f64_lossy(self) -> f64 {
        self.0 as f64 / 2f64.powi(FRACTION as i32)
    }
}

impl<const FRACTION: u32> fmt::Debug for Fixed<FRACTION> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (bits {})", self.to_f64_lossy(), self.0)
    }
}

impl<const FRACTION: u32> fmt::Display for Fixed<FRACTION> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_f64_lossy(), f)
    }
}

/// As the chain's metadata has it: a record of `bits`.
impl<const FRACTION: u32> Serialize for Fixed<FRACTION> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bits { bits: self.0 }.serialize(serializer)
    }
}

impl<'de, const FRACTION: u32> Deserialize<'de> for Fixed<FRACTION> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Bits::deserialize(deserializer).map(|bits| Self(bits.bits))
    }
}

#[derive(Serialize, Deserialize)]
struct Bits {
    bits: i128,
}
