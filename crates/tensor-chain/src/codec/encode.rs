//! Neutral values to SCALE bytes, led by the type table of the metadata.
//!
//! Fields go by name, whatever their order; newtypes are transparent; an integer fits any width that
//! holds it. What does not fit names the place.

use parity_scale_codec::{Compact, Encode};
use scale_info::{Field, TypeDef, TypeDefPrimitive, TypeDefVariant, form::PortableForm};
use tensor_core::call::{Call, Value};

use super::decode::{MAX_DEPTH, Types, is_named};
use super::path::Path;

/// Why a value does not fit the type that the metadata says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct EncodeError {
    path: Path,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("argument {0} is missing")]
    Missing(String),
    #[error("there is no argument {name}; the arguments are {known}")]
    Unknown { name: String, known: String },
    #[error("argument {0} is given twice")]
    Twice(String),
    #[error("{name} is not one of {known}")]
    Variant { name: String, known: String },
    #[error("{got} does not fit {wanted}")]
    Mismatch { got: String, wanted: String },
    #[error("{value} does not fit {wanted}")]
    Range { value: String, wanted: String },
    #[error("{got} items where {wanted} are wanted")]
    Length { got: usize, wanted: usize },
    #[error("the runtime has no pallet {0}")]
    NoPallet(String),
    #[error("pallet {pallet} has no call {name}")]
    NoCall { pallet: String, name: String },
    #[error("type {0} is not in the metadata")]
    UnknownType(u32),
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

impl EncodeError {
    fn new(reason: Reason) -> Self {
        Self { path: Path::default(), reason }
    }

    pub(crate) fn length(got: usize, wanted: usize) -> Self {
        Self::new(Reason::Length { got, wanted })
    }

    pub(crate) fn inside(mut self, outer: impl Into<String>) -> Self {
        self.path = self.path.inside(outer);
        self
    }

    /// What the runtime lacks, if the call itself is what it lacks.
    pub fn missing(&self) -> Option<String> {
        match &self.reason {
            Reason::NoPallet(pallet) => Some(format!("pallet {pallet}")),
            Reason::NoCall { pallet, name } => Some(format!("call {pallet}.{name}")),
            _ => None,
        }
    }
}

impl Types<'_> {
    /// Appends the value in the encoding of that type.
    pub(crate) fn encode(
        &self,
        id: u32,
        value: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.put(id, value, out, 0)
    }

    /// Appends a call with its pallet and call index.
    pub(crate) fn encode_call(
        &self,
        call: &Call,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), EncodeError> {
        if depth > MAX_DEPTH {
            return Err(EncodeError::new(Reason::TooDeep));
        }
        let pallets = self.variants(self.call)?;
        let pallet = pallets.variants.iter().find(|pallet| pallet.name == call.pallet);
        let Some((pallet, inner)) = pallet.and_then(|p| Some((p, p.fields.first()?))) else {
            return Err(EncodeError::new(Reason::NoPallet(call.pallet.clone())));
        };
        let calls = self.variants(inner.ty.id)?;
        let Some(found) = calls.variants.iter().find(|known| known.name == call.name) else {
            let (pallet, name) = (call.pallet.clone(), call.name.clone());
            return Err(EncodeError::new(Reason::NoCall { pallet, name }));
        };
        out.push(pallet.index);
        out.push(found.index);
        self.put_fields(&found.fields, &call.args, out, depth)
            .map_err(|error| error.inside(call.to_string()))
    }

    fn put(
        &self,
        id: u32,
        value: &Value,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), EncodeError> {
        if depth > MAX_DEPTH {
            return Err(EncodeError::new(Reason::TooDeep));
        }
        let Some(ty) = self.registry.resolve(id) else {
            return Err(EncodeError::new(Reason::UnknownType(id)));
        };
        let wanted = || type_name(&ty.path.segments, &ty.type_def);
        match &ty.type_def {
            TypeDef::Composite(composite) => match (composite.fields.as_slice(), value) {
                (fields, Value::Record(given)) if is_named(fields) => {
                    self.put_fields(fields, given, out, depth)
                }
                ([only], _) => self.put(only.ty.id, value, out, depth + 1),
                (fields, Value::List(given)) if !is_named(fields) => {
                    self.put_items(fields.iter().map(|field| field.ty.id), given, out, depth)
                }
                ([], Value::Record(given)) if given.is_empty() => Ok(()),
                _ => Err(mismatch(value, wanted())),
            },
            TypeDef::Variant(variants) => {
                let is = |name| ty.path.segments.last().is_some_and(|last| last == name);
                if is("Option") {
                    return self.put_option(variants, value, out, depth);
                }
                match value {
                    Value::Call(call) if id == self.call => self.encode_call(call, out, depth + 1),
                    Value::Account(_) if is("MultiAddress") => {
                        self.put_variant(variants, "Id", &unnamed(value.clone()), out, depth)
                    }
                    Value::Variant(name, fields) => {
                        self.put_variant(variants, name, fields, out, depth)
                    }
                    _ => Err(mismatch(value, wanted())),
                }
            }
            TypeDef::Sequence(sequence) => match value {
                Value::Bytes(bytes) if self.is_byte(sequence.type_param.id) => {
                    put_length(bytes.len(), out);
                    out.extend_from_slice(bytes);
                    Ok(())
                }
                Value::List(items) => {
                    put_length(items.len(), out);
                    let ids = core::iter::repeat_n(sequence.type_param.id, items.len());
                    self.put_items(ids, items, out, depth)
                }
                _ => Err(mismatch(value, wanted())),
            },
            TypeDef::Array(array) => {
                let length = array.len as usize;
                match value {
                    Value::Account(account)
                        if length == 32 && self.is_byte(array.type_param.id) =>
                    {
                        out.extend_from_slice(account.as_bytes());
                        Ok(())
                    }
                    Value::Bytes(bytes) if self.is_byte(array.type_param.id) => {
                        if bytes.len() != length {
                            return Err(EncodeError::length(bytes.len(), length));
                        }
                        out.extend_from_slice(bytes);
                        Ok(())
                    }
                    Value::List(items) => {
                        let ids = core::iter::repeat_n(array.type_param.id, length);
                        self.put_items(ids, items, out, depth)
                    }
                    _ => Err(mismatch(value, wanted())),
                }
            }
            TypeDef::Tuple(tuple) => match (tuple.fields.as_slice(), value) {
                ([only], _) => self.put(only.id, value, out, depth + 1),
                (fields, Value::List(items)) => {
                    self.put_items(fields.iter().map(|field| field.id), items, out, depth)
                }
                _ => Err(mismatch(value, wanted())),
            },
            TypeDef::Primitive(primitive) => put_primitive(primitive, value, out),
            TypeDef::Compact(of) => {
                let Ok(width) = self.compact_width(of.type_param.id, depth) else {
                    return Err(mismatch(value, wanted()));
                };
                match value.as_u128() {
                    Some(number) if width >= 16 || number >> (width * 8) == 0 => {
                        Compact(number).encode_to(out);
                        Ok(())
                    }
                    Some(number) => Err(range(number, format!("{width} bytes"))),
                    None if width == 0 => Ok(()),
                    None => Err(mismatch(value, wanted())),
                }
            }
            TypeDef::BitSequence(_) => Err(mismatch(value, "a bit sequence".to_owned())),
        }
    }

    fn put_option(
        &self,
        variants: &TypeDefVariant<PortableForm>,
        value: &Value,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), EncodeError> {
        let some = variants.variants.iter().find(|variant| variant.index == 1);
        let inner = some.and_then(|some| some.fields.first()).map(|field| field.ty.id);
        match (value, inner) {
            (Value::Option(None), _) => {
                out.push(0);
                Ok(())
            }
            (Value::Option(Some(value)), Some(inner)) => {
                out.push(1);
                self.put(inner, value, out, depth + 1)
            }
            // What is given where it is optional is there.
            (value, Some(inner)) => {
                out.push(1);
                self.put(inner, value, out, depth + 1)
            }
            (value, None) => Err(mismatch(value, "an option".to_owned())),
        }
    }

    fn put_variant(
        &self,
        variants: &TypeDefVariant<PortableForm>,
        name: &str,
        fields: &[(String, Value)],
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), EncodeError> {
        let Some(variant) = variants.variants.iter().find(|variant| variant.name == name) else {
            let known: Vec<_> = variants.variants.iter().map(|v| v.name.as_str()).collect();
            let (name, known) = (name.to_owned(), known.join(", "));
            return Err(EncodeError::new(Reason::Variant { name, known }));
        };
        out.push(variant.index);
        self.put_fields(&variant.fields, fields, out, depth).map_err(|error| error.inside(name))
    }

    fn put_fields(
        &self,
        fields: &[Field<PortableForm>],
        given: &[(String, Value)],
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), EncodeError> {
        let names: Vec<_> = fields
            .iter()
            .enumerate()
            .map(|(place, field)| field.name.clone().unwrap_or_else(|| place.to_string()))
            .collect();
        for (place, (name, _)) in given.iter().enumerate() {
            if !names.contains(name) {
                let (name, known) = (name.clone(), names.join(", "));
                return Err(EncodeError::new(Reason::Unknown { name, known }));
            }
            if given.iter().take(place).any(|(earlier, _)| earlier == name) {
                return Err(EncodeError::new(Reason::Twice(name.clone())));
            }
        }
        for (field, name) in fields.iter().zip(names) {
            let Some((_, value)) = given.iter().find(|(known, _)| *known == name) else {
                return Err(EncodeError::new(Reason::Missing(name)));
            };
            self.put(field.ty.id, value, out, depth + 1).map_err(|error| error.inside(name))?;
        }
        Ok(())
    }

    fn put_items(
        &self,
        ids: impl ExactSizeIterator<Item = u32>,
        items: &[Value],
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), EncodeError> {
        if ids.len() != items.len() {
            return Err(EncodeError::length(items.len(), ids.len()));
        }
        for (place, (id, item)) in ids.zip(items).enumerate() {
            self.put(id, item, out, depth + 1).map_err(|error| error.inside(place.to_string()))?;
        }
        Ok(())
    }

    fn variants(&self, id: u32) -> Result<&TypeDefVariant<PortableForm>, EncodeError> {
        match self.registry.resolve(id).map(|ty| &ty.type_def) {
            Some(TypeDef::Variant(variants)) => Ok(variants),
            _ => Err(EncodeError::new(Reason::UnknownType(id))),
        }
    }
}

/// The field of a tuple variant.
pub(crate) fn unnamed(value: Value) -> Vec<(String, Value)> {
    vec![("0".to_owned(), value)]
}

fn put_length(length: usize, out: &mut Vec<u8>) {
    Compact(length as u64).encode_to(out);
}

fn put_primitive(
    primitive: &TypeDefPrimitive,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    macro_rules! unsigned {
        ($integer:ty) => {{
            let Some(number) = value.as_u128() else {
                return Err(mismatch(value, stringify!($integer).to_owned()));
            };
            match <$integer>::try_from(number) {
                Ok(number) => out.extend_from_slice(&number.to_le_bytes()),
                Err(_) => return Err(range(number, stringify!($integer).to_owned())),
            }
        }};
    }
    macro_rules! signed {
        ($integer:ty) => {{
            let number = match value {
                Value::Int(number) => <$integer>::try_from(*number).ok(),
                Value::Uint(number) => <$integer>::try_from(*number).ok(),
                _ => return Err(mismatch(value, stringify!($integer).to_owned())),
            };
            match number {
                Some(number) => out.extend_from_slice(&number.to_le_bytes()),
                None => return Err(range(show(value), stringify!($integer).to_owned())),
            }
        }};
    }
    match primitive {
        TypeDefPrimitive::Bool => match value {
            Value::Bool(value) => out.push(u8::from(*value)),
            _ => return Err(mismatch(value, "yes or no".to_owned())),
        },
        TypeDefPrimitive::Char | TypeDefPrimitive::Str => {
            let text = value.as_bytes().and_then(|bytes| core::str::from_utf8(bytes).ok());
            match (primitive, text) {
                (TypeDefPrimitive::Str, Some(text)) => text.encode_to(out),
                (TypeDefPrimitive::Char, Some(text)) if text.chars().count() == 1 => {
                    text.chars().for_each(|letter| u32::from(letter).encode_to(out));
                }
                _ => return Err(mismatch(value, "text".to_owned())),
            }
        }
        TypeDefPrimitive::U8 => unsigned!(u8),
        TypeDefPrimitive::U16 => unsigned!(u16),
        TypeDefPrimitive::U32 => unsigned!(u32),
        TypeDefPrimitive::U64 => unsigned!(u64),
        TypeDefPrimitive::U128 => unsigned!(u128),
        TypeDefPrimitive::I8 => signed!(i8),
        TypeDefPrimitive::I16 => signed!(i16),
        TypeDefPrimitive::I32 => signed!(i32),
        TypeDefPrimitive::I64 => signed!(i64),
        TypeDefPrimitive::I128 => signed!(i128),
        TypeDefPrimitive::U256 | TypeDefPrimitive::I256 => match value.as_bytes() {
            Some(bytes) if bytes.len() == 32 => out.extend_from_slice(bytes),
            _ => return Err(mismatch(value, "32 bytes".to_owned())),
        },
    }
    Ok(())
}

fn mismatch(value: &Value, wanted: String) -> EncodeError {
    EncodeError::new(Reason::Mismatch { got: show(value), wanted })
}

fn range(value: impl ToString, wanted: String) -> EncodeError {
    EncodeError::new(Reason::Range { value: value.to_string(), wanted })
}

fn show(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Account(account) => format!("the account {account}"),
        Value::List(items) => format!("a list of {}", items.len()),
        Value::Record(_) => "a record".to_owned(),
        Value::Variant(name, _) => format!("the variant {name}"),
        Value::Option(_) => "an option".to_owned(),
        Value::Call(call) => format!("the call {call}"),
        _ => "the value".to_owned(),
    }
}

fn type_name(path: &[String], definition: &TypeDef<PortableForm>) -> String {
    if let Some(name) = path.last() {
        return name.clone();
    }
    match definition {
        TypeDef::Composite(_) => "a record",
        TypeDef::Variant(_) => "an enum",
        TypeDef::Sequence(_) => "a list",
        TypeDef::Array(_) => "an array",
        TypeDef::Tuple(_) => "a tuple",
        TypeDef::Primitive(_) => "a primitive",
        TypeDef::Compact(_) => "a compact integer",
        TypeDef::BitSequence(_) => "a bit sequence",
    }
    .to_owned()
}
