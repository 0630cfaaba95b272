//! Integers as scenarios write them: numbers, decimal texts with separators or a power of ten, hexadecimal,
//! and the largest value of a type.

use serde_json::Value as Json;

use crate::conformance::numbers;

/// An integer; `None` where the value is none.
pub(super) fn integer(json: &Json) -> Option<Integer> {
    match numbers::digits(json) {
        Some(digits) => parse(&digits),
        None => parse(json.as_str()?),
    }
}

/// An integer of either sign, as large as any of the chain's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Integer {
    Positive(u128),
    Negative(i128),
}

impl Integer {
    pub(super) fn unsigned(self) -> Option<u128> {
        match self {
            Self::Positive(value) => Some(value),
            Self::Negative(_) => None,
        }
    }

    pub(super) fn signed(self) -> Option<i128> {
        match self {
            Self::Positive(value) => i128::try_from(value).ok(),
            Self::Negative(value) => Some(value),
        }
    }
}

/// An unsigned integer of 64 bits, or what is there instead.
pub(super) fn u64_of(json: &Json) -> Result<u64, String> {
    let number = integer(json).and_then(Integer::unsigned).and_then(|n| u64::try_from(n).ok());
    number.ok_or_else(|| {
        format!(
            "{} is no unsigned integer of 64 bits (a number, \"1_000\", \"1000e9\", \"0x10\")",
            numbers::to_line(json)
        )
    })
}

/// Most blocks that a scenario may make: some minutes of work, and seven years of the chain.
const MOST_BLOCKS: u64 = 20_000_000;

/// A block's number, or a number of blocks.
pub(super) fn blocks_of(json: &Json) -> Result<u64, String> {
    let blocks = u64_of(json)?;
    match blocks <= MOST_BLOCKS {
        true => Ok(blocks),
        false => {
            Err(format!("{blocks} blocks are more than the {MOST_BLOCKS} that a scenario may make"))
        }
    }
}

fn parse(text: &str) -> Option<Integer> {
    let text: String = text.trim().chars().filter(|letter| !"_, '".contains(*letter)).collect();
    match text.as_str() {
        "u8::MAX" => return Some(Integer::Positive(u8::MAX.into())),
        "u16::MAX" => return Some(Integer::Positive(u16::MAX.into())),
        "u32::MAX" => return Some(Integer::Positive(u32::MAX.into())),
        "u64::MAX" => return Some(Integer::Positive(u64::MAX.into())),
        "u128::MAX" => return Some(Integer::Positive(u128::MAX)),
        _ => {}
    }
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u128::from_str_radix(digits, 16).ok().map(Integer::Positive);
    }
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let magnitude = decimal(body)?;
    match negative {
        false => Some(Integer::Positive(magnitude)),
        true => i128::try_from(magnitude).ok().map(|value| Integer::Negative(-value)),
    }
}

/// Digits, with a fraction and a power of ten as long as the whole is an integer.
fn decimal(text: &str) -> Option<u128> {
    let (mantissa, power) = match text.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let shift = power.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let digits = format!("{whole}{fraction}");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = digits.parse::<u128>().ok()?;
    let factor = 10_u128.checked_pow(shift.unsigned_abs())?;
    match shift >= 0 {
        true => value.checked_mul(factor),
        false => (value % factor == 0).then_some(value / factor),
    }
}

/// A number with a fraction, exactly: its digits without the point, and how many stood behind it.
/// `None` for integers and what is no number.
pub(super) fn fraction(json: &Json) -> Option<(i128, u32)> {
    let text = match numbers::digits(json) {
        Some(digits) => digits,
        None => json.as_str()?.trim().replace('_', ""),
    };
    let (whole, fraction) = text.split_once('.')?;
    let places = u32::try_from(fraction.len()).ok().filter(|places| *places <= 24)?;
    format!("{whole}{fraction}").parse().ok().map(|digits| (digits, places))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms_of_integers() {
        for form in [
            json!(1000),
            json!("1_000"),
            json!("1,000"),
            json!("1e3"),
            json!("0x3e8"),
            json!(1000.0),
        ] {
            assert_eq!(integer(&form), Some(Integer::Positive(1000)), "{form}");
        }
        assert_eq!(integer(&json!("1.5e9")), Some(Integer::Positive(1_500_000_000)));
        assert_eq!(integer(&json!(-5)), Some(Integer::Negative(-5)));
        assert_eq!(integer(&json!("u64::MAX")), Some(Integer::Positive(u64::MAX.into())));
        for wrong in [json!("1.5"), json!("x"), json!(""), json!(true), json!(null), json!("e9")] {
            assert_eq!(integer(&wrong), None, "{wrong}");
        }
        assert_eq!(fraction(&json!("0.4993")), Some((4993, 4)));
        assert_eq!(fraction(&json!(1)), None);
    }
}
