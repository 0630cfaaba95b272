//! What an ONNX file says about itself, read without running it: inputs, outputs, operators, external data.
//!
//! Only the fields needed are read (numbers from `onnx.proto3` of the ONNX project); everything else is skipped. The
//! reader trusts nothing: lengths are checked, nesting is limited, and no memory is set aside on the file's word.

mod wire;

use std::collections::{BTreeMap, BTreeSet};

pub use self::wire::WireFault;
use self::wire::{Fields, Value};
use crate::{
    spec::{Dim, TensorSpec},
    tensor::DType,
};

/// Subgraphs may nest this deep; real models stay below five.
const MAX_DEPTH: usize = 32;

/// The outline of an ONNX model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outline {
    /// Version of the format.
    pub ir_version: u64,
    /// Operator sets by domain; the empty domain is ONNX itself.
    pub opsets: BTreeMap<String, u64>,
    /// Inputs that the caller must give, in order.
    pub inputs: Vec<TensorSpec>,
    /// Outputs in order.
    pub outputs: Vec<TensorSpec>,
    /// How often each operator occurs, subgraphs and functions included, by domain and name.
    pub operators: BTreeMap<(String, String), usize>,
    /// Locations of external data, as written, each once.
    pub external: BTreeSet<String>,
    /// Number of constant tensors.
    pub tensors: usize,
    /// Elements over all constant tensors, by their declared dimensions.
    pub elements: u64,
}

impl Outline {
    /// Reads the outline of a serialised `ModelProto`.
    ///
    /// # Errors
    /// [`WireFault`] when the bytes are not one.
    pub fn read(bytes: &[u8]) -> Result<Self, WireFault> {
        let mut outline = Self::default();
        let mut has_graph = false;
        for field in Fields::of(bytes) {
            match field? {
                (1, Value::Varint(version)) => outline.ir_version = version,
                (7, Value::Bytes(graph)) => {
                    has_graph = true;
                    outline.graph(graph, 0)?;
                }
                (8, Value::Bytes(opset)) => outline.opset(opset)?,
                (25, Value::Bytes(function)) => {
                    for field in Fields::of(function) {
                        if let (7, Value::Bytes(node)) = field? {
                            outline.node(node, 1)?;
                        }
                    }
                }
                _ => {}
            }
        }
        if has_graph { Ok(outline) } else { Err(WireFault::NoGraph) }
    }

    fn opset(&mut self, bytes: &[u8]) -> Result<(), WireFault> {
        let (mut domain, mut version) = (String::new(), 0);
        for field in Fields::of(bytes) {
            match field? {
                (1, Value::Bytes(text)) => domain = string(text)?,
                (2, Value::Varint(number)) => version = number,
                _ => {}
            }
        }
        self.opsets.insert(domain, version);
        Ok(())
    }

    fn graph(&mut self, bytes: &[u8], depth: usize) -> Result<(), WireFault> {
        if depth > MAX_DEPTH {
            return Err(WireFault::TooDeep);
        }
        let mut initializers = BTreeSet::new();
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for field in Fields::of(bytes) {
            match field? {
                (1, Value::Bytes(node)) => self.node(node, depth)?,
                (5, Value::Bytes(tensor)) => {
                    initializers.insert(self.tensor(tensor)?);
                }
                (15, Value::Bytes(sparse)) => self.sparse(sparse)?,
                (11, Value::Bytes(info)) if depth == 0 => inputs.push(value_info(info)?),
                (12, Value::Bytes(info)) if depth == 0 => outputs.push(value_info(info)?),
                _ => {}
            }
        }
        if depth == 0 {
            // Old files list constants among the inputs; those are defaults, not to be asked of the caller.
            self.inputs
                .extend(inputs.into_iter().filter(|spec| !initializers.contains(&spec.name)));
            self.outputs.extend(outputs);
        }
        Ok(())
    }

    fn node(&mut self, bytes: &[u8], depth: usize) -> Result<(), WireFault> {
        let (mut domain, mut operator) = (String::new(), String::new());
        for field in Fields::of(bytes) {
            match field? {
                (4, Value::Bytes(text)) => operator = string(text)?,
                (7, Value::Bytes(text)) => domain = string(text)?,
                (5, Value::Bytes(attribute)) => {
                    for field in Fields::of(attribute) {
                        match field? {
                            (5 | 10, Value::Bytes(tensor)) => {
                                self.tensor(tensor)?;
                            }
                            (6 | 11, Value::Bytes(graph)) => self.graph(graph, depth + 1)?,
                            (22 | 23, Value::Bytes(sparse)) => self.sparse(sparse)?,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        let count = self.operators.entry((domain, operator)).or_default();
        *count = count.saturating_add(1);
        Ok(())
    }

    fn sparse(&mut self, bytes: &[u8]) -> Result<(), WireFault> {
        for field in Fields::of(bytes) {
            if let (1 | 2, Value::Bytes(tensor)) = field? {
                self.tensor(tensor)?;
            }
        }
        Ok(())
    }

    /// Notes a tensor and returns its name.
    fn tensor(&mut self, bytes: &[u8]) -> Result<String, WireFault> {
        let mut name = String::new();
        let mut elements = 1_u64;
        for field in Fields::of(bytes) {
            match field? {
                (1, Value::Varint(dim)) => elements = elements.saturating_mul(dim),
                (1, Value::Bytes(packed)) => {
                    for dim in wire::packed(packed) {
                        elements = elements.saturating_mul(dim?);
                    }
                }
                (8, Value::Bytes(text)) => name = string(text)?,
                (13, Value::Bytes(entry)) => {
                    let (mut key, mut value) = (String::new(), String::new());
                    for field in Fields::of(entry) {
                        match field? {
                            (1, Value::Bytes(text)) => key = string(text)?,
                            (2, Value::Bytes(text)) => value = string(text)?,
                            _ => {}
                        }
                    }
                    if key == "location" {
                        self.external.insert(value);
                    }
                }
                _ => {}
            }
        }
        self.tensors = self.tensors.saturating_add(1);
        self.elements = self.elements.saturating_add(elements);
        Ok(name)
    }
}

fn value_info(bytes: &[u8]) -> Result<TensorSpec, WireFault> {
    let mut name = String::new();
    // Sequences and maps have no tensor type; they stay of an unknown one.
    let (mut dtype, mut shape) = (DType::Other(0), None);
    for field in Fields::of(bytes) {
        match field? {
            (1, Value::Bytes(text)) => name = string(text)?,
            (2, Value::Bytes(kind)) => {
                for field in Fields::of(kind) {
                    if let (1, Value::Bytes(tensor)) = field? {
                        (dtype, shape) = tensor_type(tensor)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(TensorSpec::new(name, dtype, shape))
}

fn tensor_type(bytes: &[u8]) -> Result<(DType, Option<Vec<Dim>>), WireFault> {
    let (mut dtype, mut shape) = (DType::Other(0), None);
    for field in Fields::of(bytes) {
        match field? {
            (1, Value::Varint(number)) => {
                dtype = DType::from_onnx(i32::try_from(number).unwrap_or(0));
            }
            (2, Value::Bytes(dims)) => {
                let shape = shape.get_or_insert_with(Vec::new);
                for field in Fields::of(dims) {
                    if let (1, Value::Bytes(dim)) = field? {
                        shape.push(dimension(dim)?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok((dtype, shape))
}

fn dimension(bytes: &[u8]) -> Result<Dim, WireFault> {
    let mut dim = Dim::Any;
    for field in Fields::of(bytes) {
        match field? {
            // A negative size, as some exporters write, reads as a huge one and means "any".
            (1, Value::Varint(size)) => {
                dim = i64::try_from(size)
                    .ok()
                    .and_then(|size| usize::try_from(size).ok())
                    .map_or(Dim::Any, Dim::Fixed);
            }
            (2, Value::Bytes(text)) => {
                let name = string(text)?;
                dim = if name.is_empty() { Dim::Any } else { Dim::Named(name) };
            }
            _ => {}
        }
    }
    Ok(dim)
}

fn string(bytes: &[u8]) -> Result<String, WireFault> {
    String::from_utf8(bytes.to_vec()).map_err(|_| WireFault::NotText)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(number: u8, body: &[u8]) -> Vec<u8> {
        assert!(number < 16 && body.len() < 128);
        [&[number << 3 | 2, body.len() as u8][..], body].concat()
    }

    #[test]
    fn external_locations_are_found_in_subgraphs_of_nodes() {
        let entry = [message(1, b"location"), message(2, b"w.data")].concat();
        let tensor = [message(8, b"w"), vec![1 << 3, 3], message(13, &entry)].concat();
        let inner = message(5, &tensor);
        let node = [message(4, b"If"), message(5, &message(6, &inner))].concat();
        let model = [vec![1 << 3, 9], message(7, &message(1, &node))].concat();
        let outline = Outline::read(&model).unwrap();
        assert_eq!(outline.ir_version, 9);
        assert_eq!(outline.external.iter().collect::<Vec<_>>(), ["w.data"]);
        assert_eq!((outline.tensors, outline.elements), (1, 3));
        assert_eq!(outline.operators[&(String::new(), "If".into())], 1);
    }

    #[test]
    fn nesting_is_limited() {
        fn varint(mut value: usize) -> Vec<u8> {
            let mut bytes = Vec::new();
            loop {
                let low = (value & 0x7f) as u8;
                value >>= 7;
                bytes.push(if value > 0 { low | 0x80 } else { low });
                if value == 0 {
                    return bytes;
                }
            }
        }
        let wrap =
            |number: u8, body: Vec<u8>| [vec![number << 3 | 2], varint(body.len()), body].concat();
        let mut graph = Vec::new();
        for _ in 0..10_000 {
            graph = wrap(1, wrap(5, wrap(6, graph)));
        }
        assert_eq!(Outline::read(&wrap(7, graph)), Err(WireFault::TooDeep));
    }

    #[test]
    fn what_is_no_model_is_refused() {
        assert_eq!(Outline::read(b""), Err(WireFault::NoGraph));
        assert!(Outline::read(b"<html>").is_err());
        assert_eq!(Outline::read(&[0x3a, 0x7f, 0]), Err(WireFault::Truncated));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Outline::read(&bytes);
        }
    }
}
