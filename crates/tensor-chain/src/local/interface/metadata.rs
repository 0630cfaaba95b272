//! Metadata bytes V14 and V15, produced from the interface.

use frame_metadata::{
    RuntimeMetadataPrefixed,
    v14::{self, RuntimeMetadataV14},
};
use parity_scale_codec::Encode;

use super::Interface;

/// Path of the type which metadata V14 names as the extrinsic.
const UNCHECKED_EXTRINSIC: [&str; 4] =
    ["sp_runtime", "generic", "unchecked_extrinsic", "UncheckedExtrinsic"];

impl Interface {
    /// Metadata V15 in its prefixed form (starting with `meta`).
    #[must_use]
    pub fn metadata_v15(&self) -> Vec<u8> {
        RuntimeMetadataPrefixed::from(self.metadata.clone()).encode()
    }

    /// Metadata V14 in its prefixed form (starting with `meta`).
    #[must_use]
    pub fn metadata_v14(&self) -> Vec<u8> {
        let metadata = &self.metadata;
        let pallets = metadata.pallets.iter().map(|p| v14::PalletMetadata {
            name: p.name.clone(),
            storage: p.storage.clone(),
            calls: p.calls.clone(),
            event: p.event.clone(),
            constants: p.constants.clone(),
            error: p.error.clone(),
            index: p.index,
        });
        let extensions = metadata.extrinsic.signed_extensions.iter();
        let extensions = extensions.map(|e| v14::SignedExtensionMetadata {
            identifier: e.identifier.clone(),
            ty: e.ty,
            additional_signed: e.additional_signed,
        });
        // V15 names the parts of the extrinsic; V14 names the whole, which V15's table holds as well.
        let whole = metadata.types.types.iter().find(|t| t.ty.path.segments == UNCHECKED_EXTRINSIC);
        let ty = whole.map_or(metadata.extrinsic.call_ty, |t| t.id.into());
        RuntimeMetadataPrefixed::from(RuntimeMetadataV14 {
            types: metadata.types.clone(),
            pallets: pallets.collect(),
            extrinsic: v14::ExtrinsicMetadata {
                ty,
                version: metadata.extrinsic.version,
                signed_extensions: extensions.collect(),
            },
            ty: metadata.ty,
        })
        .encode()
    }
}

impl Interface {
    /// The RFC-0078 digest of the metadata, which signers may include in what they sign.
    ///
    /// Computing it takes some ten milliseconds. `None` where the metadata has a form that the
    /// digest is not defined for.
    #[must_use]
    pub fn metadata_digest(&self) -> Option<[u8; 32]> {
        let version = self.version();
        let info = merkleized_metadata::ExtraInfo {
            spec_version: version.spec_version,
            spec_name: version.spec_name.clone(),
            base58_prefix: 42,
            decimals: 9,
            token_symbol: "TAO".to_owned(),
        };
        let metadata = frame_metadata::RuntimeMetadata::V15(self.metadata.clone());
        let digest = merkleized_metadata::generate_metadata_digest(&metadata, info).ok()?;
        Some(digest.hash())
    }
}
