//! Sparse rows of (uid, value): weights, bonds and scores in the order the chain stores them.

#[cfg(feature = "ndarray")]
mod array;
#[cfg(feature = "serde")]
mod flat;

use core::fmt;

/// Borrowed rows in compressed form: row `i` is `uids[offsets[i]..offsets[i + 1]]` with the values beside it.
///
/// A row keeps its storage order: it need not be sorted, may hold zeros, and may hold uids that no longer exist. Values are
/// `u16` for weights and bonds of Yuma, `u32` for the scores of null consensus.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rows<'a, V = u16> {
    offsets: &'a [usize],
    uids: &'a [u16],
    values: &'a [V],
}

/// One row: uids and values of equal length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a, V = u16> {
    /// Targets, in storage order.
    pub uids: &'a [u16],
    /// The value for each target.
    pub values: &'a [V],
}

/// Rows that do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowsError {
    /// There must be one offset more than rows, so at least one.
    #[error("rows need at least one offset")]
    NoOffsets,
    /// Offsets must start at 0, never fall, and end at the number of entries.
    #[error("offset {offset} of row {row} is out of place among {entries} entries")]
    Offset {
        /// Row whose end is wrong.
        row: usize,
        /// The offset found.
        offset: usize,
        /// Entries there are.
        entries: usize,
    },
    /// Every uid needs a value.
    #[error("{uids} uids but {values} values")]
    Lengths {
        /// Number of uids.
        uids: usize,
        /// Number of values.
        values: usize,
    },
    /// A dense matrix must have `n * n` values.
    #[error("a dense matrix of {n} rows has {got} values")]
    Dense {
        /// Rows asked for.
        n: usize,
        /// Values given.
        got: usize,
    },
}

impl<'a, V> Rows<'a, V> {
    /// Rows over existing storage, without copying.
    ///
    /// # Errors
    /// If offsets, uids and values do not fit together.
    pub fn new(offsets: &'a [usize], uids: &'a [u16], values: &'a [V]) -> Result<Self, RowsError> {
        if uids.len() != values.len() {
            return Err(RowsError::Lengths { uids: uids.len(), values: values.len() });
        }
        let Some((&first, rest)) = offsets.split_first() else { return Err(RowsError::NoOffsets) };
        let entries = uids.len();
        if first != 0 {
            return Err(RowsError::Offset { row: 0, offset: first, entries });
        }
        let mut last = 0;
        for (row, &offset) in rest.iter().enumerate() {
            if offset < last || offset > entries {
                return Err(RowsError::Offset { row, offset, entries });
            }
            last = offset;
        }
        if last != entries {
            return Err(RowsError::Offset { row: rest.len(), offset: last, entries });
        }
        Ok(Self { offsets, uids, values })
    }

    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there is no row at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of entries in all rows.
    #[must_use]
    pub const fn entries(&self) -> usize {
        self.uids.len()
    }

    /// Row `i`; empty beyond the last.
    #[must_use]
    pub fn row(&self, i: usize) -> Row<'a, V> {
        let range = match (self.offsets.get(i), self.offsets.get(i + 1)) {
            (Some(&start), Some(&end)) => start..end,
            _ => 0..0,
        };
        Row {
            uids: self.uids.get(range.clone()).unwrap_or_default(),
            values: self.values.get(range).unwrap_or_default(),
        }
    }

    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = Row<'a, V>> + use<'a, V> {
        let rows = Self { ..*self };
        (0..rows.len()).map(move |i| rows.row(i))
    }
}

impl<'a, V: Copy> Row<'a, V> {
    /// Entries as (uid, value).
    pub fn iter(&self) -> impl Iterator<Item = (u16, V)> + use<'a, V> {
        self.uids.iter().copied().zip(self.values.iter().copied())
    }

    /// The value of the first entry for `uid`.
    #[must_use]
    pub fn get(&self, uid: u16) -> Option<V> {
        self.iter().find(|(u, _)| *u == uid).map(|(_, value)| value)
    }
}

impl<V: fmt::Debug + Copy> fmt::Debug for Rows<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|row| row.iter().collect::<Vec<_>>())).finish()
    }
}

/// Owned rows. Clearing keeps the memory, so that rows can be refilled without allocating.
///
/// ```
/// use tensor_yuma::RowsBuf;
/// let rows = RowsBuf::<u16>::from_pairs([&[(1, 65_535), (2, 30_000)][..], &[]]);
/// assert_eq!(rows.as_rows().row(0).get(2), Some(30_000));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RowsBuf<V = u16> {
    offsets: Vec<usize>,
    uids: Vec<u16>,
    values: Vec<V>,
}

impl<V> RowsBuf<V> {
    /// No rows.
    #[must_use]
    pub fn new() -> Self {
        Self { offsets: vec![0], uids: Vec::new(), values: Vec::new() }
    }

    /// `n` empty rows.
    #[must_use]
    pub fn empty(n: usize) -> Self {
        Self { offsets: vec![0; n + 1], uids: Vec::new(), values: Vec::new() }
    }

    /// Rows from lists of (uid, value), as the chain stores them.
    #[must_use]
    pub fn from_pairs<R: AsRef<[(u16, V)]>>(rows: impl IntoIterator<Item = R>) -> Self
    where
        V: Copy,
    {
        let mut buf = Self::new();
        for row in rows {
            buf.push_row(row.as_ref().iter().copied());
        }
        buf
    }

    /// Rows from a dense row-major matrix of `n` rows and columns; zeros become absent entries.
    ///
    /// # Errors
    /// If there are not `n * n` values.
    pub fn from_dense(n: usize, values: &[V]) -> Result<Self, RowsError>
    where
        V: Copy + Default + PartialEq,
    {
        let wrong = RowsError::Dense { n, got: values.len() };
        if n.checked_mul(n) != Some(values.len()) || n > 1 << 16 {
            return Err(wrong);
        }
        let mut buf = Self::new();
        for i in 0..n {
            let row = values.get(i * n..(i + 1) * n).unwrap_or_default();
            buf.push_row(
                (0u16..=u16::MAX).zip(row.iter().copied()).filter(|(_, v)| *v != V::default()),
            );
        }
        Ok(buf)
    }

    /// Append a row.
    pub fn push_row(&mut self, row: impl IntoIterator<Item = (u16, V)>) {
        for (uid, value) in row {
            self.push(uid, value);
        }
        self.end_row();
    }

    /// Append a row whose uids are these; `values` must be as many.
    pub(crate) fn push_row_of(&mut self, uids: &[u16], values: impl Iterator<Item = V>) {
        self.uids.extend_from_slice(uids);
        self.values.extend(values);
        debug_assert_eq!(self.uids.len(), self.values.len());
        self.end_row();
    }

    /// Append an entry to the row that [`Self::end_row`] will close.
    pub(crate) fn push(&mut self, uid: u16, value: V) {
        self.uids.push(uid);
        self.values.push(value);
    }

    /// Close the row of the entries pushed since the last one.
    pub(crate) fn end_row(&mut self) {
        self.offsets.push(self.uids.len());
    }

    /// Append rows.
    pub(crate) fn extend(&mut self, rows: Rows<'_, V>)
    where
        V: Copy,
    {
        let base = self.uids.len();
        self.uids.extend_from_slice(rows.uids);
        self.values.extend_from_slice(rows.values);
        self.offsets.extend(rows.offsets.iter().skip(1).map(|offset| base + offset));
    }

    /// Remove all rows, keeping the memory.
    pub fn clear(&mut self) {
        self.offsets.truncate(1);
        self.uids.clear();
        self.values.clear();
    }

    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.as_rows().len()
    }

    /// Whether there is no row at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows, borrowed.
    #[must_use]
    pub const fn as_rows(&self) -> Rows<'_, V> {
        Rows {
            offsets: self.offsets.as_slice(),
            uids: self.uids.as_slice(),
            values: self.values.as_slice(),
        }
    }

    /// Remove every entry for `uid` from every row, order kept: what a bonds reset does on chain.
    pub fn remove_column(&mut self, uid: u16)
    where
        V: Copy,
    {
        let mut kept = 0;
        let mut start = 0;
        for end in self.offsets.iter_mut().skip(1) {
            for at in start..*end {
                if self.uids[at] != uid {
                    self.uids[kept] = self.uids[at];
                    self.values[kept] = self.values[at];
                    kept += 1;
                }
            }
            start = *end;
            *end = kept;
        }
        self.uids.truncate(kept);
        self.values.truncate(kept);
    }
}

impl<V> Default for RowsBuf<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V: fmt::Debug + Copy> fmt::Debug for RowsBuf<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_rows().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borrowed_rows_are_checked() {
        let (uids, values) = ([3u16, 1, 2], [7u16, 8, 9]);
        let rows = Rows::new(&[0, 1, 3], &uids, &values).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows.row(1).iter().collect::<Vec<_>>(), [(1, 8), (2, 9)]);
        assert_eq!(rows.row(9).uids, []);
        assert_eq!(Rows::<u16>::new(&[], &[], &[]), Err(RowsError::NoOffsets));
        assert!(Rows::new(&[0, 2], &uids, &values).is_err());
        assert!(Rows::new(&[0, 3, 2, 3], &uids, &values).is_err());
        assert!(Rows::new(&[1, 3], &uids, &values).is_err());
        assert!(Rows::new(&[0, 4], &uids, &values).is_err());
        assert!(Rows::new(&[0, 3], &uids, &values[..2]).is_err());
    }

    #[test]
    fn dense_matrices_lose_their_zeros() {
        let rows = RowsBuf::from_dense(2, &[0u16, 5, 6, 0]).unwrap();
        assert_eq!(rows, RowsBuf::from_pairs([[(1, 5)], [(0, 6)]]));
        assert!(RowsBuf::from_dense(2, &[0u16; 3]).is_err());
    }

    #[test]
    fn a_column_is_removed_in_place() {
        let mut rows = RowsBuf::<u16>::from_pairs([
            vec![(2, 1), (0, 2), (1, 3)],
            vec![(2, 4)],
            vec![],
            vec![(1, 5)],
        ]);
        rows.remove_column(2);
        assert_eq!(rows, RowsBuf::from_pairs([vec![(0, 2), (1, 3)], vec![], vec![], vec![(1, 5)]]));
    }
}
