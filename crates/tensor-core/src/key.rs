//! Keys: key pairs of both schemes, signatures, and who may sign.
//!
//! - [`Keypair`] holds a secret in memory: from a `//secret/uri///password`, a mnemonic or a seed.
//! - [`Signer`] and [`SignerSync`] are what code that signs asks for, so that a key may as well live
//!   in another process or device.
//! - [`PublicKey`] verifies. It keeps the decoded point, so a server that hears from one hotkey again
//!   and again pays for decoding once; [`KeyCache`] keeps a bounded number of them.
//! - [`verify_batch`] and [`verify_each`] check many signatures for less than one after the other.
//!
//! An address does not say the scheme of its key; the scheme always travels beside it.

mod batch;
mod cache;
mod ed25519;
mod mnemonic;
#[cfg(feature = "testing")]
mod recorder;
mod scheme;
mod signature;
mod signer;
mod sr25519;
mod uri;

use core::fmt;

pub use batch::{Claim, verify_batch, verify_each};
pub use cache::KeyCache;
pub use mnemonic::{Mnemonic, MnemonicError};
#[cfg(feature = "testing")]
pub use recorder::{Recorder, Signed};
pub use scheme::{Scheme, UnsupportedScheme};
pub use signature::{ParseSignatureError, Signature};
pub use signer::{SignError, Signer, SignerSync};
pub use uri::UriError;

use crate::account::AccountId;

/// A secret key in memory with its public half. Wiped when dropped; `Debug` shows the address only.
#[derive(Clone)]
pub struct Keypair(Secret);

#[derive(Clone)]
enum Secret {
    Sr25519(sr25519::Pair),
    Ed25519(ed25519::Pair),
}

impl Keypair {
    /// The key of a 32-byte seed (`secretSeed` of a keyfile).
    pub fn from_seed(seed: &[u8; 32], scheme: Scheme) -> Self {
        Self(match scheme {
            Scheme::Sr25519 => Secret::Sr25519(sr25519::Pair::from_seed(seed)),
            Scheme::Ed25519 => Secret::Ed25519(ed25519::Pair::from_seed(seed)),
        })
    }

    /// The key of a secret URI: `[phrase | 0x…64 hex digits][/soft | //hard]…[///password]`.
    ///
    /// An empty phrase means Substrate's public development phrase, so `//Alice` is everybody's.
    ///
    /// # Errors
    /// [`UriError`] says which part does not parse.
    pub fn from_uri(uri: &str, scheme: Scheme) -> Result<Self, UriError> {
        uri::derive(uri, scheme)
    }

    /// The key of a mnemonic, derived the Substrate way (from the entropy, not the BIP-39 seed).
    ///
    /// # Errors
    /// [`MnemonicError`] names the wrong word, word count or checksum.
    pub fn from_mnemonic(
        phrase: &str,
        password: Option<&str>,
        scheme: Scheme,
    ) -> Result<Self, MnemonicError> {
        let seed = Mnemonic::parse(phrase)?.seed(password.unwrap_or_default());
        Ok(Self::from_seed(&seed, scheme))
    }

    /// The key of stored secret bytes (`privateKey` of a keyfile): 64 bytes for sr25519 (scalar and
    /// nonce), 32 bytes of seed for ed25519.
    ///
    /// # Errors
    /// [`SecretError`] when the bytes are no such key.
    pub fn from_secret(secret: &[u8], scheme: Scheme) -> Result<Self, SecretError> {
        match scheme {
            Scheme::Sr25519 => sr25519::Pair::from_secret(secret).map(Secret::Sr25519),
            Scheme::Ed25519 => {
                let seed = secret.try_into().map_err(|_| SecretError { scheme })?;
                Ok(Secret::Ed25519(ed25519::Pair::from_seed(seed)))
            }
        }
        .map(Self)
    }

    /// The key's scheme.
    pub fn scheme(&self) -> Scheme {
        match self.0 {
            Secret::Sr25519(_) => Scheme::Sr25519,
            Secret::Ed25519(_) => Scheme::Ed25519,
        }
    }

    /// The account that this key speaks for.
    pub fn account_id(&self) -> AccountId {
        AccountId::from_bytes(match &self.0 {
            Secret::Sr25519(pair) => pair.public(),
            Secret::Ed25519(pair) => pair.public(),
        })
    }

    /// Signs the exact bytes. Nothing is hashed or wrapped first.
    pub fn sign(&self, message: &[u8]) -> Signature {
        let bytes = match &self.0 {
            Secret::Sr25519(pair) => pair.sign(message),
            Secret::Ed25519(pair) => pair.sign(message),
        };
        Signature { scheme: self.scheme(), bytes }
    }

    /// The key of a polkadot-js secret, which both schemes keep in ed25519's form: for sr25519 the
    /// scalar times 8 and the nonce, for ed25519 the seed and the public key.
    #[cfg(feature = "wallet")]
    pub(crate) fn from_ed25519_form(
        secret: &[u8; 64],
        scheme: Scheme,
    ) -> Result<Self, SecretError> {
        match scheme {
            Scheme::Sr25519 => {
                sr25519::Pair::from_ed25519_form(secret).map(Secret::Sr25519).map(Self)
            }
            Scheme::Ed25519 => {
                let (seed, _) = secret.split_at(32);
                Self::from_secret(seed, scheme)
            }
        }
    }

    /// The inverse of [`Self::from_ed25519_form`].
    #[cfg(feature = "wallet")]
    pub(crate) fn to_ed25519_form(&self) -> zeroize::Zeroizing<Vec<u8>> {
        match &self.0 {
            Secret::Sr25519(pair) => pair.to_ed25519_form(),
            Secret::Ed25519(pair) => {
                let mut long = pair.to_secret();
                long.extend_from_slice(&pair.public());
                long
            }
        }
    }

    /// The secret as keyfiles store it, wiped when dropped.
    pub fn to_secret(&self) -> zeroize::Zeroizing<Vec<u8>> {
        match &self.0 {
            Secret::Sr25519(pair) => pair.to_secret(),
            Secret::Ed25519(pair) => pair.to_secret(),
        }
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keypair({}, {})", self.scheme(), self.account_id())
    }
}

impl SignerSync for Keypair {
    fn account_id(&self) -> AccountId {
        Self::account_id(self)
    }

    fn scheme(&self) -> Scheme {
        Self::scheme(self)
    }

    fn sign_sync(&self, message: &[u8]) -> Result<Signature, SignError> {
        Ok(self.sign(message))
    }
}

/// Secret bytes that are no key of the scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no {scheme} secret key")]
pub struct SecretError {
    /// The scheme that was asked for.
    pub scheme: Scheme,
}

/// A public key, decoded once and ready to verify many signatures.
#[derive(Clone)]
pub struct PublicKey(Point);

#[derive(Clone)]
enum Point {
    Sr25519(sr25519::Public),
    Ed25519(ed25519::Public),
}

impl PublicKey {
    /// Reads the account's bytes as a key of that scheme.
    ///
    /// # Errors
    /// [`PublicKeyError`] when the bytes are no point of the curve: nobody can sign for such an account.
    pub fn new(account: &AccountId, scheme: Scheme) -> Result<Self, PublicKeyError> {
        let point = match scheme {
            Scheme::Sr25519 => sr25519::Public::new(account.as_bytes()).map(Point::Sr25519),
            Scheme::Ed25519 => ed25519::Public::new(account.as_bytes()).map(Point::Ed25519),
        };
        point.map(Self).ok_or(PublicKeyError { account: *account, scheme })
    }

    /// The key's scheme.
    pub fn scheme(&self) -> Scheme {
        match self.0 {
            Point::Sr25519(_) => Scheme::Sr25519,
            Point::Ed25519(_) => Scheme::Ed25519,
        }
    }

    /// The account whose key this is.
    pub fn account_id(&self) -> AccountId {
        AccountId::from_bytes(match &self.0 {
            Point::Sr25519(point) => point.to_bytes(),
            Point::Ed25519(point) => point.to_bytes(),
        })
    }

    /// Whether `signature` is this key's over exactly `message`.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        match &self.0 {
            Point::Sr25519(point) => point.verify(message, signature),
            Point::Ed25519(point) => point.verify(message, signature),
        }
    }

    /// As [`Self::verify`], and if that fails once more over `<Bytes>message</Bytes>`, the form
    /// browser wallets sign. For tools that check a person's message; network code uses the exact one.
    #[must_use]
    pub fn verify_tolerant(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.verify(message, signature)
            || self.verify(&[b"<Bytes>", message, b"</Bytes>"].concat(), signature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.scheme(), self.account_id())
    }
}

/// An account whose bytes are no public key of the scheme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{account} is no {scheme} public key")]
pub struct PublicKeyError {
    /// The account that was given.
    pub account: AccountId,
    /// The scheme that was asked for.
    pub scheme: Scheme,
}

/// Whether `signature` is `account`'s over exactly `message`, under the scheme it names.
///
/// Decodes the key each time; see [`PublicKey`] for the hot path.
#[must_use]
pub fn verify(account: &AccountId, message: &[u8], signature: &Signature) -> bool {
    PublicKey::new(account, signature.scheme)
        .is_ok_and(|public| public.verify(message, &signature.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_development_keys() {
        let sr = Keypair::from_uri("//Alice", Scheme::Sr25519).unwrap();
        assert_eq!(sr.account_id().to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
        let ed = Keypair::from_uri("//Alice", Scheme::Ed25519).unwrap();
        assert_eq!(ed.account_id().to_string(), "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu");
    }

    #[test]
    fn signatures_bind_message_key_and_scheme() {
        for scheme in [Scheme::Sr25519, Scheme::Ed25519] {
            let pair = Keypair::from_uri("//Bob", scheme).unwrap();
            let signature = pair.sign(b"hello");
            assert!(verify(&pair.account_id(), b"hello", &signature));
            assert!(!verify(&pair.account_id(), b"hellO", &signature));
            let other = Keypair::from_uri("//Carol", scheme).unwrap();
            assert!(!verify(&other.account_id(), b"hello", &signature));
            let wrong = match scheme {
                Scheme::Sr25519 => Scheme::Ed25519,
                Scheme::Ed25519 => Scheme::Sr25519,
            };
            assert!(!verify(
                &pair.account_id(),
                b"hello",
                &Signature { scheme: wrong, ..signature }
            ));
        }
    }

    #[test]
    fn secrets_survive_a_round_trip_and_stay_out_of_debug() {
        for scheme in [Scheme::Sr25519, Scheme::Ed25519] {
            let pair = Keypair::from_uri("//Alice//stash", scheme).unwrap();
            let again = Keypair::from_secret(&pair.to_secret(), scheme).unwrap();
            assert_eq!(again.account_id(), pair.account_id());
            let secret = hex::encode(pair.to_secret());
            assert!(!format!("{pair:?}").contains(&secret[..16]));
            assert!(Keypair::from_secret(&[1; 31], scheme).is_err());
        }
    }

    #[test]
    fn wrapped_messages_need_the_tolerant_check() {
        let pair = Keypair::from_uri("//Alice", Scheme::Sr25519).unwrap();
        let public = PublicKey::new(&pair.account_id(), Scheme::Sr25519).unwrap();
        let wrapped = pair.sign(b"<Bytes>hi</Bytes>");
        assert!(!public.verify(b"hi", &wrapped.bytes));
        assert!(public.verify_tolerant(b"hi", &wrapped.bytes));
    }
}
