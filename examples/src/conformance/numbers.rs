//! Numbers that `serde_json` would change: integers beyond 64 bits and doubles it reads inexactly.
//!
//! Vectors hold both, and their digits count. While a document is a [`Value`], such a number is a text
//! behind a mark; [`to_value`] reads a file so, [`to_text`] writes the digits again.

use serde_json::Value;

/// Stands before the digits; a character for private use, which no vector holds.
const MARK: char = '\u{f0f0}';

/// Reads a JSON document whose numbers keep their digits.
///
/// # Errors
/// What is no JSON.
pub fn to_value(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => serde_json::from_str(&marked(text)),
        Err(_) => serde_json::from_slice(bytes),
    }
}

/// Writes a document with the digits its numbers were read with.
pub fn to_text(document: &Value) -> String {
    // Writing JSON values to a text cannot fail.
    unmarked(&serde_json::to_string_pretty(document).unwrap_or_default())
}

/// One value on one line, as [`to_text`].
pub fn to_line(value: &Value) -> String {
    unmarked(&value.to_string())
}

/// An integer of any size as a document holds it.
pub fn integer(digits: &impl ToString) -> Value {
    number(&digits.to_string())
}

/// The digits of a number, however the document holds it.
pub fn digits(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => text.strip_prefix(MARK).map(str::to_owned),
        _ => None,
    }
}

fn number(token: &str) -> Value {
    match serde_json::from_str(token) {
        Ok(value) if !needs_mark(token) => value,
        _ => Value::String(format!("{MARK}{token}")),
    }
}

/// The text with every number that would change put in quotes, behind the mark.
fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            '"' => string_length(rest),
            '-' | '0'..='9' => {
                let part = |letter: char| matches!(letter, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
                rest.find(|letter| !part(letter)).unwrap_or(rest.len())
            }
            other => other.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        match letter {
            '-' | '0'..='9' if needs_mark(token) => {
                out.extend(['"', MARK]);
                out += token;
                out.push('"');
            }
            _ => out += token,
        }
        rest = after;
    }
    out
}

fn unmarked(text: &str) -> String {
    let start = format!("\"{MARK}");
    let mut parts = text.split(&start);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += &part.replacen('"', "", 1);
    }
    out
}

/// The bytes of the string at the start of the text, quotes included; all if it does not end.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

/// Whether a well-formed number would come out of `serde_json` as another one.
fn needs_mark(token: &str) -> bool {
    if !token.contains(['.', 'e', 'E']) {
        let body = token.strip_prefix('-').unwrap_or(token);
        let plain = !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_digit());
        return plain
            && !(body.len() > 1 && body.starts_with('0'))
            && token.parse::<u64>().is_err()
            && token.parse::<i64>().is_err();
    }
    match (token.parse::<f64>(), serde_json::from_str::<f64>(token)) {
        (Ok(exact), Ok(read)) => exact.to_bits() != read.to_bits(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_survive() {
        let text = r#"{"a":[340282366920938463463374607431768211455,-9223372036854775809,1,-2,0.5],"b 12345678901234567890123":"1\"2"}"#;
        let value = to_value(text.as_bytes()).unwrap();
        assert_eq!(to_line(&value), text);
        assert_eq!(digits(&value["a"][0]).unwrap(), u128::MAX.to_string());
        assert_eq!(integer(&u128::MAX), value["a"][0]);
        assert_eq!(integer(&7u8), serde_json::json!(7));
        let float: f64 =
            digits(&to_value(b"0.30000000000000004").unwrap()).unwrap().parse().unwrap();
        assert_eq!(float.to_bits(), (0.1f64 + 0.2).to_bits());
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for wrong in ["01", "1.", "-", "{\"a\":00000000000000000000000000}", "\"abc", "+1"] {
            assert!(to_value(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
