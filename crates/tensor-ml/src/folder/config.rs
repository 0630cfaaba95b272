//! `config.json`: read leniently, since exporters disagree on what is in it and in which form.

use serde_json::{Map, Value};

/// More labels than this are taken for nonsense, so that a stranger's file cannot fill the memory.
const MAX_LABELS: usize = 1 << 20;

/// What a `config.json` says. Every accessor gives nothing where the entry is missing or of another kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config(Map<String, Value>);

impl Config {
    pub(super) fn new(entries: Map<String, Value>) -> Self {
        Self(entries)
    }

    /// An entry as it is.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.value(name)?.as_str()
    }

    /// A non-negative whole number; of several names the first that is there.
    pub fn number(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| number(self.value(name)?))
    }

    /// The names of the classes by index, from `id2label`; `LABEL_i` for gaps, as transformers does.
    pub fn labels(&self) -> Vec<String> {
        let Some(table) = self.value("id2label").and_then(Value::as_object) else {
            let count = self.number(&["num_labels"]).unwrap_or(0);
            return (0..count.min(MAX_LABELS)).map(unnamed).collect();
        };
        let mut labels = Vec::new();
        for (key, label) in table {
            let (Ok(index), Some(label)) = (key.parse::<usize>(), label.as_str()) else { continue };
            if index >= MAX_LABELS {
                continue;
            }
            while labels.len() <= index {
                labels.push(unnamed(labels.len()));
            }
            labels[index] = label.to_owned();
        }
        labels
    }

    /// Whether several classes may apply at once (`problem_type`).
    pub fn is_multi_label(&self) -> bool {
        self.text("problem_type") == Some("multi_label_classification")
    }
}

/// What a label without a name is called.
pub(crate) fn unnamed(index: usize) -> String {
    format!("LABEL_{index}")
}

/// A whole number, also where it is written as `1e30` or `512.0`; what is too large to mean anything is nothing.
pub(crate) fn number(value: &Value) -> Option<usize> {
    if let Some(number) = value.as_u64() {
        return usize::try_from(number).ok();
    }
    let number = value.as_f64()?;
    // Above 2^53 not every whole number can be written.
    ((0.0..9e15).contains(&number) && number.fract() == 0.0).then_some(number as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::new(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn labels_come_in_order_of_their_index() {
        let labels =
            config(r#"{"id2label": {"10": "k", "2": "c", "0": "a", "x": "no", "1": 7}}"#).labels();
        assert_eq!((labels.len(), labels[0].as_str(), labels[2].as_str()), (11, "a", "c"));
        assert_eq!((labels[1].as_str(), labels[10].as_str()), ("LABEL_1", "k"));
        assert_eq!(config(r#"{"num_labels": 2}"#).labels(), ["LABEL_0", "LABEL_1"]);
        assert!(config("{}").labels().is_empty());
        assert!(config(r#"{"id2label": {"99999999999": "big"}}"#).labels().is_empty());
    }

    #[test]
    fn numbers_are_read_in_any_form_and_nonsense_is_not() {
        let config = config(r#"{"a": 512, "b": 512.0, "c": 1e30, "d": -1, "e": "512", "f": null}"#);
        assert_eq!(config.number(&["zz", "a"]), Some(512));
        assert_eq!(config.number(&["b"]), Some(512));
        for name in ["c", "d", "e", "f"] {
            assert_eq!(config.number(&[name]), None, "{name}");
        }
    }
}
