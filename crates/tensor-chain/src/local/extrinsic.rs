//! Extrinsics as the chain receives them: signed ones of version 4, and bare ones (inherents).
//!
//! Decoding is driven by the extension list of the interface. Nothing here touches the state: the
//! signature needs the hash of the era's birth block, which the caller looks up.

use parity_scale_codec::{Compact, Decode, Encode};
use sp_crypto_hashing::blake2_256;
use tensor_core::{
    account::AccountId,
    key::{PublicKey, Scheme},
};

use super::{ecdsa, interface::Interface};

/// Version byte of signed extrinsics.
const SIGNED_V4: u8 = 0x84;
/// Version bytes of bare extrinsics: the chain emits 5 and accepts both.
const BARE: [u8; 2] = [0x04, 0x05];

/// One decoded extrinsic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extrinsic {
    /// All bytes, length prefix included.
    pub bytes: Vec<u8>,
    /// Blake2-256 of `bytes`.
    pub hash: [u8; 32],
    /// Signature and extension data; `None` for a bare extrinsic.
    pub signed: Option<Signed>,
    /// Where the call starts in `bytes`; it ends with them.
    call_at: usize,
    /// Where the extension bytes start in `bytes`.
    extra_at: usize,
}

/// What a signed extrinsic carries besides its call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signed {
    /// Who signed.
    pub who: AccountId,
    /// The signature, not yet verified.
    pub signature: MultiSignature,
    /// How long the extrinsic is valid.
    pub era: Era,
    /// The signer's nonce.
    pub nonce: u32,
    /// The tip in rao.
    pub tip: u64,
    /// Whether the payload contains the metadata hash.
    pub metadata_hash: bool,
}

/// A signature in one of the three schemes of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MultiSignature {
    /// Ed25519.
    Ed25519([u8; 64]),
    /// Schnorrkel over Ristretto, context `substrate`.
    Sr25519([u8; 64]),
    /// ECDSA over secp256k1, with recovery id.
    Ecdsa([u8; 65]),
}

/// Validity of an extrinsic in blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Era {
    /// For ever.
    Immortal,
    /// For `period` blocks from the block at which `number % period == phase`.
    Mortal {
        /// A power of two from 4 to 65,536.
        period: u64,
        /// Below `period`.
        phase: u64,
    },
}

/// What the signer implies beyond the bytes of the extrinsic.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Implied<'a> {
    pub(crate) spec_version: u32,
    pub(crate) transaction_version: u32,
    pub(crate) genesis_hash: &'a [u8; 32],
    pub(crate) birth_hash: &'a [u8; 32],
    /// Digest of the metadata, for extrinsics that carry it.
    pub(crate) metadata_hash: Option<&'a [u8; 32]>,
}

/// Why bytes are not an extrinsic of this chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtrinsicError {
    /// The length prefix is absent, wrong, or above the limit of a block.
    #[error("the length prefix does not match the bytes")]
    Length,
    /// Neither signed version 4 nor bare.
    #[error("extrinsic version byte {0:#04x} is not supported")]
    Version(u8),
    /// The address is not a 32-byte account.
    #[error("the address is not an account id")]
    Address,
    /// Signature or extension data are cut short or malformed.
    #[error("signature or extension data are malformed")]
    Preamble,
    /// The call is not one of this runtime, or is followed by more bytes.
    #[error("the call does not decode")]
    Call,
    /// The runtime has an extension with data which this chain does not know.
    #[error("a transaction extension is not supported")]
    Extension,
}

impl Extrinsic {
    /// Largest accepted extrinsic in bytes: what a block has for normal calls.
    pub const MAX_BYTES: usize = 7_864_320;

    /// Decodes an extrinsic with its length prefix.
    ///
    /// # Errors
    ///
    /// The bytes are not exactly one extrinsic of this interface.
    pub fn decode(bytes: &[u8], interface: &Interface) -> Result<Self, ExtrinsicError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(ExtrinsicError::Length);
        }
        let mut rest = bytes;
        let length = Compact::<u32>::decode(&mut rest).map_err(|_| ExtrinsicError::Length)?;
        if usize::try_from(length.0) != Ok(rest.len()) {
            return Err(ExtrinsicError::Length);
        }
        let at = |rest: &[u8]| bytes.len().saturating_sub(rest.len());
        let (&version, body) = rest.split_first().ok_or(ExtrinsicError::Length)?;
        rest = body;
        let (signed, extra_at) = match version {
            SIGNED_V4 => {
                let who = decode_address(&mut rest)?;
                let signature = MultiSignature::decode(&mut rest)?;
                let extra_at = at(rest);
                (Some(decode_extra(&mut rest, interface, who, signature)?), extra_at)
            }
            version if BARE.contains(&version) => (None, at(rest)),
            version => return Err(ExtrinsicError::Version(version)),
        };
        let call_at = at(rest);
        if !interface.is_value(interface.call_type(), rest) {
            return Err(ExtrinsicError::Call);
        }
        Ok(Self { bytes: bytes.to_vec(), hash: blake2_256(bytes), signed, call_at, extra_at })
    }

    /// A bare extrinsic, as the chain emits its inherents.
    #[must_use]
    pub fn bare(call: &[u8]) -> Self {
        // A call of the chain's own making is far below 4 GiB.
        let length = u32::try_from(call.len().saturating_add(1)).unwrap_or(u32::MAX);
        let mut bytes = Compact(length).encode();
        bytes.push(0x05);
        let call_at = bytes.len();
        bytes.extend_from_slice(call);
        Self { hash: blake2_256(&bytes), signed: None, call_at, extra_at: call_at, bytes }
    }

    /// The call: pallet index, call index, arguments.
    #[must_use]
    pub fn call(&self) -> &[u8] {
        self.bytes.get(self.call_at..).unwrap_or_default()
    }

    /// Pallet and call index and the encoded arguments.
    #[must_use]
    pub fn call_parts(&self) -> Option<(u8, u8, &[u8])> {
        let (head, args) = self.call().split_at_checked(2)?;
        let &[pallet, call] = head else { return None };
        Some((pallet, call, args))
    }

    /// Whether the signature covers this extrinsic under what `implied` says. False for bare ones.
    pub(crate) fn verify(&self, implied: Implied<'_>, interface: &Interface) -> bool {
        let Some(signed) = &self.signed else { return false };
        signed.signature.verify(&signed.who, &self.payload(implied, interface))
    }

    /// The bytes that are signed: call, extra, implied; hashed where longer than 256 bytes.
    fn payload(&self, implied: Implied<'_>, interface: &Interface) -> Vec<u8> {
        let mut payload = self.call().to_vec();
        payload.extend_from_slice(self.bytes.get(self.extra_at..self.call_at).unwrap_or_default());
        for identifier in interface.extensions() {
            match identifier {
                "CheckSpecVersion" => implied.spec_version.encode_to(&mut payload),
                "CheckTxVersion" => implied.transaction_version.encode_to(&mut payload),
                "CheckGenesis" => payload.extend_from_slice(implied.genesis_hash),
                "CheckMortality" => payload.extend_from_slice(implied.birth_hash),
                "CheckMetadataHash" => implied.metadata_hash.encode_to(&mut payload),
                _ => {}
            }
        }
        if payload.len() > 256 { blake2_256(&payload).to_vec() } else { payload }
    }
}

impl MultiSignature {
    fn decode(input: &mut &[u8]) -> Result<Self, ExtrinsicError> {
        let preamble = |_| ExtrinsicError::Preamble;
        match u8::decode(input).map_err(preamble)? {
            0 => Decode::decode(input).map(Self::Ed25519).map_err(preamble),
            1 => Decode::decode(input).map(Self::Sr25519).map_err(preamble),
            2 => Decode::decode(input).map(Self::Ecdsa).map_err(preamble),
            _ => Err(ExtrinsicError::Preamble),
        }
    }

    fn verify(&self, who: &AccountId, payload: &[u8]) -> bool {
        let (scheme, signature) = match self {
            Self::Ed25519(signature) => (Scheme::Ed25519, signature),
            Self::Sr25519(signature) => (Scheme::Sr25519, signature),
            Self::Ecdsa(signature) => return ecdsa::verify(signature, payload, who.as_bytes()),
        };
        PublicKey::new(who, scheme).is_ok_and(|key| key.verify(payload, signature))
    }
}

impl Era {
    /// The block whose hash a signer at or after it commits to, seen from block `current`.
    #[must_use]
    pub fn birth(self, current: u64) -> u64 {
        match self {
            Self::Immortal => 0,
            Self::Mortal { period, phase } => {
                let base = current.max(phase).saturating_sub(phase);
                base.checked_div(period).unwrap_or(0).saturating_mul(period).saturating_add(phase)
            }
        }
    }

    /// First block in which the extrinsic is no longer valid, seen from block `current`.
    #[must_use]
    pub fn death(self, current: u64) -> u64 {
        match self {
            Self::Immortal => u64::MAX,
            Self::Mortal { period, .. } => self.birth(current).saturating_add(period),
        }
    }
}

impl Decode for Era {
    fn decode<I: parity_scale_codec::Input>(
        input: &mut I,
    ) -> Result<Self, parity_scale_codec::Error> {
        let first = input.read_byte()?;
        if first == 0 {
            return Ok(Self::Immortal);
        }
        let encoded = u64::from(first) | (u64::from(input.read_byte()?) << 8);
        let period = 2u64 << (encoded % 16);
        let phase = (encoded >> 4).saturating_mul((period >> 12).max(1));
        if period >= 4 && phase < period {
            Ok(Self::Mortal { period, phase })
        } else {
            Err("invalid period and phase".into())
        }
    }
}

fn decode_address(input: &mut &[u8]) -> Result<AccountId, ExtrinsicError> {
    match u8::decode(input) {
        // `Id` is the only form that the runtime's look-up accepts.
        Ok(0) => {
            Decode::decode(input).map(AccountId::from_bytes).map_err(|_| ExtrinsicError::Address)
        }
        _ => Err(ExtrinsicError::Address),
    }
}

fn decode_extra(
    input: &mut &[u8],
    interface: &Interface,
    who: AccountId,
    signature: MultiSignature,
) -> Result<Signed, ExtrinsicError> {
    let preamble = |_| ExtrinsicError::Preamble;
    let (mut era, mut nonce, mut tip, mut mode) = (Era::Immortal, 0, 0, 0);
    for extension in interface.extension_types() {
        match extension.name.as_str() {
            "CheckMortality" => era = Era::decode(input).map_err(preamble)?,
            "CheckNonce" => nonce = Compact::<u32>::decode(input).map_err(preamble)?.0,
            "ChargeTransactionPayment" => {
                tip = Compact::<u64>::decode(input).map_err(preamble)?.0;
            }
            "CheckMetadataHash" => mode = u8::decode(input).map_err(preamble)?,
            _ if interface.is_value(extension.ty, &[]) => {}
            _ => return Err(ExtrinsicError::Extension),
        }
    }
    let metadata_hash = match mode {
        0 => false,
        1 => true,
        _ => return Err(ExtrinsicError::Preamble),
    };
    Ok(Signed { who, signature, era, nonce, tip, metadata_hash })
}
