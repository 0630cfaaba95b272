//! Reading rows through the masks, copying only the rows a mask changes. Source: yuma.md 5 and 8.1.

use core::ops::Range;

use super::EpochError;
use crate::rows::{Row, Rows};

/// Which entries of a row remain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask<'a> {
    /// Registration block of every target.
    pub(super) registered: &'a [u64],
    /// Greatest registration block: a row whose limit is above it loses nothing.
    pub(super) latest: u64,
}

/// What one row keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    /// Entries for targets registered before this block.
    pub(super) registered_before: u64,
    /// No entry for this uid, if any.
    pub(super) not_self: Option<u16>,
}

/// Where a row lies after masking.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: usize,
    len: u32,
    copied: bool,
    sorted: bool,
    /// Sum of the values.
    sum: u64,
}

/// A range of rows after masking. Unchanged rows are read where the caller has them.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    first: usize,
    spans: Vec<Span>,
    uids: Vec<u16>,
    values: Vec<u16>,
    seen: Vec<u32>,
}

/// A row after masking.
#[derive(Clone, Copy, Debug)]
pub(super) struct MaskedRow<'a> {
    pub(super) uids: &'a [u16],
    pub(super) values: &'a [u16],
    /// Uids ascend.
    pub(super) sorted: bool,
    /// Sum of the values.
    pub(super) sum: u64,
}

impl Loaded {
    /// Read the rows in `range`; `keep` says for each what remains, `None` for nothing.
    pub(super) fn load(
        &mut self,
        rows: Rows<'_>,
        range: Range<usize>,
        mask: Mask<'_>,
        mut keep: impl FnMut(usize) -> Option<Keep>,
    ) -> Result<(), EpochError> {
        self.first = range.start;
        self.spans.clear();
        self.uids.clear();
        self.values.clear();
        for i in range {
            let span = match keep(i) {
                Some(keep) => self.load_row(rows, i, mask, keep)?,
                None => Span { sorted: true, ..Span::default() },
            };
            self.spans.push(span);
        }
        Ok(())
    }

    /// Row `i` of all rows; it must be in the loaded range.
    #[inline]
    pub(super) fn row<'a>(&'a self, rows: Rows<'a>, i: usize) -> MaskedRow<'a> {
        let span = self.spans.get(i - self.first).copied().unwrap_or_default();
        if span.copied {
            let range = span.start..span.start + span.len as usize;
            MaskedRow {
                uids: &self.uids[range.clone()],
                values: &self.values[range],
                sorted: span.sorted,
                sum: span.sum,
            }
        } else if span.len == 0 {
            MaskedRow { uids: &[], values: &[], sorted: true, sum: 0 }
        } else {
            let Row { uids, values } = rows.row(i);
            MaskedRow { uids, values, sorted: span.sorted, sum: span.sum }
        }
    }

    fn load_row(
        &mut self,
        rows: Rows<'_>,
        i: usize,
        mask: Mask<'_>,
        keep: Keep,
    ) -> Result<Span, EpochError> {
        let row = rows.row(i);
        let n = mask.registered.len();
        let sorted = row.uids.is_sorted_by(|a, b| a < b);
        if !sorted {
            self.check_duplicates(row.uids, i)?;
        }
        let in_range = if sorted {
            row.uids.last().is_none_or(|&last| usize::from(last) < n)
        } else {
            row.uids.iter().all(|&uid| usize::from(uid) < n)
        };
        let has_self = keep.not_self.is_some_and(|uid| {
            if sorted { row.uids.binary_search(&uid).is_ok() } else { row.uids.contains(&uid) }
        });
        if in_range && !has_self && mask.latest < keep.registered_before {
            let sum = row.values.iter().map(|&value| u64::from(value)).sum();
            return Ok(Span { start: 0, len: row.uids.len() as u32, copied: false, sorted, sum });
        }
        let start = self.uids.len();
        let mut sum = 0;
        for (uid, value) in row.iter() {
            let Some(&registered) = mask.registered.get(usize::from(uid)) else { continue };
            if registered < keep.registered_before && Some(uid) != keep.not_self {
                self.uids.push(uid);
                self.values.push(value);
                sum += u64::from(value);
            }
        }
        let len = (self.uids.len() - start) as u32;
        let sorted = sorted || self.uids[start..].is_sorted_by(|a, b| a < b);
        Ok(Span { start, len, copied: true, sorted, sum })
    }

    /// The chain cannot store a uid twice in a row, so its arithmetic for one is not defined.
    fn check_duplicates(&mut self, uids: &[u16], row: usize) -> Result<(), EpochError> {
        if self.seen.len() < 1 << 16 {
            self.seen.resize(1 << 16, 0);
        }
        let mark = row as u32 + 1;
        let duplicate = uids
            .iter()
            .find(|&&uid| core::mem::replace(&mut self.seen[usize::from(uid)], mark) == mark);
        let result = duplicate.map_or(Ok(()), |&uid| Err(EpochError::DuplicateUid { row, uid }));
        // A mark must not be met again by the same row of a later call.
        uids.iter().for_each(|&uid| self.seen[usize::from(uid)] = 0);
        result
    }
}
