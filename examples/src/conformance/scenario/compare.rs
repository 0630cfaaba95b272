//! What is expected against what is there: the forms of [`typed`](super::typed), parts of records, ranges.

use serde_json::{Map, Value as Json};
use tensor_core::call::Value;

use super::number::{self, Integer};
use super::typed::{self, Reader, Shape, short};
use crate::conformance::chain::value::to_json;

impl Reader<'_> {
    /// Says where and how a value of that type differs from what is expected.
    ///
    /// A record needs no more fields than it is asked for; everything else is compared whole.
    pub(super) fn differs(&self, id: u32, expected: &Json, actual: &Value) -> Result<(), String> {
        if let Some(range) = Range::of(expected)? {
            return range.holds(self.fraction(id), actual);
        }
        match (self.shape(id), expected, actual) {
            (Shape::Single(None, inner), expected, actual) => self.differs(inner, expected, actual),
            (Shape::Single(Some(name), inner), expected, Value::Record(fields)) => {
                let (_, actual) = fields.first().ok_or("an empty record")?;
                match expected {
                    Json::Object(object) if object.len() == 1 && object.contains_key(name) => {
                        self.differs(inner, object.get(name).unwrap_or(expected), actual)
                    }
                    expected => self.differs(inner, expected, actual),
                }
            }
            (Shape::Record(fields), Json::Object(wanted), Value::Record(actual)) => {
                self.fields_differ(&ids(fields), wanted, actual)
            }
            (Shape::Option(_), Json::Null, actual) => match actual {
                Value::Option(None) => Ok(()),
                actual => Err(format!("expected nothing, computed {}", shown(actual))),
            },
            (Shape::Option(inner), expected, Value::Option(actual)) => {
                let expected = match expected {
                    Json::Object(object) if object.len() == 1 => {
                        object.get("Some").unwrap_or(expected)
                    }
                    expected => expected,
                };
                match actual {
                    Some(actual) => self.differs(inner, expected, actual),
                    None => Err(format!("expected {}, computed nothing", short(expected))),
                }
            }
            (Shape::Enum(variants), expected, Value::Variant(name, actual)) => {
                let (variant, wanted) = typed::find_variant(variants, expected)?;
                if variant.name != *name {
                    return Err(differ(expected, &Value::Variant(name.clone(), actual.clone())));
                }
                match (wanted, variant.fields.as_slice(), actual.as_slice()) {
                    // The variant alone is asked for.
                    (None, _, _) => Ok(()),
                    (Some(wanted), [only], [(_, actual)]) if only.name.is_none() => {
                        self.differs(only.ty.id, wanted, actual)
                    }
                    (Some(wanted), fields, actual) => {
                        let names: Vec<String> =
                            actual.iter().map(|(name, _)| name.clone()).collect();
                        let wanted = typed::named_fields(&names, wanted)?;
                        self.fields_differ(&ids(fields), &wanted, actual)
                    }
                }
            }
            (Shape::List(of, _), Json::Array(wanted), Value::List(actual)) => {
                if wanted.len() != actual.len() {
                    let (wanted, actual) = (short(expected), shown(&Value::List(actual.clone())));
                    return Err(format!("expected {wanted}, computed {actual}"));
                }
                for (place, (wanted, actual)) in wanted.iter().zip(actual).enumerate() {
                    let same = self.differs(of, wanted, actual);
                    same.map_err(|problem| format!("{place}: {problem}"))?;
                }
                Ok(())
            }
            (Shape::Tuple(ids), Json::Array(wanted), Value::List(actual))
                if wanted.len() == ids.len() =>
            {
                for (place, ((id, wanted), actual)) in
                    ids.iter().zip(wanted).zip(actual).enumerate()
                {
                    let same = self.differs(*id, wanted, actual);
                    same.map_err(|problem| format!("{place}: {problem}"))?;
                }
                Ok(())
            }
            (Shape::Fixed(fraction), expected, Value::Record(actual)) => {
                let bits = actual.first().and_then(|(_, bits)| integer(bits));
                fixed_differs(expected, fraction, bits.ok_or("a fixed-point number without bits")?)
            }
            (_, expected, actual) => match self.read(id, expected) {
                Ok(wanted) if same(&wanted, actual) => Ok(()),
                Ok(_) => Err(differ(expected, actual)),
                Err(problem) => Err(format!("{}: {problem}", differ(expected, actual))),
            },
        }
    }

    /// The asked fields of a record.
    pub(super) fn fields_differ(
        &self,
        ids: &[u32],
        wanted: &Map<String, Json>,
        actual: &[(String, Value)],
    ) -> Result<(), String> {
        for (name, wanted) in wanted {
            let place = actual.iter().position(|(known, _)| known == name);
            let found = place.and_then(|place| Some((ids.get(place)?, actual.get(place)?)));
            let Some((id, (_, actual))) = found else {
                let names: Vec<&str> = actual.iter().map(|(name, _)| name.as_str()).collect();
                return Err(format!("no field {name:?}; the fields are {}", names.join(", ")));
            };
            let same = self.differs(*id, wanted, actual);
            same.map_err(|problem| format!("{name}: {problem}"))?;
        }
        Ok(())
    }

    /// How many bits stand behind the point of a number of that type.
    fn fraction(&self, id: u32) -> u32 {
        match self.shape(id) {
            Shape::Fixed(fraction) => fraction,
            Shape::Single(_, inner) | Shape::Option(inner) => self.fraction(inner),
            _ => 0,
        }
    }
}

/// `{"approx": x, "within": d}`, `{"min": a, "max": b}`: a number and how far it may lie.
struct Range {
    low: Option<Json>,
    high: Option<Json>,
    about: Option<(Json, Json)>,
}

impl Range {
    fn of(json: &Json) -> Result<Option<Self>, String> {
        let Json::Object(fields) = json else { return Ok(None) };
        let own = ["approx", "within", "tolerance", "min", "max"];
        if fields.is_empty() || !fields.keys().all(|name| own.contains(&name.as_str())) {
            return Ok(None);
        }
        let part = |name: &str| fields.get(name).cloned();
        let within = part("within").or_else(|| part("tolerance"));
        let about = match (part("approx"), within) {
            (Some(about), Some(within)) => Some((about, within)),
            (None, None) => None,
            _ => return Err("\"approx\" and \"within\" go together".to_owned()),
        };
        Ok(Some(Self { low: part("min"), high: part("max"), about }))
    }

    fn holds(&self, fraction: u32, actual: &Value) -> Result<(), String> {
        let Some(number) = number_in(actual) else {
            return Err(format!("{} is no number", shown(actual)));
        };
        let read = |json: &Json| {
            let bits = typed::fixed_bits(json, fraction)?;
            bits.signed().ok_or_else(|| format!("{} is too large", short(json)))
        };
        let number = number.signed().ok_or("the number is too large for a range")?;
        let (mut low, mut high) = (i128::MIN, i128::MAX);
        if let Some(json) = &self.low {
            low = read(json)?;
        }
        if let Some(json) = &self.high {
            high = read(json)?;
        }
        if let Some((about, within)) = &self.about {
            let (about, within) = (read(about)?, read(within)?);
            low = low.max(about.saturating_sub(within));
            high = high.min(about.saturating_add(within));
        }
        match (low..=high).contains(&number) {
            true => Ok(()),
            false => Err(format!("expected between {low} and {high}, computed {number}")),
        }
    }
}

/// An integer is the bits; a number with a point is compared to as many places as it has.
fn fixed_differs(expected: &Json, fraction: u32, actual: Integer) -> Result<(), String> {
    let places = match expected {
        Json::Object(fields) => fields.get("value").and_then(number::fraction),
        json => number::fraction(json),
    };
    let wanted = typed::fixed_bits(expected, fraction)?;
    let (Some(wanted_bits), Some(bits)) = (wanted.signed(), actual.signed()) else {
        return match wanted == actual {
            true => Ok(()),
            false => Err(format!("expected {}, computed bits {actual:?}", short(expected))),
        };
    };
    // Half a unit of the last place, and the bit that rounding costs.
    let tolerance = places.map_or(0, |(_, places)| {
        let unit = 1_i128.checked_shl(fraction).unwrap_or(i128::MAX);
        (unit / 10_i128.checked_pow(places).unwrap_or(i128::MAX)) / 2 + 1
    });
    match wanted_bits.abs_diff(bits) <= tolerance.unsigned_abs() {
        true => Ok(()),
        false => Err(format!("expected {}, computed bits {bits}", short(expected))),
    }
}

fn ids(fields: &[scale_info::Field<scale_info::form::PortableForm>]) -> Vec<u32> {
    fields.iter().map(|field| field.ty.id).collect()
}

/// Whether two values are one, whatever kind of integer or wrapping each uses.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Uint(_) | Value::Int(_), Value::Uint(_) | Value::Int(_)) => {
            integer(a) == integer(b)
        }
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Record(a), Value::Record(b)) => same_fields(a, b),
        (Value::Variant(a, fields), Value::Variant(b, others)) => {
            a == b && same_fields(fields, others)
        }
        (Value::Option(Some(a)), Value::Option(Some(b))) => same(a, b),
        (Value::Account(account), Value::Bytes(bytes))
        | (Value::Bytes(bytes), Value::Account(account)) => account.as_bytes() == bytes.as_slice(),
        (a, b) => a == b,
    }
}

fn same_fields(a: &[(String, Value)], b: &[(String, Value)]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|((n, a), (m, b))| n == m && same(a, b))
}

fn integer(value: &Value) -> Option<Integer> {
    match value {
        Value::Uint(value) => Some(Integer::Positive(*value)),
        Value::Int(value) => Some(match u128::try_from(*value) {
            Ok(value) => Integer::Positive(value),
            Err(_) => Integer::Negative(*value),
        }),
        _ => None,
    }
}

/// The number that a value is, below records of one field.
fn number_in(value: &Value) -> Option<Integer> {
    match value {
        Value::Record(fields) => match fields.as_slice() {
            [(_, only)] => number_in(only),
            _ => None,
        },
        Value::Option(Some(value)) => number_in(value),
        value => integer(value),
    }
}

fn differ(expected: &Json, actual: &Value) -> String {
    format!("expected {}, computed {}", short(expected), shown(actual))
}

fn shown(value: &Value) -> String {
    short(&to_json(value))
}
