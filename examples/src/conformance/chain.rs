//! The suite `chain`: storage keys, calls, payloads, extrinsics, events, as the official SDK recorded
//! them from a node.
//!
//! What a node alone can know (`payment_info`, block hashes, names of Rust types) is information and not
//! checked.

mod block;
pub(super) mod encode;
mod entry;
mod read;
pub(super) mod value;

use std::path::Path;
use std::rc::Rc;

use serde_json::Value as Json;
use tensor_chain::codec::{Metadata, MetadataError};

use super::{Case, Object, SchemaError};

/// The runtime's metadata at spec version 461.
const BUNDLED: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../crates/tensor-chain/assets/v461.scale"
));

const PARTS: [&str; 19] = [
    "source",
    "endpoint",
    "network",
    "metadata",
    "metadata_block_hash",
    "storage_keys",
    "calls",
    "signature_payloads",
    "extrinsics",
    "multisig",
    "ss58",
    "constants",
    "storage_values",
    "query_maps",
    "runtime_calls",
    "payment_info",
    "events",
    "receipt",
    "block",
];

/// Why there is no metadata to encode against.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataFileError {
    /// The file cannot be read.
    #[error("cannot be read")]
    Read(#[source] std::io::Error),
    /// It is neither metadata, nor its hexadecimal, nor a vector file that carries some.
    #[error(
        "holds no metadata: SCALE bytes from `meta` on, their hexadecimal, or JSON with metadata.v15_hex"
    )]
    None,
    /// The metadata is of no known form.
    #[error("cannot be used")]
    Decode(#[source] MetadataError),
}

/// Reads the metadata of a file: SCALE bytes, their hexadecimal, or a vector file that carries it.
///
/// # Errors
/// [`MetadataFileError`].
pub fn metadata_file(path: &Path) -> Result<Metadata, MetadataFileError> {
    let bytes = std::fs::read(path).map_err(MetadataFileError::Read)?;
    let text = std::str::from_utf8(&bytes).ok();
    let hexadecimal = text.and_then(|text| unhex(text.trim()));
    let carried = || {
        let document: Json = serde_json::from_slice(&bytes).ok()?;
        unhex(document.pointer("/metadata/v15_hex")?.as_str()?)
    };
    decode(&hexadecimal.or_else(carried).unwrap_or(bytes))
}

/// The cases of a vector file, against the given metadata, else its own, else that of spec version 461.
///
/// # Errors
/// [`SchemaError`] where the file departs from the schema.
pub(super) fn cases(
    document: &Json,
    given: Option<Rc<Metadata>>,
) -> Result<Vec<Case>, SchemaError> {
    let top = Object::new("file", document, &PARTS)?;
    let own = || {
        let hex = document.pointer("/metadata/v15_hex")?.as_str()?;
        Some(unhex(hex).ok_or(MetadataFileError::None).and_then(|bytes| decode(&bytes)))
    };
    let metadata = match given {
        Some(metadata) => metadata,
        None => own()
            .unwrap_or_else(|| decode(BUNDLED))
            .map(Rc::new)
            .map_err(|error| SchemaError::new("metadata", error.to_string()))?,
    };
    let context = Rc::new(entry::Context { metadata, network: top.optional("network").cloned() });
    let lists: [(&str, entry::Compute); 10] = [
        ("storage_keys", encode::storage_key),
        ("calls", encode::call),
        ("signature_payloads", encode::payload),
        ("extrinsics", encode::extrinsic),
        ("multisig", encode::multisig),
        ("ss58", encode::ss58),
        ("constants", read::constant),
        ("storage_values", read::storage_value),
        ("query_maps", read::map),
        ("runtime_calls", read::runtime_call),
    ];
    let mut cases = Vec::new();
    for (list, compute) in lists {
        for (place, entry) in top.entries(list)? {
            let place = place.trim_start_matches("file/").to_owned();
            cases.push(entry::case(&context, place, entry.clone(), compute));
        }
    }
    if let Some(events) = top.optional("events") {
        cases.push(entry::case(&context, "events".to_owned(), events.clone(), block::events));
        if let Some(receipt) = top.optional("receipt") {
            let both = serde_json::json!({ "receipt": receipt, "events": events });
            cases.push(entry::case(&context, "receipt".to_owned(), both, block::receipt));
        }
    }
    if let Some(whole) = top.optional("block") {
        cases.extend(block::cases(&context, whole));
    }
    Ok(cases)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok()
}

/// Metadata from its first `meta` on: what a node's runtime API answers puts a length before it.
fn decode(bytes: &[u8]) -> Result<Metadata, MetadataFileError> {
    // An option's byte and a compact length at most.
    let start = bytes.windows(4).take(8).position(|window| window == b"meta");
    let bytes = start.and_then(|start| bytes.get(start..)).ok_or(MetadataFileError::None)?;
    Metadata::decode(bytes.to_vec()).map_err(MetadataFileError::Decode)
}
