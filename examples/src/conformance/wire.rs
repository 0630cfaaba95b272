//! The suite `wire`: signed requests, protocol by protocol.

mod btauth;

use serde_json::Value;

use super::{Case, Object, SchemaError};

/// The cases of a wire vector file.
///
/// # Errors
/// [`SchemaError`] where the file departs from the schema.
pub fn cases(document: &Value) -> Result<Vec<Case>, SchemaError> {
    let top = Object::new("file", document, &["about", "btauth1", "v10", "others"])?;
    let mut cases = Vec::new();
    if let Some(part) = top.optional("btauth1") {
        cases.extend(btauth::cases(part)?);
    }
    for protocol in ["v10", "others"] {
        if let Some(part) = top.optional(protocol) {
            cases.extend(missing(protocol, part));
        }
    }
    Ok(cases)
}

/// A protocol that is not there yet: each of its cases fails and says so.
fn missing(protocol: &str, part: &Value) -> Vec<Case> {
    let lists = part.as_object().into_iter().flatten();
    let names = lists.flat_map(|(list, value)| match value {
        Value::Array(entries) => {
            (0..entries.len()).map(|at| format!("{protocol}/{list}/{at}")).collect()
        }
        _ => vec![format!("{protocol}/{list}")],
    });
    let refuse = |name| Case::new(name, || Err("this protocol is not implemented yet".to_owned()));
    names.map(refuse).collect()
}
