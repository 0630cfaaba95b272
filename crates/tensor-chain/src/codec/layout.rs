//! Which bytes a call becomes, and what proves it: the metadata's digest and the pinned layouts.
//!
//! A node that lies about metadata could make `serve_axon` encode to a transfer. Two things prevent it.
//! Where the chain checks the digest of the metadata (RFC-0078, extension `CheckMetadataHash`), it is
//! signed: under false metadata the chain refuses the extrinsic. Where it does not, the layout of all
//! calls must be one that is pinned here for that version.

use frame_metadata::RuntimeMetadataPrefixed;
use merkleized_metadata::{ExtraInfo, generate_metadata_digest};
use parity_scale_codec::Decode;
use scale_info::{Field, TypeDef, form::PortableForm};
use sp_crypto_hashing::blake2_256;

use super::decode::Types;
use super::metadata::Metadata;

/// The layouts of all calls by spec version, each computed from metadata that was recorded on a chain.
const PINNED: &[(u32, [u8; 32])] = &[(461, V461)];

/// Runtime 461, from the metadata in the official SDK's source package (bittensor 11.3.0).
const V461: [u8; 32] = [
    0x62, 0xc0, 0xd1, 0x2a, 0xc9, 0xa9, 0x54, 0xaf, 0x39, 0x8c, 0x68, 0x88, 0xcb, 0x7f, 0x3b, 0x57,
    0x34, 0x14, 0x91, 0x9c, 0x82, 0x3e, 0x19, 0x78, 0x84, 0xea, 0x74, 0x48, 0x83, 0xbb, 0x8d, 0xf4,
];

impl Metadata {
    /// The digest that signers may include in what they sign; `None` where the metadata has a form for
    /// which none is defined (before V15).
    pub fn digest(&self, spec_version: u32, spec_name: &str) -> Option<[u8; 32]> {
        let prefix = self.constant("System", "SS58Prefix").ok()?.ok()?;
        let info = ExtraInfo {
            spec_version,
            spec_name: spec_name.to_owned(),
            base58_prefix: u16::try_from(prefix.as_u64()?).ok()?,
            decimals: 9,
            token_symbol: "TAO".to_owned(),
        };
        let metadata = RuntimeMetadataPrefixed::decode(&mut self.as_bytes()).ok()?.1;
        Some(generate_metadata_digest(&metadata, info).ok()?.hash())
    }

    /// A hash over the layout of every call: indices, names, and how each argument is encoded.
    pub fn calls_layout(&self) -> [u8; 32] {
        let types = self.types();
        let mut text = String::new();
        let mut seen = Vec::new();
        types.describe(types.call, &mut seen, &mut text);
        blake2_256(text.as_bytes())
    }

    /// Whether the calls are laid out as is known for that version; `None` where nothing is known.
    pub fn is_pinned(&self, spec_version: u32) -> Option<bool> {
        let (_, pinned) = PINNED.iter().find(|(version, _)| *version == spec_version)?;
        Some(self.calls_layout() == *pinned)
    }
}

impl Types<'_> {
    /// Writes down how a type is encoded, transparent newtypes left out.
    fn describe(&self, id: u32, seen: &mut Vec<u32>, text: &mut String) {
        use std::fmt::Write as _;
        if let Some(depth) = seen.iter().position(|known| *known == id) {
            let _ = write!(text, "^{depth}");
            return;
        }
        seen.push(id);
        match self.registry.resolve(id).map(|ty| &ty.type_def) {
            Some(TypeDef::Composite(composite)) => match composite.fields.as_slice() {
                [only] => self.describe(only.ty.id, seen, text),
                fields => self.describe_fields(fields, seen, text),
            },
            Some(TypeDef::Variant(variants)) => {
                text.push('<');
                for variant in &variants.variants {
                    let _ = write!(text, "{}={}", variant.index, variant.name);
                    self.describe_fields(&variant.fields, seen, text);
                }
                text.push('>');
            }
            Some(TypeDef::Sequence(sequence)) => {
                text.push('*');
                self.describe(sequence.type_param.id, seen, text);
            }
            Some(TypeDef::Array(array)) => {
                let _ = write!(text, "{}*", array.len);
                self.describe(array.type_param.id, seen, text);
            }
            Some(TypeDef::Tuple(tuple)) => match tuple.fields.as_slice() {
                [only] => self.describe(only.id, seen, text),
                fields => {
                    text.push('(');
                    for field in fields {
                        self.describe(field.id, seen, text);
                        text.push(',');
                    }
                    text.push(')');
                }
            },
            Some(TypeDef::Primitive(primitive)) => {
                let _ = write!(text, "{primitive:?}");
            }
            Some(TypeDef::Compact(of)) => {
                text.push('c');
                self.describe(of.type_param.id, seen, text);
            }
            Some(TypeDef::BitSequence(_)) => text.push('b'),
            None => text.push('?'),
        }
        seen.pop();
    }

    fn describe_fields(
        &self,
        fields: &[Field<PortableForm>],
        seen: &mut Vec<u32>,
        text: &mut String,
    ) {
        text.push('{');
        for field in fields {
            text.push_str(field.name.as_deref().unwrap_or("_"));
            text.push(':');
            self.describe(field.ty.id, seen, text);
            text.push(',');
        }
        text.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &[u8] =
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/v461.scale"));

    #[test]
    fn the_recorded_runtime_is_pinned() {
        let metadata = Metadata::decode(RECORDED).unwrap();
        assert_eq!(hex::encode(metadata.calls_layout()), hex::encode(V461));
        assert_eq!(metadata.is_pinned(461), Some(true));
        assert_eq!(metadata.is_pinned(462), None);
        assert!(metadata.digest(461, "node-subtensor").is_some());
    }
}
