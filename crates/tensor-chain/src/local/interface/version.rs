//! The runtime's version as the chain serves it.

use parity_scale_codec::{Decode, Encode};

/// `RuntimeVersion`, field for field as the runtime encodes it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub struct RuntimeVersion {
    /// Name of the specification (`node-subtensor`).
    pub spec_name: String,
    /// Name of the implementation (`node-subtensor`).
    pub impl_name: String,
    /// Version of the authoring interface.
    pub authoring_version: u32,
    /// Version of the specification; clients cache metadata by it.
    pub spec_version: u32,
    /// Version of the implementation.
    pub impl_version: u32,
    /// Runtime APIs: blake2 id of the name, version.
    pub apis: Vec<([u8; 8], u32)>,
    /// Version of the transaction format; part of every signed payload.
    pub transaction_version: u32,
    /// Version of the state format.
    pub system_version: u8,
}
