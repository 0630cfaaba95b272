//! Places in a vector file: reading inputs strictly, and writing or comparing what was computed.

use serde_json::{Map, Value};

use super::numbers;

/// A value that was computed, and where the file says what it should be.
pub struct Computed {
    path: Vec<Step>,
    value: Value,
    rule: Rule,
}

/// How a computed value is held against the expected one.
pub enum Rule {
    /// They must be equal.
    Equal,
    /// They must be equal where the file has it: an intermediate result that only small cases record.
    EqualIfPresent,
    /// The expected value must satisfy this; what is written is the computed one.
    Satisfies(Check),
    /// It was judged where it was computed: what is wrong with the expected value, if anything.
    Judged(Option<String>),
}

/// Says what is wrong with an expected value, if anything is.
type Check = Box<dyn Fn(&Value) -> Result<(), String>>;

#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

impl Computed {
    /// A value for the place `path` (such as `cases/3/out/stake`), which must equal it.
    pub fn new(path: &str, value: impl Into<Value>) -> Self {
        let step = |part: &str| match part.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Key(part.to_owned()),
        };
        let path = path.split('/').map(step).collect();
        Self { path, value: value.into(), rule: Rule::Equal }
    }

    /// As [`Self::new`], for a place whose names may hold a slash.
    pub fn at<'a>(path: impl IntoIterator<Item = &'a str>, value: impl Into<Value>) -> Self {
        let path = path.into_iter().map(|part| Step::Key(part.to_owned())).collect();
        Self { path, value: value.into(), rule: Rule::Equal }
    }

    /// Changes how it is compared.
    #[must_use]
    pub fn with_rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// What is wrong with the expected value, if anything.
    pub(super) fn difference(&self, document: &Value) -> Option<String> {
        let place = self.place();
        let expected = self.path.iter().try_fold(document, |value, step| match step {
            Step::Key(key) => value.get(key).or_else(|| value.get(key.parse::<usize>().ok()?)),
            Step::Index(index) => value.get(*index),
        });
        match (&self.rule, expected) {
            (Rule::Judged(problem), _) => problem.as_ref().map(|text| format!("{place}: {text}")),
            (Rule::EqualIfPresent, None) => None,
            (_, None) => Some(format!("{place}: the file expects nothing here")),
            (Rule::Satisfies(check), Some(expected)) => {
                check(expected).err().map(|reason| format!("{place}: {reason}"))
            }
            (Rule::Equal | Rule::EqualIfPresent, Some(expected)) => {
                first_difference(&place, expected, &self.value)
            }
        }
    }

    /// Puts the value in its place, making the objects on the way.
    pub(super) fn write(self, document: &mut Value) {
        let mut at = document;
        for step in &self.path {
            at = match step {
                Step::Key(key) if at.is_array() => {
                    let item = key.parse::<usize>().ok().and_then(|index| at.get_mut(index));
                    let Some(item) = item else { return };
                    item
                }
                Step::Key(key) => {
                    if !at.is_object() {
                        *at = Value::Object(Map::new());
                    }
                    let Value::Object(object) = at else { return };
                    object.entry(key).or_insert(Value::Null)
                }
                // Lists hold the inputs; a computed place never lengthens one.
                Step::Index(index) => match at.get_mut(*index) {
                    Some(item) => item,
                    None => return,
                },
            };
        }
        *at = self.value;
    }

    fn place(&self) -> String {
        let steps = self.path.iter().map(|step| match step {
            Step::Key(key) => key.clone(),
            Step::Index(index) => index.to_string(),
        });
        steps.collect::<Vec<_>>().join("/")
    }
}

impl std::fmt::Debug for Computed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Computed({})", self.place())
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Equal => "Equal",
            Self::EqualIfPresent => "EqualIfPresent",
            Self::Satisfies(_) => "Satisfies",
            Self::Judged(_) => "Judged",
        })
    }
}

/// The first place where two values differ, walking lists and objects.
fn first_difference(place: &str, expected: &Value, computed: &Value) -> Option<String> {
    match (expected, computed) {
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let pairs = a.iter().zip(b).enumerate();
            pairs
                .into_iter()
                .find_map(|(i, (a, b))| first_difference(&format!("{place}/{i}"), a, b))
        }
        (Value::Object(a), Value::Object(b)) if a.keys().all(|key| b.contains_key(key)) => {
            let extra = b.keys().find(|key| !a.contains_key(*key));
            if let Some(key) = extra {
                return Some(format!("{place}: computed {key:?} as well"));
            }
            a.iter().find_map(|(key, a)| {
                first_difference(&format!("{place}/{key}"), a, b.get(key).unwrap_or(&Value::Null))
            })
        }
        (a, b) if a == b => None,
        (a, b) => Some(format!("{place}: expected {}, computed {}", short(a), short(b))),
    }
}

fn short(value: &Value) -> String {
    let text = numbers::to_line(value);
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.len()),
        None => text,
    }
}

/// Why a file does not follow its schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct SchemaError {
    /// Where in the file.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

impl SchemaError {
    /// An error at that place.
    pub fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

/// An object of the file whose fields are all known.
#[derive(Clone, Debug)]
pub struct Object<'a> {
    place: String,
    fields: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// The value as an object with no field but `known` ones.
    ///
    /// # Errors
    /// [`SchemaError`] when it is none, or names the unknown field.
    pub fn new(
        place: impl Into<String>,
        value: &'a Value,
        known: &[&str],
    ) -> Result<Self, SchemaError> {
        let place = place.into();
        let Value::Object(fields) = value else {
            return Err(SchemaError::new(place, "an object is wanted"));
        };
        match fields.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(SchemaError::new(place, format!("unknown field {key:?}"))),
            None => Ok(Self { place, fields }),
        }
    }

    /// Where the object stands.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// A field that may be missing.
    pub fn optional(&self, key: &str) -> Option<&'a Value> {
        self.fields.get(key)
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// [`SchemaError`] when it is not.
    pub fn field(&self, key: &str) -> Result<&'a Value, SchemaError> {
        self.optional(key)
            .ok_or_else(|| SchemaError::new(&self.place, format!("the field {key:?} is missing")))
    }

    /// The entries of a list that may be missing, each with its place.
    ///
    /// # Errors
    /// [`SchemaError`] when it is no list.
    pub fn entries(&self, key: &str) -> Result<Vec<(String, &'a Value)>, SchemaError> {
        let place = format!("{}/{key}", self.place);
        match self.optional(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(entries)) => {
                let placed = |(at, entry)| (format!("{place}/{at}"), entry);
                Ok(entries.iter().enumerate().map(placed).collect())
            }
            Some(_) => Err(SchemaError::new(place, "a list is wanted")),
        }
    }

    /// A field read by `read`.
    ///
    /// # Errors
    /// [`SchemaError`] when it is missing or `read` refuses it.
    pub fn read<T>(
        &self,
        key: &str,
        read: impl FnOnce(&'a Value) -> Result<T, String>,
    ) -> Result<T, SchemaError> {
        read(self.field(key)?)
            .map_err(|problem| SchemaError::new(format!("{}/{key}", self.place), problem))
    }
}

/// Reads an unsigned integer that fits `T`.
///
/// # Errors
/// Says what is there instead.
pub fn number<T: TryFrom<u64>>(value: &Value) -> Result<T, String> {
    let number = value.as_u64().and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| format!("{} is no unsigned integer of that width", short(value)))
}

/// Reads yes or no, also written as 1 or 0.
///
/// # Errors
/// Says what is there instead.
pub fn flag(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::Number(number) if number.as_u64() == Some(0) => Ok(false),
        Value::Number(number) if number.as_u64() == Some(1) => Ok(true),
        other => Err(format!("{} is neither true nor false", short(other))),
    }
}

/// Reads a string.
///
/// # Errors
/// Says what is there instead.
pub fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{} is no string", short(value)))
}

/// Reads a list of what `read` reads.
///
/// # Errors
/// Says which item is wrong and how.
pub fn list<T>(
    read: impl Fn(&Value) -> Result<T, String>,
) -> impl Fn(&Value) -> Result<Vec<T>, String> {
    move |value| {
        let items = value.as_array().ok_or_else(|| format!("{} is no list", short(value)))?;
        let item = |(at, item)| read(item).map_err(|problem| format!("item {at}: {problem}"));
        items.iter().enumerate().map(item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_changed_bit_is_found_where_it_is() {
        let file = json!({"a": [{"out": {"x": [1, 2, 3]}}]});
        let value = |x| Computed::new("a/0/out/x", json!(x));
        assert_eq!(value([1, 2, 3]).difference(&file), None);
        let wrong = value([1, 3, 3]).difference(&file).unwrap();
        assert_eq!(wrong, "a/0/out/x/1: expected 2, computed 3");
        assert!(value([1, 2, 0]).difference(&json!({"a": [{}]})).is_some());
        let large = Computed::new("x", numbers::integer(&u128::MAX));
        let wrong = large.difference(&json!({"x": numbers::integer(&(u128::MAX - 1))})).unwrap();
        assert_eq!(wrong, format!("x: expected {}, computed {}", u128::MAX - 1, u128::MAX));
    }

    #[test]
    fn absent_expectations_are_written() {
        let mut file = json!({"a": [{"in": 1}]});
        Computed::new("a/0/out/x", json!(7)).write(&mut file);
        assert_eq!(file, json!({"a": [{"in": 1, "out": {"x": 7}}]}));
    }

    #[test]
    fn unknown_fields_are_errors() {
        let value = json!({"known": 1, "other": 2});
        let error = Object::new("top", &value, &["known"]).unwrap_err();
        assert_eq!(error.to_string(), "top: unknown field \"other\"");
    }
}
