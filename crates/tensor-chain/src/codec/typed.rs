//! Values to Rust types: [`from_value`], serde's data model over the neutral value.
//!
//! A struct names the fields it needs; further fields of the runtime are skipped, a missing one is an
//! error that names it. Newtypes are transparent, `Vec<u8>` and `String` take bytes, `[u8; 32]` and
//! [`AccountId`](tensor_core::AccountId) take accounts, and enums go by the variant's name.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer,
    VariantAccess, Visitor,
};
use tensor_core::call::Value;

/// Reads a value as a Rust type.
///
/// # Errors
/// [`TypedError`], which names the field that is missing or of another kind.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, TypedError> {
    T::deserialize(ValueDeserializer(value))
}

/// Why a value is not of the Rust type that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TypedError(String);

impl de::Error for TypedError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

struct ValueDeserializer(Value);

impl<'de> Deserializer<'de> for ValueDeserializer {
    type Error = TypedError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        match self.0 {
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Uint(value) => match u64::try_from(value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_u128(value),
            },
            Value::Int(value) => match i64::try_from(value) {
                Ok(value) => visitor.visit_i64(value),
                Err(_) => visitor.visit_i128(value),
            },
            Value::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Value::Account(account) => visitor.visit_bytes(account.as_bytes()),
            Value::List(items) if items.is_empty() => visitor.visit_seq(sequence(items)),
            Value::List(items) => visitor.visit_seq(sequence(items)),
            Value::Record(fields) => visitor.visit_map(map(fields)),
            Value::Variant(name, fields) if fields.is_empty() => visitor.visit_string(name),
            Value::Variant(name, fields) => visitor.visit_map(map(vec![(name, payload(fields))])),
            Value::Option(None) => visitor.visit_none(),
            Value::Option(Some(value)) => visitor.visit_some(Self(*value)),
            Value::Call(call) => visitor.visit_map(map(vec![
                ("pallet".to_owned(), call.pallet.into()),
                ("name".to_owned(), call.name.into()),
                ("args".to_owned(), Value::Record(call.args)),
            ])),
            _ => Err(de::Error::custom("a value of an unknown kind")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        match self.0 {
            Value::Option(None) => visitor.visit_none(),
            Value::Option(Some(value)) => visitor.visit_some(Self(*value)),
            // A runtime that made a field mandatory is still understood.
            value => visitor.visit_some(Self(value)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        match self.0 {
            Value::Bytes(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.into_iter())),
            Value::Account(account) => {
                visitor.visit_seq(SeqDeserializer::new(account.to_bytes().into_iter()))
            }
            value => Self(value).deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        match self.0 {
            // Text on chain is what somebody wrote there: never trust it to be UTF-8.
            Value::Bytes(bytes) => visitor
                .visit_string(String::from_utf8(bytes).unwrap_or_else(|error| {
                    String::from_utf8_lossy(error.as_bytes()).into_owned()
                })),
            Value::Account(account) => visitor.visit_string(account.to_string()),
            // Names in runtime APIs are lists of compact bytes.
            Value::List(letters) => {
                let bytes = letters.iter().map(|value| u8::try_from(value.as_u64()?).ok());
                match bytes.collect::<Option<Vec<u8>>>() {
                    Some(bytes) => Self(Value::Bytes(bytes)).deserialize_string(visitor),
                    None => Self(Value::List(letters)).deserialize_any(visitor),
                }
            }
            value => Self(value).deserialize_any(visitor),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypedError> {
        match self.0 {
            Value::List(items) if items.is_empty() => visitor.visit_unit(),
            value => Self(value).deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        match self.0 {
            Value::Variant(name, fields) => visitor.visit_enum(Variant { name, fields }),
            value => Self(value).deserialize_any(visitor),
        }
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit_struct map
        struct identifier ignored_any
    }
}

impl IntoDeserializer<'_, TypedError> for ValueDeserializer {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn sequence(
    items: Vec<Value>,
) -> SeqDeserializer<impl Iterator<Item = ValueDeserializer>, TypedError> {
    SeqDeserializer::new(items.into_iter().map(ValueDeserializer))
}

fn map<'de>(
    fields: Vec<(String, Value)>,
) -> MapDeserializer<'de, impl Iterator<Item = (String, ValueDeserializer)>, TypedError> {
    MapDeserializer::new(fields.into_iter().map(|(name, value)| (name, ValueDeserializer(value))))
}

/// A variant's fields as one value: itself if it is the only one, a list or a record otherwise.
fn payload(mut fields: Vec<(String, Value)>) -> Value {
    let unnamed = fields.iter().enumerate().all(|(place, (name, _))| *name == place.to_string());
    match fields.len() {
        1 if unnamed => fields.remove(0).1,
        _ if unnamed => Value::List(fields.into_iter().map(|(_, value)| value).collect()),
        _ => Value::Record(fields),
    }
}

struct Variant {
    name: String,
    fields: Vec<(String, Value)>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = TypedError;
    type Variant = ValueDeserializer;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, ValueDeserializer), TypedError> {
        let name =
            seed.deserialize(IntoDeserializer::<TypedError>::into_deserializer(self.name))?;
        Ok((name, ValueDeserializer(payload(self.fields))))
    }
}

impl<'de> VariantAccess<'de> for ValueDeserializer {
    type Error = TypedError;

    fn unit_variant(self) -> Result<(), TypedError> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, TypedError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, TypedError> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypedError> {
        self.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use tensor_core::{Hotkey, NetUid, Tao};

    #[derive(Debug, Deserialize, PartialEq)]
    enum Kind {
        Plain,
        Tuple(u8),
        Named { netuid: NetUid },
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Row {
        hotkey: Hotkey,
        name: String,
        hash: [u8; 4],
        stake: Tao,
        pair: (u16, bool),
        missing: Option<u8>,
        kinds: Vec<Kind>,
    }

    fn row() -> Value {
        Value::record([
            ("hotkey", Value::Account(tensor_core::AccountId::from_bytes([7; 32]))),
            ("name", Value::from("sn")),
            ("hash", Value::from([1u8, 2, 3, 4])),
            ("stake", Value::from(5u64)),
            ("pair", Value::List(vec![Value::from(9u16), Value::from(true)])),
            ("missing", Value::Option(None)),
            ("new field", Value::List(vec![Value::unit("whatever")])),
            (
                "kinds",
                Value::List(vec![
                    Value::unit("Plain"),
                    Value::Variant("Tuple".to_owned(), vec![("0".to_owned(), Value::from(3u8))]),
                    Value::Variant(
                        "Named".to_owned(),
                        vec![("netuid".to_owned(), Value::from(8u16))],
                    ),
                ]),
            ),
        ])
    }

    #[test]
    fn fields_go_by_name_and_new_ones_are_skipped() {
        let read: Row = from_value(row()).unwrap();
        assert_eq!(read.hotkey, Hotkey::from_bytes([7; 32]));
        assert_eq!((read.name.as_str(), read.hash, read.pair), ("sn", [1, 2, 3, 4], (9, true)));
        assert_eq!((read.stake, read.missing), (Tao::from_rao(5), None));
        let netuid = NetUid::new(8);
        assert_eq!(read.kinds, [Kind::Plain, Kind::Tuple(3), Kind::Named { netuid }]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let Value::Record(mut fields) = row() else { panic!() };
        fields.retain(|(name, _)| name != "stake");
        let error = from_value::<Row>(Value::Record(fields.clone())).unwrap_err();
        assert!(error.to_string().contains("stake"), "{error}");
        fields.push(("stake".to_owned(), Value::Bool(true)));
        assert!(from_value::<Row>(Value::Record(fields)).is_err());
        assert!(from_value::<u8>(Value::from(300u16)).is_err());
    }
}
