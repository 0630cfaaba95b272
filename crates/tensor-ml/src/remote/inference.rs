//! Servers of the Open Inference Protocol, version 2, in JSON: Triton, KServe, MLServer.

use serde_json::{Value, json};

use super::{Http, RemoteOptions};
use crate::{
    control::RunControl,
    error::Error,
    model::Model,
    spec::{self, Dim, TensorSpec},
    tensor::{DType, Element, Tensor, TensorData, Tensors},
};

/// A model on such a server. Blocking, as every [`Model`]; put it into a [`Worker`](crate::Worker) to wait for it.
/// Half-precision tensors are refused: the protocol has no JSON for them.
#[derive(Debug)]
pub struct RemoteModel {
    http: Http,
    path: String,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
}

impl RemoteModel {
    /// Asks the server what the model of this name takes and gives.
    ///
    /// # Errors
    /// [`Error::Argument`] for a name with characters other than letters, digits, `.`, `_` and `-`;
    /// [`Error::Remote`] and [`Error::DeadlineExceeded`].
    pub fn open(options: RemoteOptions, name: &str) -> Result<Self, Error> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
            let reason = format!("`{name}` is not the name of a model");
            return Err(Error::Argument { what: "model name", reason });
        }
        let http = Http::new(options);
        let path = format!("/v2/models/{name}");
        let metadata = http.json(&path, None, &RunControl::default())?;
        let specs = |side: &str| {
            let list = metadata.get(side).and_then(Value::as_array);
            let list = list.ok_or_else(|| http.error(None, format!("metadata without {side}")))?;
            list.iter()
                .map(|entry| {
                    read_spec(entry)
                        .ok_or_else(|| http.error(None, format!("{side}: {entry} is not known")))
                })
                .collect::<Result<Vec<_>, Error>>()
        };
        let (inputs, outputs) = (specs("inputs")?, specs("outputs")?);
        Ok(Self { http, path, inputs, outputs })
    }
}

impl Model for RemoteModel {
    fn inputs(&self) -> &[TensorSpec] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorSpec] {
        &self.outputs
    }

    fn infer_with(&self, inputs: Tensors, control: &RunControl) -> Result<Tensors, Error> {
        let given = inputs.iter().map(|(name, tensor)| (name, tensor.dtype(), tensor.shape()));
        spec::check_inputs(&self.inputs, given)?;
        let entries: Vec<Value> = inputs
            .iter()
            .map(|(name, tensor)| {
                let (datatype, data) = written(tensor).ok_or_else(|| Error::Input {
                    name: name.into(),
                    expected: "finite numbers of a type that the protocol writes as JSON".into(),
                    got: tensor.dtype().to_string(),
                })?;
                let shape = tensor.shape();
                Ok(json!({"name": name, "shape": shape, "datatype": datatype, "data": data}))
            })
            .collect::<Result<_, Error>>()?;
        let outputs: Vec<Value> =
            self.outputs.iter().map(|output| json!({"name": output.name})).collect();
        let body = json!({"inputs": entries, "outputs": outputs});
        let answer = self.http.json(&format!("{}/infer", self.path), Some(&body), control)?;
        let wrong = |what: &str| self.http.error(None, format!("the answer has {what}"));
        let list = answer.get("outputs").and_then(Value::as_array);
        list.ok_or_else(|| wrong("no outputs"))?
            .iter()
            .map(|entry| {
                let name = entry.get("name").and_then(Value::as_str);
                let name = name.ok_or_else(|| wrong("an output without name"))?;
                let tensor = read(entry).ok_or_else(|| {
                    wrong(&format!("an output `{name}` whose data and shape do not fit"))
                })?;
                Ok((name.to_owned(), tensor))
            })
            .collect()
    }
}

fn read_spec(entry: &Value) -> Option<TensorSpec> {
    let dtype = match entry.get("datatype")?.as_str()? {
        "FP16" => DType::F16,
        "BF16" => DType::BF16,
        "FP32" => DType::F32,
        "FP64" => DType::F64,
        "INT64" => DType::I64,
        "INT32" => DType::I32,
        "INT8" => DType::I8,
        "UINT8" => DType::U8,
        "BOOL" => DType::Bool,
        _ => return None,
    };
    let shape = entry.get("shape").and_then(Value::as_array).map(|dims| {
        let size = |dim: &Value| dim.as_u64().and_then(|size| usize::try_from(size).ok());
        dims.iter().map(|dim| size(dim).map_or(Dim::Any, Dim::Fixed)).collect()
    });
    Some(TensorSpec::new(entry.get("name")?.as_str()?, dtype, shape))
}

fn written(tensor: &Tensor) -> Option<(&'static str, Value)> {
    // JSON has no infinity and no NaN.
    Some(match tensor.storage() {
        TensorData::F32(data) if data.iter().all(|x| x.is_finite()) => ("FP32", json!(data)),
        TensorData::F64(data) if data.iter().all(|x| x.is_finite()) => ("FP64", json!(data)),
        TensorData::I64(data) => ("INT64", json!(data)),
        TensorData::I32(data) => ("INT32", json!(data)),
        TensorData::U8(data) => ("UINT8", json!(data)),
        TensorData::I8(data) => ("INT8", json!(data)),
        TensorData::Bool(data) => ("BOOL", json!(data)),
        _ => return None,
    })
}

fn read(entry: &Value) -> Option<Tensor> {
    let dims = entry.get("shape")?.as_array()?;
    let shape: Vec<usize> =
        dims.iter().map(|dim| usize::try_from(dim.as_u64()?).ok()).collect::<Option<_>>()?;
    let mut data = Vec::new();
    flatten(entry.get("data")?, &mut data, 0)?;
    fn tensor<T: Element>(
        shape: Vec<usize>,
        data: &[&Value],
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<Tensor> {
        Tensor::new(shape, data.iter().map(|value| read(value)).collect::<Option<Vec<T>>>()?).ok()
    }
    match entry.get("datatype")?.as_str()? {
        "FP32" => tensor(shape, &data, |value| Some(value.as_f64()? as f32)),
        "FP64" => tensor(shape, &data, Value::as_f64),
        "INT64" => tensor(shape, &data, Value::as_i64),
        "INT32" => tensor(shape, &data, |value| i32::try_from(value.as_i64()?).ok()),
        "INT8" => tensor(shape, &data, |value| i8::try_from(value.as_i64()?).ok()),
        "UINT8" => tensor(shape, &data, |value| u8::try_from(value.as_i64()?).ok()),
        "BOOL" => tensor(shape, &data, Value::as_bool),
        _ => None,
    }
}

/// Data may be flat or nested by dimensions.
fn flatten<'a>(value: &'a Value, data: &mut Vec<&'a Value>, depth: usize) -> Option<()> {
    match value {
        Value::Array(list) if depth <= 16 => {
            list.iter().try_for_each(|value| flatten(value, data, depth + 1))
        }
        Value::Array(_) => None,
        one => {
            data.push(one);
            Some(())
        }
    }
}
