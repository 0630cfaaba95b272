//! Walking over SCALE bytes by their type, without building a value: how long is it, is it well-formed?
//!
//! Hostile bytes come here first, so nesting is bounded and a sequence of elements without bytes is
//! not counted through.

use parity_scale_codec::{Compact, Decode};
use scale_info::{PortableRegistry, TypeDef, TypeDefPrimitive, form::PortableForm};

use super::Interface;

/// How deep types may nest in one value. A call inside a call costs four levels, so this is about
/// the 256 nested calls which the chain itself decodes.
pub const MAX_DEPTH: usize = 1_024;

/// Why bytes are not a value of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// The bytes end before the value does.
    #[error("the bytes end too early")]
    TooShort,
    /// The value nests deeper than [`MAX_DEPTH`].
    #[error("the value nests too deeply")]
    TooDeep,
    /// No variant, boolean, character or compact number has this form.
    #[error("the bytes are not of this type")]
    Malformed,
    /// The type is not in the table, or is of a kind that the chain does not use.
    #[error("type {0} cannot be read")]
    Type(u32),
}

impl Interface {
    /// Moves `input` past one value of the type `ty`.
    ///
    /// # Errors
    ///
    /// The bytes are not such a value; `input` is then somewhere inside it.
    pub fn skip(&self, ty: u32, input: &mut &[u8]) -> Result<(), WalkError> {
        skip(self.types(), ty, input, MAX_DEPTH)
    }

    /// Whether `bytes` are exactly one value of the type `ty`.
    #[must_use]
    pub fn is_value(&self, ty: u32, mut bytes: &[u8]) -> bool {
        self.skip(ty, &mut bytes).is_ok() && bytes.is_empty()
    }
}

fn skip(
    types: &PortableRegistry,
    ty: u32,
    input: &mut &[u8],
    depth: usize,
) -> Result<(), WalkError> {
    let Some(depth) = depth.checked_sub(1) else { return Err(WalkError::TooDeep) };
    let def = types.resolve(ty).ok_or(WalkError::Type(ty))?;
    match &def.type_def {
        TypeDef::Composite(composite) => {
            composite.fields.iter().try_for_each(|f| skip(types, f.ty.id, input, depth))
        }
        TypeDef::Variant(variant) => {
            let index = *take(input, 1)?.first().ok_or(WalkError::TooShort)?;
            let found = variant.variants.iter().find(|v| v.index == index);
            let found = found.ok_or(WalkError::Malformed)?;
            found.fields.iter().try_for_each(|f| skip(types, f.ty.id, input, depth))
        }
        TypeDef::Tuple(tuple) => {
            tuple.fields.iter().try_for_each(|f| skip(types, f.id, input, depth))
        }
        TypeDef::Sequence(sequence) => {
            let count = compact(input)?;
            repeat(types, sequence.type_param.id, count, input, depth)
        }
        TypeDef::Array(array) => {
            repeat(types, array.type_param.id, u128::from(array.len), input, depth)
        }
        TypeDef::Primitive(primitive) => skip_primitive(primitive, input),
        TypeDef::Compact(inner) => skip_compact(types, inner.type_param.id, input),
        TypeDef::BitSequence(_) => {
            let bits = compact(input)?;
            let bytes = usize::try_from(bits.div_ceil(8)).map_err(|_| WalkError::TooShort)?;
            take(input, bytes).map(|_| ())
        }
    }
}

fn repeat(
    types: &PortableRegistry,
    ty: u32,
    count: u128,
    input: &mut &[u8],
    depth: usize,
) -> Result<(), WalkError> {
    if let Some(TypeDef::Primitive(TypeDefPrimitive::U8)) = type_def(types, ty) {
        let count = usize::try_from(count).map_err(|_| WalkError::TooShort)?;
        return take(input, count).map(|_| ());
    }
    for _ in 0..count {
        let before = input.len();
        skip(types, ty, input, depth)?;
        if input.len() == before {
            // Elements without bytes: however many they are, nothing more follows.
            break;
        }
    }
    Ok(())
}

fn skip_primitive(primitive: &TypeDefPrimitive, input: &mut &[u8]) -> Result<(), WalkError> {
    let bytes = match primitive {
        TypeDefPrimitive::Bool => {
            return match take(input, 1)?.first() {
                Some(0 | 1) => Ok(()),
                _ => Err(WalkError::Malformed),
            };
        }
        TypeDefPrimitive::Char => {
            let bytes = take(input, 4)?.try_into().map_err(|_| WalkError::TooShort)?;
            let known = char::from_u32(u32::from_le_bytes(bytes)).is_some();
            return if known { Ok(()) } else { Err(WalkError::Malformed) };
        }
        TypeDefPrimitive::Str => {
            let count = usize::try_from(compact(input)?).map_err(|_| WalkError::TooShort)?;
            let text = take(input, count)?;
            return std::str::from_utf8(text).map(|_| ()).map_err(|_| WalkError::Malformed);
        }
        TypeDefPrimitive::U8 | TypeDefPrimitive::I8 => 1,
        TypeDefPrimitive::U16 | TypeDefPrimitive::I16 => 2,
        TypeDefPrimitive::U32 | TypeDefPrimitive::I32 => 4,
        TypeDefPrimitive::U64 | TypeDefPrimitive::I64 => 8,
        TypeDefPrimitive::U128 | TypeDefPrimitive::I128 => 16,
        TypeDefPrimitive::U256 | TypeDefPrimitive::I256 => 32,
    };
    take(input, bytes).map(|_| ())
}

/// A compact number, held to the range of the integer inside its newtypes.
fn skip_compact(types: &PortableRegistry, mut ty: u32, input: &mut &[u8]) -> Result<(), WalkError> {
    let limit = loop {
        match type_def(types, ty) {
            Some(TypeDef::Composite(composite)) => match composite.fields.as_slice() {
                [] => return Ok(()),
                [field] => ty = field.ty.id,
                _ => return Err(WalkError::Type(ty)),
            },
            Some(TypeDef::Tuple(tuple)) if tuple.fields.is_empty() => return Ok(()),
            Some(TypeDef::Primitive(TypeDefPrimitive::U8)) => break u128::from(u8::MAX),
            Some(TypeDef::Primitive(TypeDefPrimitive::U16)) => break u128::from(u16::MAX),
            Some(TypeDef::Primitive(TypeDefPrimitive::U32)) => break u128::from(u32::MAX),
            Some(TypeDef::Primitive(TypeDefPrimitive::U64)) => break u128::from(u64::MAX),
            Some(TypeDef::Primitive(TypeDefPrimitive::U128)) => break u128::MAX,
            _ => return Err(WalkError::Type(ty)),
        }
    };
    if compact(input)? <= limit { Ok(()) } else { Err(WalkError::Malformed) }
}

fn compact(input: &mut &[u8]) -> Result<u128, WalkError> {
    if input.is_empty() {
        return Err(WalkError::TooShort);
    }
    Compact::<u128>::decode(input).map(|c| c.0).map_err(|_| WalkError::Malformed)
}

fn type_def(types: &PortableRegistry, ty: u32) -> Option<&TypeDef<PortableForm>> {
    types.resolve(ty).map(|t| &t.type_def)
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], WalkError> {
    let (taken, rest) = input.split_at_checked(count).ok_or(WalkError::TooShort)?;
    *input = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use parity_scale_codec::Encode;

    use super::*;

    fn interface() -> Interface {
        Interface::v461().unwrap()
    }

    #[test]
    fn exact_values_only() {
        let interface = interface();
        let remark = (0u8, 0u8, b"hello".to_vec()).encode();
        assert!(interface.is_value(interface.call_type(), &remark));
        assert!(!interface.is_value(interface.call_type(), &remark[..remark.len() - 1]));
        let mut longer = remark;
        longer.push(0);
        assert!(!interface.is_value(interface.call_type(), &longer));
        // A value above the integer behind a compact newtype.
        let transfer = (5u8, 3u8, 0u8, [1u8; 32], Compact(u128::from(u64::MAX) + 1)).encode();
        assert!(!interface.is_value(interface.call_type(), &transfer));
    }

    #[test]
    fn nesting_is_bounded() {
        let interface = interface();
        let nested = |depth: usize| {
            let mut call = Vec::new();
            for _ in 0..depth {
                // Sudo.sudo
                call.extend([12, 0]);
            }
            call.extend([0, 0, 0]);
            call
        };
        assert!(interface.is_value(interface.call_type(), &nested(200)));
        let mut deep = &nested(1_000_000)[..];
        assert_eq!(interface.skip(interface.call_type(), &mut deep), Err(WalkError::TooDeep));
    }

    #[test]
    fn a_huge_count_of_nothing_ends() {
        let interface = interface();
        let units = interface.types().types.iter().find(|t| {
            let TypeDef::Sequence(s) = &t.ty.type_def else { return false };
            matches!(type_def(interface.types(), s.type_param.id),
                Some(TypeDef::Tuple(t)) if t.fields.is_empty())
        });
        if let Some(units) = units {
            let bytes = Compact(u32::MAX).encode();
            assert!(interface.is_value(units.id, &bytes));
        }
        // The same rule directly, whether or not the interface has such a sequence.
        let unit = interface
            .types()
            .types
            .iter()
            .find(|t| matches!(&t.ty.type_def, TypeDef::Tuple(t) if t.fields.is_empty()));
        let unit = unit.unwrap().id;
        assert_eq!(repeat(interface.types(), unit, u128::MAX, &mut &[][..], 8), Ok(()));
    }
}
