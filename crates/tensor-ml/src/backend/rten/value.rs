//! Between our tensors and rten's values: borrowed where the types agree, converted where rten has none such.

use half::f16;
use rten::{Value, ValueOrView, ValueView};
use rten_tensor::{Tensor as RtenTensor, TensorView, prelude::*};

use crate::{
    device::Device,
    error::Error,
    session::{Feed, Fetch, Fetched, Kept},
    spec::TensorSpec,
    tensor::{DType, Element, Tensor, TensorData},
};

/// An input for rten.
pub(super) fn feed<'a>(name: &str, feed: Feed<'a>) -> Result<ValueOrView<'a>, Error> {
    let tensor = match feed {
        Feed::Kept(kept) => return Ok(ValueOrView::Value(kept.downcast::<Value>()?)),
        Feed::Host(tensor) => tensor,
    };
    let shape = tensor.shape();
    Ok(match tensor.storage() {
        TensorData::F32(data) => view(name, shape, data)?.into(),
        TensorData::I32(data) => view(name, shape, data)?.into(),
        TensorData::U8(data) => view(name, shape, data)?.into(),
        TensorData::I8(data) => view(name, shape, data)?.into(),
        TensorData::I64(data) => owned(name, shape, narrow(name, data)?)?.into(),
        TensorData::Bool(data) => {
            owned::<i32>(name, shape, data.iter().map(|x| i32::from(*x)).collect())?.into()
        }
        TensorData::F16(data) => {
            owned::<f32>(name, shape, data.iter().map(|x| x.to_f32()).collect())?.into()
        }
        TensorData::F64(data) => {
            owned::<f32>(name, shape, data.iter().map(|x| *x as f32).collect())?.into()
        }
        TensorData::BF16(_) => return Err(unsupported(name, DType::BF16)),
    })
}

/// An output of rten, brought to the type that the graph declares.
pub(super) fn fetch(fetch: Fetch<'_>, spec: &TensorSpec, value: Value) -> Result<Fetched, Error> {
    if let Fetch::Keep(_) = fetch {
        let shape = value.as_view().shape().to_vec();
        return Ok(Fetched::Kept(Kept::new(spec.dtype, shape, Device::Cpu, Box::new(value))));
    }
    let wrong = |got: String| Error::Output {
        name: spec.name.clone(),
        expected: spec.dtype.to_string(),
        got,
    };
    Ok(Fetched::Host(match (value, spec.dtype) {
        (Value::FloatTensor(tensor), DType::F32) => plain(tensor)?,
        (Value::Int32Tensor(tensor), DType::I32) => plain(tensor)?,
        (Value::UInt8Tensor(tensor), DType::U8) => plain(tensor)?,
        (Value::Int8Tensor(tensor), DType::I8) => plain(tensor)?,
        (Value::Int32Tensor(tensor), DType::I64) => mapped(tensor, i64::from)?,
        (Value::Int32Tensor(tensor), DType::Bool) => mapped(tensor, |x| x != 0)?,
        (Value::FloatTensor(tensor), DType::F16) => mapped(tensor, f16::from_f32)?,
        (Value::FloatTensor(tensor), DType::F64) => mapped(tensor, f64::from)?,
        (other, _) => return Err(wrong(other.dtype().to_string())),
    }))
}

fn view<'a, T>(name: &str, shape: &[usize], data: &'a [T]) -> Result<ValueView<'a>, Error>
where
    ValueView<'a>: From<TensorView<'a, T>>,
{
    match TensorView::try_from_data(shape, data) {
        Ok(view) => Ok(view.into()),
        Err(error) => Err(shape_refused(name, shape, &error)),
    }
}

fn owned<T>(name: &str, shape: &[usize], data: Vec<T>) -> Result<Value, Error>
where
    Value: From<RtenTensor<T>>,
{
    match RtenTensor::try_from_data(shape, data) {
        Ok(tensor) => Ok(tensor.into()),
        Err(error) => Err(shape_refused(name, shape, &error)),
    }
}

fn plain<T: Element>(tensor: RtenTensor<T>) -> Result<Tensor, Error> {
    let shape = tensor.shape().to_vec();
    Tensor::new(shape, tensor.into_data())
}

fn mapped<T: Copy, U: Element>(
    tensor: RtenTensor<T>,
    map: impl Fn(T) -> U,
) -> Result<Tensor, Error> {
    let shape = tensor.shape().to_vec();
    Tensor::new(shape, tensor.iter().map(|x| map(*x)).collect())
}

fn narrow(name: &str, data: &[i64]) -> Result<Vec<i32>, Error> {
    data.iter()
        .map(|value| {
            i32::try_from(*value).map_err(|_| Error::Input {
                name: name.into(),
                expected: "integers of 32 bits, which is all that rten computes with".into(),
                got: value.to_string(),
            })
        })
        .collect()
}

fn shape_refused(name: &str, shape: &[usize], error: &impl std::fmt::Debug) -> Error {
    Error::Input {
        name: name.into(),
        expected: "a shape that rten takes".into(),
        got: format!("{shape:?} ({error:?})"),
    }
}

fn unsupported(name: &str, dtype: DType) -> Error {
    Error::Input {
        name: name.into(),
        expected: "an element type that rten computes with".into(),
        got: dtype.to_string(),
    }
}
