//! The synapse classes of the recorded vectors: [`classes`], [`class`].

use super::super::{Field, Kind, SynapseSpec, Value};

/// The classes that the recorded requests and hashes were made with.
pub fn classes() -> Vec<SynapseSpec> {
    let message = Kind::Model(vec![
        field("role", Kind::Str),
        field("content", Kind::Str),
        Field::optional("n", Kind::Int.optional(), Value::None),
    ]);
    let any = || Box::new(Kind::Any);
    let completion = |spec: SynapseSpec| {
        spec.with_field("prompt", Kind::Str).with_default(
            "completion",
            Kind::Str.optional(),
            Value::None,
        )
    };
    vec![
        completion(SynapseSpec::new("Prompt")).with_hashed(["prompt"]),
        completion(SynapseSpec::new("Unhashed")),
        SynapseSpec::new("Mixed")
            .with_field("text", Kind::Str)
            .with_field("number", Kind::Int)
            .with_field("ratio", Kind::Float)
            .with_field("flag", Kind::Bool)
            .with_field("items", Kind::Int.list())
            .with_field("table", Kind::Dict(Box::new(Kind::Str), any()))
            .with_default("maybe", Kind::Str.optional(), Value::None)
            .with_default("reply", Kind::Str.optional(), Value::None)
            .with_hashed(["text", "number", "ratio", "flag", "items", "table", "maybe"]),
        SynapseSpec::new("TwoRev")
            .with_field("b", Kind::Str)
            .with_field("a", Kind::Int)
            .with_hashed(["b", "a"]),
        SynapseSpec::new("Chat")
            .with_field("messages", message.list())
            .with_field("temperature", Kind::Float)
            .with_hashed(["messages", "temperature"]),
        SynapseSpec::new("Base").with_field("x", Kind::Str).with_hashed(["name", "timeout", "x"]),
        SynapseSpec::new("IntKeys")
            .with_field("d", Kind::Dict(Box::new(Kind::Int), Box::new(Kind::Str)))
            .with_hashed(["d"]),
        SynapseSpec::new("Synapse"),
    ]
}

/// The class of that name among [`classes`].
pub fn class(name: &str) -> Option<SynapseSpec> {
    classes().into_iter().find(|spec| spec.name() == name)
}

fn field(name: &str, kind: Kind) -> Field {
    Field::required(name, kind)
}
