//! Rows of Parquet files.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
};

use parquet::{
    errors::ParquetError,
    file::serialized_reader::SerializedFileReader,
    record::{Field, reader::RowIter},
};
use serde_json::{Map, Value, json};

use super::row::Row;
use crate::error::Error;

/// The rows of a file. Its reader may panic on what is no Parquet file inside; that is an error here.
pub(super) fn parquet(
    file: File,
    path: PathBuf,
) -> Result<impl Iterator<Item = Result<Row, Error>>, Error> {
    let path = Arc::new(path);
    let open = || SerializedFileReader::new(file).map(IntoIterator::into_iter);
    let mut rows: RowIter<'static> = guarded(&path, 1, open)?;
    let mut number = 0;
    Ok(std::iter::from_fn(move || {
        let line = number + 1;
        let row = match guarded(&path, line, || rows.next().transpose()) {
            Ok(row) => row?,
            Err(error) => return Some(Err(error)),
        };
        number += 1;
        let fields: Map<String, Value> =
            row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect();
        Some(Ok(Row::new(&path, number - 1, line, fields)))
    }))
}

fn guarded<T>(
    path: &Arc<PathBuf>,
    line: u64,
    run: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, Error> {
    let wrong = |reason| Error::Record { path: path.to_path_buf(), line, reason };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|error| wrong(error.to_string())),
        Err(_) => Err(wrong("not the Parquet file that it says it is".into())),
    }
}

/// Times and dates are the numbers that the file has: days or milliseconds or microseconds since 1970. Bytes are lists of
/// numbers, and numbers that JSON has not are null.
fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => json!(value),
        Field::Byte(value) => json!(value),
        Field::Short(value) => json!(value),
        Field::Int(value) | Field::Date(value) | Field::TimeMillis(value) => json!(value),
        Field::Long(value)
        | Field::TimeMicros(value)
        | Field::TimestampMillis(value)
        | Field::TimestampMicros(value) => json!(value),
        Field::UByte(value) => json!(value),
        Field::UShort(value) => json!(value),
        Field::UInt(value) => json!(value),
        Field::ULong(value) => json!(value),
        Field::Float16(value) => json!(value.to_f32()),
        Field::Float(value) => json!(value),
        Field::Double(value) => json!(value),
        // Not a number: JSON's would lose digits.
        Field::Decimal(_) => json!(field.to_string()),
        Field::Str(text) => json!(text),
        Field::Bytes(bytes) => json!(bytes.data()),
        Field::Group(row) => Value::Object(
            row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect(),
        ),
        Field::ListInternal(list) => Value::Array(list.elements().iter().map(value).collect()),
        Field::MapInternal(map) => {
            let text = |key: &Field| match key {
                Field::Str(text) => text.clone(),
                other => other.to_string(),
            };
            Value::Object(
                map.entries().iter().map(|(key, field)| (text(key), value(field))).collect(),
            )
        }
    }
}
