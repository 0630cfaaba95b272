//! The bytes of blocks and of what they overwrote.

use parity_scale_codec::{Compact, Decode, Encode, Error};

use crate::local::block::{Hash, Header};
use crate::local::history::Block;
use crate::local::state::{Bytes, Key, ReverseDelta};

pub(super) fn encode_block(block: &Block) -> Vec<u8> {
    let Block { header, extrinsics, delta, root_before } = block;
    let mut out = Vec::new();
    header.parent_hash.encode_to(&mut out);
    header.number.encode_to(&mut out);
    header.state_root.encode_to(&mut out);
    header.extrinsics_root.encode_to(&mut out);
    header.slot.encode_to(&mut out);
    length(extrinsics.len()).encode_to(&mut out);
    for extrinsic in extrinsics {
        extrinsic.as_ref().encode_to(&mut out);
    }
    root_before.encode_to(&mut out);
    encode_delta(delta, &mut out);
    out
}

pub(super) fn decode_block(mut bytes: &[u8]) -> Result<Block, Error> {
    let input = &mut bytes;
    let header = Header {
        parent_hash: Hash::decode(input)?,
        number: u32::decode(input)?,
        state_root: Hash::decode(input)?,
        extrinsics_root: Hash::decode(input)?,
        slot: Option::decode(input)?,
    };
    let extrinsics = Vec::<Vec<u8>>::decode(input)?.into_iter().map(Into::into).collect();
    let root_before = Hash::decode(input)?;
    Ok(Block { header, extrinsics, delta: decode_delta(input)?, root_before })
}

/// What was overwritten: keys, each with the value before.
pub(super) fn encode_delta(delta: &[(Key, Option<Bytes>)], out: &mut Vec<u8>) {
    length(delta.len()).encode_to(out);
    for (key, old) in delta {
        key.as_ref().encode_to(out);
        old.as_deref().encode_to(out);
    }
}

pub(super) fn decode_delta(input: &mut &[u8]) -> Result<ReverseDelta, Error> {
    let delta = Vec::<(Vec<u8>, Option<Vec<u8>>)>::decode(input)?;
    let pair = |(key, old): (Vec<u8>, Option<Vec<u8>>)| (key.into(), old.map(Bytes::from_vec));
    Ok(delta.into_iter().map(pair).collect())
}

fn length(count: usize) -> Compact<u32> {
    Compact(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_as_they_were() {
        let header = Header {
            parent_hash: [1; 32],
            number: 7,
            state_root: [2; 32],
            extrinsics_root: [3; 32],
            slot: Some(9),
        };
        let extrinsics = vec![(*b"one").into(), (*b"").into()];
        let delta =
            vec![((*b"key").into(), Some(Bytes::from_slice(b"old"))), ((*b"new").into(), None)];
        let block = Block { header, extrinsics, delta, root_before: [4; 32] };
        let bytes = encode_block(&block);
        let again = decode_block(&bytes).unwrap();
        assert_eq!((again.header, again.extrinsics), (block.header, block.extrinsics));
        assert_eq!((again.delta, again.root_before), (block.delta, block.root_before));
        for length in 0..bytes.len() {
            assert!(decode_block(&bytes[..length]).is_err(), "{length} bytes");
        }
    }
}
