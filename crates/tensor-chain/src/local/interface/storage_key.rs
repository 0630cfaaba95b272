//! Storage keys: the hashers, the 32-byte prefix of an item, and how a key is put together.

use frame_metadata::v15::StorageHasher;
use sp_crypto_hashing::{blake2_128, blake2_256, twox_64, twox_128, twox_256};

use super::StorageItem;

/// How one key of a storage map is turned into bytes of the storage key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hasher {
    /// 16-byte Blake2 hash alone.
    Blake2_128,
    /// 32-byte Blake2 hash alone.
    Blake2_256,
    /// 16-byte Blake2 hash, then the key itself.
    Blake2_128Concat,
    /// 16-byte xxHash alone.
    Twox128,
    /// 32-byte xxHash alone.
    Twox256,
    /// 8-byte xxHash, then the key itself.
    Twox64Concat,
    /// The key itself.
    Identity,
}

impl Hasher {
    /// Appends the hashed form of an encoded key.
    pub fn append(self, key: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Blake2_128 => out.extend_from_slice(&blake2_128(key)),
            Self::Blake2_256 => out.extend_from_slice(&blake2_256(key)),
            Self::Blake2_128Concat => {
                out.extend_from_slice(&blake2_128(key));
                out.extend_from_slice(key);
            }
            Self::Twox128 => out.extend_from_slice(&twox_128(key)),
            Self::Twox256 => out.extend_from_slice(&twox_256(key)),
            Self::Twox64Concat => {
                out.extend_from_slice(&twox_64(key));
                out.extend_from_slice(key);
            }
            Self::Identity => out.extend_from_slice(key),
        }
    }

    /// How many bytes stand before the key itself; `None` if the key cannot be read back.
    #[must_use]
    pub fn concat_offset(self) -> Option<usize> {
        match self {
            Self::Blake2_128Concat => Some(16),
            Self::Twox64Concat => Some(8),
            Self::Identity => Some(0),
            Self::Blake2_128 | Self::Blake2_256 | Self::Twox128 | Self::Twox256 => None,
        }
    }
}

impl From<&StorageHasher> for Hasher {
    fn from(hasher: &StorageHasher) -> Self {
        match hasher {
            StorageHasher::Blake2_128 => Self::Blake2_128,
            StorageHasher::Blake2_256 => Self::Blake2_256,
            StorageHasher::Blake2_128Concat => Self::Blake2_128Concat,
            StorageHasher::Twox128 => Self::Twox128,
            StorageHasher::Twox256 => Self::Twox256,
            StorageHasher::Twox64Concat => Self::Twox64Concat,
            StorageHasher::Identity => Self::Identity,
        }
    }
}

impl StorageItem {
    /// The storage key of one entry, or of all entries that share the given first keys.
    ///
    /// Each element is the SCALE encoding of one key; surplus elements are ignored.
    #[must_use]
    pub fn key(&self, keys: &[&[u8]]) -> Vec<u8> {
        let mut out = self.prefix.to_vec();
        for (hasher, key) in self.hashers.iter().zip(keys) {
            hasher.append(key, &mut out);
        }
        out
    }
}

/// `twox128(pallet prefix) ++ twox128(item)`.
pub(super) fn prefix(pallet: &str, item: &str) -> [u8; 32] {
    let mut out = [0; 32];
    let (left, right) = out.split_at_mut(16);
    left.copy_from_slice(&twox_128(pallet.as_bytes()));
    right.copy_from_slice(&twox_128(item.as_bytes()));
    out
}
