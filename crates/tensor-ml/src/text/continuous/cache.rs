//! Rows in and out of what a decoder remembers: `[rows, heads, columns, width]`, filled up on the left.

use crate::{
    error::Error,
    tensor::{Element, Tensor, TensorData},
};

/// Rows of `new` behind those of `old`, both brought to `columns`.
pub(super) fn join(
    old: Vec<Tensor>,
    new: Vec<Tensor>,
    columns: usize,
) -> Result<Vec<Tensor>, Error> {
    old.into_iter()
        .zip(new)
        .map(|(old, new)| {
            let sides = shape(&old)?;
            let rows = sides.rows + shape(&new)?.rows;
            let parts = [shifted(old, columns)?, shifted(new, columns)?];
            stack(parts, [rows, sides.heads, columns, sides.width])
        })
        .collect()
}

/// The rows that are marked, without their first `spare` columns.
pub(super) fn retain(
    past: Vec<Tensor>,
    stays: &[bool],
    spare: usize,
) -> Result<Vec<Tensor>, Error> {
    past.into_iter()
        .map(|tensor| {
            let sides = shape(&tensor)?;
            let columns = sides.columns.saturating_sub(spare);
            let count = stays.iter().filter(|stays| **stays).count();
            let shape = [count, sides.heads, columns, sides.width];
            each(tensor, shape, Some((stays, spare)), 0)
        })
        .collect()
}

#[derive(Clone, Copy)]
struct Sides {
    rows: usize,
    heads: usize,
    columns: usize,
    width: usize,
}

fn shape(tensor: &Tensor) -> Result<Sides, Error> {
    match *tensor.shape() {
        [rows, heads, columns, width] => Ok(Sides { rows, heads, columns, width }),
        ref other => Err(Error::Tensor {
            expected: "what a decoder remembers: [rows, heads, columns, width]".into(),
            got: format!("{other:?}"),
        }),
    }
}

/// The same with filling on the left up to `columns`.
fn shifted(tensor: Tensor, columns: usize) -> Result<Tensor, Error> {
    let sides = shape(&tensor)?;
    let more = columns.saturating_sub(sides.columns);
    if more == 0 {
        return Ok(tensor);
    }
    each(tensor, [sides.rows, sides.heads, columns, sides.width], None, more)
}

fn each(
    tensor: Tensor,
    shape: [usize; 4],
    taken: Option<(&[bool], usize)>,
    more: usize,
) -> Result<Tensor, Error> {
    let sides = self::shape(&tensor)?;
    match tensor.storage() {
        TensorData::F32(data) => Tensor::new(shape, copied(data, sides, taken, more, 0.0_f32)),
        TensorData::F16(data) => {
            Tensor::new(shape, copied(data, sides, taken, more, half::f16::ZERO))
        }
        TensorData::BF16(data) => {
            Tensor::new(shape, copied(data, sides, taken, more, half::bf16::ZERO))
        }
        _ => Err(Error::Tensor {
            expected: "what a decoder remembers as f32, f16 or bf16".into(),
            got: tensor.dtype().to_string(),
        }),
    }
}

/// The rows taken, each head with `more` columns of zeros before it and without its first columns.
fn copied<T: Element>(
    data: &[T],
    sides: Sides,
    taken: Option<(&[bool], usize)>,
    more: usize,
    zero: T,
) -> Vec<T> {
    let (stays, spare) = taken.unwrap_or((&[], 0));
    let head = sides.columns.saturating_mul(sides.width);
    let row = head.saturating_mul(sides.heads).max(1);
    let mut values = Vec::new();
    for (place, row) in data.chunks(row).enumerate() {
        if taken.is_some() && stays.get(place) != Some(&true) {
            continue;
        }
        for head in row.chunks(head.max(1)) {
            values.extend(std::iter::repeat_n(zero, more.saturating_mul(sides.width)));
            values.extend_from_slice(
                head.get(spare.saturating_mul(sides.width)..).unwrap_or_default(),
            );
        }
    }
    values
}

fn stack(parts: [Tensor; 2], shape: [usize; 4]) -> Result<Tensor, Error> {
    let [first, second] = parts;
    match first.storage() {
        TensorData::F32(_) => chained::<f32>(first, second, shape),
        TensorData::F16(_) => chained::<half::f16>(first, second, shape),
        _ => chained::<half::bf16>(first, second, shape),
    }
}

fn chained<T: Element>(first: Tensor, second: Tensor, shape: [usize; 4]) -> Result<Tensor, Error> {
    let mut values = first.into_data::<T>()?;
    values.extend(second.into_data::<T>()?);
    Tensor::new(shape, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_and_go_with_filling_on_the_left() {
        let old = Tensor::new([1, 2, 1, 2], vec![1.0_f32, 2.0, 3.0, 4.0]).unwrap();
        let new =
            Tensor::new([1, 2, 2, 2], (10..18).map(|x| x as f32).collect::<Vec<_>>()).unwrap();
        let both = join(vec![old], vec![new.clone()], 2).unwrap().remove(0);
        assert_eq!(both.shape(), [2, 2, 2, 2]);
        let values = both.data::<f32>().unwrap();
        assert_eq!(values[..8], [0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 3.0, 4.0]);
        assert_eq!(values[8..], *new.data::<f32>().unwrap());
        let first = retain(vec![both.clone()], &[true, false], 1).unwrap().remove(0);
        assert_eq!(first, Tensor::new([1, 2, 1, 2], vec![1.0_f32, 2.0, 3.0, 4.0]).unwrap());
        assert_eq!(retain(vec![both], &[false, true], 0).unwrap(), [new]);
        let flat = Tensor::new([2], vec![0.0_f32; 2]).unwrap();
        assert!(retain(vec![flat], &[true], 0).is_err());
    }
}
