//! A cheap hash for storage keys, which are made of hashes already.

use std::hash::Hasher;

/// Hashes the tail of a storage key. Storage keys are already made of hashes, so multiplying words spreads them well enough; the chain's own callers
/// choose identity-hashed parts only among small integers.
#[derive(Debug, Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut hash = self.0;
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0_u8; 8];
            word.copy_from_slice(chunk);
            hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(SPREAD);
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut word = [0_u8; 8];
            word[..rest.len()].copy_from_slice(rest);
            hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(SPREAD);
        }
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        // The map takes the control byte from the top bits and the bucket from the low ones.
        self.0 ^ (self.0 >> 29)
    }
}

const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
