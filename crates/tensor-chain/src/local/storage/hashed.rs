//! The hash in front of account keys, remembered: an epoch asks for the same accounts under a dozen items.

use std::cell::RefCell;

/// Accounts remembered; a power of two.
const SLOTS: usize = 4096;

/// An account and its hash.
type Known = ([u8; 32], [u8; 16]);

thread_local! {
    static KNOWN: RefCell<Box<[Option<Known>]>> = RefCell::new(vec![None; SLOTS].into_boxed_slice());
}

/// Blake2-128 of `bytes`.
pub(super) fn blake2_128(bytes: &[u8]) -> [u8; 16] {
    let Ok(account) = <&[u8; 32]>::try_from(bytes) else {
        return sp_crypto_hashing::blake2_128(bytes);
    };
    KNOWN.with_borrow_mut(|known| {
        let Some(slot) = known.get_mut(slot(account)) else {
            return sp_crypto_hashing::blake2_128(bytes);
        };
        match slot {
            Some((key, hash)) if key == account => *hash,
            _ => {
                let hash = sp_crypto_hashing::blake2_128(bytes);
                *slot = Some((*account, hash));
                hash
            }
        }
    })
}

/// Any place will do as long as test accounts that differ in a few bytes spread.
fn slot(account: &[u8; 32]) -> usize {
    let mut mixed = 0_u64;
    for chunk in account.chunks_exact(8) {
        let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        mixed = (mixed.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    (mixed >> 52) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembered_hashes_are_the_hashes() {
        for round in 0..2 {
            for index in 0..10_000_u32 {
                let mut account = [round; 32];
                account[..4].copy_from_slice(&index.to_le_bytes());
                assert_eq!(blake2_128(&account), sp_crypto_hashing::blake2_128(&account));
                assert_eq!(blake2_128(&account), sp_crypto_hashing::blake2_128(&account));
            }
        }
        assert_eq!(blake2_128(b"short"), sp_crypto_hashing::blake2_128(b"short"));
    }
}
