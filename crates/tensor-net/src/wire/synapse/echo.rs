//! JSON objects whose members keep their exact text, so that an echo changes nothing: [`Members`].

use core::fmt;
use std::collections::HashMap;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Value;

/// The members of an object in their order, values as they were written.
#[derive(Clone, Default)]
pub(super) struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    /// Reads an object.
    pub(super) fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    pub(super) fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// The members of these names as a value; what Python would read differently is not in JSON.
    pub(super) fn pick<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Value {
        let value = |name: &'a str| {
            let value = Value::parse(self.get(name)?.get()).ok()?;
            Some((name.to_owned(), value))
        };
        Value::Dict(names.into_iter().filter_map(value).collect())
    }

    /// Takes a member out.
    pub(super) fn take(&mut self, name: &str) -> Option<Box<RawValue>> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(place).1)
    }

    /// Sets a member, at its old place if it is there.
    pub(super) fn set(&mut self, name: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Sets a member to anything that serialises.
    pub(super) fn set_to<T: serde::Serialize>(&mut self, name: &str, value: &T) {
        if let Ok(value) = serde_json::value::to_raw_value(value) {
            self.set(name, value);
        }
    }

    /// Sets all members of `other`.
    pub(super) fn merge(&mut self, other: Self) {
        for (name, value) in other.0 {
            self.set(&name, value);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), &**value))
    }

    /// The object as JSON.
    pub(super) fn to_json(&self) -> String {
        let mut out = String::from("{");
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_name(name, &mut out);
            out.push(':');
            out.push_str(value.get());
        }
        out.push('}');
        out
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push(member);
                }
                Ok(Members(last_of_each(members)))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

fn write_name(name: &str, out: &mut String) {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        out.push('"');
        out.push_str(name);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(name).to_string());
    }
}

/// Of members with the same name the last one counts, at the first one's place.
pub(super) fn last_of_each<T>(members: Vec<(String, T)>) -> Vec<(String, T)> {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).all(|pair| pair.first() != pair.last()) {
        return members;
    }
    let mut places = HashMap::new();
    let mut kept: Vec<(String, T)> = Vec::new();
    for (name, value) in members {
        let place = *places.entry(name.clone()).or_insert(kept.len());
        match kept.get_mut(place) {
            Some((_, old)) => *old = value,
            None => kept.push((name, value)),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_changes_nothing() {
        let text = r#"{"b":1.50,"a":{"x": [1e2]},"big":123456789012345678901234567890}"#;
        let mut members = Members::parse(text.as_bytes()).unwrap();
        assert_eq!(members.to_json(), text);
        members.merge(Members::parse(br#"{"a":null,"c":"\n"}"#).unwrap());
        members.set_to("d", &1);
        assert_eq!(
            members.to_json(),
            r#"{"b":1.50,"a":null,"big":123456789012345678901234567890,"c":"\n","d":1}"#
        );
        assert!(Members::parse(b"[1]").is_err());
    }
}
