//! From what a scenario writes to values of the chain, led by the runtime's type table: one form in the
//! file may be a number, an account or a variant, as the type wants.

use scale_info::form::PortableForm;
use scale_info::{Field, TypeDef, TypeDefPrimitive, TypeDefVariant, Variant};
use serde_json::{Map, Value as Json};
use tensor_chain::local::Interface;
use tensor_core::call::Value;

use super::account::Accounts;
use super::call;
use super::number::{self, Integer};
use crate::conformance::numbers;

/// Reads values by type.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) interface: &'a Interface,
    pub(super) accounts: &'a Accounts,
}

/// What a type is to this suite.
pub(super) enum Shape<'a> {
    Account,
    /// A fixed-point number with that many bits behind the point, in the field `bits`.
    Fixed(u32),
    /// A single field, transparent unless it has a name.
    Single(Option<&'a str>, u32),
    Record(&'a [Field<PortableForm>]),
    Tuple(Vec<u32>),
    Option(u32),
    Address,
    Call,
    Enum(&'a TypeDefVariant<PortableForm>),
    Bytes(Option<usize>),
    List(u32, Option<usize>),
    Primitive(&'a TypeDefPrimitive),
    Other,
}

impl<'a> Reader<'a> {
    pub(super) fn shape(&self, id: u32) -> Shape<'a> {
        let types = self.interface.types();
        let Some(ty) = types.resolve(id) else { return Shape::Other };
        let name = ty.path.segments.last().map(String::as_str).unwrap_or_default();
        let sequence = |of: u32, length| match self.is_byte(of) {
            true => Shape::Bytes(length),
            false => Shape::List(of, length),
        };
        match &ty.type_def {
            _ if id == self.interface.call_type() => Shape::Call,
            TypeDef::Composite(_) if name == "AccountId32" => Shape::Account,
            TypeDef::Composite(composite) => match composite.fields.as_slice() {
                [only] if name.starts_with("Fixed") && only.name.as_deref() == Some("bits") => {
                    let fraction = ty.type_params.first().and_then(|param| param.ty);
                    Shape::Fixed(fraction.map_or(0, |of| self.typenum(of.id)))
                }
                [only] => Shape::Single(only.name.as_deref(), only.ty.id),
                fields if fields.iter().all(|field| field.name.is_some()) => Shape::Record(fields),
                fields => Shape::Tuple(fields.iter().map(|field| field.ty.id).collect()),
            },
            TypeDef::Variant(variants) if name == "Option" => {
                let some = variants.variants.iter().find_map(|variant| variant.fields.first());
                some.map_or(Shape::Other, |some| Shape::Option(some.ty.id))
            }
            TypeDef::Variant(variants) if name == "MultiAddress" => {
                let account = variants.variants.iter().find_map(|variant| variant.fields.first());
                account.map_or(Shape::Other, |_| Shape::Address)
            }
            TypeDef::Variant(variants) => Shape::Enum(variants),
            TypeDef::Sequence(of) => sequence(of.type_param.id, None),
            TypeDef::Array(of) => sequence(of.type_param.id, usize::try_from(of.len).ok()),
            TypeDef::Tuple(tuple) => match tuple.fields.as_slice() {
                [only] => Shape::Single(None, only.id),
                fields => Shape::Tuple(fields.iter().map(|field| field.id).collect()),
            },
            TypeDef::Compact(of) => Shape::Single(None, of.type_param.id),
            TypeDef::Primitive(primitive) => Shape::Primitive(primitive),
            TypeDef::BitSequence(_) => Shape::Other,
        }
    }

    /// A value of that type.
    pub(super) fn read(&self, id: u32, json: &Json) -> Result<Value, String> {
        match self.shape(id) {
            Shape::Account | Shape::Address => self.accounts.account(json).map(Value::Account),
            Shape::Fixed(fraction) => {
                let bits = fixed_bits(json, fraction)?;
                Ok(Value::Record(vec![("bits".to_owned(), signed_or_not(bits))]))
            }
            Shape::Single(name, inner) => {
                let value = match (name, json) {
                    (Some(name), Json::Object(fields)) if fields.len() == 1 => {
                        self.read(inner, fields.get(name).unwrap_or(json))?
                    }
                    _ => self.read(inner, json)?,
                };
                // As the codec reads it: a field without a name stands for itself.
                Ok(match name {
                    Some(name) => Value::Record(vec![(name.to_owned(), value)]),
                    None => value,
                })
            }
            Shape::Record(fields) => self.fields(fields, json).map(Value::Record),
            Shape::Tuple(ids) => match json {
                Json::Null if ids.is_empty() => Ok(Value::List(Vec::new())),
                Json::Array(items) if items.len() == ids.len() => {
                    let items = ids.iter().zip(items).map(|(id, item)| self.read(*id, item));
                    items.collect::<Result<_, _>>().map(Value::List)
                }
                _ => Err(format!("{} is no list of {} items", short(json), ids.len())),
            },
            Shape::Option(inner) => match json {
                Json::Null => Ok(Value::Option(None)),
                Json::String(text) if text == "None" => Ok(Value::Option(None)),
                Json::Object(fields) if fields.len() == 1 && fields.contains_key("None") => {
                    Ok(Value::Option(None))
                }
                Json::Object(fields) if fields.len() == 1 && fields.contains_key("Some") => {
                    let some = self.read(inner, fields.get("Some").unwrap_or(json))?;
                    Ok(Value::Option(Some(Box::new(some))))
                }
                json => Ok(Value::Option(Some(Box::new(self.read(inner, json)?)))),
            },
            Shape::Call => call::nested(self, json).map(|call| Value::Call(Box::new(call))),
            Shape::Enum(variants) => self.variant(variants, json),
            Shape::Bytes(length) => self.bytes(json, length).map(Value::Bytes),
            Shape::List(of, length) => {
                let items = items(json).ok_or_else(|| format!("{} is no list", short(json)))?;
                if length.is_some_and(|length| length != items.len()) {
                    return Err(format!("{} items are not {length:?}", items.len()));
                }
                let read = |(place, item): (usize, &Json)| {
                    self.read(of, item).map_err(|problem| format!("item {place}: {problem}"))
                };
                let items = items.iter().enumerate().map(read).collect::<Result<_, _>>()?;
                Ok(Value::List(items))
            }
            Shape::Primitive(primitive) => primitive_value(primitive, json),
            Shape::Other => Err("the type cannot be written in a scenario".to_owned()),
        }
    }

    /// Fields by name or, as a list, by place.
    pub(super) fn fields(
        &self,
        fields: &[Field<PortableForm>],
        json: &Json,
    ) -> Result<Vec<(String, Value)>, String> {
        let name = |(place, field): (usize, &Field<PortableForm>)| match &field.name {
            Some(name) => name.clone(),
            None => place.to_string(),
        };
        let names: Vec<String> = fields.iter().enumerate().map(name).collect();
        let given = named_fields(&names, json)?;
        let mut read = Vec::new();
        for (field, name) in fields.iter().zip(&names) {
            let json = given.get(name).unwrap_or(&Json::Null);
            let value = match json {
                Json::Null if !matches!(self.shape(field.ty.id), Shape::Option(_)) => {
                    return Err(format!("the field {name:?} is missing; {}", known(&names)));
                }
                json => self.read(field.ty.id, json),
            };
            let value = value.map_err(|problem| format!("{name}: {problem}"))?;
            read.push((name.clone(), value));
        }
        Ok(read)
    }

    fn variant(
        &self,
        variants: &'a TypeDefVariant<PortableForm>,
        json: &Json,
    ) -> Result<Value, String> {
        let (variant, fields) = find_variant(variants, json)?;
        let fields = match (variant.fields.as_slice(), fields) {
            ([], _) => Vec::new(),
            ([only], Some(json)) if only.name.is_none() => {
                let value = self.read(only.ty.id, json).or_else(|problem| match json {
                    Json::Array(items) if items.len() == 1 => {
                        items.first().map_or(Err(problem), |item| self.read(only.ty.id, item))
                    }
                    _ => Err(problem),
                });
                vec![("0".to_owned(), value?)]
            }
            (fields, json) => self.fields(fields, json.unwrap_or(&Json::Null))?,
        };
        Ok(Value::Variant(variant.name.clone(), fields))
    }

    fn bytes(&self, json: &Json, length: Option<usize>) -> Result<Vec<u8>, String> {
        let bytes = match json {
            Json::Array(items) => {
                let bytes = items
                    .iter()
                    .map(|item| number::u64_of(item)?.try_into().map_err(|_| "no byte".to_owned()));
                bytes.collect::<Result<Vec<u8>, String>>()?
            }
            Json::String(text) => match text.strip_prefix("0x") {
                Some(digits) => {
                    hex::decode(digits).map_err(|_| format!("{} is no hexadecimal", short(json)))?
                }
                None if length == Some(32) => match hex::decode(text) {
                    Ok(bytes) => bytes,
                    Err(_) => self.accounts.account(json)?.to_bytes().to_vec(),
                },
                None => text.as_bytes().to_vec(),
            },
            Json::Object(fields) if fields.len() == 1 => match fields.iter().next() {
                Some((form, Json::String(text))) if form == "text" => text.as_bytes().to_vec(),
                Some((form, Json::String(text))) if form == "hex" => {
                    let digits = text.strip_prefix("0x").unwrap_or(text);
                    hex::decode(digits).map_err(|_| format!("{} is no hexadecimal", short(json)))?
                }
                // So many equal bytes: payloads whose length alone counts.
                Some((form, count)) if form == "zeros" => {
                    vec![0; usize::try_from(number::u64_of(count)?.min(1 << 20)).unwrap_or(0)]
                }
                _ => return Err(format!("{} are no bytes", short(json))),
            },
            _ => {
                return Err(format!(
                    "{} are no bytes (\"0x…\", a text, a list of bytes, {{\"hex\"}}, {{\"text\"}}, {{\"zeros\": COUNT}})",
                    short(json)
                ));
            }
        };
        match length {
            Some(length) if length != bytes.len() => {
                Err(format!("{} bytes where {length} are wanted", bytes.len()))
            }
            _ => Ok(bytes),
        }
    }

    fn is_byte(&self, id: u32) -> bool {
        let ty = self.interface.types().resolve(id);
        ty.is_some_and(|ty| matches!(ty.type_def, TypeDef::Primitive(TypeDefPrimitive::U8)))
    }

    /// The number that a type of the crate `typenum` is: `UInt<UInt<UTerm, B1>, B0>` is 2.
    fn typenum(&self, id: u32) -> u32 {
        let Some(ty) = self.interface.types().resolve(id) else { return 0 };
        let name = ty.path.segments.last().map(String::as_str);
        let part = |place: usize| ty.type_params.get(place).and_then(|param| param.ty);
        match (name, part(0), part(1)) {
            (Some("UInt"), Some(high), Some(low)) => {
                let bit = self.interface.types().resolve(low.id);
                let bit = bit.and_then(|ty| ty.path.segments.last()).is_some_and(|bit| bit == "B1");
                self.typenum(high.id) * 2 + u32::from(bit)
            }
            _ => 0,
        }
    }
}

/// Named fields of an object, or of a list in their order. Unknown names are errors.
pub(super) fn named_fields(names: &[String], json: &Json) -> Result<Map<String, Json>, String> {
    match json {
        Json::Object(given) => match given.keys().find(|name| !names.contains(name)) {
            Some(name) => Err(format!("unknown field {name:?}; {}", known(names))),
            None => Ok(given.clone()),
        },
        Json::Array(items) if items.len() <= names.len() => {
            Ok(names.iter().cloned().zip(items.iter().cloned()).collect())
        }
        Json::Array(items) => Err(format!("{} items; {}", items.len(), known(names))),
        Json::Null => Ok(Map::new()),
        json => match names {
            [only] => Ok(Map::from_iter([(only.clone(), json.clone())])),
            _ => Err(format!("{} is neither an object nor a list; {}", short(json), known(names))),
        },
    }
}

/// The variant that a value names, and its fields.
pub(super) fn find_variant<'v, 'j>(
    variants: &'v TypeDefVariant<PortableForm>,
    json: &'j Json,
) -> Result<(&'v Variant<PortableForm>, Option<&'j Json>), String> {
    let (name, fields) = match json {
        Json::Object(object) => match (object.len(), object.iter().next()) {
            (1, Some((name, _))) if matches!(name.as_str(), "variant" | "type" | "kind") => {
                (object.values().next().and_then(Json::as_str).unwrap_or_default().to_owned(), None)
            }
            (1, Some((name, fields))) => (name.clone(), Some(fields)),
            _ => {
                let text =
                    |names: [&str; 3]| names.iter().find_map(|name| object.get(*name)?.as_str());
                let name = text(["variant", "type", "kind"]);
                let fields =
                    ["fields", "value", "values"].iter().find_map(|name| object.get(*name));
                (name.unwrap_or_default().to_owned(), fields)
            }
        },
        Json::String(name) => (name.clone(), None),
        json => (numbers::digits(json).unwrap_or_default(), None),
    };
    let all = &variants.variants;
    let found = all.iter().find(|variant| variant.name == name);
    let found = found.or_else(|| all.iter().find(|v| v.name.eq_ignore_ascii_case(&name)));
    let found = found.or_else(|| all.iter().find(|variant| variant.index.to_string() == name));
    // `Raw` of so many bytes: `Raw0` to `Raw128` are variants of their own.
    let found = found.or_else(|| {
        let text = fields.and_then(Json::as_str)?;
        let length = match text.strip_prefix("0x") {
            Some(digits) => digits.len() / 2,
            None => text.len(),
        };
        all.iter().find(|variant| variant.name == format!("{name}{length}"))
    });
    let names = || all.iter().map(|v| v.name.as_str()).take(24).collect::<Vec<_>>().join(", ");
    found
        .map(|variant| (variant, fields))
        .ok_or_else(|| format!("{} is not one of {}", short(json), names()))
}

/// A list, or an object as a list of pairs.
fn items(json: &Json) -> Option<Vec<Json>> {
    match json {
        Json::Array(items) => Some(items.clone()),
        Json::Object(map) => Some(
            map.iter()
                .map(|(key, value)| Json::from(vec![Json::from(key.clone()), value.clone()]))
                .collect(),
        ),
        _ => None,
    }
}

fn primitive_value(primitive: &TypeDefPrimitive, json: &Json) -> Result<Value, String> {
    use TypeDefPrimitive as P;
    let integer = || {
        number::integer(json).ok_or_else(|| {
            format!(
                "{} is no integer (a number, \"1_000\", \"1000e9\", \"0x10\", \"u64::MAX\")",
                short(json)
            )
        })
    };
    match primitive {
        P::Bool => match json {
            Json::Bool(value) => Ok(Value::Bool(*value)),
            Json::String(text) if text == "true" => Ok(Value::Bool(true)),
            Json::String(text) if text == "false" => Ok(Value::Bool(false)),
            json => match number::integer(json) {
                Some(Integer::Positive(value @ 0..=1)) => Ok(Value::Bool(value == 1)),
                _ => Err(format!("{} is neither true nor false", short(json))),
            },
        },
        P::Str | P::Char => match json.as_str() {
            Some(text) => Ok(Value::Bytes(text.as_bytes().to_vec())),
            None => Err(format!("{} is no text", short(json))),
        },
        P::I8 | P::I16 | P::I32 | P::I64 | P::I128 => {
            let value = integer()?.signed();
            value.map(Value::Int).ok_or_else(|| format!("{} is too large", short(json)))
        }
        P::U256 | P::I256 => Err("integers of 256 bits cannot be written in a scenario".to_owned()),
        _ => match integer()? {
            Integer::Positive(value) => Ok(Value::Uint(value)),
            Integer::Negative(_) => Err(format!("{} is negative", short(json))),
        },
    }
}

/// The bits of a fixed-point number: an integer is the bits themselves, a number with a point is the
/// value, `{"bits": …}` and `{"value": …}` say which.
pub(super) fn fixed_bits(json: &Json, fraction: u32) -> Result<Integer, String> {
    let wrong = || {
        format!(
            "{} is no fixed-point number (its bits as an integer, its value with a point)",
            short(json)
        )
    };
    if let Json::Object(fields) = json {
        return match fields.iter().next() {
            Some((form, bits)) if fields.len() == 1 && form == "bits" => {
                number::integer(bits).ok_or_else(wrong)
            }
            Some((form, value)) if fields.len() == 1 && form == "value" => {
                let places = number::fraction(value)
                    .or_else(|| number::integer(value)?.signed().map(|whole| (whole, 0)));
                places
                    .and_then(|(digits, places)| scaled(digits, places, fraction))
                    .ok_or_else(wrong)
            }
            _ => Err(wrong()),
        };
    }
    match number::fraction(json) {
        Some((digits, places)) => scaled(digits, places, fraction).ok_or_else(wrong),
        None => number::integer(json).ok_or_else(wrong),
    }
}

/// `digits / 10^places` with that many bits behind the point, rounded to the nearest.
fn scaled(digits: i128, places: u32, fraction: u32) -> Option<Integer> {
    let scale = 10_i128.checked_pow(places)?;
    let (whole, rest) = (digits.div_euclid(scale), digits.rem_euclid(scale));
    // One bit at a time: no product here may pass 128 bits.
    let (mut bits, mut rest) = (whole, rest);
    for _ in 0..fraction {
        rest = rest.checked_mul(2)?;
        bits = bits.checked_mul(2)?.checked_add(rest / scale)?;
        rest %= scale;
    }
    let bits = bits.checked_add(i128::from(rest.checked_mul(2)? >= scale))?;
    Some(match u128::try_from(bits) {
        Ok(bits) => Integer::Positive(bits),
        Err(_) => Integer::Negative(bits),
    })
}

fn signed_or_not(bits: Integer) -> Value {
    match bits {
        Integer::Positive(bits) => Value::Uint(bits),
        Integer::Negative(bits) => Value::Int(bits),
    }
}

fn known(names: &[String]) -> String {
    format!("the fields are {}", names.join(", "))
}

/// A value on one line, cut where it is long.
pub(super) fn short(json: &Json) -> String {
    let text = numbers::to_line(json);
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
