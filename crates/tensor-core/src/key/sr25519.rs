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
        let mini = match MiniSecretKey::from_bytes(seed) {
            Ok(mini) => mini,
            // Every 32 bytes are a mini secret; only the length can be wrong.
            Err(_) => unreachable!("a seed has 32 bytes"),
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
        Zeroizing::new(self.0.secret.to_bytes().to_vec())
    }
}

#[derive(Clone)]
pub(super) struct Public(schnorrkel::PublicKey);

impl Public {
    pub(super) fn new(bytes: &[u8; 32]) -> Option<Self> {
        schnorrkel::PublicKey::from_bytes(bytes).ok().map(Self)
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        schnorrkel::Signature::from_bytes(signature).is_ok_and(|signature| {
            self.0.verify(signing_context(CONTEXT).bytes(message), &signature).is_ok()
        })
    }
}
