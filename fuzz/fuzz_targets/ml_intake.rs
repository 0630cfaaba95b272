//! The guard before a stranger's model, on any bytes: never a panic, and what it lets in is within its limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tensor_ml::{Intake, ModelSource};

fuzz_target!(|graph: &[u8]| {
    let intake = Intake::default().with_max_nodes(64).with_max_bytes(1 << 16, 0);
    if let Ok(model) = intake.admit(&ModelSource::bytes("fuzz", graph)) {
        assert!(model.outline.operators.values().sum::<usize>() <= 64);
        assert!(!model.outline.operators.keys().any(|(_, name)| name == "Loop" || name == "Scan"));
        for spec in model.outline.inputs.iter().chain(&model.outline.outputs) {
            let _ = spec.to_string();
        }
    }
});
