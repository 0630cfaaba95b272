//! The output that classifiers and decoders are read by: that a model has it, and what is said when it has another shape.

use crate::{
    error::Error,
    spec::{self, TensorSpec},
};

/// Its name.
pub(crate) const LOGITS: &str = "logits";

/// Refuses a model without logits; `shape` is what they would have.
pub(crate) fn expect_logits(outputs: &[TensorSpec], shape: &str) -> Result<(), Error> {
    match spec::find(outputs, LOGITS) {
        Some(_) => Ok(()),
        None => Err(not_logits(shape, "a model without it")),
    }
}

/// What was given where logits of `shape` were expected.
pub(crate) fn not_logits(shape: &str, got: &str) -> Error {
    Error::Output {
        name: LOGITS.into(),
        expected: format!("logits of shape {shape}"),
        got: got.into(),
    }
}
