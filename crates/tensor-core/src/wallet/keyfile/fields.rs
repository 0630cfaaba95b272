//! The fields of a keyfile's JSON object that count, with secrets in memory that is wiped.
//!
//! Values of a wrong type count as absent, unknown fields are skipped unread, and a field that
//! counts and occurs twice is noted: a reader that took the last one could be given another key
//! than a reader that took the first.

use core::fmt;

use serde::{
    Deserialize,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use zeroize::Zeroizing;

#[derive(Default)]
pub(super) struct Fields {
    pub(super) phrase: Option<Zeroizing<String>>,
    pub(super) seed: Option<Zeroizing<String>>,
    pub(super) private_key: Option<Zeroizing<String>>,
    pub(super) address: Option<String>,
    /// The historic spelling, with a blank in front.
    pub(super) blank_address: Option<String>,
    pub(super) crypto_type: Option<CryptoType>,
    pub(super) encoded: bool,
    pub(super) encoding: bool,
    pub(super) duplicate: Option<&'static str>,
}

/// What `cryptoType` says, where it says something: a number that fits a byte, or a text.
pub(super) enum CryptoType {
    Number(u8),
    Text(String),
}

const COUNTED: [&str; 8] = [
    "secretPhrase",
    "secretSeed",
    "privateKey",
    "ss58Address",
    " ss58Address",
    "cryptoType",
    "encoded",
    "encoding",
];

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a keyfile's object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        let mut seen = [false; COUNTED.len()];
        while let Some(name) = map.next_key::<String>()? {
            let place = COUNTED.iter().position(|counted| *counted == name);
            let counted = place.and_then(|place| Some((COUNTED.get(place)?, seen.get_mut(place)?)));
            let Some((name, seen)) = counted else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if core::mem::replace(seen, true) {
                fields.duplicate.get_or_insert(name);
            }
            let value = map.next_value::<Value>()?;
            match *name {
                "secretPhrase" => fields.phrase = value.text(),
                "secretSeed" => fields.seed = value.text(),
                "privateKey" => fields.private_key = value.text(),
                "ss58Address" => fields.address = value.text().map(|text| text.to_string()),
                " ss58Address" => fields.blank_address = value.text().map(|text| text.to_string()),
                "cryptoType" => fields.crypto_type = value.crypto_type(),
                "encoded" => fields.encoded = true,
                _ => fields.encoding = true,
            }
        }
        Ok(fields)
    }
}

/// A value as far as keyfiles care.
enum Value {
    Text(Zeroizing<String>),
    Integer(u64),
    Other,
}

impl Value {
    fn text(self) -> Option<Zeroizing<String>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Integer(_) | Self::Other => None,
        }
    }

    fn crypto_type(self) -> Option<CryptoType> {
        match self {
            Self::Text(text) => Some(CryptoType::Text(text.trim().to_owned())),
            Self::Integer(number) => u8::try_from(number).ok().map(CryptoType::Number),
            Self::Other => None,
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}
