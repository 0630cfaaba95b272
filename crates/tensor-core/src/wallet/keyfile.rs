//! A keyfile's content in the clear: bytes to key and back. No file is touched here.

mod fields;
mod read;

use core::fmt;

use zeroize::Zeroizing;

use super::{
    encryption::{self, Encryption},
    error::{KeyfileError, RegenError},
    password::Password,
};
use crate::{
    account::AccountId,
    key::{Keypair, Mnemonic, Scheme},
};

/// What a keyfile holds: a key pair and what it was made of, or a public key alone.
///
/// Reads every form that the official packages read (wallet format, section 2.1) and writes the one
/// that both of them write. Secrets are wiped on drop; `Debug` shows the address only.
#[derive(Clone)]
pub struct Keyfile {
    account: AccountId,
    scheme: Scheme,
    secret: Option<Secret>,
}

#[derive(Clone)]
struct Secret {
    pair: Keypair,
    /// 32 bytes, or for sr25519 the 64 of an expanded key: files with such a `secretSeed` exist.
    seed: Option<Zeroizing<Vec<u8>>>,
    phrase: Option<Zeroizing<String>>,
}

impl Keyfile {
    /// The key of a mnemonic. The phrase is kept only without a password (`Some("")` is one), since
    /// with one it does not suffice.
    pub fn from_mnemonic(mnemonic: &Mnemonic, password: Option<&str>, scheme: Scheme) -> Self {
        let seed = mnemonic.seed(password.unwrap_or_default());
        let phrase = password.is_none().then(|| mnemonic.phrase());
        Self::of(Secret {
            pair: Keypair::from_seed(&seed, scheme),
            seed: Some(Zeroizing::new(seed.to_vec())),
            phrase,
        })
    }

    /// The key of a 32-byte seed.
    pub fn from_seed(seed: &[u8; 32], scheme: Scheme) -> Self {
        Self::of(Secret {
            pair: Keypair::from_seed(seed, scheme),
            seed: Some(Zeroizing::new(seed.to_vec())),
            phrase: None,
        })
    }

    /// The key of a secret URI; neither phrase nor seed are kept, since a path may lead away from
    /// them.
    ///
    /// # Errors
    /// [`RegenError::Uri`] says which part does not parse.
    pub fn from_uri(uri: &str, scheme: Scheme) -> Result<Self, RegenError> {
        Ok(Self::from_keypair(Keypair::from_uri(uri, scheme)?))
    }

    /// A key of which nothing but the key is known.
    pub fn from_keypair(pair: Keypair) -> Self {
        Self::of(Secret { pair, seed: None, phrase: None })
    }

    /// A public key alone.
    pub fn from_account(account: AccountId, scheme: Scheme) -> Self {
        Self { account, scheme, secret: None }
    }

    /// Reads a keyfile's content in the clear.
    ///
    /// # Errors
    /// [`KeyfileError`]: `Encrypted`, `Corrupt`, `AddressMismatch`, `UnsupportedKey`, `PolkadotJs`.
    pub fn read(content: &[u8]) -> Result<Self, KeyfileError> {
        match Encryption::detect(content) {
            Some(encryption) => Err(KeyfileError::Encrypted(encryption)),
            None => read::read(content),
        }
    }

    /// Reads a keyfile's content, decrypting it if it is encrypted. See [`encryption::decrypt`] for
    /// what that costs.
    ///
    /// # Errors
    /// As [`Self::read`], and `WrongPassword`, `Memory`.
    pub fn decrypt(content: &[u8], password: &Password) -> Result<Self, KeyfileError> {
        read::read(&encryption::decrypt(content, password)?)
    }

    /// The account of the key.
    pub fn account_id(&self) -> AccountId {
        self.account
    }

    /// The scheme of the key.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The key pair.
    ///
    /// # Errors
    /// [`KeyfileError::PublicOnly`] when the secret is not here.
    pub fn keypair(&self) -> Result<&Keypair, KeyfileError> {
        match &self.secret {
            Some(secret) => Ok(&secret.pair),
            None => Err(KeyfileError::PublicOnly(self.account)),
        }
    }

    /// The mnemonic from which alone the key can be made again, if it is known.
    pub fn phrase(&self) -> Option<&str> {
        self.secret.as_ref()?.phrase.as_deref().map(String::as_str)
    }

    /// The seed from which the key can be made again, if it is known: 32 bytes, rarely 64.
    pub fn seed(&self) -> Option<&[u8]> {
        self.secret.as_ref()?.seed.as_deref().map(Vec::as_slice)
    }

    /// The public half, as the `pub.txt` beside a secret file has it.
    #[must_use]
    pub fn to_public(&self) -> Self {
        Self::from_account(self.account, self.scheme)
    }

    /// The names of the fields that [`Self::to_json`] writes, in its order.
    pub fn fields(&self) -> Vec<&'static str> {
        let secret = self.secret.as_ref();
        let mut names = vec!["accountId", "publicKey"];
        names.extend(secret.map(|_| "privateKey"));
        names.extend(secret.and_then(|secret| secret.phrase.as_ref()).map(|_| "secretPhrase"));
        names.extend(secret.and_then(|secret| secret.seed.as_ref()).map(|_| "secretSeed"));
        names.extend(["ss58Address", "cryptoType"]);
        names
    }

    /// The content in the clear, as both official packages write it: one JSON object, no newline.
    pub fn to_json(&self) -> Zeroizing<String> {
        // Longer than any keyfile: growing would leave unwiped copies behind.
        let mut json = Zeroizing::new(String::with_capacity(1024));
        let account = hex::encode(self.account.as_bytes());
        for (position, name) in self.fields().into_iter().enumerate() {
            json.push_str(if position == 0 { "{\"" } else { ",\"" });
            json.push_str(name);
            json.push_str("\":");
            let secret = self.secret.as_ref();
            match name {
                "accountId" | "publicKey" => push_hex(&mut json, &account),
                "privateKey" => {
                    let bytes = secret.map(|secret| secret.pair.to_secret()).unwrap_or_default();
                    push_hex(&mut json, &Zeroizing::new(hex::encode(&*bytes)));
                }
                "secretSeed" => {
                    let bytes = self.seed().unwrap_or_default();
                    push_hex(&mut json, &Zeroizing::new(hex::encode(bytes)));
                }
                // Words of the BIP-39 list and addresses need no escapes.
                "secretPhrase" => push_text(&mut json, self.phrase().unwrap_or_default()),
                "ss58Address" => push_text(&mut json, &self.account.to_string()),
                _ => json.push_str(if self.scheme == Scheme::Ed25519 { "0" } else { "1" }),
            }
        }
        json.push('}');
        json
    }

    /// The content encrypted as [`Encryption::Nacl`]. As slow as opening such a file.
    ///
    /// # Errors
    /// [`KeyfileError`]: `EmptyPassword`, `Memory`, `Randomness`.
    pub fn encrypt(&self, password: &Password) -> Result<Vec<u8>, KeyfileError> {
        encryption::encrypt(self.to_json().as_bytes(), password)
    }

    fn of(secret: Secret) -> Self {
        Self {
            account: secret.pair.account_id(),
            scheme: secret.pair.scheme(),
            secret: Some(secret),
        }
    }
}

impl fmt::Debug for Keyfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.secret.is_some() { "secret" } else { "public" };
        write!(f, "Keyfile({kind}, {}, {})", self.scheme, self.account)
    }
}

fn push_hex(json: &mut String, digits: &str) {
    json.push_str("\"0x");
    json.push_str(digits);
    json.push('"');
}

fn push_text(json: &mut String, text: &str) {
    json.push('"');
    json.push_str(text);
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_public_file_has_243_bytes_like_everybody_elses() {
        let alice = Keyfile::from_uri("//Alice", Scheme::Sr25519).unwrap().to_public();
        let json = alice.to_json();
        assert_eq!(json.len(), 243);
        assert!(!alice.fields().contains(&"privateKey"));
        assert_eq!(alice.keypair().unwrap_err(), KeyfileError::PublicOnly(alice.account_id()));
    }

    #[test]
    fn debug_shows_the_address_only() {
        let seed = [7; 32];
        let text = format!("{:?}", Keyfile::from_seed(&seed, Scheme::Ed25519));
        assert!(text.contains("ed25519") && !text.contains("0707"), "{text}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_keyfile_reads_back(entropy: [u8; 16], password: Option<String>, ed25519: bool, how in 0..4) {
            let scheme = if ed25519 { Scheme::Ed25519 } else { Scheme::Sr25519 };
            let mnemonic = Mnemonic::from_entropy(&entropy).unwrap();
            let file = match how {
                0 => Keyfile::from_mnemonic(&mnemonic, password.as_deref(), scheme),
                1 => Keyfile::from_seed(&mnemonic.seed(""), scheme),
                2 => Keyfile::from_uri(&format!("{}//hard", *mnemonic.phrase()), scheme).unwrap(),
                _ => Keyfile::from_mnemonic(&mnemonic, None, scheme).to_public(),
            };
            let json = file.to_json();
            let again = Keyfile::read(json.as_bytes()).unwrap();
            prop_assert_eq!(again.to_json(), json);
            prop_assert_eq!(again.account_id(), file.account_id());
            prop_assert_eq!(again.scheme(), scheme);
        }
    }
}
