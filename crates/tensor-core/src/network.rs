//! Numbers with a meaning: subnets, neurons, mechanisms, blocks, epochs.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name($inner);

        impl $name {
            /// Names the number.
            pub const fn new(value: $inner) -> Self {
                Self(value)
            }

            /// The bare number.
            pub const fn value(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = core::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number! {
    /// A subnet. 0 is root; the chain gives out up to 4,095.
    NetUid(u16)
}
number! {
    /// A neuron's slot in a subnet, 0-based and reused when a neuron is replaced.
    Uid(u16)
}
number! {
    /// One of a subnet's incentive mechanisms; 0 exists always.
    MechId(u8)
}
number! {
    /// A block's height.
    BlockNumber(u64)
}
number! {
    /// Blocks between two epochs of a subnet.
    Tempo(u16)
}

impl NetUid {
    /// The root network.
    pub const ROOT: Self = Self(0);

    /// The key under which the chain stores what each mechanism has of its own:
    /// `mecid * 4096 + netuid` (`NetUidStorageIndex`). `None` where it does not fit 16 bits.
    pub fn storage_index(self, mechanism: MechId) -> Option<u16> {
        u16::from(mechanism.value()).checked_mul(4096)?.checked_add(self.0)
    }
}

impl Uid {
    /// The slot as an index into a metagraph's columns.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl BlockNumber {
    /// The height `blocks` later.
    pub const fn saturating_add(self, blocks: u64) -> Self {
        Self(self.0.saturating_add(blocks))
    }

    /// Blocks since `earlier`, zero if that is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_index_matches_the_chain() {
        assert_eq!(NetUid::new(1).storage_index(MechId::new(1)), Some(4097));
        assert_eq!(NetUid::new(7).storage_index(MechId::new(0)), Some(7));
        assert_eq!(NetUid::new(5000).storage_index(MechId::new(15)), None);
    }
}
