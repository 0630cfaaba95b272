//! Samples that anybody can draw again.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::row::Row;
use crate::error::Error;

/// The key of a row: the first eight bytes of SHA-256 over the text `tensor-ml/dataset/1`, the seed and the row's number
/// from 0 (8 bytes each, little endian), read as a little-endian number.
pub fn key(seed: u64, number: u64) -> u64 {
    let mut hash = Sha256::new();
    hash.update(b"tensor-ml/dataset/1");
    hash.update(seed.to_le_bytes());
    hash.update(number.to_le_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The `count` rows of the smallest keys, smallest first.
pub(super) fn draw(
    rows: impl Iterator<Item = Result<Row, Error>>,
    count: usize,
    seed: u64,
) -> Result<Vec<Row>, Error> {
    let mut drawn: BTreeMap<(u64, u64), Row> = BTreeMap::new();
    for row in rows {
        let row = row?;
        let place = (key(seed, row.number()), row.number());
        let is_full = drawn.len() >= count;
        if is_full && drawn.last_key_value().is_none_or(|(last, _)| *last < place) {
            continue;
        }
        drawn.insert(place, row);
        if is_full {
            drawn.pop_last();
        }
    }
    Ok(drawn.into_values().collect())
}
