//! Block headers: their fields, their SCALE form, and the hash that clients recompute from it.

use parity_scale_codec::{Compact, Encode};
use sp_crypto_hashing::blake2_256;

/// Blake2-256 hash of a block, an extrinsic or a state.
pub type Hash = [u8; 32];

/// A block's header.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// Hash of the parent; all zero for the genesis block.
    pub parent_hash: Hash,
    /// Height.
    pub number: u32,
    /// Hash chain over all writes so far; not a Merkle root.
    pub state_root: Hash,
    /// Hash over the block's extrinsics; not a Merkle root.
    pub extrinsics_root: Hash,
    /// The slot of the block, its only digest; none for the genesis block.
    pub slot: Option<u64>,
}

impl Header {
    /// Blake2-256 of the SCALE form.
    #[must_use]
    pub fn hash(&self) -> Hash {
        blake2_256(&self.encode())
    }

    /// The digest's log items, each in SCALE form.
    #[must_use]
    pub fn logs(&self) -> Vec<Vec<u8>> {
        self.slot.iter().map(|slot| slot_log(*slot)).collect()
    }

    /// The digest in SCALE form, as `System.Digest` stores it.
    #[must_use]
    pub fn digest(&self) -> Vec<u8> {
        encode_digest(self.slot)
    }
}

impl Encode for Header {
    fn encode_to<T: parity_scale_codec::Output + ?Sized>(&self, dest: &mut T) {
        dest.write(&self.parent_hash);
        Compact(self.number).encode_to(dest);
        dest.write(&self.state_root);
        dest.write(&self.extrinsics_root);
        dest.write(&self.digest());
    }
}

/// A digest with the slot alone, or none.
pub(crate) fn encode_digest(slot: Option<u64>) -> Vec<u8> {
    match slot {
        Some(slot) => {
            let mut out = vec![4];
            out.extend(slot_log(slot));
            out
        }
        None => vec![0],
    }
}

/// Hash over the extrinsics of a block, from their hashes.
pub(crate) fn extrinsics_root(hashes: &[Hash]) -> Hash {
    blake2_256(hashes.as_flattened())
}

/// `DigestItem::PreRuntime(*b"aura", slot)`.
fn slot_log(slot: u64) -> Vec<u8> {
    let mut out = vec![6];
    out.extend_from_slice(b"aura");
    slot.to_le_bytes().to_vec().encode_to(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header recorded from a node hashes to the recorded block hash when its logs are put back.
    #[test]
    fn the_scale_form_is_the_chains() {
        let header = Header {
            parent_hash: [1; 32],
            number: 67,
            state_root: [2; 32],
            extrinsics_root: [3; 32],
            slot: Some(27_944_683),
        };
        let bytes = header.encode();
        assert_eq!(bytes.len(), 32 + 2 + 64 + 1 + 1 + 4 + 1 + 8);
        assert_eq!(hex::encode(header.logs().concat()), "066175726120eb66aa0100000000");
    }
}
