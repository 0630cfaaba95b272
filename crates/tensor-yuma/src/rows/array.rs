//! Rows from and to matrices of the crate `ndarray`.

use super::{Rows, RowsBuf, RowsError};

impl<V: Copy + Default + PartialEq> RowsBuf<V> {
    /// Rows of a matrix `[validators x miners]`; zeros become absent entries.
    ///
    /// # Errors
    /// If the matrix is not square or has more rows than uids exist.
    pub fn from_array(matrix: ndarray::ArrayView2<'_, V>) -> Result<Self, RowsError> {
        let (n, columns) = matrix.dim();
        if n != columns || n > 1 << 16 {
            return Err(RowsError::Dense { n, got: n.saturating_mul(columns) });
        }
        let mut buf = Self::new();
        for row in matrix.rows() {
            let entries = (0u16..=u16::MAX).zip(row.iter().copied());
            buf.push_row(entries.filter(|(_, value)| *value != V::default()));
        }
        Ok(buf)
    }
}

impl<V: Copy + Default> Rows<'_, V> {
    /// The rows as a matrix with `columns` columns; absent entries are 0, entries beyond the last column are left out.
    #[must_use]
    pub fn to_array(&self, columns: usize) -> ndarray::Array2<V> {
        let mut matrix = ndarray::Array2::from_elem((self.len(), columns), V::default());
        for (mut line, row) in matrix.rows_mut().into_iter().zip(self.iter()) {
            for (uid, value) in row.iter() {
                if let Some(cell) = line.get_mut(usize::from(uid)) {
                    *cell = value;
                }
            }
        }
        matrix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_and_rows_convert() {
        let matrix = ndarray::array![[0u16, 5], [6, 0]];
        let rows = RowsBuf::from_array(matrix.view()).unwrap();
        assert_eq!(rows, RowsBuf::from_pairs([[(1, 5)], [(0, 6)]]));
        assert_eq!(rows.as_rows().to_array(2), matrix);
        // Views need not be contiguous.
        assert_eq!(
            RowsBuf::from_array(matrix.t()).unwrap(),
            RowsBuf::from_pairs([[(1, 6)], [(0, 5)]])
        );
        assert!(RowsBuf::from_array(ndarray::array![[1u16, 2]].view()).is_err());
        assert_eq!(rows.as_rows().to_array(1), ndarray::array![[0u16], [6]]);
    }
}
