//! The engines that a test runs on, and where its data is.

use std::path::PathBuf;

use tensor_ml::Engine;

/// Every engine of this build by name.
pub(crate) fn all() -> Vec<(&'static str, Engine)> {
    Vec::from([
        #[cfg(feature = "rten")]
        ("rten", Engine::rten()),
        #[cfg(feature = "ort")]
        ("ort", ort()),
    ])
}

#[cfg(feature = "ort")]
pub(crate) fn ort() -> Engine {
    use tensor_ml::backend::ort::LibrarySearch;
    let search = match std::env::var_os("TENSOR_ML_ORT_LIB") {
        Some(path) => LibrarySearch::only(path),
        None => LibrarySearch::new(&|name| std::env::var_os(name)),
    };
    match Engine::ort(&search) {
        Ok(engine) => engine,
        Err(error) => panic!(
            "the tests of feature `ort` need ONNX Runtime 1.24 or newer: run scripts/test, or `pip install \
             onnxruntime` and set TENSOR_ML_ORT_LIB to its folder onnxruntime/capi ({error})"
        ),
    }
}

/// A file or folder of the test data.
pub(crate) fn data(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/ml")).join(path)
}

/// A JSON file of the test data.
pub(crate) fn json(path: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(data(path)).unwrap()).unwrap()
}
