//! Data that validators ask from: JSON lines, CSV and Parquet files as rows, one at a time, and samples that anybody can
//! draw again from the same file and seed.
//!
//! ```
//! use tensor_ml::dataset::Dataset;
//! # fn main() -> Result<(), tensor_ml::Error> {
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/ml/dataset/reviews.csv");
//! let questions = Dataset::open(path)?;
//! for row in questions.sample(3, 42)? {
//!     println!("{}: {}", row.number(), row.text("text")?);
//! }
//! # Ok(())
//! # }
//! ```

mod columns;
mod lines;
mod row;
mod sample;

use std::{
    fmt,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    str::FromStr,
};

pub use self::{row::Row, sample::key};
use crate::error::Error;

/// A file of rows. Every look at it reads it anew, so it may be larger than memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    path: PathBuf,
    format: Format,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// A JSON value a line: an object, or a text, which becomes the field `text`. Empty lines are passed over.
    JsonLines,
    /// Values between commas, quoted as RFC 4180 says, under a line of names.
    Csv,
    /// Values between tabs under a line of names.
    Tsv,
    /// Apache Parquet, uncompressed or compressed with Snappy.
    Parquet,
}

impl Dataset {
    /// The file at `path`, whose name says its format: `.jsonl`, `.ndjson`, `.csv`, `.tsv`, `.parquet`.
    ///
    /// # Errors
    /// [`Error::Argument`] for another name, [`Error::Io`] when there is no such file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
        let format = extension.to_ascii_lowercase().parse()?;
        Self::with_format(path, format)
    }

    /// The file at `path`, in this format.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no such file.
    pub fn with_format(path: impl AsRef<Path>, format: Format) -> Result<Self, Error> {
        let path = path.as_ref();
        std::fs::metadata(path).map_err(|error| Error::io(path, error))?;
        Ok(Self { path: path.to_path_buf(), format })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How its rows are written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The rows in order, read as they are asked for. After an error there are none.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Record`] when the file's beginning (or, of Parquet, its end) is not that of its format.
    pub fn rows(&self) -> Result<Rows, Error> {
        let file = File::open(&self.path).map_err(|error| Error::io(&self.path, error))?;
        let source: Source = match self.format {
            Format::JsonLines => Box::new(lines::json(BufReader::new(file), self.path.clone())),
            Format::Csv => Box::new(lines::separated(file, self.path.clone(), b',')?),
            Format::Tsv => Box::new(lines::separated(file, self.path.clone(), b'\t')?),
            Format::Parquet => Box::new(columns::parquet(file, self.path.clone())?),
        };
        Ok(Rows { source: Some(source) })
    }

    /// `count` rows drawn by `seed`, in the order drawn; all of them when there are fewer. One pass, with memory for
    /// `count` rows.
    ///
    /// The rule, which will not change: the row of number n has the key [`key`]`(seed, n)`; the rows with the smallest
    /// keys are taken, smallest first. So rows added to a file displace some of a sample and leave the others.
    ///
    /// # Errors
    /// As [`rows`](Self::rows), and whatever is wrong with a row.
    pub fn sample(&self, count: usize, seed: u64) -> Result<Vec<Row>, Error> {
        sample::draw(self.rows()?, count, seed)
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "jsonl" | "ndjson" => Self::JsonLines,
            "csv" => Self::Csv,
            "tsv" => Self::Tsv,
            "parquet" => Self::Parquet,
            _ => {
                let reason = format!("`{text}` is none of jsonl, ndjson, csv, tsv, parquet");
                return Err(Error::Argument { what: "dataset format", reason });
            }
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
        })
    }
}

type Source = Box<dyn Iterator<Item = Result<Row, Error>> + Send>;

/// The rows of a [`Dataset`].
pub struct Rows {
    source: Option<Source>,
}

impl Iterator for Rows {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.source.as_mut()?.next();
        if !matches!(row, Some(Ok(_))) {
            self.source = None;
        }
        row
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("is_at_end", &self.source.is_none()).finish()
    }
}
