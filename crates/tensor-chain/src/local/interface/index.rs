//! From decoded metadata to items that are found by name and by index.

use std::collections::HashMap;

use frame_metadata::v15::{
    PalletMetadata, RuntimeMetadataV15, StorageEntryModifier, StorageEntryType,
};
use parity_scale_codec::Decode;
use scale_info::{Field, PortableRegistry, TypeDef, form::PortableForm};

use super::items::{ApiMethod, Arg, CallItem, Pallet, StorageItem, Variant};
use super::{Build, Deviation, Hasher, Interface, InterfaceError, RuntimeVersion, storage_key};

impl Interface {
    pub(super) fn index(
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
    pub(super) fn index(
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
pub(super) fn variants(
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
