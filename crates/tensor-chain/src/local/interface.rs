//! The interface of the chain as data: every pallet, storage item, call, event, error, constant and
//! runtime API by name, loaded from one compact metadata file.
//!
//! Nothing about the chain's shape is written in code. A newer runtime is a newer file; what newer
//! clients need beyond the file is the short list [`Interface::deviations`].

mod extend;
mod index;
mod items;
mod metadata;
mod storage_key;
mod version;
mod walk;

use std::collections::HashMap;

use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed, v15::RuntimeMetadataV15};
use parity_scale_codec::{Decode, Encode};
use scale_info::PortableRegistry;

pub use extend::{Build, Deviation};
pub use items::{ApiMethod, Arg, CallItem, Pallet, StorageItem, Variant};
pub use storage_key::Hasher;
pub use version::RuntimeVersion;
pub use walk::{MAX_DEPTH, WalkError};

/// The compact interface file of runtime 461: metadata V15 without documentation texts.
const V461: &[u8] = include_bytes!("../../assets/v461.scale");

/// The whole interface of one runtime, with look-ups by name and by index.
///
/// Cheap to share behind an `Arc`; building one takes a few milliseconds.
#[derive(Debug, Clone)]
pub struct Interface {
    metadata: RuntimeMetadataV15,
    pallets: Vec<Pallet>,
    by_name: HashMap<String, usize>,
    by_index: [Option<u8>; 256],
    apis: HashMap<String, ApiMethod>,
    extensions: Vec<Arg>,
    version: RuntimeVersion,
    build: Build,
    deviations: Vec<Deviation>,
}

/// Why an interface file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterfaceError {
    /// The file is not metadata, or is cut short.
    #[error("the interface file does not decode")]
    Decode(#[source] parity_scale_codec::Error),
    /// The file is metadata of another version than 15.
    #[error("the interface file is metadata version {0}; version 15 is needed")]
    Version(u32),
    /// The file names a type that it does not contain.
    #[error("{place} names type {id}, which the interface does not contain")]
    UnknownType {
        /// Where the type is used.
        place: String,
        /// The type id.
        id: u32,
    },
    /// An item has another shape than its kind demands.
    #[error("{place} is not {expected}")]
    Shape {
        /// The item.
        place: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A chain on disk keeps the interface that it began with.
    #[error("the chain is kept on disk, where its interface is a part of it")]
    Kept,
    /// The interface lacks items which the runtime needs.
    #[error("the interface lacks {}", .0.join(", "))]
    Missing(Vec<String>),
}

impl Interface {
    /// The interface of runtime 461 as a fast-block development build has it (blocks of 250 ms,
    /// default tempo 10), plus the items that SDK 11.3 reads beyond it.
    ///
    /// # Errors
    ///
    /// Never in practice: the file is part of the crate and is tested. The error is that of
    /// [`Interface::decode`].
    pub fn v461() -> Result<Self, InterfaceError> {
        Self::v461_for(Build::Fast)
    }

    /// The interface of runtime 461 for one [`Build`] of it.
    ///
    /// # Errors
    ///
    /// As [`Interface::v461`].
    pub fn v461_for(build: Build) -> Result<Self, InterfaceError> {
        let mut metadata = decode_v15(V461)?;
        let mut deviations = extend::add_items(&mut metadata)?;
        deviations.extend(extend::set_build(&mut metadata, build)?);
        Self::index(metadata, build, deviations)
    }

    /// Reads metadata V15 in its prefixed form (starting with `meta`), unchanged.
    ///
    /// # Errors
    ///
    /// The bytes do not decode, are of another version, or contradict themselves.
    pub fn decode(bytes: &[u8]) -> Result<Self, InterfaceError> {
        Self::index(decode_v15(bytes)?, Build::Fast, Vec::new())
    }

    /// The same interface under another `spec_version`, as after a runtime upgrade.
    ///
    /// # Errors
    ///
    /// The interface has no `System.Version` constant.
    pub fn with_spec_version(mut self, spec_version: u32) -> Result<Self, InterfaceError> {
        self.version.spec_version = spec_version;
        extend::set_constant(&mut self.metadata, "System", "Version", self.version.encode())?;
        Self::index(self.metadata, self.build, self.deviations)
    }

    /// The same interface with another block time in milliseconds.
    ///
    /// # Errors
    ///
    /// The interface lacks the constants that tell it.
    pub fn with_block_ms(mut self, ms: u64) -> Result<Self, InterfaceError> {
        self.deviations.extend(extend::set_block_ms(&mut self.metadata, ms)?);
        Self::index(self.metadata, self.build, self.deviations)
    }

    /// The same interface with the call `SubtensorModule.pow_register`, which runtimes after 461 have. The layout of
    /// the calls is then no longer that of 461.
    ///
    /// # Errors
    ///
    /// The interface lacks the types of the call.
    pub fn with_pow_register(mut self) -> Result<Self, InterfaceError> {
        self.deviations.push(extend::add_pow_register(&mut self.metadata)?);
        Self::index(self.metadata, self.build, self.deviations)
    }

    /// The pallet of that name.
    #[must_use]
    pub fn pallet(&self, name: &str) -> Option<&Pallet> {
        self.pallets.get(*self.by_name.get(name)?)
    }

    /// The pallet of that index.
    #[must_use]
    pub fn pallet_by_index(&self, index: u8) -> Option<&Pallet> {
        let at = self.by_index.get(usize::from(index)).copied().flatten()?;
        self.pallets.get(usize::from(at))
    }

    /// All pallets in the order of the metadata.
    #[must_use]
    pub fn pallets(&self) -> &[Pallet] {
        &self.pallets
    }

    /// The storage item `pallet.item`.
    #[must_use]
    pub fn storage(&self, pallet: &str, item: &str) -> Option<&StorageItem> {
        let pallet = self.pallet(pallet)?;
        pallet.storage.get(*pallet.storage_by_name.get(item)?)
    }

    /// The call `pallet.name`.
    #[must_use]
    pub fn call(&self, pallet: &str, name: &str) -> Option<&CallItem> {
        let pallet = self.pallet(pallet)?;
        pallet.calls.get(*pallet.call_by_name.get(name)?)
    }

    /// The call with these indices.
    #[must_use]
    pub fn call_by_index(&self, pallet: u8, call: u8) -> Option<&CallItem> {
        let pallet = self.pallet_by_index(pallet)?;
        pallet.calls.get(*pallet.call_by_index.get(&call)?)
    }

    /// Pallet and event index of `pallet.name`.
    #[must_use]
    pub fn event_index(&self, pallet: &str, name: &str) -> Option<(u8, u8)> {
        let pallet = self.pallet(pallet)?;
        Some((pallet.index, *pallet.event_by_name.get(name)?))
    }

    /// Pallet index and the four error bytes of `pallet.name`, as in `DispatchError::Module`.
    #[must_use]
    pub fn error_index(&self, pallet: &str, name: &str) -> Option<(u8, [u8; 4])> {
        let pallet = self.pallet(pallet)?;
        Some((pallet.index, [*pallet.error_by_name.get(name)?, 0, 0, 0]))
    }

    /// Pallet and error name of a module error.
    #[must_use]
    pub fn error_name(&self, pallet: u8, error: u8) -> Option<(&str, &str)> {
        let pallet = self.pallet_by_index(pallet)?;
        let error = pallet.errors.iter().find(|e| e.index == error)?;
        Some((&pallet.name, &error.name))
    }

    /// SCALE bytes of a constant.
    #[must_use]
    pub fn constant(&self, pallet: &str, name: &str) -> Option<&[u8]> {
        let pallet = self.pallet(pallet)?;
        pallet.constants.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_slice())
    }

    /// The runtime API method under its full name, for example `Core_version`.
    #[must_use]
    pub fn api(&self, full_name: &str) -> Option<&ApiMethod> {
        self.apis.get(full_name)
    }

    /// All runtime API methods by full name.
    pub fn apis(&self) -> impl Iterator<Item = (&str, &ApiMethod)> {
        self.apis.iter().map(|(name, method)| (name.as_str(), method))
    }

    /// The type table.
    #[must_use]
    pub fn types(&self) -> &PortableRegistry {
        &self.metadata.types
    }

    /// Identifiers of the transaction extensions, in the order of the extrinsic.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.extensions.iter().map(|e| e.name.as_str())
    }

    /// The transaction extensions with the types of what they put into the extrinsic.
    #[must_use]
    pub fn extension_types(&self) -> &[Arg] {
        &self.extensions
    }

    /// Type id of the outer `RuntimeCall`.
    #[must_use]
    pub fn call_type(&self) -> u32 {
        self.metadata.extrinsic.call_ty.id
    }

    /// The runtime's version.
    #[must_use]
    pub fn version(&self) -> &RuntimeVersion {
        &self.version
    }

    /// Which build of the runtime this is.
    #[must_use]
    pub fn build(&self) -> Build {
        self.build
    }

    /// Everything in which this interface differs, on purpose, from the file it was loaded from.
    #[must_use]
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// Blake2-256 of the served metadata V15: what the local genesis hash is derived from.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sp_crypto_hashing::blake2_256(&self.metadata_v15())
    }
}

fn decode_v15(mut bytes: &[u8]) -> Result<RuntimeMetadataV15, InterfaceError> {
    let prefixed = RuntimeMetadataPrefixed::decode(&mut bytes).map_err(InterfaceError::Decode)?;
    match prefixed.1 {
        RuntimeMetadata::V15(metadata) => Ok(metadata),
        other => Err(InterfaceError::Version(other.version())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_and_looks_up() {
        let interface = Interface::v461().unwrap();
        assert_eq!(interface.version().spec_version, 461);
        assert_eq!(interface.pallets().len(), 28);
        let account = interface.storage("System", "Account").unwrap();
        assert_eq!(account.hashers, [Hasher::Blake2_128Concat]);
        let call = interface.call("SubtensorModule", "set_weights").unwrap();
        assert_eq!((call.pallet, call.index, call.args.len()), (7, 0, 4));
        assert_eq!(interface.call_by_index(7, 0).unwrap().name, "set_weights");
        assert_eq!(interface.event_index("System", "ExtrinsicSuccess"), Some((0, 0)));
        assert_eq!(
            interface.error_index("SubtensorModule", "DuplicateUids"),
            Some((7, [17, 0, 0, 0]))
        );
        assert!(interface.api("SubnetInfoRuntimeApi_get_metagraph").is_some());
    }

    #[test]
    fn the_file_is_served_back_to_the_byte() {
        assert!(Interface::decode(V461).unwrap().metadata_v15() == V461);
        // The additions leave the rest in place.
        let served = Interface::v461().unwrap().metadata_v15();
        assert!(served.len() > V461.len() && served.len() < V461.len() + 200);
    }

    #[test]
    fn a_file_cut_short_is_an_error() {
        for len in [0, 3, 5, 100, V461.len() - 1] {
            assert!(Interface::decode(&V461[..len]).is_err());
        }
    }
}
