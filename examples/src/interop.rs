//! The synapses that the programs know by name, as their Python classes declare them.

use tensor_net::wire::synapse::{Kind, SynapseSpec, Value};

/// The interop classes, with the field types of their Python counterparts.
///
/// `Prompt`, `Unhashed`, `Mixed`, `Slow`, `Boom`, `Teapot`, `Late` and the streaming `PromptStream`.
pub fn synapses() -> Vec<SynapseSpec> {
    let prompt = |name: &str| {
        text_or_none(SynapseSpec::new(name).with_field("prompt", Kind::Str), "completion")
    };
    vec![
        prompt("Prompt").with_hashed(["prompt"]),
        prompt("Unhashed"),
        mixed(),
        text_or_none(SynapseSpec::new("Slow").with_field("seconds", Kind::Float), "reply"),
        SynapseSpec::new("Boom"),
        SynapseSpec::new("Teapot"),
        SynapseSpec::new("Late"),
        prompt("PromptStream").with_hashed(["prompt"]).with_streaming(),
    ]
}

/// The class with a field of every type, all hashed but the reply.
pub fn mixed() -> SynapseSpec {
    let spec = SynapseSpec::new("Mixed")
        .with_field("text", Kind::Str)
        .with_field("number", Kind::Int)
        .with_field("ratio", Kind::Float)
        .with_field("flag", Kind::Bool)
        .with_field("items", Kind::Int.list())
        .with_field("table", Kind::Dict(Box::new(Kind::Str), Box::new(Kind::Any)));
    text_or_none(text_or_none(spec, "maybe"), "reply")
        .with_hashed(["text", "number", "ratio", "flag", "items", "table", "maybe"])
}

/// Declares `name: Optional[str] = None`.
fn text_or_none(spec: SynapseSpec, name: &str) -> SynapseSpec {
    spec.with_default(name, Kind::Str.optional(), Value::None)
}
