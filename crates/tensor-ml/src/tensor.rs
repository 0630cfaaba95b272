//! Tensors in host memory: a shape and typed data, convertible to and from `ndarray` without a copy.

mod element;
mod named;

use std::borrow::Cow;

use half::{bf16, f16};
use ndarray::{Array, ArrayD, ArrayViewD, Dimension, IxDyn};

pub use self::{
    element::{DType, Element},
    named::Tensors,
};
use crate::error::Error;

/// A dense array in row-major order.
///
/// ```
/// use tensor_ml::Tensor;
/// let ids = Tensor::new([1, 3], vec![101_i64, 2023, 102])?;
/// assert_eq!(ids.shape(), [1, 3]);
/// assert_eq!(ids.data::<i64>()?[1], 2023);
/// assert!(ids.data::<f32>().is_err());
/// # Ok::<(), tensor_ml::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: TensorData,
}

/// The elements of a [`Tensor`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant is named by its element type")]
pub enum TensorData {
    F32(Vec<f32>),
    F64(Vec<f64>),
    F16(Vec<f16>),
    BF16(Vec<bf16>),
    I64(Vec<i64>),
    I32(Vec<i32>),
    U8(Vec<u8>),
    I8(Vec<i8>),
    Bool(Vec<bool>),
}

impl Tensor {
    /// A tensor of `shape` over `data` in row-major order. An empty shape is a scalar.
    ///
    /// # Errors
    /// [`Error::Tensor`] when `data` does not have as many elements as the shape.
    pub fn new<T: Element>(shape: impl Into<Vec<usize>>, data: Vec<T>) -> Result<Self, Error> {
        let shape = shape.into();
        if count(&shape) != Some(data.len()) {
            return Err(Error::Tensor {
                expected: format!("as many elements as the shape {shape:?} has"),
                got: format!("{} elements", data.len()),
            });
        }
        Ok(Self { shape, data: T::wrap(data) })
    }

    /// A tensor without dimensions.
    pub fn scalar<T: Element>(value: T) -> Self {
        Self { shape: Vec::new(), data: T::wrap(vec![value]) }
    }

    /// A tensor of `shape` that holds `value` everywhere.
    ///
    /// # Errors
    /// [`Error::Tensor`] when the shape has more elements than can be counted.
    pub fn filled<T: Element>(shape: impl Into<Vec<usize>>, value: T) -> Result<Self, Error> {
        let shape = shape.into();
        let Some(len) = count(&shape) else {
            return Err(Error::Tensor {
                expected: "a shape whose elements can be counted".into(),
                got: format!("{shape:?}"),
            });
        };
        Ok(Self { shape, data: T::wrap(vec![value; len]) })
    }

    /// Integers as a tensor of `dtype`, which is how token ids reach graphs that take either width.
    ///
    /// # Errors
    /// [`Error::Tensor`] when a value does not fit `dtype` or the count does not fit the shape.
    pub fn from_ints(
        dtype: DType,
        shape: impl Into<Vec<usize>>,
        values: Vec<i64>,
    ) -> Result<Self, Error> {
        Self::new(shape, values)?.cast(dtype)
    }

    /// Size of each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Type of the elements.
    pub fn dtype(&self) -> DType {
        self.data.dtype()
    }

    /// The typed storage.
    pub fn storage(&self) -> &TensorData {
        &self.data
    }

    /// The elements in row-major order.
    ///
    /// # Errors
    /// [`Error::Tensor`] when the elements are of another type.
    pub fn data<T: Element>(&self) -> Result<&[T], Error> {
        T::slice(&self.data).ok_or_else(|| self.mismatch(T::DTYPE))
    }

    /// The elements, without a copy.
    ///
    /// # Errors
    /// [`Error::Tensor`] when the elements are of another type.
    pub fn into_data<T: Element>(self) -> Result<Vec<T>, Error> {
        let error = self.mismatch(T::DTYPE);
        T::unwrap(self.data).ok_or(error)
    }

    /// The elements as `f32`: borrowed where they are, converted where they are of another floating-point type.
    ///
    /// # Errors
    /// [`Error::Tensor`] for integers and booleans.
    pub fn to_f32s(&self) -> Result<Cow<'_, [f32]>, Error> {
        Ok(match &self.data {
            TensorData::F32(data) => Cow::Borrowed(data),
            TensorData::F16(data) => data.iter().map(|x| x.to_f32()).collect(),
            TensorData::BF16(data) => data.iter().map(|x| x.to_f32()).collect(),
            TensorData::F64(data) => data.iter().map(|x| *x as f32).collect(),
            _ => return Err(self.mismatch(DType::F32)),
        })
    }

    /// A view for `ndarray`, without a copy.
    ///
    /// # Errors
    /// [`Error::Tensor`] when the elements are of another type.
    pub fn view<T: Element>(&self) -> Result<ArrayViewD<'_, T>, Error> {
        let data = self.data::<T>()?;
        ArrayViewD::from_shape(IxDyn(&self.shape), data).map_err(|error| Error::Tensor {
            expected: "a shape that ndarray takes".into(),
            got: error.to_string(),
        })
    }

    /// An owned `ndarray` array, without a copy.
    ///
    /// # Errors
    /// [`Error::Tensor`] when the elements are of another type.
    pub fn into_array<T: Element>(self) -> Result<ArrayD<T>, Error> {
        let shape = IxDyn(&self.shape);
        let data = self.into_data::<T>()?;
        ArrayD::from_shape_vec(shape, data).map_err(|error| Error::Tensor {
            expected: "a shape that ndarray takes".into(),
            got: error.to_string(),
        })
    }

    /// The same elements under another shape.
    ///
    /// # Errors
    /// [`Error::Tensor`] when the shape has another number of elements.
    pub fn reshape(self, shape: impl Into<Vec<usize>>) -> Result<Self, Error> {
        let shape = shape.into();
        if count(&shape) != Some(self.len()) {
            return Err(Error::Tensor {
                expected: format!("{} elements", self.len()),
                got: format!("shape {shape:?}"),
            });
        }
        Ok(Self { shape, data: self.data })
    }

    /// The same values as elements of `dtype`. Integers must fit; floating-point numbers are rounded to the nearest;
    /// zero is false and one is true. Integers and floating-point numbers are not exchanged for each other.
    ///
    /// # Errors
    /// [`Error::Tensor`] when a value does not fit or the kinds differ.
    pub fn cast(self, dtype: DType) -> Result<Self, Error> {
        if self.dtype() == dtype {
            return Ok(self);
        }
        let data = element::cast(&self.data, dtype).ok_or_else(|| self.mismatch(dtype))??;
        Ok(Self { shape: self.shape, data })
    }

    fn mismatch(&self, expected: DType) -> Error {
        Error::Tensor { expected: expected.to_string(), got: self.dtype().to_string() }
    }
}

impl<T: Element, D: Dimension> From<Array<T, D>> for Tensor {
    /// Takes over the array's memory when it is in row-major order and copies it otherwise.
    fn from(array: Array<T, D>) -> Self {
        let shape = array.shape().to_vec();
        let len = array.len();
        let array = if array.is_standard_layout() {
            array
        } else {
            // The owned result of a non-contiguous layout is a fresh row-major array.
            array.as_standard_layout().into_owned()
        };
        let (mut data, offset) = array.into_raw_vec_and_offset();
        let offset = offset.unwrap_or(0);
        if offset > 0 {
            data.drain(..offset);
        }
        data.truncate(len);
        Self { shape, data: T::wrap(data) }
    }
}

/// Number of elements of a shape, or nothing when it cannot be counted.
pub(crate) fn count(shape: &[usize]) -> Option<usize> {
    // A zero anywhere makes the tensor empty, also where the other sizes would overflow.
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use super::*;

    #[test]
    fn shape_and_data_must_agree() {
        assert!(Tensor::new([2, 2], vec![1_i64; 3]).is_err());
        assert!(Tensor::new([usize::MAX, 2], vec![1_i64; 2]).is_err());
        assert!(Tensor::filled([usize::MAX, 2], 1_i64).is_err());
        assert_eq!(Tensor::filled([usize::MAX, 0, 9], 1_i64).unwrap().len(), 0);
        assert_eq!(Tensor::scalar(1.0_f32).shape(), [0_usize; 0]);
    }

    #[test]
    fn ndarray_memory_is_taken_over_and_given_back() {
        let array = Array2::from_shape_vec((2, 3), (0..6).map(|x| x as f32).collect()).unwrap();
        let address = array.as_ptr();
        let tensor = Tensor::from(array);
        assert_eq!(tensor.data::<f32>().unwrap().as_ptr(), address);
        assert_eq!(tensor.view::<f32>().unwrap().as_ptr(), address);
        let back = tensor.into_array::<f32>().unwrap();
        assert_eq!(back.as_ptr(), address);
        assert_eq!(back[[1, 2]], 5.0);
    }

    #[test]
    fn other_layouts_are_brought_into_row_major_order() {
        let array = Array2::from_shape_vec((2, 3), vec![0_i32, 1, 2, 3, 4, 5]).unwrap();
        let turned = Tensor::from(array.clone().reversed_axes());
        assert_eq!(turned.shape(), [3, 2]);
        assert_eq!(turned.data::<i32>().unwrap(), [0, 3, 1, 4, 2, 5]);
        let row = Tensor::from(array.slice_move(s![1.., ..]));
        assert_eq!((row.shape(), row.data::<i32>().unwrap()), (&[1, 3][..], &[3, 4, 5][..]));
    }

    #[test]
    fn casts_keep_values_or_say_no() {
        let ints = Tensor::new([2], vec![7_i64, -3]).unwrap();
        assert_eq!(ints.clone().cast(DType::I32).unwrap().data::<i32>().unwrap(), [7, -3]);
        assert!(ints.clone().cast(DType::U8).is_err());
        assert!(ints.clone().cast(DType::F32).is_err());
        assert!(ints.cast(DType::Bool).is_err());
        let big = Tensor::scalar(i64::from(i32::MAX) + 1);
        assert!(big.cast(DType::I32).is_err());
        let half = Tensor::scalar(1.5_f32).cast(DType::F16).unwrap();
        assert_eq!(half.to_f32s().unwrap()[0], 1.5);
        let flags = Tensor::new([2], vec![true, false]).unwrap().cast(DType::I64).unwrap();
        assert_eq!(flags.data::<i64>().unwrap(), [1, 0]);
    }
}
