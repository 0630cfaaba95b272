//! Python's `str` and `repr` of JSON values, which the body hash is made of.

use core::fmt::Write;

use unicode_general_category::{GeneralCategory, get_general_category};

use super::Value;

/// `str(value)`: a string is itself, everything else its `repr`.
pub fn str(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone(),
        other => repr(other),
    }
}

/// `repr(value)`.
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(value, &mut out);
    out
}

pub(super) fn write_repr(value: &Value, out: &mut String) {
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(digits) => out.push_str(digits),
        Value::Float(float) => out.push_str(&float_repr(*float)),
        Value::Str(text) => write_quoted(text, out),
        Value::List(items) => {
            out.push('[');
            write_joined(items, out, write_repr);
            out.push(']');
        }
        Value::Dict(members) => {
            out.push('{');
            write_joined(members, out, |(name, value), out| {
                write_quoted(name, out);
                out.push_str(": ");
                write_repr(value, out);
            });
            out.push('}');
        }
    }
}

pub(super) fn write_joined<T>(items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(item, out);
    }
}

/// `repr` of a float: the shortest digits that read back as the same number, in fixed notation for
/// exponents from -4 to 15.
pub fn float_repr(float: f64) -> String {
    if float.is_nan() {
        return "nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        // Rust's plain notation has the same digits, without the fraction of whole numbers.
        Ok(-4..=15) => {
            let fixed = format!("{float}");
            if fixed.contains('.') { fixed } else { fixed + ".0" }
        }
        Ok(exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        Err(_) => scientific,
    }
}

/// A string in quotes, with escapes where Python has them.
pub(super) fn write_quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for letter in text.chars() {
        let code = u32::from(letter);
        // Writing to a string cannot fail.
        let _ = match letter {
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            '\\' => out.write_str("\\\\"),
            _ if letter == quote => write!(out, "\\{letter}"),
            _ if is_printable(letter) => out.write_char(letter),
            _ if code <= 0xff => write!(out, "\\x{code:02x}"),
            _ if code <= 0xffff => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    }
    out.push(quote);
}

fn is_printable(letter: char) -> bool {
    if letter.is_ascii() {
        return matches!(letter, ' '..='~');
    }
    !matches!(
        get_general_category(letter),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::SpaceSeparator
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats() {
        for (float, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.000_123, "0.000123"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(float_repr(float), text);
        }
    }

    #[test]
    fn quotes_and_escapes() {
        for (text, expected) in [
            ("plain", "'plain'"),
            ("it's", "\"it's\""),
            ("say \"hi\"", "'say \"hi\"'"),
            ("it's \"q\"", "'it\\'s \"q\"'"),
            ("a\nb\tc\rd\\e", "'a\\nb\\tc\\rd\\\\e'"),
            ("\u{0}\u{1f}\u{7f}\u{85}", "'\\x00\\x1f\\x7f\\x85'"),
            ("\u{a0}\u{ad}\u{200b}\u{feff}", "'\\xa0\\xad\\u200b\\ufeff'"),
            ("\u{e000}\u{10ffff}", "'\\ue000\\U0010ffff'"),
            ("é漢😀e\u{301}", "'é漢😀e\u{301}'"),
            ("\u{2028}\u{3000}", "'\\u2028\\u3000'"),
        ] {
            let mut out = String::new();
            write_quoted(text, &mut out);
            assert_eq!(out, expected);
        }
    }
}
