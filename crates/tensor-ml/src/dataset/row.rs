//! One row: its fields by name, and where it is from, for errors that say so.

use std::{path::PathBuf, sync::Arc};

use serde_json::{Map, Value};

use crate::error::Error;

/// A row of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    path: Arc<PathBuf>,
    number: u64,
    line: u64,
    fields: Map<String, Value>,
}

impl Row {
    pub(super) fn new(
        path: &Arc<PathBuf>,
        number: u64,
        line: u64,
        fields: Map<String, Value>,
    ) -> Self {
        Self { path: Arc::clone(path), number, line, fields }
    }

    /// Its place in the dataset, from 0.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The line that it begins at, from 1; in Parquet, which has no lines, its place from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// All fields; those of CSV are texts.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// All fields.
    pub fn into_fields(self) -> Map<String, Value> {
        self.fields
    }

    /// A field that is there and not null.
    ///
    /// # Errors
    /// [`Error::Record`], which lists the fields there are.
    pub fn field(&self, name: &str) -> Result<&Value, Error> {
        self.fields.get(name).filter(|value| !value.is_null()).ok_or_else(|| {
            let there: Vec<&str> = self.fields.keys().map(String::as_str).collect();
            self.wrong(format!("no field `{name}`; there are {}", there.join(", ")))
        })
    }

    /// A field that is a text.
    ///
    /// # Errors
    /// [`Error::Record`] when it is missing or something else.
    pub fn text(&self, name: &str) -> Result<&str, Error> {
        let value = self.field(name)?;
        value.as_str().ok_or_else(|| self.wrong(format!("`{name}` is no text but {value}")))
    }

    /// A field that is a number, or a text that is one, as it is in CSV.
    ///
    /// # Errors
    /// [`Error::Record`] when it is missing or something else.
    pub fn number_at(&self, name: &str) -> Result<f64, Error> {
        let value = self.field(name)?;
        let number = match value {
            Value::String(text) => {
                text.trim().parse().ok().filter(|number: &f64| number.is_finite())
            }
            other => other.as_f64(),
        };
        number.ok_or_else(|| self.wrong(format!("`{name}` is no number but {value}")))
    }

    fn wrong(&self, reason: String) -> Error {
        Error::Record { path: self.path.to_path_buf(), line: self.line, reason }
    }
}
