//! What an interface holds, as plain data: pallets, storage items, calls, variants, API methods.

use std::collections::HashMap;

use super::Hasher;

/// One pallet: its index and its items.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Pallet {
    /// Name, for example `SubtensorModule`.
    pub name: String,
    /// Index in calls, events and errors.
    pub index: u8,
    /// Storage items in the order of the metadata.
    pub storage: Vec<StorageItem>,
    /// Calls in the order of the metadata.
    pub calls: Vec<CallItem>,
    /// Events in the order of the metadata.
    pub events: Vec<Variant>,
    /// Errors in the order of the metadata.
    pub errors: Vec<Variant>,
    /// Constants: name and SCALE value.
    pub constants: Vec<(String, Vec<u8>)>,
    pub(super) storage_by_name: HashMap<String, usize>,
    pub(super) call_by_name: HashMap<String, usize>,
    pub(super) call_by_index: HashMap<u8, usize>,
    pub(super) event_by_name: HashMap<String, u8>,
    pub(super) error_by_name: HashMap<String, u8>,
}

/// One storage item: where it lives and how its keys and values are encoded.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StorageItem {
    /// The pallet's name.
    pub pallet: String,
    /// The item's name.
    pub name: String,
    /// `twox128(pallet prefix) ++ twox128(item)`: the first 32 bytes of every key.
    pub prefix: [u8; 32],
    /// One hasher per key; empty for a plain value.
    pub hashers: Vec<Hasher>,
    /// Type id of each key, as many as hashers.
    pub keys: Vec<u32>,
    /// Type id of the value.
    pub value: u32,
    /// SCALE bytes of the value of an absent key (empty meaning where `optional`).
    pub default: Vec<u8>,
    /// Whether an absent key means "none" rather than the default.
    pub optional: bool,
}

/// One call with its arguments.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallItem {
    /// Index of the pallet.
    pub pallet: u8,
    /// Index of the call in the pallet.
    pub index: u8,
    /// The pallet's name.
    pub pallet_name: String,
    /// The call's name.
    pub name: String,
    /// Arguments in order.
    pub args: Vec<Arg>,
}

/// One event or error.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Variant {
    /// The name.
    pub name: String,
    /// The index in the pallet.
    pub index: u8,
    /// The fields in order (unnamed fields have an empty name).
    pub fields: Vec<Arg>,
}

/// A named, typed argument.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arg {
    /// The name, empty where the runtime gives none.
    pub name: String,
    /// Type id in [`Interface::types`](super::Interface::types).
    pub ty: u32,
}

/// One method of a runtime API.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ApiMethod {
    /// The trait's name, for example `SubnetInfoRuntimeApi`.
    pub api: String,
    /// The method's name, for example `get_metagraph`.
    pub method: String,
    /// Arguments in order.
    pub inputs: Vec<Arg>,
    /// Type id of the result.
    pub output: u32,
}
