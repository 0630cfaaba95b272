//! What a synapse class declares: [`SynapseSpec`], its fields and which of them are hashed.

use std::collections::BTreeMap;

use sha3::{Digest, Sha3_256};

use super::Value;
use super::python::{self, write_joined, write_quoted, write_repr};

/// A field's declared type. JSON alone does not tell `3` in a float field from `3` in an int field,
/// nor a tuple from a list, and the body hash depends on it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// `str`.
    Str,
    /// `int`.
    Int,
    /// `float`: whole numbers are shown with `.0`.
    Float,
    /// `bool`.
    Bool,
    /// `Optional[…]`: the type or null.
    Optional(Box<Self>),
    /// `list[…]`.
    List(Box<Self>),
    /// `tuple[…]` of these types.
    Tuple(Vec<Self>),
    /// `dict[…, …]`: the types of keys and values. Keys are strings in JSON; of the other types, int
    /// is understood.
    Dict(Box<Self>, Box<Self>),
    /// A nested model: its fields in the order of declaration, each with its default.
    Model(Vec<Field>),
    /// Anything, or nothing that is declared: shown by what the JSON is.
    Any,
}

impl Kind {
    /// `Optional[self]`.
    #[must_use]
    pub fn optional(self) -> Self {
        Self::Optional(Box::new(self))
    }

    /// `list[self]`.
    #[must_use]
    pub fn list(self) -> Self {
        Self::List(Box::new(self))
    }
}

/// A field of a synapse.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// What it is when absent; without a default the field is required.
    pub default: Option<Value>,
}

impl Field {
    /// A field that must be there.
    pub fn required(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind, default: None }
    }

    /// A field that may be absent, and is `default` then.
    pub fn optional(name: impl Into<String>, kind: Kind, default: Value) -> Self {
        Self { name: name.into(), kind, default: Some(default) }
    }
}

/// A synapse class as its peers must know it.
///
/// ```
/// use tensor_net::wire::synapse::{Kind, SynapseSpec, Value};
///
/// // class Prompt(Synapse):
/// //     required_hash_fields: ClassVar[tuple[str, ...]] = ("prompt",)
/// //     prompt: str
/// //     completion: Optional[str] = None
/// let prompt = SynapseSpec::new("Prompt")
///     .with_field("prompt", Kind::Str)
///     .with_default("completion", Kind::Str.optional(), Value::None)
///     .with_hashed(["prompt"]);
/// let body = Value::parse(r#"{"prompt": "hello world"}"#)?;
/// assert!(prompt.body_hash(&body).is_ok_and(|hash| hash.starts_with("d23ace76ab91f461")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SynapseSpec {
    name: String,
    fields: BTreeMap<String, Field>,
    order: Vec<String>,
    hashed: Vec<String>,
    streaming: bool,
}

impl SynapseSpec {
    /// A class without fields of its own; its name is the route.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let base = [
            Field::optional("name", Kind::Str.optional(), Value::Str(name.clone())),
            Field::optional("timeout", Kind::Float.optional(), Value::Float(12.0)),
            Field::optional("total_size", Kind::Int.optional(), Value::Int("0".into())),
            Field::optional("header_size", Kind::Int.optional(), Value::Int("0".into())),
            Field::optional("computed_body_hash", Kind::Str.optional(), Value::Str(String::new())),
        ];
        let fields = base.into_iter().map(|field| (field.name.clone(), field)).collect();
        Self { name, fields, order: Vec::new(), hashed: Vec::new(), streaming: false }
    }

    /// Declares a field that must be there.
    #[must_use]
    pub fn with_field(self, name: &str, kind: Kind) -> Self {
        self.declare(Field::required(name, kind))
    }

    /// Declares a field that is `default` when absent.
    #[must_use]
    pub fn with_default(self, name: &str, kind: Kind, default: Value) -> Self {
        self.declare(Field::optional(name, kind, default))
    }

    /// Sets `required_hash_fields`, in its order.
    #[must_use]
    pub fn with_hashed<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.hashed = names.into_iter().map(str::to_owned).collect();
        self
    }

    /// Makes it a `StreamingSynapse`.
    #[must_use]
    pub const fn with_streaming(mut self) -> Self {
        self.streaming = true;
        self
    }

    /// The class's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether answers stream.
    pub const fn is_streaming(&self) -> bool {
        self.streaming
    }

    /// The class's own fields in the order of declaration.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.order.iter().filter_map(|name| self.fields.get(name))
    }

    /// The texts that are hashed: Python's `str` of each hashed field.
    ///
    /// # Errors
    /// [`FieldError`] for a hashed field that is missing or of another type than declared.
    pub fn hashed_texts(&self, body: &Value) -> Result<Vec<String>, FieldError> {
        let text = |name: &String| {
            let error = || FieldError { field: name.clone() };
            let field = self.fields.get(name).ok_or_else(error)?;
            text_of(body.get(name), field).ok_or_else(error)
        };
        self.hashed.iter().map(text).collect()
    }

    /// The body's hash, lower-case hex.
    ///
    /// # Errors
    /// As [`Self::hashed_texts`].
    pub fn body_hash(&self, body: &Value) -> Result<String, FieldError> {
        Ok(hash_texts(&self.hashed_texts(body)?))
    }

    /// The hashed fields in their order.
    pub fn hashed(&self) -> impl Iterator<Item = &str> {
        self.hashed.iter().map(String::as_str)
    }

    /// The fields without a default.
    pub(super) fn required(&self) -> impl Iterator<Item = &str> {
        self.fields().filter(|field| field.default.is_none()).map(|field| field.name.as_str())
    }

    /// The required fields with the dummy that stands for them in headers, as JSON.
    pub(super) fn dummies<'a>(
        &'a self,
        body: &'a Value,
    ) -> impl Iterator<Item = (&'a str, &'static str)> {
        self.fields().filter(|field| field.default.is_none()).filter_map(|field| {
            let dummy = match (body.get(&field.name)?, &field.kind) {
                (Value::None, _) => return None,
                (Value::Str(_), _) => "\"\"",
                (Value::Float(_), _) | (Value::Int(_), Kind::Float) => "0.0",
                (Value::Int(_), _) => "0",
                (Value::Bool(_), _) => "false",
                (Value::List(_), _) => "[]",
                (Value::Dict(_), _) => "{}",
            };
            Some((field.name.as_str(), dummy))
        })
    }

    fn declare(mut self, field: Field) -> Self {
        if !self.order.contains(&field.name) {
            self.order.push(field.name.clone());
        }
        self.fields.insert(field.name.clone(), field);
        self
    }
}

/// A field of a body that is not as declared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field {field:?} is missing or of the wrong type")]
pub struct FieldError {
    /// The field's name.
    pub field: String,
}

/// SHA3-256 of a text, lower-case hex.
pub fn hash(text: &str) -> String {
    hex::encode(Sha3_256::digest(text))
}

/// The body hash of the texts of all hashed fields.
pub fn hash_texts<T: AsRef<str>>(texts: &[T]) -> String {
    let all: String = texts.iter().map(|text| hash(text.as_ref())).collect();
    hash(&all)
}

/// Python's `str` of a field's value, or nothing if the value is not of the declared type.
fn text_of(value: Option<&Value>, field: &Field) -> Option<String> {
    let value = value.or(field.default.as_ref())?;
    match value {
        Value::Str(text) if matches!(unwrapped(&field.kind), Kind::Str | Kind::Any) => {
            Some(text.clone())
        }
        _ => {
            let mut out = String::new();
            write(value, &field.kind, &mut out)?;
            Some(out)
        }
    }
}

/// Writes `repr` of a value of the declared type.
fn write(value: &Value, kind: &Kind, out: &mut String) -> Option<()> {
    match (value, kind) {
        (_, Kind::Any) => write_repr(value, out),
        (Value::None, Kind::Optional(_)) => out.push_str("None"),
        (_, Kind::Optional(inner)) => return write(value, inner, out),
        (Value::Str(text), Kind::Str) => write_quoted(text, out),
        (Value::Bool(_), Kind::Bool) => write_repr(value, out),
        (Value::Int(digits), Kind::Int) => out.push_str(digits),
        // As pydantic does: whole floats are taken for ints, and ints for floats.
        (Value::Float(float), Kind::Int) if float.fract() == 0.0 && float.is_finite() => {
            out.push_str(&format!("{:.0}", float + 0.0));
        }
        (Value::Float(float), Kind::Float) => out.push_str(&python::float_repr(*float)),
        (Value::Int(digits), Kind::Float) => {
            out.push_str(&python::float_repr(digits.parse().ok()?));
        }
        (Value::List(items), Kind::List(kind)) => {
            out.push('[');
            write_all(items.iter().map(|item| (item, &**kind)), out)?;
            out.push(']');
        }
        (Value::List(items), Kind::Tuple(kinds)) if items.len() == kinds.len() => {
            out.push('(');
            write_all(items.iter().zip(kinds), out)?;
            out.push_str(if items.len() == 1 { ",)" } else { ")" });
        }
        (Value::Dict(members), Kind::Dict(name_kind, kind)) => {
            let mut texts = Vec::new();
            for (name, value) in members {
                let mut text = String::new();
                match **name_kind {
                    Kind::Int => text.push_str(integer_key(name)?),
                    _ => write_quoted(name, &mut text),
                }
                text.push_str(": ");
                write(value, kind, &mut text)?;
                texts.push(text);
            }
            out.push('{');
            write_joined(&texts, out, |text, out| out.push_str(text));
            out.push('}');
        }
        (Value::Dict(_), Kind::Model(fields)) => {
            out.push('{');
            for (index, field) in fields.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_quoted(&field.name, out);
                out.push_str(": ");
                write(value.get(&field.name).or(field.default.as_ref())?, &field.kind, out)?;
            }
            out.push('}');
        }
        _ => return None,
    }
    Some(())
}

fn write_all<'a>(
    items: impl Iterator<Item = (&'a Value, &'a Kind)>,
    out: &mut String,
) -> Option<()> {
    for (index, (item, kind)) in items.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(item, kind, out)?;
    }
    Some(())
}

fn integer_key(name: &str) -> Option<&str> {
    let digits = name.strip_prefix('-').unwrap_or(name);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

fn unwrapped(kind: &Kind) -> &Kind {
    match kind {
        Kind::Optional(inner) => unwrapped(inner),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: Kind, json: &str) -> Option<String> {
        text_of(Some(&Value::parse(json).unwrap()), &Field::required("f", kind))
    }

    #[test]
    fn declared_types_decide_how_a_value_is_shown() {
        let int = || Box::new(Kind::Int);
        for (kind, json, text) in [
            (Kind::Float, "3", "3.0"),
            (Kind::Int, "3.0", "3"),
            (Kind::Int, "-0.0", "0"),
            (Kind::Float.list(), "[1, 2.5]", "[1.0, 2.5]"),
            (Kind::Tuple(vec![Kind::Int, Kind::Str]), r#"[1, "x"]"#, "(1, 'x')"),
            (Kind::Tuple(vec![Kind::Int]), "[1]", "(1,)"),
            (Kind::Tuple(vec![]), "[]", "()"),
            (Kind::Dict(int(), Box::new(Kind::Str)), r#"{"1": "a"}"#, "{1: 'a'}"),
            (Kind::Str.optional(), "null", "None"),
            (Kind::Str.optional(), r#""it's""#, "it's"),
            (Kind::Any, r#"{"k": [null, "v", 1.0]}"#, "{'k': [None, 'v', 1.0]}"),
            (Kind::Int, "123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(shown(kind, json).as_deref(), Some(text), "{json}");
        }
        for (kind, json) in [
            (Kind::Str, "1"),
            (Kind::Str, "null"),
            (Kind::Int, "1.5"),
            (Kind::Int, "1e400"),
            (Kind::Bool, "\"x\""),
            (Kind::Dict(int(), int()), r#"{"x": 1}"#),
            (Kind::Tuple(vec![Kind::Int]), "[1, 2]"),
        ] {
            assert_eq!(shown(kind, json), None, "{json}");
        }
    }

    #[test]
    fn nested_models_show_declared_fields_in_their_order() {
        let message = Kind::Model(vec![
            Field::required("role", Kind::Str),
            Field::optional("n", Kind::Int.optional(), Value::None),
        ]);
        let json = r#"[{"extra": 1, "n": 3, "role": "user"}, {"role": "it's"}]"#;
        let text = r#"[{'role': 'user', 'n': 3}, {'role': "it's", 'n': None}]"#;
        assert_eq!(shown(message.list(), json).as_deref(), Some(text));
    }

    #[test]
    fn no_hashed_fields_hash_the_empty_text() {
        let empty = SynapseSpec::new("X").body_hash(&Value::Dict(Vec::new())).unwrap();
        assert_eq!(empty, hash(""));
        assert!(empty.starts_with("a7ffc6f8bf1ed766"));
    }
}
