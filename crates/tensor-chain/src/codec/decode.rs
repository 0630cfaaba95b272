//! SCALE bytes to neutral values, led by the type table of the metadata.
//!
//! The bytes come from a node that may be wrong or hostile: nothing is allocated that the bytes do not
//! pay for, nesting is bounded, and no byte is indexed unchecked.

use parity_scale_codec::{Compact, Decode};
use scale_info::{Field, PortableRegistry, TypeDef, TypeDefPrimitive, form::PortableForm};
use tensor_core::account::AccountId;
use tensor_core::call::{Call, Value};

use super::path::Path;

/// How deep values may nest. Real ones stay under 20; a batch in a proxy in sudo under 40.
pub(crate) const MAX_DEPTH: usize = 96;

/// How many items without any bytes of their own (such as `()`) one sequence may claim.
const MAX_EMPTY_ITEMS: u32 = 4096;

/// Why bytes are not a value of the type that the metadata says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct DecodeError {
    path: Path,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("the bytes end too early")]
    Short,
    #[error("{0} bytes are left over")]
    Left(usize),
    #[error("variant {index} is not one of {of}")]
    Variant { index: u8, of: String },
    #[error("type {0} is not in the metadata")]
    UnknownType(u32),
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("the sequence claims {0} items that take no space")]
    TooLong(u32),
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    #[error("not a valid {0}")]
    Invalid(&'static str),
}

impl DecodeError {
    fn new(reason: Reason) -> Self {
        Self { path: Path::default(), reason }
    }

    pub(crate) fn short() -> Self {
        Self::new(Reason::Short)
    }

    pub(crate) fn invalid(what: &'static str) -> Self {
        Self::new(Reason::Invalid(what))
    }

    pub(crate) fn inside(mut self, outer: impl Into<String>) -> Self {
        self.path = self.path.inside(outer);
        self
    }
}

/// The type table, and which of its types is the runtime's call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Types<'a> {
    pub(crate) registry: &'a PortableRegistry,
    pub(crate) call: u32,
}

impl Types<'_> {
    /// Decodes one value and takes its bytes off the front of the input.
    pub(crate) fn decode(&self, id: u32, input: &mut &[u8]) -> Result<Value, DecodeError> {
        self.value(id, input, 0)
    }

    /// Decodes bytes that hold one value and nothing else.
    pub(crate) fn decode_all(&self, id: u32, mut input: &[u8]) -> Result<Value, DecodeError> {
        let value = self.decode(id, &mut input)?;
        if input.is_empty() { Ok(value) } else { Err(DecodeError::new(Reason::Left(input.len()))) }
    }

    fn value(&self, id: u32, input: &mut &[u8], depth: usize) -> Result<Value, DecodeError> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::new(Reason::TooDeep));
        }
        if id == self.call {
            return self.call(id, input, depth).map(Value::from);
        }
        let Some(ty) = self.registry.resolve(id) else {
            return Err(DecodeError::new(Reason::UnknownType(id)));
        };
        match &ty.type_def {
            TypeDef::Composite(composite) => {
                if is_account(ty.path.segments.last()) {
                    return Ok(Value::Account(AccountId::from_bytes(take(input)?)));
                }
                match composite.fields.as_slice() {
                    [only] if only.name.is_none() => self.value(only.ty.id, input, depth + 1),
                    fields if is_named(fields) => {
                        self.fields(fields, input, depth).map(Value::Record)
                    }
                    fields => self.items(fields.iter().map(|f| f.ty.id), input, depth),
                }
            }
            TypeDef::Variant(variants) => {
                let index = byte(input)?;
                let name = ty.path.segments.last();
                if name.is_some_and(|name| name == "Option") {
                    return self.option(index, variants, input, depth);
                }
                let found = variants.variants.iter().find(|variant| variant.index == index);
                let Some(variant) = found else {
                    let of = name.cloned().unwrap_or_default();
                    return Err(DecodeError::new(Reason::Variant { index, of }));
                };
                let fields = self
                    .fields(&variant.fields, input, depth)
                    .map_err(|error| error.inside(variant.name.clone()))?;
                match fields.as_slice() {
                    // An address of the usual form is the account itself.
                    [(_, account @ Value::Account(_))]
                        if variant.name == "Id" && name.is_some_and(|n| n == "MultiAddress") =>
                    {
                        Ok(account.clone())
                    }
                    _ => Ok(Value::Variant(variant.name.clone(), fields)),
                }
            }
            TypeDef::Sequence(sequence) => {
                let length = compact(input)?;
                let length = u32::try_from(length).map_err(|_| DecodeError::short())?;
                if self.is_byte(sequence.type_param.id) {
                    return bytes(input, length as usize).map(|b| Value::Bytes(b.to_vec()));
                }
                self.repeat(sequence.type_param.id, length, input, depth)
            }
            TypeDef::Array(array) => {
                if self.is_byte(array.type_param.id) {
                    return bytes(input, array.len as usize).map(|b| Value::Bytes(b.to_vec()));
                }
                self.repeat(array.type_param.id, array.len, input, depth)
            }
            TypeDef::Tuple(tuple) => match tuple.fields.as_slice() {
                [only] => self.value(only.id, input, depth + 1),
                fields => self.items(fields.iter().map(|field| field.id), input, depth),
            },
            TypeDef::Primitive(primitive) => decode_primitive(primitive, input),
            TypeDef::Compact(of) => match self.compact_width(of.type_param.id, depth)? {
                0 => Ok(Value::List(Vec::new())),
                width => {
                    let value = compact(input)?;
                    let fits = width >= 16 || value >> (width * 8) == 0;
                    if fits { Ok(Value::Uint(value)) } else { Err(DecodeError::invalid("compact")) }
                }
            },
            TypeDef::BitSequence(_) => Err(DecodeError::new(Reason::Unsupported("a bit sequence"))),
        }
    }

    fn option(
        &self,
        index: u8,
        variants: &scale_info::TypeDefVariant<PortableForm>,
        input: &mut &[u8],
        depth: usize,
    ) -> Result<Value, DecodeError> {
        let some = variants.variants.iter().find(|variant| variant.index == 1);
        match (index, some.and_then(|some| some.fields.first())) {
            (0, _) => Ok(Value::Option(None)),
            (1, Some(field)) => {
                let value = self.value(field.ty.id, input, depth + 1)?;
                Ok(Value::Option(Some(Box::new(value))))
            }
            _ => Err(DecodeError::new(Reason::Variant { index, of: "Option".to_owned() })),
        }
    }

    /// A call of the runtime: the outer enum names the pallet, the inner one the call.
    fn call(&self, id: u32, input: &mut &[u8], depth: usize) -> Result<Call, DecodeError> {
        let pallet = self.variant(id, input, "RuntimeCall")?;
        let [inner] = pallet.fields.as_slice() else {
            return Err(DecodeError::invalid("call"));
        };
        let call = self
            .variant(inner.ty.id, input, "call")
            .map_err(|error| error.inside(pallet.name.clone()))?;
        let args = self
            .fields(&call.fields, input, depth)
            .map_err(|error| error.inside(format!("{}.{}", pallet.name, call.name)))?;
        let mut decoded = Call::new(pallet.name.clone(), call.name.clone());
        decoded.args = args;
        Ok(decoded)
    }

    fn variant(
        &self,
        id: u32,
        input: &mut &[u8],
        of: &str,
    ) -> Result<&scale_info::Variant<PortableForm>, DecodeError> {
        let index = byte(input)?;
        let Some(TypeDef::Variant(variants)) = self.registry.resolve(id).map(|ty| &ty.type_def)
        else {
            return Err(DecodeError::new(Reason::UnknownType(id)));
        };
        variants
            .variants
            .iter()
            .find(|variant| variant.index == index)
            .ok_or_else(|| DecodeError::new(Reason::Variant { index, of: of.to_owned() }))
    }

    fn fields(
        &self,
        fields: &[Field<PortableForm>],
        input: &mut &[u8],
        depth: usize,
    ) -> Result<Vec<(String, Value)>, DecodeError> {
        let mut decoded = Vec::with_capacity(fields.len());
        for (place, field) in fields.iter().enumerate() {
            let name = field.name.clone().unwrap_or_else(|| place.to_string());
            match self.value(field.ty.id, input, depth + 1) {
                Ok(value) => decoded.push((name, value)),
                Err(error) => return Err(error.inside(name)),
            }
        }
        Ok(decoded)
    }

    fn items(
        &self,
        ids: impl Iterator<Item = u32>,
        input: &mut &[u8],
        depth: usize,
    ) -> Result<Value, DecodeError> {
        let mut items = Vec::new();
        for (place, id) in ids.enumerate() {
            let item = self.value(id, input, depth + 1);
            items.push(item.map_err(|error| error.inside(place.to_string()))?);
        }
        Ok(Value::List(items))
    }

    fn repeat(
        &self,
        id: u32,
        length: u32,
        input: &mut &[u8],
        depth: usize,
    ) -> Result<Value, DecodeError> {
        // Every item takes at least one byte, or there are few of them.
        let mut items = Vec::with_capacity((length as usize).min(input.len()));
        for place in 0..length {
            let before = input.len();
            let item = self.value(id, input, depth + 1);
            items.push(item.map_err(|error| error.inside(place.to_string()))?);
            if input.len() == before && length > MAX_EMPTY_ITEMS {
                return Err(DecodeError::new(Reason::TooLong(length)));
            }
        }
        Ok(Value::List(items))
    }

    pub(crate) fn is_byte(&self, id: u32) -> bool {
        self.registry
            .resolve(id)
            .is_some_and(|ty| matches!(ty.type_def, TypeDef::Primitive(TypeDefPrimitive::U8)))
    }

    /// How many bytes the integer below a compact has, through newtypes; 0 for `()`.
    pub(crate) fn compact_width(&self, id: u32, depth: usize) -> Result<u32, DecodeError> {
        let unsupported = || DecodeError::new(Reason::Unsupported("a compact of this type"));
        if depth > MAX_DEPTH {
            return Err(DecodeError::new(Reason::TooDeep));
        }
        let Some(ty) = self.registry.resolve(id) else {
            return Err(DecodeError::new(Reason::UnknownType(id)));
        };
        match &ty.type_def {
            TypeDef::Composite(composite) => match composite.fields.as_slice() {
                [only] => self.compact_width(only.ty.id, depth + 1),
                _ => Err(unsupported()),
            },
            TypeDef::Tuple(tuple) => match tuple.fields.as_slice() {
                [] => Ok(0),
                [only] => self.compact_width(only.id, depth + 1),
                _ => Err(unsupported()),
            },
            TypeDef::Primitive(TypeDefPrimitive::U8) => Ok(1),
            TypeDef::Primitive(TypeDefPrimitive::U16) => Ok(2),
            TypeDef::Primitive(TypeDefPrimitive::U32) => Ok(4),
            TypeDef::Primitive(TypeDefPrimitive::U64) => Ok(8),
            TypeDef::Primitive(TypeDefPrimitive::U128) => Ok(16),
            _ => Err(unsupported()),
        }
    }
}

pub(crate) fn is_account(name: Option<&String>) -> bool {
    name.is_some_and(|name| name == "AccountId32")
}

pub(crate) fn is_named(fields: &[Field<PortableForm>]) -> bool {
    !fields.is_empty() && fields.iter().all(|field| field.name.is_some())
}

pub(crate) fn compact(input: &mut &[u8]) -> Result<u128, DecodeError> {
    Compact::<u128>::decode(input).map(|value| value.0).map_err(|_| DecodeError::short())
}

pub(crate) fn byte(input: &mut &[u8]) -> Result<u8, DecodeError> {
    take::<1>(input).map(|[byte]| byte)
}

pub(crate) fn take<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], DecodeError> {
    let Some((first, rest)) = input.split_first_chunk::<N>() else {
        return Err(DecodeError::short());
    };
    *input = rest;
    Ok(*first)
}

pub(crate) fn bytes<'a>(input: &mut &'a [u8], length: usize) -> Result<&'a [u8], DecodeError> {
    let Some((first, rest)) = input.split_at_checked(length) else {
        return Err(DecodeError::short());
    };
    *input = rest;
    Ok(first)
}

fn decode_primitive(primitive: &TypeDefPrimitive, input: &mut &[u8]) -> Result<Value, DecodeError> {
    Ok(match primitive {
        TypeDefPrimitive::Bool => match byte(input)? {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            _ => return Err(DecodeError::invalid("yes or no")),
        },
        TypeDefPrimitive::Char => {
            let code = u32::from_le_bytes(take(input)?);
            let letter = char::from_u32(code).ok_or_else(|| DecodeError::invalid("character"))?;
            Value::from(letter.to_string())
        }
        TypeDefPrimitive::Str => {
            let length = usize::try_from(compact(input)?).map_err(|_| DecodeError::short())?;
            let text = bytes(input, length)?;
            if core::str::from_utf8(text).is_err() {
                return Err(DecodeError::invalid("text"));
            }
            Value::Bytes(text.to_vec())
        }
        TypeDefPrimitive::U8 => Value::Uint(byte(input)?.into()),
        TypeDefPrimitive::U16 => Value::Uint(u16::from_le_bytes(take(input)?).into()),
        TypeDefPrimitive::U32 => Value::Uint(u32::from_le_bytes(take(input)?).into()),
        TypeDefPrimitive::U64 => Value::Uint(u64::from_le_bytes(take(input)?).into()),
        TypeDefPrimitive::U128 => Value::Uint(u128::from_le_bytes(take(input)?)),
        TypeDefPrimitive::I8 => Value::Int(i8::from_le_bytes(take(input)?).into()),
        TypeDefPrimitive::I16 => Value::Int(i16::from_le_bytes(take(input)?).into()),
        TypeDefPrimitive::I32 => Value::Int(i32::from_le_bytes(take(input)?).into()),
        TypeDefPrimitive::I64 => Value::Int(i64::from_le_bytes(take(input)?).into()),
        TypeDefPrimitive::I128 => Value::Int(i128::from_le_bytes(take(input)?)),
        TypeDefPrimitive::U256 | TypeDefPrimitive::I256 => Value::Bytes(bytes(input, 32)?.to_vec()),
    })
}
