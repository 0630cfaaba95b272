//! Element types of tensors, their names and the conversions between them.

use std::{fmt, str::FromStr};

use half::{bf16, f16};

use super::TensorData;
use crate::error::Error;

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// 32-bit floating point.
    F32,
    /// 64-bit floating point.
    F64,
    /// IEEE 16-bit floating point.
    F16,
    /// 16-bit floating point with the exponent of `f32`.
    BF16,
    /// 64-bit signed integer.
    I64,
    /// 32-bit signed integer.
    I32,
    /// 8-bit unsigned integer.
    U8,
    /// 8-bit signed integer.
    I8,
    /// Truth value.
    Bool,
    /// An element type that this crate holds no tensors of, by its number in the ONNX format.
    Other(i32),
}

impl DType {
    /// Whether the elements are floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64 | Self::F16 | Self::BF16)
    }

    /// The type with this number in the ONNX format (`TensorProto.DataType`).
    pub fn from_onnx(number: i32) -> Self {
        match number {
            1 => Self::F32,
            2 => Self::U8,
            3 => Self::I8,
            6 => Self::I32,
            7 => Self::I64,
            9 => Self::Bool,
            10 => Self::F16,
            11 => Self::F64,
            16 => Self::BF16,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::I64 => "i64",
            Self::I32 => "i32",
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::Bool => "bool",
            Self::Other(number) => return write!(f, "ONNX element type {number}"),
        })
    }
}

impl FromStr for DType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "f32" => Self::F32,
            "f64" => Self::F64,
            "f16" => Self::F16,
            "bf16" => Self::BF16,
            "i64" => Self::I64,
            "i32" => Self::I32,
            "u8" => Self::U8,
            "i8" => Self::I8,
            "bool" => Self::Bool,
            _ => {
                return Err(Error::Argument {
                    what: "element type",
                    reason: format!("`{text}` is none of f32 f64 f16 bf16 i64 i32 u8 i8 bool"),
                });
            }
        })
    }
}

/// A Rust type that can be the element of a tensor. Sealed: the list is that of [`TensorData`].
pub trait Element: Copy + Send + Sync + fmt::Debug + PartialEq + sealed::Sealed + 'static {
    /// The type's name as a value.
    const DTYPE: DType;
    #[doc(hidden)]
    fn wrap(data: Vec<Self>) -> TensorData;
    #[doc(hidden)]
    fn slice(data: &TensorData) -> Option<&[Self]>;
    #[doc(hidden)]
    fn unwrap(data: TensorData) -> Option<Vec<Self>>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! elements {
    ($($rust:ty => $variant:ident),+ $(,)?) => {
        $(
            impl sealed::Sealed for $rust {}
            impl Element for $rust {
                const DTYPE: DType = DType::$variant;
                fn wrap(data: Vec<Self>) -> TensorData {
                    TensorData::$variant(data)
                }
                fn slice(data: &TensorData) -> Option<&[Self]> {
                    if let TensorData::$variant(data) = data { Some(data) } else { None }
                }
                fn unwrap(data: TensorData) -> Option<Vec<Self>> {
                    if let TensorData::$variant(data) = data { Some(data) } else { None }
                }
            }
        )+
        impl TensorData {
            /// Number of elements.
            pub fn len(&self) -> usize {
                match self { $(Self::$variant(data) => data.len(),)+ }
            }

            /// Whether there are no elements.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Type of the elements.
            pub fn dtype(&self) -> DType {
                match self { $(Self::$variant(_) => DType::$variant,)+ }
            }
        }
    };
}

elements! {
    f32 => F32, f64 => F64, f16 => F16, bf16 => BF16,
    i64 => I64, i32 => I32, u8 => U8, i8 => I8, bool => Bool,
}

/// Converts within the integers or within the floating-point numbers; nothing when the kinds differ.
pub(super) fn cast(data: &TensorData, to: DType) -> Option<Result<TensorData, Error>> {
    let integers = || -> Option<Vec<i64>> {
        Some(match data {
            TensorData::I64(data) => data.clone(),
            TensorData::I32(data) => data.iter().map(|x| i64::from(*x)).collect(),
            TensorData::U8(data) => data.iter().map(|x| i64::from(*x)).collect(),
            TensorData::I8(data) => data.iter().map(|x| i64::from(*x)).collect(),
            TensorData::Bool(data) => data.iter().map(|x| i64::from(*x)).collect(),
            _ => return None,
        })
    };
    let floats = || -> Option<Vec<f64>> {
        Some(match data {
            TensorData::F32(data) => data.iter().map(|x| f64::from(*x)).collect(),
            TensorData::F64(data) => data.clone(),
            TensorData::F16(data) => data.iter().map(|x| x.to_f64()).collect(),
            TensorData::BF16(data) => data.iter().map(|x| x.to_f64()).collect(),
            _ => return None,
        })
    };
    Some(match to {
        DType::I64 => Ok(TensorData::I64(integers()?)),
        DType::I32 => narrow(&integers()?, to, |x| i32::try_from(x).ok()).map(TensorData::I32),
        DType::U8 => narrow(&integers()?, to, |x| u8::try_from(x).ok()).map(TensorData::U8),
        DType::I8 => narrow(&integers()?, to, |x| i8::try_from(x).ok()).map(TensorData::I8),
        DType::Bool => narrow(&integers()?, to, |x| match x {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })
        .map(TensorData::Bool),
        DType::F32 => Ok(TensorData::F32(floats()?.into_iter().map(|x| x as f32).collect())),
        DType::F64 => Ok(TensorData::F64(floats()?)),
        DType::F16 => Ok(TensorData::F16(floats()?.into_iter().map(f16::from_f64).collect())),
        DType::BF16 => Ok(TensorData::BF16(floats()?.into_iter().map(bf16::from_f64).collect())),
        DType::Other(_) => return None,
    })
}

fn narrow<T>(values: &[i64], to: DType, fit: impl Fn(i64) -> Option<T>) -> Result<Vec<T>, Error> {
    values
        .iter()
        .map(|value| {
            fit(*value).ok_or_else(|| Error::Tensor {
                expected: format!("values that fit {to}"),
                got: value.to_string(),
            })
        })
        .collect()
}
