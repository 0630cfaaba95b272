//! Between our tensors and ONNX Runtime's values.

use ort::{
    memory::Allocator,
    session::SessionInputValue,
    value::{
        DynValue, PrimitiveTensorElementType, Shape, Tensor as OrtTensor, TensorRef, ValueType,
    },
};

use super::NAME;
use crate::{
    device::Device,
    error::Error,
    session::{Feed, Fetch, Fetched, Kept},
    spec::TensorSpec,
    tensor::{DType, Element, Tensor, TensorData},
};

macro_rules! by_type {
    ($storage:expr, $data:ident => $body:expr) => {
        match $storage {
            TensorData::F32($data) => $body,
            TensorData::F64($data) => $body,
            TensorData::F16($data) => $body,
            TensorData::BF16($data) => $body,
            TensorData::I64($data) => $body,
            TensorData::I32($data) => $body,
            TensorData::U8($data) => $body,
            TensorData::I8($data) => $body,
            TensorData::Bool($data) => $body,
        }
    };
}

/// An input for ONNX Runtime. Host tensors are lent, not copied.
pub(super) fn feed(feed: Feed<'_>) -> Result<SessionInputValue<'_>, Error> {
    match feed {
        Feed::Kept(kept) => Ok(kept.downcast::<DynValue>()?.into()),
        Feed::Host(tensor) => by_type!(tensor.storage(), data => lend(tensor.shape(), data)),
    }
}

fn lend<'a, T>(shape: &'a [usize], data: &'a [T]) -> Result<SessionInputValue<'a>, Error>
where
    T: Element + PrimitiveTensorElementType,
{
    if data.is_empty() {
        return empty_like(shape, data);
    }
    Ok(TensorRef::from_array_view((shape, data)).map_err(failed)?.into_dyn().into())
}

/// Memory of length zero can neither be lent nor taken over; an allocator makes such a tensor. The data only tells the
/// type.
fn empty_like<T>(shape: &[usize], _: &[T]) -> Result<SessionInputValue<'static>, Error>
where
    T: Element + PrimitiveTensorElementType,
{
    let shape = Shape::new(shape.iter().map(|size| *size as i64));
    Ok(OrtTensor::<T>::new(&Allocator::default(), shape).map_err(failed)?.into_dyn().into())
}

/// An input to be bound, which must own its memory: binding a lent tensor makes `ort` rc.15 copy it through a session of
/// its own, and that waits for itself for ever.
pub(super) fn owned(feed: Feed<'_>) -> Result<SessionInputValue<'static>, Error> {
    match feed {
        Feed::Kept(kept) => Ok(kept.downcast::<DynValue>()?.into()),
        Feed::Host(tensor) => by_type!(tensor.storage(), data => {
            if data.is_empty() {
                return empty_like(tensor.shape(), data);
            }
            let tensor = OrtTensor::from_array((tensor.shape(), data.clone())).map_err(failed)?;
            Ok(tensor.into_dyn().into())
        }),
    }
}

/// An output of ONNX Runtime.
pub(super) fn fetch(
    fetch: Fetch<'_>,
    spec: &TensorSpec,
    device: Device,
    value: DynValue,
) -> Result<Fetched, Error> {
    let (shape, dtype) = match value.dtype() {
        ValueType::Tensor { ty, shape, .. } => {
            let shape: Option<Vec<usize>> =
                shape.iter().map(|size| usize::try_from(*size).ok()).collect();
            (shape, dtype(*ty))
        }
        _ => (None, DType::Other(0)),
    };
    let wrong = |got: String| Error::Output {
        name: spec.name.clone(),
        expected: spec.dtype.to_string(),
        got,
    };
    let Some(shape) = shape else { return Err(wrong("a value that is not a tensor".into())) };
    if let Fetch::Keep(_) = fetch {
        return Ok(Fetched::Kept(Kept::new(dtype, shape, device, Box::new(value))));
    }
    let tensor = match dtype {
        DType::F32 => copy::<f32>(shape, &value),
        DType::F64 => copy::<f64>(shape, &value),
        DType::F16 => copy::<half::f16>(shape, &value),
        DType::BF16 => copy::<half::bf16>(shape, &value),
        DType::I64 => copy::<i64>(shape, &value),
        DType::I32 => copy::<i32>(shape, &value),
        DType::U8 => copy::<u8>(shape, &value),
        DType::I8 => copy::<i8>(shape, &value),
        DType::Bool => copy::<bool>(shape, &value),
        DType::Other(_) => return Err(wrong(dtype.to_string())),
    };
    tensor.map(Fetched::Host)
}

fn copy<T>(shape: Vec<usize>, value: &DynValue) -> Result<Tensor, Error>
where
    T: Element + PrimitiveTensorElementType,
{
    let (_, data) = value.try_extract_tensor::<T>().map_err(failed)?;
    Tensor::new(shape, data.to_vec())
}

fn dtype(ty: ort::value::TensorElementType) -> DType {
    use ort::value::TensorElementType as Type;
    match ty {
        Type::Float32 => DType::F32,
        Type::Float64 => DType::F64,
        Type::Float16 => DType::F16,
        Type::Bfloat16 => DType::BF16,
        Type::Int64 => DType::I64,
        Type::Int32 => DType::I32,
        Type::Uint8 => DType::U8,
        Type::Int8 => DType::I8,
        Type::Bool => DType::Bool,
        _ => DType::Other(0),
    }
}

pub(super) fn failed(error: ort::Error) -> Error {
    Error::Backend { backend: NAME, source: error.into() }
}
