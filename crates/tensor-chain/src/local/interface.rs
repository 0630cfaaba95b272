//! The interface of the chain as data: every pallet, storage item, call, event, error, constant and
//! runtime API by name, loaded from one compact metadata file.
//!
//! Nothing about the chain's shape is written in code. A newer runtime is a newer file; what newer
//! clients need beyond the file is the short list [`Interface::deviations`].

use std::collections::HashMap;

use frame_metadata::{
    RuntimeMetadata, RuntimeMetadataPrefixed,
    v15::{PalletMetadata, RuntimeMetadataV15, StorageEntryModifier, StorageEntryType},
};
use parity_scale_codec::{Decode, Encode};
use scale_info::{Field, PortableRegistry, TypeDef, form::PortableForm};

mod extend;
mod metadata;
mod storage_key;
mod version;
mod walk;

pub use extend::{Build, Deviation};
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
    storage_by_name: HashMap<String, usize>,
    call_by_name: HashMap<String, usize>,
    call_by_index: HashMap<u8, usize>,
    event_by_name: HashMap<String, u8>,
    error_by_name: HashMap<String, u8>,
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
    /// Type id in [`Interface::types`].
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

    fn index(
        metadata: RuntimeMetadataV15,
        build: Build,
        deviations: Vec<Deviation>,
    ) -> Result<Self, InterfaceError> {
        let mut pallets = Vec::with_capacity(metadata.pallets.len());
        let mut by_name = HashMap::new();
        let mut by_index = [None; 256];
        for (at, pallet) in metadata.pallets.iter().enumerate() {
            let indexed = Pallet::index(pallet, &metadata.types)?;
            by_name.insert(indexed.name.clone(), at);
            if let Some(slot) = by_index.get_mut(usize::from(indexed.index)) {
                *slot = u8::try_from(at).ok();
            }
            pallets.push(indexed);
        }
        let mut apis = HashMap::new();
        for api in &metadata.apis {
            for method in &api.methods {
                let inputs = method.inputs.iter();
                let inputs = inputs.map(|i| Arg { name: i.name.clone(), ty: i.ty.id }).collect();
                apis.insert(
                    format!("{}_{}", api.name, method.name),
                    ApiMethod {
                        api: api.name.clone(),
                        method: method.name.clone(),
                        inputs,
                        output: method.output.id,
                    },
                );
            }
        }
        let version = metadata
            .pallets
            .iter()
            .find(|p| p.name == "System")
            .and_then(|p| p.constants.iter().find(|c| c.name == "Version"))
            .ok_or_else(|| InterfaceError::Missing(vec!["System.Version".to_owned()]))?;
        let version = RuntimeVersion::decode(&mut version.value.as_slice())
            .map_err(InterfaceError::Decode)?;
        let extensions = metadata.extrinsic.signed_extensions.iter();
        let extensions =
            extensions.map(|e| Arg { name: e.identifier.clone(), ty: e.ty.id }).collect();
        Ok(Self {
            metadata,
            pallets,
            by_name,
            by_index,
            apis,
            extensions,
            version,
            build,
            deviations,
        })
    }
}

impl Pallet {
    fn index(
        pallet: &PalletMetadata<PortableForm>,
        types: &PortableRegistry,
    ) -> Result<Self, InterfaceError> {
        let name = pallet.name.clone();
        let mut storage = Vec::new();
        if let Some(entries) = &pallet.storage {
            for entry in &entries.entries {
                let place = format!("{name}.{}", entry.name);
                let (hashers, keys, value) = match &entry.ty {
                    StorageEntryType::Plain(value) => (Vec::new(), Vec::new(), value.id),
                    StorageEntryType::Map { hashers, key, value } => {
                        let hashers: Vec<_> = hashers.iter().map(Hasher::from).collect();
                        let keys = key_types(types, key.id, hashers.len(), &place)?;
                        (hashers, keys, value.id)
                    }
                };
                if types.resolve(value).is_none() {
                    return Err(InterfaceError::UnknownType { place, id: value });
                }
                storage.push(StorageItem {
                    pallet: name.clone(),
                    prefix: storage_key::prefix(&entries.prefix, &entry.name),
                    name: entry.name.clone(),
                    hashers,
                    keys,
                    value,
                    default: entry.default.clone(),
                    optional: entry.modifier == StorageEntryModifier::Optional,
                });
            }
        }
        let calls = variants(types, pallet.calls.as_ref().map(|c| c.ty.id), &name)?;
        let calls: Vec<_> = calls
            .into_iter()
            .map(|v| CallItem {
                pallet: pallet.index,
                index: v.index,
                pallet_name: name.clone(),
                name: v.name,
                args: v.fields,
            })
            .collect();
        let events = variants(types, pallet.event.as_ref().map(|c| c.ty.id), &name)?;
        let errors = variants(types, pallet.error.as_ref().map(|c| c.ty.id), &name)?;
        let names = |list: &[Variant]| list.iter().map(|v| (v.name.clone(), v.index)).collect();
        let constants = pallet.constants.iter();
        Ok(Self {
            index: pallet.index,
            storage_by_name: positions(storage.iter().map(|s| s.name.clone())),
            call_by_name: positions(calls.iter().map(|c| c.name.clone())),
            call_by_index: positions(calls.iter().map(|c| c.index)),
            event_by_name: names(&events),
            error_by_name: names(&errors),
            constants: constants.map(|c| (c.name.clone(), c.value.clone())).collect(),
            name,
            storage,
            calls,
            events,
            errors,
        })
    }
}

fn decode_v15(mut bytes: &[u8]) -> Result<RuntimeMetadataV15, InterfaceError> {
    let prefixed = RuntimeMetadataPrefixed::decode(&mut bytes).map_err(InterfaceError::Decode)?;
    match prefixed.1 {
        RuntimeMetadata::V15(metadata) => Ok(metadata),
        other => Err(InterfaceError::Version(other.version())),
    }
}

/// The type of each key of a map: the key itself, or the members of the tuple.
fn key_types(
    types: &PortableRegistry,
    key: u32,
    hashers: usize,
    place: &str,
) -> Result<Vec<u32>, InterfaceError> {
    if hashers == 1 {
        return Ok(vec![key]);
    }
    let unknown = || InterfaceError::UnknownType { place: place.to_owned(), id: key };
    let shape = || InterfaceError::Shape {
        place: place.to_owned(),
        expected: "a map with one hasher per key",
    };
    let ty = types.resolve(key).ok_or_else(unknown)?;
    let TypeDef::Tuple(tuple) = &ty.type_def else { return Err(shape()) };
    if tuple.fields.len() != hashers {
        return Err(shape());
    }
    Ok(tuple.fields.iter().map(|f| f.id).collect())
}

/// The variants of an enum type, or none where the pallet has no such type.
fn variants(
    types: &PortableRegistry,
    id: Option<u32>,
    pallet: &str,
) -> Result<Vec<Variant>, InterfaceError> {
    let Some(id) = id else { return Ok(Vec::new()) };
    let ty = types
        .resolve(id)
        .ok_or_else(|| InterfaceError::UnknownType { place: pallet.to_owned(), id })?;
    let TypeDef::Variant(def) = &ty.type_def else {
        return Err(InterfaceError::Shape { place: pallet.to_owned(), expected: "an enum" });
    };
    let fields = |fields: &[Field<PortableForm>]| {
        let arg =
            |f: &Field<PortableForm>| Arg { name: f.name.clone().unwrap_or_default(), ty: f.ty.id };
        fields.iter().map(arg).collect()
    };
    let variant = |v: &scale_info::Variant<PortableForm>| Variant {
        name: v.name.clone(),
        index: v.index,
        fields: fields(&v.fields),
    };
    Ok(def.variants.iter().map(variant).collect())
}

fn positions<K: std::hash::Hash + Eq>(keys: impl Iterator<Item = K>) -> HashMap<K, usize> {
    keys.enumerate().map(|(at, key)| (key, at)).collect()
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
