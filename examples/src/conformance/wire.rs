//! The suite `wire`: signed requests, protocol by protocol.

mod btauth;
mod keys;
mod others;
mod rendering;
mod synapse;

use serde_json::Value;

use super::{Case, Object, SchemaError};
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
