//! Messages that only the holder of a key can read: libsodium's sealed boxes (section 5).
//!
//! Only ed25519 keys have an X25519 form to encrypt to. The sender stays anonymous.

use crypto_box::aead::OsRng;
use curve25519_dalek::edwards::CompressedEdwardsY;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use crate::{
    account::AccountId,
    key::{Keypair, Scheme},
};

/// How many bytes longer a sealed message is.
pub const OVERHEAD: usize = 48;

/// Encrypts a message to an ed25519 key.
///
/// The scheme must be known from elsewhere: an address does not say it, and about one sr25519
/// address in sixteen passes for an ed25519 key that nobody can open messages with.
///
/// # Errors
/// [`SealError::Scheme`] for any other scheme, [`SealError::Recipient`] when the account is no such
/// key.
pub fn seal(recipient: &AccountId, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, SealError> {
    let Scheme::Ed25519 = scheme else { return Err(SealError::Scheme(scheme)) };
    let point = CompressedEdwardsY(recipient.to_bytes())
        .decompress()
        .filter(|point| point.is_torsion_free() && !point.is_small_order())
        .ok_or(SealError::Recipient(*recipient))?;
    crypto_box::PublicKey::from(point.to_montgomery().to_bytes())
        .seal(&mut OsRng, message)
        .map_err(|_| SealError::Recipient(*recipient))
}

/// Decrypts a message that was sealed to this key.
///
/// # Errors
/// [`SealError::Scheme`] for any other scheme than ed25519, [`SealError::Opened`] when the message
/// was sealed to another key or is damaged.
pub fn open(recipient: &Keypair, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let Scheme::Ed25519 = recipient.scheme() else {
        return Err(SealError::Scheme(recipient.scheme()));
    };
    let mut expanded = Zeroizing::new([0; 64]);
    expanded.copy_from_slice(&Sha512::digest(recipient.to_secret().as_slice()));
    let mut scalar = Zeroizing::new([0; 32]);
    scalar.copy_from_slice(expanded.split_at(32).0);
    crypto_box::SecretKey::from(*scalar)
        .unseal(sealed)
        .map(Zeroizing::new)
        .map_err(|_| SealError::Opened)
}

/// Why a message is not sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Keys of this scheme have no form to encrypt to.
    #[error("messages are sealed to ed25519 keys only, not to {0}")]
    Scheme(Scheme),
    /// The account is no ed25519 public key.
    #[error("{0} is no ed25519 key; most addresses are sr25519")]
    Recipient(AccountId),
    /// The message was sealed to another key, or it is damaged.
    #[error("the message is not for this key, or it is damaged")]
    Opened,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn other_schemes_and_points_are_refused() {
        let sr = Keypair::from_uri("//Alice", Scheme::Sr25519).unwrap();
        let refused = Err(SealError::Scheme(Scheme::Sr25519));
        assert_eq!(seal(&sr.account_id(), Scheme::Sr25519, b"x"), refused);
        assert_eq!(open(&sr, b"x").unwrap_err(), SealError::Scheme(Scheme::Sr25519));
        let identity = AccountId::from_bytes(core::array::from_fn(|index| u8::from(index == 0)));
        assert_eq!(seal(&identity, Scheme::Ed25519, b"x"), Err(SealError::Recipient(identity)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn sealed_messages_open_with_their_key_only(seed: [u8; 32], message: Vec<u8>, flip in 0usize..48) {
            let pair = Keypair::from_seed(&seed, Scheme::Ed25519);
            let mut sealed = seal(&pair.account_id(), Scheme::Ed25519, &message).unwrap();
            prop_assert_eq!(sealed.len(), message.len() + OVERHEAD);
            let opened = open(&pair, &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), message.as_slice());
            let other = Keypair::from_uri("//Bob", Scheme::Ed25519).unwrap();
            prop_assert_eq!(open(&other, &sealed).unwrap_err(), SealError::Opened);
            sealed[flip] ^= 1;
            prop_assert_eq!(open(&pair, &sealed).unwrap_err(), SealError::Opened);
            prop_assert_eq!(open(&pair, &sealed[..flip]).unwrap_err(), SealError::Opened);
        }
    }
}
