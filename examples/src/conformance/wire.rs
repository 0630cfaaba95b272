//! The suite `wire`: signed requests, protocol by protocol.

mod btauth;
mod keys;
mod others;
mod rendering;
mod synapse;

use serde_json::Value;

use super::{Case, Object, SchemaError, text};
use keys::Keys;

/// The cases of a wire vector file.
///
/// # Errors
/// [`SchemaError`] where the file departs from the schema.
pub fn cases(document: &Value) -> Result<Vec<Case>, SchemaError> {
    let top = Object::new("file", document, &["about", "btauth1", "v10", "others"])?;
    let (keys, mut cases) = Keys::read(top.optional("about"))?;
    if let Some(part) = top.optional("btauth1") {
        cases.extend(btauth::cases(part)?);
    }
    if let Some(part) = top.optional("v10") {
        cases.extend(synapse::cases(part, &keys)?);
    }
    if let Some(part) = top.optional("others") {
        cases.extend(others::cases(part, &keys)?);
    }
    Ok(cases)
}

/// Reads headers, or any object of texts, as pairs in the order of the file.
fn pairs(value: &Value) -> Result<Vec<(String, String)>, String> {
    let fields = value.as_object().ok_or("headers are an object")?;
    fields.iter().map(|(name, value)| Ok((name.clone(), text(value)?))).collect()
}

/// Reads bytes in hexadecimal.
fn bytes(value: &Value) -> Result<Vec<u8>, String> {
    hex::decode(text(value)?).map_err(|error| error.to_string())
}

/// Reads an integer in a text.
fn decimal(value: &Value) -> Result<u64, String> {
    text(value)?.parse().map_err(|_| format!("{value} is no decimal 64-bit integer"))
}
