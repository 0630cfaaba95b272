//! What came of a run.

use std::fmt;

/// Passed and failed cases.
#[derive(Clone, Debug, Default)]
pub struct Report {
    passed: Vec<String>,
    failed: Vec<Failure>,
}

impl Report {
    pub(super) fn pass(&mut self, name: &str) {
        self.passed.push(name.to_owned());
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.failed.push(failure);
    }

    /// Whether every case passed, and there was one.
    pub fn is_success(&self) -> bool {
        self.failed.is_empty() && !self.passed.is_empty()
    }

    /// The cases that passed.
    pub fn passed(&self) -> &[String] {
        &self.passed
    }

    /// The cases that failed.
    pub fn failed(&self) -> &[Failure] {
        &self.failed
    }

    /// Adds another file's cases.
    pub fn merge(&mut self, other: Self) {
        self.passed.extend(other.passed);
        self.failed.extend(other.failed);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failed {
            writeln!(f, "{failure}")?;
        }
        write!(f, "{} passed, {} failed", self.passed.len(), self.failed.len())
    }
}

/// A case that failed, and how.
#[derive(Clone, Debug)]
pub struct Failure {
    name: String,
    reasons: Vec<String>,
}

impl Failure {
    pub(super) fn cannot(name: &str, reason: String) -> Self {
        Self { name: name.to_owned(), reasons: vec![reason] }
    }

    pub(super) fn differs(name: &str, reasons: Vec<String>) -> Self {
        Self { name: name.to_owned(), reasons }
    }

    /// The case's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What differs, by place.
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FAILED {}", self.name)?;
        for reason in self.reasons.iter().take(8) {
            write!(f, "\n    {reason}")?;
        }
        match self.reasons.len().saturating_sub(8) {
            0 => Ok(()),
            more => write!(f, "\n    and {more} more"),
        }
    }
}
