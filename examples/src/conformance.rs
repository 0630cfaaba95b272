//! Holding an implementation against vector files: the library behind the program `conformance`.
//!
//! A vector file holds inputs and the outputs that the chain or the official packages gave. Each
//! [`Case`] of a suite computes the outputs anew; [`check`] compares, [`emit`] writes the file again
//! with what was computed in place of what was expected, so that somebody else can compare.

pub mod chain;
mod document;
pub mod numbers;
pub mod report;
pub mod scenario;
pub mod wallet;
pub mod wire;
pub mod yuma;

use std::path::{Path, PathBuf};

pub use document::{Computed, Object, Rule, SchemaError, flag, list, number, text};
use serde_json::Value;

use report::{Failure, Report};

/// A family of vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Suite {
    /// Yuma epochs, bit for bit.
    Yuma,
    /// Signed HTTP.
    Wire,
    /// Wallets and keys.
    Wallet,
    /// Chain encodings.
    Chain,
    /// Whole stories on the local chain.
    Scenario,
}

/// One thing to hold against its expectation.
pub struct Case {
    name: String,
    compute: Box<dyn Fn() -> Result<Vec<Computed>, String>>,
}

impl Case {
    /// A case that computes values at places of the file, or says why it cannot.
    pub fn new(
        name: impl Into<String>,
        compute: impl Fn() -> Result<Vec<Computed>, String> + 'static,
    ) -> Self {
        Self { name: name.into(), compute: Box::new(compute) }
    }

    /// The case's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Case({})", self.name)
    }
}

/// A vector file, read and understood.
#[derive(Debug)]
pub struct Vectors(Kind);

#[derive(Debug)]
enum Kind {
    /// Cases that compute values at places of the document.
    Cases { document: Value, cases: Vec<Case> },
    /// The file as tensor-yuma reads, checks and computes it itself.
    Yuma(Box<yuma::File>),
}

/// Why a vector file cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VectorError {
    /// The file cannot be read.
    #[error("{} cannot be read", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// The file is no JSON.
    #[error("{} is no JSON", .0.display())]
    Json(PathBuf, #[source] serde_json::Error),
    /// The file does not follow the suite's schema.
    #[error("{} does not follow the schema", .0.display())]
    Schema(PathBuf, #[source] SchemaError),
    /// There is no case of that name.
    #[error("no case is called {0:?}; --list names them")]
    NoSuchCase(String),
    /// The file with the metadata is of no use.
    #[error("{} is no metadata", .0.display())]
    Metadata(PathBuf, #[source] chain::MetadataFileError),
}

/// Reads a vector file of a suite, or the folder of wallet vectors.
///
/// # Errors
/// See [`VectorError`]; an unknown field is an error.
pub fn load(suite: Suite, path: &Path) -> Result<Vectors, VectorError> {
    load_against(suite, path, None)
}

/// As [`load`], encoding against the runtime metadata of that file instead of the vectors' own or that of
/// spec version 461.
///
/// # Errors
/// See [`VectorError`].
pub fn load_against(
    suite: Suite,
    path: &Path,
    metadata: Option<&Path>,
) -> Result<Vectors, VectorError> {
    let index = match suite {
        Suite::Wallet => wallet::index(path),
        _ => path.to_owned(),
    };
    let path = index.as_path();
    let bytes = std::fs::read(path).map_err(|error| VectorError::Read(path.to_owned(), error))?;
    let invalid = |error| VectorError::Json(path.to_owned(), error);
    type Read<'a> = &'a dyn Fn(&Value) -> Result<Vec<Case>, SchemaError>;
    let metadata = metadata.map(|file| {
        chain::metadata_file(file).map_err(|error| VectorError::Metadata(file.to_owned(), error))
    });
    let metadata = metadata.transpose()?.map(std::rc::Rc::new);
    let folder = path.parent().unwrap_or(path);
    let read: Read<'_> = match suite {
        Suite::Yuma => {
            let file = yuma::File::parse(&bytes).map_err(invalid)?;
            return Ok(Vectors(Kind::Yuma(Box::new(file))));
        }
        Suite::Wire => &wire::cases,
        Suite::Wallet => &|document| wallet::cases(document, folder),
        Suite::Chain => &|document| chain::cases(document, metadata.clone()),
        Suite::Scenario => &|document| scenario::cases(document, &stem(path)),
    };
    let document = numbers::to_value(&bytes).map_err(invalid)?;
    let cases = read(&document).map_err(|error| VectorError::Schema(path.to_owned(), error))?;
    Ok(Vectors(Kind::Cases { document, cases }))
}

/// A file's name without its ending: what names the only case of a file that has no name.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

impl Vectors {
    /// A file that cannot be used, as one case that fails: a folder's other files still count.
    pub fn unusable(path: &Path, problem: String) -> Self {
        let cases = vec![scenario::unusable(&stem(path), problem)];
        Self(Kind::Cases { document: Value::Null, cases })
    }

    /// The names of the cases in the order of the file.
    pub fn names(&self) -> Vec<String> {
        match &self.0 {
            Kind::Cases { cases, .. } => cases.iter().map(|case| case.name.clone()).collect(),
            Kind::Yuma(file) => file.names(),
        }
    }

    /// Leaves only the case of that name.
    ///
    /// # Errors
    /// [`VectorError::NoSuchCase`].
    pub fn retain(&mut self, name: &str) -> Result<(), VectorError> {
        match &mut self.0 {
            Kind::Cases { cases, .. } => cases.retain(|case| case.name == name),
            Kind::Yuma(file) => file.retain(name),
        }
        match self.names().is_empty() {
            true => Err(VectorError::NoSuchCase(name.to_owned())),
            false => Ok(()),
        }
    }
}

/// Computes every case and compares; `progress` is told the name of each.
pub fn check(vectors: &Vectors, mut progress: impl FnMut(&str)) -> Report {
    let (document, cases) = match &vectors.0 {
        Kind::Cases { document, cases } => (document, cases),
        Kind::Yuma(file) => return file.check(),
    };
    let mut report = Report::default();
    for case in cases {
        match (case.compute)() {
            Err(reason) => report.fail(Failure::cannot(&case.name, reason)),
            Ok(computed) => {
                let wrong: Vec<_> =
                    computed.into_iter().filter_map(|value| value.difference(document)).collect();
                match wrong.is_empty() {
                    true => report.pass(&case.name),
                    false => report.fail(Failure::differs(&case.name, wrong)),
                }
            }
        }
        progress(&case.name);
    }
    report
}

/// The file with everything that was expected replaced by what is computed. Cases that cannot be
/// computed keep what stood there and are named in the report.
///
/// # Errors
/// Why nothing can be written at all.
pub fn emit(vectors: &Vectors, mut progress: impl FnMut(&str)) -> Result<(Value, Report), String> {
    let (document, cases) = match &vectors.0 {
        Kind::Cases { document, cases } => (document, cases),
        Kind::Yuma(file) => return file.emit(),
    };
    let mut document = document.clone();
    let mut report = Report::default();
    for case in cases {
        match (case.compute)() {
            Err(reason) => report.fail(Failure::cannot(&case.name, reason)),
            Ok(computed) => {
                computed.into_iter().for_each(|value| value.write(&mut document));
                report.pass(&case.name);
            }
        }
        progress(&case.name);
    }
    Ok((document, report))
}
