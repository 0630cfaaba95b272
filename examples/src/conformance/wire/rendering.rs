//! Which texts Python may show for a value, whatever the type it was declared with.
//!
//! JSON does not tell a tuple from a list, `3` in a float field from `3` in an int field, nor integer
//! keys from texts. A file that has the text but not the class is checked by this.

use serde_json::Value as Json;
use tensor_net::wire::synapse::{Value, python};

use super::super::numbers;

/// The value as Python reads it out of JSON.
pub(super) fn value(json: &Json) -> Result<Value, String> {
    Value::parse(&numbers::to_line(json)).map_err(|error| error.to_string())
}

/// Whether `text` is `str(value)` under some declared type.
pub(super) fn shows(value: &Value, text: &str) -> bool {
    match value {
        Value::Str(own) => own == text,
        _ => rest(value, text) == Some(""),
    }
}

/// What follows `repr(value)` at the start of the text.
fn rest<'t>(value: &Value, text: &'t str) -> Option<&'t str> {
    match value {
        // The longer form first: the shorter one is its beginning.
        Value::Int(digits) => {
            let float = digits.parse::<f64>().ok().map(python::float_repr);
            let float = float.and_then(|float| text.strip_prefix(float.as_str()));
            float.or_else(|| text.strip_prefix(digits.as_str()))
        }
        Value::Float(float) if float.fract() == 0.0 => {
            let plain = text.strip_prefix(python::float_repr(*float).as_str());
            plain.or_else(|| text.strip_prefix(format!("{:.0}", float + 0.0).as_str()))
        }
        Value::List(items) => {
            let (end, single) = match text.chars().next()? {
                '[' => ("]", "]"),
                '(' => (")", ",)"),
                '{' if !items.is_empty() => ("}", "}"),
                _ => return None,
            };
            let mut text = text.get(1..)?;
            for (index, item) in items.iter().enumerate() {
                text = if index > 0 { text.strip_prefix(", ")? } else { text };
                text = rest(item, text)?;
            }
            text.strip_prefix(if items.len() == 1 { single } else { end })
        }
        Value::Dict(members) => {
            let mut text = text.strip_prefix('{')?;
            for (index, (name, value)) in members.iter().enumerate() {
                text = if index > 0 { text.strip_prefix(", ")? } else { text };
                let quoted = python::repr(&Value::Str(name.clone()));
                let number =
                    || name.parse::<f64>().ok().and_then(|_| text.strip_prefix(name.as_str()));
                text = text.strip_prefix(quoted.as_str()).or_else(number)?;
                text = rest(value, text.strip_prefix(": ")?)?;
            }
            text.strip_prefix('}')
        }
        other => text.strip_prefix(python::repr(other).as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_are_guessed_and_nothing_else_is_let_through() {
        let shown = |json: &str, text: &str| shows(&Value::parse(json).unwrap(), text);
        for (json, text) in [
            ("[1, [\"a\"], null]", "(1.0, ('a',), None)"),
            ("[1, [\"a\"], null]", "[1, ['a'], None]"),
            (r#"{"1": {"x": 2.0}}"#, "{1: {'x': 2}}"),
            ("\"it's\"", "it's"),
            ("[]", "()"),
        ] {
            assert!(shown(json, text), "{text}");
        }
        for (json, text) in [
            ("[1, 2]", "[1, 3]"),
            ("[1, 2]", "[1, 2)"),
            ("[1]", "(1)"),
            ("1", "1.5"),
            (r#"{"a": 1}"#, "{a: 1}"),
            ("\"x\"", "'x'"),
        ] {
            assert!(!shown(json, text), "{text}");
        }
    }
}
