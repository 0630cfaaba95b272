//! Extrinsics: what is signed, how it is wrapped, and how one in a block is read.
//!
//! The list of transaction extensions comes from the metadata. Those that carry bytes are known by
//! name; an unknown one without bytes is skipped, an unknown one with bytes is an error, since nobody
//! could know what signing it means.

use parity_scale_codec::{Compact, Encode};
use scale_info::TypeDef;
use sp_crypto_hashing::blake2_256;
use tensor_core::account::AccountId;
use tensor_core::call::{Call, Value};
use tensor_core::key::{Scheme, Signature};

use super::decode::{DecodeError, Types, byte, bytes, compact, take};
use super::metadata::{Kind, Metadata, Missing};

/// How long an extrinsic is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Era {
    /// For ever: until its nonce is used.
    Immortal,
    /// For `period` blocks from the block it is anchored at.
    Mortal {
        /// A power of two from 4 to 65,536.
        period: u64,
        /// The anchor's number modulo the period.
        phase: u64,
    },
}

impl Era {
    /// Valid for `period` blocks (rounded up to a power of two, at least 4) after block `current`.
    pub fn mortal(period: u64, current: u64) -> Self {
        let period = period.checked_next_power_of_two().unwrap_or(1 << 16).clamp(4, 1 << 16);
        // Long periods are quantised: the anchor moves to a multiple of this.
        let quantum = (period >> 12).max(1);
        let phase = (current % period) / quantum * quantum;
        Self::Mortal { period, phase }
    }

    /// The block whose hash is signed with it, seen from block `current`.
    pub const fn birth(self, current: u64) -> u64 {
        match self {
            Self::Immortal => 0,
            Self::Mortal { period, phase } => {
                let since = current.saturating_sub(phase);
                since / period * period + phase
            }
        }
    }

    /// The encoding: one byte or two.
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::Immortal => vec![0],
            Self::Mortal { period, phase } => {
                let quantum = (period >> 12).max(1);
                let low = u64::from(period.trailing_zeros().saturating_sub(1)).clamp(1, 15);
                let encoded = low | (phase / quantum) << 4;
                // 4 bits of period and 12 of phase.
                (encoded as u16).to_le_bytes().to_vec()
            }
        }
    }
}

/// What the extensions of a signed extrinsic need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningContext {
    /// The runtime's `specVersion`.
    pub spec_version: u32,
    /// The runtime's `transactionVersion`.
    pub transaction_version: u32,
    /// The hash of block 0.
    pub genesis_hash: [u8; 32],
    /// How long it is valid.
    pub era: Era,
    /// The hash of the era's birth block; of genesis when immortal.
    pub era_hash: [u8; 32],
    /// The signer's nonce.
    pub nonce: u32,
    /// The tip in rao. Bittensor's runtime gives no priority for it.
    pub tip: u64,
    /// The digest of the metadata (RFC-0078), if it is to be signed.
    pub metadata_hash: Option<[u8; 32]>,
}

/// The bytes that the extensions add.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extensions {
    /// In the extrinsic.
    pub extra: Vec<u8>,
    /// Signed but not sent: both sides know them.
    pub implied: Vec<u8>,
}

impl Metadata {
    /// The extensions' bytes.
    ///
    /// # Errors
    /// [`Missing`] when the runtime demands an extension with bytes that this crate does not know.
    pub fn extensions(&self, context: &SigningContext) -> Result<Extensions, Missing> {
        let types = self.types();
        let (mut extra, mut implied) = (Vec::new(), Vec::new());
        for extension in self.as_subxt().extrinsic().transaction_extensions_to_use_for_encoding() {
            match extension.identifier() {
                "CheckSpecVersion" => context.spec_version.encode_to(&mut implied),
                "CheckTxVersion" => context.transaction_version.encode_to(&mut implied),
                "CheckGenesis" => context.genesis_hash.encode_to(&mut implied),
                "CheckMortality" | "CheckEra" => {
                    extra.extend(context.era.encode());
                    context.era_hash.encode_to(&mut implied);
                }
                "CheckNonce" => Compact(context.nonce).encode_to(&mut extra),
                "ChargeTransactionPayment" | "ChargeTransactionPaymentWrapper" => {
                    Compact(context.tip).encode_to(&mut extra);
                }
                "CheckMetadataHash" => {
                    extra.push(u8::from(context.metadata_hash.is_some()));
                    context.metadata_hash.encode_to(&mut implied);
                }
                unknown => {
                    let empty = types.is_empty_type(extension.extra_ty(), 0)
                        && types.is_empty_type(extension.additional_ty(), 0);
                    if !empty {
                        return Err(Missing::new(Kind::Extension, unknown));
                    }
                }
            }
        }
        Ok(Extensions { extra, implied })
    }

    /// Whether signed extrinsics can carry the metadata's digest.
    pub fn checks_metadata_hash(&self) -> bool {
        let mut all = self.as_subxt().extrinsic().transaction_extensions_to_use_for_encoding();
        all.any(|extension| extension.identifier() == "CheckMetadataHash")
    }

    /// Reads an extrinsic as it stands in a block, length prefix included.
    ///
    /// # Errors
    /// [`DecodeError`] when it does not fit this runtime.
    pub fn decode_extrinsic(&self, encoded: &[u8]) -> Result<DecodedExtrinsic, DecodeError> {
        self.read_extrinsic(encoded).map_err(|error| error.inside("extrinsic"))
    }

    fn read_extrinsic(&self, encoded: &[u8]) -> Result<DecodedExtrinsic, DecodeError> {
        let mut rest = encoded;
        let length = compact(&mut rest)?;
        if length != rest.len() as u128 {
            return Err(DecodeError::invalid("length"));
        }
        let types = self.types();
        let mut decoded = DecodedExtrinsic {
            hash: blake2_256(encoded),
            signer: None,
            nonce: None,
            tip: 0,
            call: Call::new("", ""),
        };
        let version = byte(&mut rest)?;
        match version {
            4 | 5 => {}
            0x84 => {
                decoded.signer = read_address(&mut rest)?;
                read_signature(&mut rest)?;
                self.read_extensions(0, &mut rest, &mut decoded)?;
            }
            0x45 => {
                let extensions = byte(&mut rest)?;
                self.read_extensions(extensions, &mut rest, &mut decoded)?;
            }
            _ => return Err(DecodeError::invalid("extrinsic version")),
        }
        match types.decode_all(types.call, rest)? {
            Value::Call(call) => decoded.call = *call,
            _ => return Err(DecodeError::invalid("call")),
        }
        Ok(decoded)
    }

    fn read_extensions(
        &self,
        version: u8,
        rest: &mut &[u8],
        decoded: &mut DecodedExtrinsic,
    ) -> Result<(), DecodeError> {
        let Some(extensions) =
            self.as_subxt().extrinsic().transaction_extensions_by_version(version)
        else {
            return Err(DecodeError::invalid("version of the transaction extensions"));
        };
        for extension in extensions {
            let name = extension.identifier();
            let value = self.types().decode(extension.extra_ty(), rest);
            let number = value.map_err(|error| error.inside(name))?.as_u64();
            match (name, number) {
                ("CheckNonce", Some(nonce)) => decoded.nonce = u32::try_from(nonce).ok(),
                (name, Some(tip)) if name.starts_with("ChargeTransactionPayment") => {
                    decoded.tip = tip;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// An extrinsic read from a block.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodedExtrinsic {
    /// Blake2-256 of all its bytes.
    pub hash: [u8; 32],
    /// Who signed it; `None` for what the block's author put in, and for addresses of other forms.
    pub signer: Option<AccountId>,
    /// The signer's nonce.
    pub nonce: Option<u32>,
    /// The tip in rao.
    pub tip: u64,
    /// What it does.
    pub call: Call,
}

/// The bytes to sign: long payloads are hashed.
pub(crate) fn signing_bytes(call: &[u8], extensions: &Extensions) -> Vec<u8> {
    let payload = [call, &extensions.extra, &extensions.implied].concat();
    if payload.len() > 256 { blake2_256(&payload).to_vec() } else { payload }
}

/// A signed extrinsic of version 4, with its length prefix.
pub(crate) fn assemble(
    call: &[u8],
    account: &AccountId,
    signature: &Signature,
    extra: &[u8],
) -> Vec<u8> {
    let mut body = Vec::with_capacity(call.len() + extra.len() + 99);
    body.push(0x84);
    // MultiAddress::Id and the scheme's place in MultiSignature.
    body.push(0);
    body.extend_from_slice(account.as_bytes());
    body.push(match signature.scheme {
        Scheme::Ed25519 => 0,
        _ => 1,
    });
    body.extend_from_slice(&signature.bytes);
    body.extend_from_slice(extra);
    body.extend_from_slice(call);
    let mut extrinsic = Compact(body.len() as u64).encode();
    extrinsic.extend(body);
    extrinsic
}

fn read_address(rest: &mut &[u8]) -> Result<Option<AccountId>, DecodeError> {
    Ok(match byte(rest)? {
        0 => Some(AccountId::from_bytes(take(rest)?)),
        1 => {
            compact(rest)?;
            None
        }
        2 => {
            let length = usize::try_from(compact(rest)?).map_err(|_| DecodeError::short())?;
            bytes(rest, length)?;
            None
        }
        3 => {
            take::<32>(rest)?;
            None
        }
        4 => {
            take::<20>(rest)?;
            None
        }
        _ => return Err(DecodeError::invalid("address")),
    })
}

fn read_signature(rest: &mut &[u8]) -> Result<(), DecodeError> {
    match byte(rest)? {
        0 | 1 => take::<64>(rest).map(drop),
        2 => take::<65>(rest).map(drop),
        _ => Err(DecodeError::invalid("signature")),
    }
}

impl Types<'_> {
    /// Whether values of that type take no bytes.
    fn is_empty_type(&self, id: u32, depth: usize) -> bool {
        let all = |mut ids: Box<dyn Iterator<Item = u32> + '_>| {
            depth < 16 && ids.all(|id| self.is_empty_type(id, depth + 1))
        };
        match self.registry.resolve(id).map(|ty| &ty.type_def) {
            Some(TypeDef::Composite(composite)) => {
                all(Box::new(composite.fields.iter().map(|field| field.ty.id)))
            }
            Some(TypeDef::Tuple(tuple)) => all(Box::new(tuple.fields.iter().map(|field| field.id))),
            Some(TypeDef::Array(array)) => array.len == 0,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras_as_the_chain_encodes_them() {
        let era = Era::mortal(64, 66);
        assert_eq!(era.encode(), [0x25, 0x00]);
        assert_eq!(era.birth(66), 66);
        assert_eq!(era.birth(100), 66);
        assert_eq!(Era::mortal(8, 43).birth(43), 43);
        assert_eq!(Era::Immortal.encode(), [0]);
        // A long period: the phase is quantised to multiples of 16.
        let long = Era::mortal(65_536, 1_000_001);
        assert_eq!(long.birth(1_000_001), 1_000_000);
        assert_eq!(Era::mortal(0, 5), Era::Mortal { period: 4, phase: 1 });
    }
}
