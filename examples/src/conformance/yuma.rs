//! The suite `yuma`: epochs, mechanisms and single functions, bit for bit.
//!
//! tensor-yuma reads, checks and computes these files itself; this file only reports.

use std::collections::BTreeMap;

use serde_json::Value;
use tensor_yuma::vectors::VectorFile;

use super::report::{Failure, Report};

/// A file of schema `yuma-vectors/1`.
#[derive(Debug)]
pub struct File(VectorFile);

impl File {
    /// Reads a file; an unknown field is an error.
    ///
    /// # Errors
    /// What the JSON or the schema says.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes).map(Self)
    }

    /// The names of the cases in the order of the file.
    pub fn names(&self) -> Vec<String> {
        self.0.names()
    }

    /// Leaves only the case of that name.
    pub fn retain(&mut self, name: &str) {
        self.0.retain(name);
    }

    /// Compares every expected value with what is computed.
    pub fn check(&self) -> Report {
        let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for mismatch in self.0.check().mismatches {
            let reason = format!("{}: {}", mismatch.field, mismatch.detail);
            wrong.entry(mismatch.case).or_default().push(reason);
        }
        let mut report = Report::default();
        for name in self.names() {
            match wrong.remove(&name) {
                None => report.pass(&name),
                Some(reasons) => report.fail(Failure::differs(&name, reasons)),
            }
        }
        // What concerns the file as a whole, such as its schema.
        for (name, reasons) in wrong {
            report.fail(Failure::differs(&name, reasons));
        }
        report
    }

    /// The file with every expected value computed.
    ///
    /// # Errors
    /// The first case that cannot be computed.
    pub fn emit(&self) -> Result<(Value, Report), String> {
        let computed = self.0.computed()?;
        let document = serde_json::to_value(&computed).map_err(|error| error.to_string())?;
        let mut report = Report::default();
        self.names().iter().for_each(|name| report.pass(name));
        Ok((document, report))
    }
}
