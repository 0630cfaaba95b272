//! Inference for miners and validators: ONNX models on native ONNX Runtime or pure Rust.
