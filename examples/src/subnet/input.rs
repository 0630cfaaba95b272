//! Customer feedback from a file: CSV with a column `text`, or plain lines.

use std::fs;
use std::path::Path;

use super::sentiment::Label;

/// The longest feedback that is analysed, in bytes.
pub const MAX_TEXT: usize = 8 * 1024;
/// The largest file that is read, in bytes.
pub const MAX_FILE: u64 = 64 << 20;

/// One feedback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// Its place in the file, from 1; a CSV header does not count.
    pub line: usize,
    /// What the customer wrote.
    pub text: String,
    /// What a person says it is, if the file knows.
    pub label: Option<Label>,
}

/// Why feedback cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The file is not there or cannot be read.
    #[error("{file} cannot be read")]
    Read {
        /// The file.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is larger than [`MAX_FILE`].
    #[error("{file} has {bytes} bytes, at most {MAX_FILE} are read; split it")]
    FileTooLarge {
        /// The file.
        file: String,
        /// Its size.
        bytes: u64,
    },
    /// The file is no UTF-8.
    #[error("{file}: line {line} is not UTF-8; convert the file, for example with iconv")]
    NotUtf8 {
        /// The file.
        file: String,
        /// The first line that is not.
        line: usize,
    },
    /// Nothing is in it.
    #[error("{0}: no feedback in it")]
    Empty(String),
    /// A text is longer than [`MAX_TEXT`].
    #[error("{file}: feedback {line} has {bytes} bytes, at most {MAX_TEXT} are analysed")]
    TextTooLong {
        /// The file.
        file: String,
        /// Which feedback.
        line: usize,
        /// Its length.
        bytes: usize,
    },
    /// The CSV does not parse.
    #[error("{file} is no valid CSV")]
    Csv {
        /// The file.
        file: String,
        /// Why not.
        source: csv::Error,
    },
    /// A label is none of the three.
    #[error(
        "{file}: feedback {line} has the label {label:?}; positive, negative, neutral are known"
    )]
    Label {
        /// The file.
        file: String,
        /// Which feedback.
        line: usize,
        /// What it says.
        label: String,
    },
}

/// Reads a file of feedback. It is CSV if its first line names a column `text`; a column `label` is
/// read as well. Otherwise each non-blank line is a feedback.
///
/// # Errors
/// See [`InputError`].
pub fn read(path: &Path) -> Result<Vec<Feedback>, InputError> {
    let file = path.display().to_string();
    let unreadable = |source| InputError::Read { file: file.clone(), source };
    let bytes = fs::metadata(path).map_err(unreadable)?.len();
    if bytes > MAX_FILE {
        return Err(InputError::FileTooLarge { file, bytes });
    }
    let content = fs::read(path).map_err(unreadable)?;
    parse(&file, &content)
}

fn parse(file: &str, bytes: &[u8]) -> Result<Vec<Feedback>, InputError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        InputError::NotUtf8 { file: file.to_owned(), line }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let is_table = first.split(',').any(|column| is_column(column, "text"));
    let feedback = if is_table { table(file, text)? } else { lines(text) };
    if feedback.is_empty() {
        return Err(InputError::Empty(file.to_owned()));
    }
    match feedback.iter().find(|one| one.text.len() > MAX_TEXT) {
        Some(long) => Err(InputError::TextTooLong {
            file: file.to_owned(),
            line: long.line,
            bytes: long.text.len(),
        }),
        None => Ok(feedback),
    }
}

fn lines(text: &str) -> Vec<Feedback> {
    let lines = text.lines().enumerate();
    let feedback = lines.map(|(at, line)| Feedback {
        line: at + 1,
        text: line.trim().to_owned(),
        label: None,
    });
    feedback.filter(|one| !one.text.is_empty()).collect()
}

fn table(file: &str, text: &str) -> Result<Vec<Feedback>, InputError> {
    let invalid = |source| InputError::Csv { file: file.to_owned(), source };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(invalid)?.clone();
    let place = |name| header.iter().position(|column| is_column(column, name));
    let (text_at, label_at) = (place("text").unwrap_or_default(), place("label"));
    let mut feedback = Vec::new();
    for (at, row) in reader.records().enumerate() {
        let row = row.map_err(invalid)?;
        let line = at + 1;
        let text = row.get(text_at).unwrap_or_default().trim().to_owned();
        if text.is_empty() {
            continue;
        }
        let label = match label_at.and_then(|at| row.get(at)).map(str::trim) {
            None | Some("") => None,
            Some(name) => Some(name.to_lowercase().parse().map_err(|_| InputError::Label {
                file: file.to_owned(),
                line,
                label: name.to_owned(),
            })?),
        };
        feedback.push(Feedback { line, text, label });
    }
    Ok(feedback)
}

fn is_column(cell: &str, name: &str) -> bool {
    cell.trim().trim_matches('"').eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(bytes: &[u8]) -> Result<Vec<Feedback>, String> {
        parse("f", bytes).map_err(|error| error.to_string())
    }

    #[test]
    fn tables_and_lines() {
        let table =
            parsed(b"\xef\xbb\xbfid,Label,text\n1,positive,\"good, very\"\n2,,meh\n").unwrap();
        assert_eq!(table[0].text, "good, very");
        assert_eq!(table[0].label, Some(Label::Positive));
        assert_eq!((table[1].label, table[1].line), (None, 2));
        let lines = parsed("great\n\n  很好  \n".as_bytes()).unwrap();
        assert_eq!(lines.iter().map(|one| one.line).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(lines[1].text, "很好");
    }

    #[test]
    fn bad_files_say_what_is_wrong() {
        assert_eq!(parsed(b"").unwrap_err(), "f: no feedback in it");
        assert_eq!(parsed(b"text\n").unwrap_err(), "f: no feedback in it");
        assert!(parsed(b"fine\n\xff\xfe\n").unwrap_err().contains("line 2 is not UTF-8"));
        assert!(parsed(&[b'x'; 1 << 20]).unwrap_err().contains("1048576 bytes"));
        assert!(parsed(b"text,label\na,great\n").unwrap_err().contains("\"great\""));
        let missing = read(Path::new("no/such/file")).unwrap_err();
        assert!(matches!(missing, InputError::Read { .. }));
    }
}
