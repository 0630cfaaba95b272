//! Rows of texts: JSON lines, and values between commas or tabs.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read as _},
    path::PathBuf,
    sync::Arc,
};

use serde_json::{Map, Value};

use super::row::Row;
use crate::error::Error;

/// Longest line of JSON that is read, in bytes.
const MAX_LINE: u64 = 16 << 20;
/// Longest row of values that is taken, in bytes.
const MAX_VALUES: usize = 16 << 20;

/// A JSON value a line.
pub(super) fn json(
    mut reader: impl BufRead,
    path: PathBuf,
) -> impl Iterator<Item = Result<Row, Error>> {
    let path = Arc::new(path);
    let (mut line, mut number) = (0, 0);
    std::iter::from_fn(move || {
        let wrong = |line, reason| Error::Record { path: path.to_path_buf(), line, reason };
        loop {
            line += 1;
            let mut bytes = Vec::new();
            match reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut bytes) {
                Err(error) => return Some(Err(Error::io(path.as_ref(), error))),
                Ok(0) => return None,
                Ok(read) if read as u64 > MAX_LINE => {
                    let reason = format!("longer than {MAX_LINE} bytes");
                    return Some(Err(wrong(line, reason)));
                }
                Ok(_) => {}
            }
            let text = match line {
                1 => bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes),
                _ => &bytes,
            };
            if text.trim_ascii().is_empty() {
                continue;
            }
            let fields = match serde_json::from_slice(text) {
                Ok(Value::Object(fields)) => fields,
                Ok(Value::String(text)) => {
                    std::iter::once(("text".to_owned(), Value::String(text))).collect()
                }
                Ok(_) => return Some(Err(wrong(line, "neither an object nor a text".into()))),
                Err(error) => return Some(Err(wrong(line, error.to_string()))),
            };
            number += 1;
            return Some(Ok(Row::new(&path, number - 1, line, fields)));
        }
    })
}

/// Values between separators, under a line of names.
pub(super) fn separated(
    file: File,
    path: PathBuf,
    separator: u8,
) -> Result<impl Iterator<Item = Result<Row, Error>>, Error> {
    let path = Arc::new(path);
    let mut file = BufReader::new(file);
    let beginning = file.fill_buf().map_err(|error| Error::io(path.as_ref(), error))?;
    // Where lines end in two bytes, the reader counts the second with the line that follows.
    let end = beginning.iter().position(|byte| *byte == b'\n');
    let before = end.and_then(|end| beginning.get(end.checked_sub(1)?));
    let shift = u64::from(before == Some(&b'\r'));
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(file);
    let names = reader.headers().map_err(|error| fault(&path, error, 0))?.clone();
    let wrong = |reason| Error::Record { path: path.to_path_buf(), line: 1, reason };
    let mut sorted: Vec<&str> = names.iter().collect();
    sorted.sort_unstable();
    if sorted.is_empty() {
        return Err(wrong("a line of names was expected".into()));
    }
    if let Some([twice, _]) = sorted.windows(2).find(|pair| matches!(pair, [a, b] if a == b)) {
        return Err(wrong(format!("the name `{twice}` is there twice")));
    }
    // Some editors write a byte order mark.
    let names: Vec<String> =
        names.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    let rows = reader.into_records().zip(0_u64..).map(move |(record, number)| {
        let record = record.map_err(|error| fault(&path, error, shift))?;
        let line = record.position().map_or(number + 2, |place| place.line() + shift);
        if record.as_slice().len() > MAX_VALUES {
            let reason = format!("longer than {MAX_VALUES} bytes");
            return Err(Error::Record { path: path.to_path_buf(), line, reason });
        }
        let fields: Map<String, Value> = names
            .iter()
            .zip(&record)
            .map(|(name, value)| (name.clone(), Value::String(value.to_owned())))
            .collect();
        Ok(Row::new(&path, number, line, fields))
    });
    Ok(rows)
}

fn fault(path: &Arc<PathBuf>, error: csv::Error, shift: u64) -> Error {
    let line = error.position().map_or(1, |place| place.line() + shift);
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Error::io(path.as_ref(), error),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => Error::Record {
            path: path.to_path_buf(),
            line,
            reason: format!("{len} values under {expected_len} names"),
        },
        csv::ErrorKind::Utf8 { err, .. } => {
            Error::Record { path: path.to_path_buf(), line, reason: err.to_string() }
        }
        other => Error::Record { path: path.to_path_buf(), line, reason: format!("{other:?}") },
    }
}
