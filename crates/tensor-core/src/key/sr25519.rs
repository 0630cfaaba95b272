//! sr25519: schnorrkel with Substrate's signing context and derivation.

use schnorrkel::derive::{ChainCode, Derivation};
use schnorrkel::{ExpansionMode, Keypair, MiniSecretKey, SecretKey, signing_context};
use zeroize::Zeroizing;

use super::{Scheme, SecretError};

const CONTEXT: &[u8] = b"substrate";

#[derive(Clone)]
pub(super) struct Pair(Keypair);

impl Pair {
    pub(super) fn from_seed(seed: &[u8; 32]) -> Self {
        let Ok(mini) = MiniSecretKey::from_bytes(seed) else {
            // Every 32 bytes are a mini secret; only the length can be wrong.
            unreachable!("a seed has 32 bytes")
        };
        Self(mini.expand_to_keypair(ExpansionMode::Ed25519))
    }

    pub(super) fn from_secret(secret: &[u8]) -> Result<Self, SecretError> {
        let secret =
            SecretKey::from_bytes(secret).map_err(|_| SecretError { scheme: Scheme::Sr25519 })?;
        Ok(Self(secret.to_keypair()))
    }

    pub(super) fn hard(&self, chain_code: [u8; 32]) -> Self {
        let (mini, _) = self.0.secret.hard_derive_mini_secret_key(Some(ChainCode(chain_code)), b"");
        Self(mini.expand_to_keypair(ExpansionMode::Ed25519))
    }

    pub(super) fn soft(&self, chain_code: [u8; 32]) -> Self {
        Self(self.0.derived_key_simple(ChainCode(chain_code), []).0)
    }

    pub(super) fn public(&self) -> [u8; 32] {
        self.0.public.to_bytes()
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign_simple(CONTEXT, message).to_bytes()
    }

    pub(super) fn to_secret(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(Zeroizing::new(self.0.secret.to_bytes()).to_vec())
    }

    #[cfg(feature = "wallet")]
    pub(super) fn from_ed25519_form(secret: &[u8; 64]) -> Result<Self, SecretError> {
        let secret = SecretKey::from_ed25519_bytes(secret)
            .map_err(|_| SecretError { scheme: Scheme::Sr25519 })?;
        Ok(Self(secret.to_keypair()))
    }

    #[cfg(feature = "wallet")]
    pub(super) fn to_ed25519_form(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(Zeroizing::new(self.0.secret.to_ed25519_bytes()).to_vec())
    }
}

#[derive(Clone)]
pub(super) struct Public(schnorrkel::PublicKey);

impl Public {
    pub(super) fn new(bytes: &[u8; 32]) -> Option<Self> {
        schnorrkel::PublicKey::from_bytes(bytes).ok().map(Self)
    }

    pub(super) fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        schnorrkel::Signature::from_bytes(signature).is_ok_and(|signature| {
            self.0.verify(signing_context(CONTEXT).bytes(message), &signature).is_ok()
        })
    }
}

/// Whether every signature is good, in one multiplication over all points. Ristretto has no cofactor,
/// so this agrees with one check after the other, up to a chance of 2^-128.
pub(super) fn verify_all<'a>(
    claims: impl Iterator<Item = (&'a Public, &'a [u8], &'a [u8; 64])>,
) -> bool {
    let context = signing_context(CONTEXT);
    let (mut transcripts, mut signatures, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for (key, message, signature) in claims {
        let Ok(signature) = schnorrkel::Signature::from_bytes(signature) else { return false };
        transcripts.push(context.bytes(message));
        signatures.push(signature);
        keys.push(key.0);
    }
    schnorrkel::verify_batch(transcripts, &signatures, &keys, false).is_ok()
}
