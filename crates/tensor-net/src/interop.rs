//! What is spoken with the official packages to hold this crate against them: the synapses that both
//! sides know, and the miner that answers them.
//!
//! The Python side of it is in `tests/interop`. For that work only; a real axon has its own synapses.

#[cfg(feature = "server")]
mod miner;

use crate::wire::synapse::official::classes;
use crate::wire::synapse::{Kind, SynapseSpec, Value};

#[cfg(feature = "server")]
pub use miner::InteropMiner;

/// The synapses, with the field types of their Python counterparts.
///
/// `Prompt`, `Unhashed` and `Mixed` of [`classes`], `Slow`, `Boom`, `Teapot`, `Late` and the streaming
/// `PromptStream`.
pub fn synapses() -> Vec<SynapseSpec> {
    let recorded = classes().into_iter();
    recorded
        .filter(|spec| ["Prompt", "Unhashed", "Mixed"].contains(&spec.name()))
        .chain([
            SynapseSpec::new("Slow").with_field("seconds", Kind::Float).with_default(
                "reply",
                Kind::Str.optional(),
                Value::None,
            ),
            SynapseSpec::new("Boom"),
            SynapseSpec::new("Teapot"),
            SynapseSpec::new("Late"),
            SynapseSpec::new("PromptStream")
                .with_field("prompt", Kind::Str)
                .with_default("completion", Kind::Str.optional(), Value::None)
                .with_hashed(["prompt"])
                .with_streaming(),
        ])
        .collect()
}
