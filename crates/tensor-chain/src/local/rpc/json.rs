//! JSON in and out: hex with and without `0x`, headers, and the values that clients read.

use serde_json::{Value, json, value::RawValue};

use super::error::RpcError;
use crate::local::block::Header;

/// `0x` hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().saturating_mul(2).saturating_add(2));
    out.push_str("0x");
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0')));
        }
    }
    out
}

/// Bytes of hex text with or without `0x`.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok()
}

/// A header as clients read it.
pub(crate) fn header(header: &Header) -> Value {
    let logs: Vec<String> = header.logs().iter().map(|log| hex(log)).collect();
    json!({
        "parentHash": hex(&header.parent_hash),
        "number": format!("{:#x}", header.number),
        "stateRoot": hex(&header.state_root),
        "extrinsicsRoot": hex(&header.extrinsics_root),
        "digest": { "logs": logs },
    })
}

/// Any value as raw JSON.
pub(crate) fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_default()
}

/// The positional parameters of one request.
#[derive(Debug)]
pub(crate) struct Params(std::vec::IntoIter<Value>);

impl Params {
    /// Parses a JSON array, or nothing.
    pub(crate) fn parse(params: Option<&RawValue>) -> Result<Self, RpcError> {
        let Some(params) = params else { return Ok(Self(Vec::new().into_iter())) };
        match serde_json::from_str::<Option<Vec<Value>>>(params.get()) {
            Ok(values) => Ok(Self(values.unwrap_or_default().into_iter())),
            Err(_) => Err(RpcError::invalid_params("parameters must be an array")),
        }
    }

    /// The next parameter; `Null` where there is none.
    pub(crate) fn next(&mut self) -> Value {
        self.0.next().unwrap_or_default()
    }

    /// Hex bytes.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, RpcError> {
        self.optional_bytes()?.ok_or_else(|| RpcError::invalid_params("hex bytes are missing"))
    }

    /// Hex bytes or null.
    pub(crate) fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, RpcError> {
        bytes_of(&self.next())
    }

    /// A block hash or null.
    pub(crate) fn hash(&mut self) -> Result<Option<[u8; 32]>, RpcError> {
        let Some(bytes) = self.optional_bytes()? else { return Ok(None) };
        let hash = bytes.try_into();
        hash.map(Some).map_err(|_| RpcError::invalid_params("a block hash has 32 bytes"))
    }

    /// An array of hex bytes.
    pub(crate) fn list(&mut self, limit: usize) -> Result<Vec<Vec<u8>>, RpcError> {
        let Value::Array(items) = self.next() else {
            return Err(RpcError::invalid_params("an array of hex strings is missing"));
        };
        if items.len() > limit {
            return Err(RpcError::invalid_params("the array is too long"));
        }
        let bytes = |item: &Value| {
            bytes_of(item)?.ok_or_else(|| RpcError::invalid_params("hex bytes are missing"))
        };
        items.iter().map(bytes).collect()
    }

    /// Text.
    pub(crate) fn text(&mut self) -> Result<String, RpcError> {
        match self.next() {
            Value::String(text) => Ok(text),
            _ => Err(RpcError::invalid_params("a string is missing")),
        }
    }

    /// A number, as such or in hex; null for none.
    pub(crate) fn number(&mut self) -> Result<Option<u64>, RpcError> {
        number_of(&self.next())
    }
}

/// A JSON number or a hex string as an integer.
pub(crate) fn number_of(value: &Value) -> Result<Option<u64>, RpcError> {
    let invalid = || RpcError::invalid_params("a number or a hex number is missing");
    match value {
        Value::Null => Ok(None),
        Value::Number(number) => number.as_u64().map(Some).ok_or_else(invalid),
        Value::String(text) => {
            let digits = text.strip_prefix("0x").ok_or_else(invalid)?;
            u64::from_str_radix(digits, 16).map(Some).map_err(|_| invalid())
        }
        _ => Err(invalid()),
    }
}

fn bytes_of(value: &Value) -> Result<Option<Vec<u8>>, RpcError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => {
            unhex(text).map(Some).ok_or_else(|| RpcError::invalid_params("not a hex string"))
        }
        _ => Err(RpcError::invalid_params("a hex string is expected")),
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_with_and_without_prefix() {
        assert_eq!(hex(&[0, 0x1f, 0xff]), "0x001fff");
        assert_eq!(unhex("0x001fff"), unhex("001FFF"));
        for bad in ["0x0", "0xzz", "é", "0x0é"] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_in_both_forms() {
        assert_eq!(number_of(&json!(7)).unwrap(), Some(7));
        assert_eq!(number_of(&json!("0x1F")).unwrap(), Some(31));
        assert_eq!(number_of(&Value::Null).unwrap(), None);
        for bad in [json!(-1), json!("7"), json!("0x"), json!(1.5), json!([1])] {
            assert!(number_of(&bad).is_err(), "{bad}");
        }
    }
}
