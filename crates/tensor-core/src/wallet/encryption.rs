//! The three encryptions of keyfiles: one that is written, two that are read.
//!
//! The content says which it is by its first bytes. Reading an old one and writing the current one
//! is a migration that a person is asked about; nothing here does it unasked.

mod ansible;
pub(super) mod fernet;
pub(super) mod nacl;

use core::fmt;

use zeroize::Zeroizing;

use super::{error::KeyfileError, password::Password};

/// How a keyfile's content is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encryption {
    /// `$NACL`: Argon2i and XSalsa20-Poly1305. What everybody writes today.
    Nacl,
    /// `$ANSIBLE_VAULT;1.1;AES256`, of old releases.
    AnsibleVault,
    /// A Fernet token, of the oldest releases.
    Fernet,
}

impl Encryption {
    /// The encryption of this content, or `None` if it is in the clear (or something else).
    pub fn detect(content: &[u8]) -> Option<Self> {
        if content.starts_with(nacl::MAGIC) {
            Some(Self::Nacl)
        } else if content.starts_with(ansible::MAGIC) {
            Some(Self::AnsibleVault)
        } else if content.starts_with(fernet::MAGIC) {
            Some(Self::Fernet)
        } else {
            None
        }
    }

    /// The name that the official packages use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nacl => "NaCl",
            Self::AnsibleVault => "Ansible Vault",
            Self::Fernet => "legacy",
        }
    }

    /// Whether keys are still written this way; a person may be offered to migrate the others.
    pub const fn is_current(self) -> bool {
        matches!(self, Self::Nacl)
    }
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Decrypts a keyfile's content; content in the clear is given back as it is.
///
/// The first use of a [`Password`] takes seconds, and 512 MiB for `$NACL`: keep it off an async
/// executor. Such derivations run one at a time in the whole process.
///
/// # Errors
/// [`KeyfileError::WrongPassword`], [`KeyfileError::Corrupt`] or [`KeyfileError::Memory`].
pub fn decrypt(content: &[u8], password: &Password) -> Result<Zeroizing<Vec<u8>>, KeyfileError> {
    match Encryption::detect(content) {
        Some(Encryption::Nacl) => nacl::decrypt(content, password),
        Some(Encryption::AnsibleVault) => ansible::decrypt(content, password),
        Some(Encryption::Fernet) => fernet::decrypt(content, password),
        None => Ok(Zeroizing::new(content.to_vec())),
    }
}

/// Encrypts content as [`Encryption::Nacl`] with a random nonce. As slow as [`decrypt`].
///
/// # Errors
/// [`KeyfileError::EmptyPassword`], [`KeyfileError::Memory`] or [`KeyfileError::Randomness`].
pub fn encrypt(content: &[u8], password: &Password) -> Result<Vec<u8>, KeyfileError> {
    let mut nonce = [0; 24];
    getrandom::getrandom(&mut nonce).map_err(|_| KeyfileError::Randomness)?;
    encrypt_with_nonce(content, password, nonce)
}

/// As [`encrypt`] with a given nonce, which must never be used twice with one password.
///
/// # Errors
/// [`KeyfileError::EmptyPassword`] or [`KeyfileError::Memory`].
pub fn encrypt_with_nonce(
    content: &[u8],
    password: &Password,
    nonce: [u8; 24],
) -> Result<Vec<u8>, KeyfileError> {
    if password.is_empty() {
        return Err(KeyfileError::EmptyPassword);
    }
    nacl::encrypt(content, password, nonce)
}
