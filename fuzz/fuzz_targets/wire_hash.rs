//! The hash of a body by what Python would show of it: nothing panics, and the quick reading of hashed
//! fields agrees with the thorough one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tensor_core::Hotkey;
use tensor_net::wire::synapse::official::classes;
use tensor_net::wire::synapse::tensor::Tensor;
use tensor_net::wire::synapse::{
    BODY_HASH, Kind, SynapseProtocol, SynapseSpec, Value, hash_texts, python,
};
use tensor_net::wire::{Head, Protocol};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let value = Value::parse(text);
    if let Ok(value) = &value {
        let shown = python::str(value);
        assert_eq!(shown, python::str(&value.clone()));
        // What Python shows of a value has no line breaks, since it escapes them in containers.
        if !matches!(value, Value::Str(_)) {
            assert!(!shown.contains('\n'), "{shown:?}");
        }
    }
    if let Ok(tensor) = serde_json::from_str::<Tensor>(text) {
        let again = serde_json::to_string(&tensor).unwrap();
        assert_eq!(serde_json::from_str::<Tensor>(&again).unwrap(), tensor);
    }
    let vision = SynapseSpec::new("Vision")
        .with_default("pixels", Tensor::kind().optional(), Value::None)
        .with_default("pair", Kind::Tuple(vec![Kind::Int, Kind::Str]).optional(), Value::None)
        .with_hashed(["pixels", "pair"]);
    for spec in classes().into_iter().chain([vision]) {
        let thorough = match &value {
            Ok(value @ Value::Dict(_)) => spec.body_hash(value).ok(),
            _ => None,
        };
        if let (Some(hash), Ok(value)) = (&thorough, &value) {
            let texts = spec.hashed_texts(value).unwrap();
            assert_eq!(&hash_texts(&texts), hash);
        }
        let protocol = SynapseProtocol::new(Hotkey::from_bytes([7; 32])).with_synapse(spec.clone());
        let target = format!("/{}", spec.name());
        let headers = |hash: &str| {
            vec![("content-type", "application/json".to_owned()), (BODY_HASH, hash.to_owned())]
        };
        let opens = |hash: &str| {
            let headers = headers(hash);
            let head = Head::new("POST", &target, &headers);
            protocol.open(&head, data.to_vec().into()).is_ok()
        };
        assert_eq!(opens(thorough.as_deref().unwrap_or("none")), thorough.is_some(), "{spec:?}");
        assert!(!opens("another"));
    }
});
