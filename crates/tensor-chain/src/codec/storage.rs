//! Storage: where an item lies and what its bytes mean.

use std::fmt;

use sp_crypto_hashing::{blake2_128, blake2_256, twox_64, twox_128, twox_256};
use subxt::ext::frame_decode::storage::StorageHasher;
use subxt::metadata::StorageEntryMetadata;
use tensor_core::call::Value;

use super::decode::{DecodeError, Types, bytes};
use super::encode::EncodeError;

/// A storage item of one runtime.
#[derive(Clone, Copy)]
pub struct StorageEntry<'a> {
    types: Types<'a>,
    prefix: &'a str,
    pallet: &'a str,
    entry: &'a StorageEntryMetadata,
}

impl<'a> StorageEntry<'a> {
    pub(crate) const fn new(
        types: Types<'a>,
        prefix: &'a str,
        pallet: &'a str,
        entry: &'a StorageEntryMetadata,
    ) -> Self {
        Self { types, prefix, pallet, entry }
    }

    /// `Pallet.item`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.pallet, self.entry.name())
    }

    /// How many keys lead to a value; 0 for an item with one value.
    pub fn depth(&self) -> usize {
        self.entry.keys().len()
    }

    /// The bytes with which every key of this item starts: 32 of them.
    pub fn prefix(&self) -> Vec<u8> {
        [twox_128(self.prefix.as_bytes()), twox_128(self.entry.name().as_bytes())].concat()
    }

    /// The key of one value, or the prefix shared by the values below fewer keys.
    ///
    /// # Errors
    /// [`StorageKeyError`] when there are too many keys or one does not fit.
    pub fn key(&self, keys: &[Value]) -> Result<Vec<u8>, StorageKeyError> {
        if keys.len() > self.depth() {
            let (got, most) = (keys.len(), self.depth());
            return Err(StorageKeyError::TooMany { item: self.name(), got, most });
        }
        let mut key = self.prefix();
        for (place, (info, value)) in self.entry.keys().zip(keys).enumerate() {
            let encoded = self.encode_key(place, value)?;
            match info.hasher {
                StorageHasher::Blake2_128 => key.extend_from_slice(&blake2_128(&encoded)),
                StorageHasher::Blake2_256 => key.extend_from_slice(&blake2_256(&encoded)),
                StorageHasher::Blake2_128Concat => key.extend_from_slice(&blake2_128(&encoded)),
                StorageHasher::Twox128 => key.extend_from_slice(&twox_128(&encoded)),
                StorageHasher::Twox256 => key.extend_from_slice(&twox_256(&encoded)),
                StorageHasher::Twox64Concat => key.extend_from_slice(&twox_64(&encoded)),
                StorageHasher::Identity => {}
            }
            if info.hasher.ends_with_key() {
                key.extend_from_slice(&encoded);
            }
        }
        Ok(key)
    }

    /// One of the item's keys in SCALE, before it is hashed.
    ///
    /// # Errors
    /// [`StorageKeyError`] when the item has no such key or the value does not fit it.
    pub fn encode_key(&self, place: usize, value: &Value) -> Result<Vec<u8>, StorageKeyError> {
        let Some(info) = self.entry.keys().nth(place) else {
            let (got, most) = (place.saturating_add(1), self.depth());
            return Err(StorageKeyError::TooMany { item: self.name(), got, most });
        };
        let mut encoded = Vec::new();
        self.types
            .encode(info.key_id, value, &mut encoded)
            .map_err(|source| StorageKeyError::Encode { item: self.name(), place, source })?;
        Ok(encoded)
    }

    /// The bytes that a value of this item is stored as.
    ///
    /// # Errors
    /// [`EncodeError`] when the value does not fit.
    pub fn encode(&self, value: &Value) -> Result<Vec<u8>, EncodeError> {
        let mut encoded = Vec::new();
        self.types
            .encode(self.entry.value_ty(), value, &mut encoded)
            .map_err(|error| error.inside(self.name()))?;
        Ok(encoded)
    }

    /// The keys that a full storage key holds. One that is only kept as a hash comes back as the
    /// hash's bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no key of this item.
    pub fn decode_key(&self, key: &[u8]) -> Result<Vec<Value>, DecodeError> {
        let inside = |error: DecodeError| error.inside(format!("key of {}", self.name()));
        let Some(mut rest) = key.strip_prefix(self.prefix().as_slice()) else {
            return Err(inside(DecodeError::invalid("prefix")));
        };
        let mut keys = Vec::with_capacity(self.depth());
        for info in self.entry.keys() {
            let hash = bytes(&mut rest, info.hasher.len_excluding_key()).map_err(inside)?;
            keys.push(if info.hasher.ends_with_key() {
                self.types.decode(info.key_id, &mut rest).map_err(inside)?
            } else {
                Value::Bytes(hash.to_vec())
            });
        }
        if rest.is_empty() { Ok(keys) } else { Err(inside(DecodeError::invalid("key"))) }
    }

    /// The value of these bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when they do not fit this runtime.
    pub fn decode(&self, bytes: &[u8]) -> Result<Value, DecodeError> {
        self.types
            .decode_all(self.entry.value_ty(), bytes)
            .map_err(|error| error.inside(self.name()))
    }

    /// What a read of an absent key gives: the item's default, or `None` where absence is meant.
    ///
    /// # Errors
    /// [`DecodeError`] when the runtime's own default does not decode.
    pub fn default(&self) -> Result<Option<Value>, DecodeError> {
        self.entry.default_value().map(|bytes| self.decode(bytes)).transpose()
    }
}

impl fmt::Debug for StorageEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StorageEntry({})", self.name())
    }
}

/// Why a storage key cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageKeyError {
    /// More keys than the item has.
    #[error("{item} takes {most} keys, not {got}")]
    TooMany {
        /// The item.
        item: String,
        /// How many were given.
        got: usize,
        /// How many it takes.
        most: usize,
    },
    /// A key does not fit its type.
    #[error("key {place} of {item} does not fit")]
    Encode {
        /// The item.
        item: String,
        /// Which key, from 0.
        place: usize,
        /// Why not.
        #[source]
        source: EncodeError,
    },
}
