//! The metadata answers, encoded once: they are large and every client asks for them.

use std::sync::{Arc, OnceLock};

use super::json;
use crate::local::{interface::Interface, node::opaque};

/// Metadata in the forms that clients ask for.
#[derive(Debug)]
pub(crate) struct MetadataCache {
    interface: Arc<Interface>,
    v14: OnceLock<Vec<u8>>,
    v15: OnceLock<Vec<u8>>,
    at_version_15: OnceLock<Arc<str>>,
    digest: OnceLock<Option<[u8; 32]>>,
}

impl MetadataCache {
    pub(crate) fn new(interface: Arc<Interface>) -> Self {
        Self {
            interface,
            v14: OnceLock::new(),
            v15: OnceLock::new(),
            at_version_15: OnceLock::new(),
            digest: OnceLock::new(),
        }
    }

    pub(crate) fn v14(&self) -> &[u8] {
        self.v14.get_or_init(|| self.interface.metadata_v14())
    }

    pub(crate) fn v15(&self) -> &[u8] {
        self.v15.get_or_init(|| self.interface.metadata_v15())
    }

    /// `Option<OpaqueMetadata>` of a version.
    pub(crate) fn at_version(&self, version: u32) -> Vec<u8> {
        let bytes = match version {
            14 => self.v14(),
            15 => self.v15(),
            _ => return vec![0],
        };
        let mut out = vec![1];
        out.extend(opaque(bytes));
        out
    }

    /// The answer to the one metadata request that every client makes, as a JSON string.
    pub(crate) fn at_version_15_json(&self) -> &Arc<str> {
        let encode = || format!("\"{}\"", json::hex(&self.at_version(15))).into();
        self.at_version_15.get_or_init(encode)
    }

    /// The digest that `CheckMetadataHash` implies; `None` where it cannot be made.
    pub(crate) fn digest(&self) -> Option<[u8; 32]> {
        *self.digest.get_or_init(|| self.interface.metadata_digest())
    }
}
