//! JSON as Python reads it: [`Value`]. Integers of any size, `NaN` and infinities, objects in order.

use core::fmt;

use super::echo::last_of_each;

/// A JSON value that keeps what Python's `str` would show: whether a number was written as an
/// integer, how large it was, and in which order an object's members stood.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// `null`.
    None,
    /// `true` or `false`.
    Bool(bool),
    /// An integer, in decimal: a minus if negative, no leading zeros.
    Int(String),
    /// A number with a fraction or an exponent, or none that is finite.
    Float(f64),
    /// A string.
    Str(String),
    /// An array.
    List(Vec<Self>),
    /// An object. Of members with the same name the last one counts, at the first one's place.
    Dict(Vec<(String, Self)>),
}

impl Value {
    /// Reads one JSON text.
    ///
    /// # Errors
    /// [`JsonError`] says where the text stops being JSON.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let mut parser = Parser { text, at: 0 };
        let value = parser.value(0)?;
        parser.blanks();
        if parser.at < text.len() { Err(parser.error()) } else { Ok(value) }
    }

    /// The member of that name, if this is an object that has one.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Dict(members) = self else { return None };
        members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl From<&serde_json::Value> for Value {
    fn from(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::None,
            serde_json::Value::Bool(bool) => Self::Bool(*bool),
            serde_json::Value::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() => Self::Float(float),
                _ => Self::Int(number.to_string()),
            },
            serde_json::Value::String(text) => Self::Str(text.clone()),
            serde_json::Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(members) => Self::Dict(
                members.iter().map(|(name, value)| (name.clone(), Self::from(value))).collect(),
            ),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::python::repr(self))
    }
}

/// A text that is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no JSON from byte {at} on")]
pub struct JsonError {
    /// The byte at which reading stopped.
    pub at: usize,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        if depth > DEPTH {
            return Err(self.error());
        }
        self.blanks();
        let (word, value) = match self.peek() {
            Some(b'"') => return self.string().map(Value::Str),
            Some(b'[') => return self.list(depth),
            Some(b'{') => return self.dict(depth),
            Some(b'n') => ("null", Value::None),
            Some(b't') => ("true", Value::Bool(true)),
            Some(b'f') => ("false", Value::Bool(false)),
            Some(b'N') => ("NaN", Value::Float(f64::NAN)),
            Some(b'I') => ("Infinity", Value::Float(f64::INFINITY)),
            _ if self.rest().starts_with("-I") => ("-Infinity", Value::Float(f64::NEG_INFINITY)),
            _ => return self.number(),
        };
        self.expect(word)?;
        Ok(value)
    }

    fn list(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.eat("]") {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.eat("]") {
                return Ok(Value::List(items));
            }
            self.expect(",")?;
        }
    }

    fn dict(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut members: Vec<(String, Value)> = Vec::new();
        self.blanks();
        if self.eat("}") {
            return Ok(Value::Dict(members));
        }
        loop {
            self.blanks();
            let name = self.string()?;
            self.blanks();
            self.expect(":")?;
            let value = self.value(depth + 1)?;
            members.push((name, value));
            self.blanks();
            if self.eat("}") {
                return Ok(Value::Dict(last_of_each(members)));
            }
            self.expect(",")?;
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.error());
        }
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        // With its quotes, the text is a JSON string, or fails as one.
        let token = end.and_then(|end| rest.get(..end + 2)).ok_or_else(|| self.error())?;
        let inner = token.get(1..token.len() - 1).unwrap_or_default();
        let text = if inner.bytes().all(|byte| byte >= b' ' && byte != b'\\') {
            inner.to_owned()
        } else {
            serde_json::from_str(token).map_err(|_| self.error())?
        };
        self.at += token.len();
        Ok(text)
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let part = |byte: u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = self.rest().bytes().take_while(|byte| part(*byte)).count();
        let token = self.rest().get(..length).unwrap_or_default();
        let digits = token.strip_prefix('-').unwrap_or(token);
        let integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let value = if integer {
            if digits.len() > 1 && digits.starts_with('0') {
                return Err(self.error());
            }
            Value::Int(if digits == "0" { "0" } else { token }.to_owned())
        } else {
            // Rust reads more than JSON allows, so serde judges the form; it refuses what is too
            // large for a float, which Python reads as infinity.
            let form = token.replace(['e', 'E'], "e");
            let (mantissa, _) = form.split_once('e').unwrap_or((&form, ""));
            serde_json::from_str::<f64>(mantissa).map_err(|_| self.error())?;
            let exponent = form.strip_prefix(mantissa).unwrap_or_default();
            if exponent.len() == 1 || exponent.contains('.') {
                return Err(self.error());
            }
            Value::Float(token.parse().map_err(|_| self.error())?)
        };
        self.at += length;
        Ok(value)
    }

    fn blanks(&mut self) {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.rest().bytes().take_while(blank).count();
    }

    fn expect(&mut self, word: &str) -> Result<(), JsonError> {
        if self.eat(word) { Ok(()) } else { Err(self.error()) }
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn peek(&self) -> Option<u8> {
        self.rest().bytes().next()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    const fn error(&self) -> JsonError {
        JsonError { at: self.at }
    }
}

/// Deeper texts are refused; each level costs stack.
const DEPTH: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_keep_their_kind() {
        let parse = |text| Value::parse(text).unwrap();
        assert_eq!(parse("1"), Value::Int("1".into()));
        assert_eq!(parse("-0"), Value::Int("0".into()));
        assert_eq!(parse(" 1.0 "), Value::Float(1.0));
        assert_eq!(parse("1E2"), Value::Float(100.0));
        assert_eq!(parse("1e400"), Value::Float(f64::INFINITY));
        let large = "123456789012345678901234567890";
        assert_eq!(parse(large), Value::Int(large.into()));
        for wrong in [
            "", "01", "1.", ".5", "+1", "1e", "1e5.5", "--1", "nan", "[1,]", "{\"a\"}", "\"a",
            "1 2",
        ] {
            assert!(Value::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn objects_keep_order_and_the_last_of_a_name() {
        let value = Value::parse(r#"{"b":1,"a":[true,null],"b":2}"#).unwrap();
        assert_eq!(format!("{value:?}"), "{'b': 2, 'a': [True, None]}");
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Value::parse(&deep(100)).is_ok());
        assert!(Value::parse(&deep(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn what_serde_writes_is_read_the_same(text: String, number: i64, float: f64) {
            prop_assume!(float.is_finite());
            let value = serde_json::json!({ &text: [number, float, text], "x": { "y": null } });
            let read = Value::parse(&value.to_string()).unwrap();
            prop_assert_eq!(read, Value::from(&value));
        }

        #[test]
        fn no_text_panics(text in "[\\[\\]{}:,\"\\\\0-9eE+.nultrfaseNIty -]{0,40}|\\PC*") {
            // And nothing that serde refuses is accepted, save what Python adds.
            if Value::parse(&text).is_ok() && !text.contains('N') && !text.contains("Inf") {
                let serde = serde_json::from_str::<serde_json::Value>(&text);
                let range = serde.as_ref().is_err_and(|error| error.to_string().contains("range"));
                prop_assert!(serde.is_ok() || range, "{text}: {serde:?}");
            }
        }
    }
}
