//! Arrays in synapses against what the official package made of the same ones; and arrays that are none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tensor_net::wire::synapse::tensor::{Dtype, Tensor};
use tensor_net::wire::synapse::{SynapseSpec, Value};

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/wire/tensors.json"));

fn spec() -> SynapseSpec {
    SynapseSpec::new("Vision")
        .with_default("pixels", Tensor::kind().optional(), Value::None)
        .with_hashed(["pixels"])
}

/// Every number of nested lists, in order.
fn flat(list: &Json) -> Vec<Json> {
    match list {
        Json::Array(items) => items.iter().flat_map(flat).collect(),
        one => vec![one.clone()],
    }
}

fn elements(tensor: &Tensor) -> Vec<Json> {
    let list = match tensor.dtype() {
        Dtype::Float32 => json!(tensor.values::<f32>().unwrap()),
        Dtype::Float64 => json!(tensor.values::<f64>().unwrap()),
        Dtype::Uint8 => json!(tensor.values::<u8>().unwrap()),
        Dtype::Int8 => json!(tensor.values::<i8>().unwrap()),
        Dtype::Int16 => json!(tensor.values::<i16>().unwrap()),
        Dtype::Int32 => json!(tensor.values::<i32>().unwrap()),
        Dtype::Int64 => json!(tensor.values::<i64>().unwrap()),
        Dtype::Bool => json!(tensor.values::<bool>().unwrap()),
        // Rust has no such type; the two numbers of the vectors.
        Dtype::Float16 => {
            assert_eq!(tensor.data(), [0x00, 0x3e, 0x00, 0xc0]);
            json!([1.5, -2.0])
        }
    };
    flat(&list)
}

#[test]
fn arrays_of_the_official_package_are_read_hashed_and_written_alike() {
    let cases: Vec<Json> = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(cases.len(), 10);
    for case in cases {
        let name = &case["name"];
        let body = Value::from(&json!({ "pixels": case["pixels"] }));
        assert_eq!(spec().hashed_texts(&body).unwrap(), [case["str"].as_str().unwrap()], "{name}");
        assert_eq!(spec().body_hash(&body).unwrap(), case["body_hash"], "{name}");
        let tensor: Tensor = serde_json::from_value(case["pixels"].clone()).unwrap();
        assert_eq!(elements(&tensor), flat(&case["list"]), "{name}");
        assert_eq!(serde_json::to_value(&tensor).unwrap(), case["pixels"], "{name}");
        let torch = tensor.clone().with_torch_names();
        let sent = serde_json::to_value(&torch).unwrap();
        assert_eq!(sent["dtype"], format!("torch.{}", case["dtype"].as_str().unwrap()));
        assert_eq!(serde_json::from_value::<Tensor>(sent).unwrap(), torch);
    }
}

#[test]
fn what_is_no_array_says_why() {
    let good = json!(Tensor::of(&[2], &[1i16, 2]).unwrap());
    let with = |field: &str, value: Json| {
        let mut tensor = good.clone();
        tensor[field] = value;
        serde_json::from_value::<Tensor>(tensor).unwrap_err().to_string()
    };
    let packed = STANDARD.decode(good["buffer"].as_str().unwrap()).unwrap();
    let changed = |from: &[u8], to: &[u8]| {
        let at = packed.windows(from.len()).position(|part| part == from).unwrap();
        let packed = [&packed[..at], to, &packed[at + from.len()..]].concat();
        with("buffer", json!(STANDARD.encode(packed)))
    };
    for (said, expected) in [
        (with("dtype", json!("complex64")), "\"complex64\" is not known"),
        (with("dtype", json!("int32")), "are int16, not int32"),
        (with("shape", json!([3])), "shape [3] does not have 4 bytes"),
        (with("shape", json!([usize::MAX, 2])), "does not have 4 bytes"),
        (with("shape", json!(vec![1; 65])), "too many dimensions"),
        (with("shape", json!([-1])), "invalid value"),
        (with("buffer", json!("?")), "no base64"),
        (with("buffer", json!("")), "ends too early"),
        (with("buffer", json!("AAAA")), "it is no map"),
        (changed(b"<i2", b"<c8"), "is not known"),
        // A pickle.
        (changed(b"kind\xc4\x00", b"kind\xc4\x01O"), "its elements are no numbers"),
        (changed(b"nd\xc3", b"nd\xc2"), "it has no shape"),
        (changed(b"shape\x91\x02", b"shape\xc0"), "its shape is no list"),
        (changed(b"shape\x91\x02", b"shape\xdc\xff\xff"), "too many dimensions"),
        (changed(b"data\xc4\x04", b"data\xc6\xff\xff\xff\xff"), "ends too early"),
        (changed(b"data\xc4\x04", b"data\xc4\x03"), "more than an array"),
    ] {
        assert!(said.contains(expected), "{said}: {expected}");
    }
    // Another order of bytes is the same array.
    let at = packed.windows(3).position(|part| part == b"<i2").unwrap();
    let mut swapped = packed;
    swapped[at] = b'>';
    let tensor = json!({ "buffer": STANDARD.encode(swapped), "dtype": "int16", "shape": [2] });
    let tensor: Tensor = serde_json::from_value(tensor).unwrap();
    assert_eq!(tensor.values::<i16>().unwrap(), [256, 512]);
    assert!(tensor.values::<i32>().is_err());
}

proptest! {
    #[test]
    fn arrays_come_back(numbers: Vec<f64>, rows in 1usize..4) {
        let whole = numbers.len() / rows * rows;
        let shape = [rows, whole / rows];
        let tensor = Tensor::of(&shape, &numbers[..whole]).unwrap();
        let back: Tensor = serde_json::from_value(json!(tensor)).unwrap();
        let expected = if whole == 0 { vec![rows, 0] } else { shape.to_vec() };
        prop_assert_eq!(back.shape(), expected);
        prop_assert_eq!(back.data(), tensor.data());
    }

    #[test]
    fn no_buffer_panics(mut packed: Vec<u8>, flip: prop::sample::Index, byte: u8) {
        let dtype = json!("int16");
        let of = |packed: &[u8]| json!({
            "buffer": STANDARD.encode(packed), "dtype": &dtype, "shape": [2],
        });
        let _ = serde_json::from_value::<Tensor>(of(&packed));
        let good = json!(Tensor::of(&[2], &[1i16, 2]).unwrap());
        packed = STANDARD.decode(good["buffer"].as_str().unwrap()).unwrap();
        let at = flip.index(packed.len());
        packed[at] = byte;
        let _ = serde_json::from_value::<Tensor>(of(&packed));
    }
}
