//! ed25519: dalek with strict verification, and Substrate's hard derivation.

use blake2::{Blake2b, Digest, digest::consts::U32};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

#[derive(Clone)]
pub(super) struct Pair(SigningKey);

impl Pair {
    pub(super) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// BLAKE2b-256 of the SCALE tuple ("Ed25519HDKD", seed, chain code).
    pub(super) fn hard(&self, chain_code: [u8; 32]) -> Self {
        let seed: [u8; 32] = Blake2b::<U32>::new()
            .chain_update([11 << 2])
            .chain_update(b"Ed25519HDKD")
            .chain_update(self.0.as_bytes())
            .chain_update(chain_code)
            .finalize()
            .into();
        Self::from_seed(&Zeroizing::new(seed))
    }

    pub(super) fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    pub(super) fn to_secret(&self) -> Zeroizing<Vec<u8>> {
        let seed = self.0.as_bytes();
        // One allocation for good: growing would leave an unwiped copy behind.
        let mut secret = Zeroizing::new(Vec::with_capacity(64));
        secret.extend_from_slice(seed);
        secret
    }
}

#[derive(Clone)]
pub(super) struct Public(VerifyingKey);

impl Public {
    pub(super) fn new(bytes: &[u8; 32]) -> Option<Self> {
        VerifyingKey::from_bytes(bytes).ok().map(Self)
    }

    pub(super) fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}
