//! What can be wrong with a keyfile's content, and with the file around it.

use std::{io, path::PathBuf};

use super::{encryption::Encryption, layout::NameError, password::PasswordError};
use crate::{
    account::{AccountId, ParseSs58Error},
    key::{MnemonicError, UnsupportedScheme, UriError},
};

/// Why a keyfile's bytes give no key. It never repeats a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyfileError {
    /// The content is encrypted and no password was given.
    #[error("the key is encrypted ({0}) and needs its password")]
    Encrypted(Encryption),
    /// The password is not the one, or the content was tampered with: encryption cannot tell which.
    #[error("wrong password (or a damaged file)")]
    WrongPassword,
    /// A new password must not be empty.
    #[error("a key cannot be encrypted with an empty password")]
    EmptyPassword,
    /// The bytes are no keyfile.
    #[error("the keyfile is corrupt")]
    Corrupt {
        /// What is wrong with them.
        #[source]
        what: Corruption,
    },
    /// The address in the file is not that of the secret in the file, under neither scheme.
    #[error("the file is for {stored}, but its {field} gives {derived}")]
    AddressMismatch {
        /// The field that holds the secret.
        field: &'static str,
        /// The address as stored, at most 64 characters of it.
        stored: String,
        /// The account of the secret under the scheme that the file names.
        derived: AccountId,
    },
    /// The key is of a scheme that this crate does not know.
    #[error("the keyfile's key cannot be used")]
    UnsupportedKey(#[source] UnsupportedScheme),
    /// The file is a polkadot-js export, which is imported and not opened.
    #[error("this is a polkadot-js JSON export, not a keyfile; import it")]
    PolkadotJs,
    /// Only the public half is in the file.
    #[error("only the public key of {0} is here")]
    PublicOnly(AccountId),
    /// Deriving the key of a password takes 512 MiB of memory, which is not to be had.
    #[error("opening an encrypted key takes {} MiB of memory, which is not available", .0 >> 20)]
    Memory(usize),
    /// The operating system gave no randomness.
    #[error("the operating system gives no randomness")]
    Randomness,
}

impl From<Corruption> for KeyfileError {
    fn from(what: Corruption) -> Self {
        Self::Corrupt { what }
    }
}

/// What exactly is wrong with a keyfile's bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Corruption {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// Neither encrypted nor UTF-8 text.
    #[error("the content is neither text nor in a known encryption")]
    NotText,
    /// Text that starts with a byte-order mark, which no reader takes.
    #[error("the text starts with a byte-order mark; save it without one")]
    ByteOrderMark,
    /// Neither JSON, nor a bare seed, private key or mnemonic.
    #[error("the text is neither JSON nor a bare seed, private key or mnemonic")]
    NotJson,
    /// JSON, but no object.
    #[error("the JSON is no object")]
    NotAnObject,
    /// A field that stands in the object twice: readers disagree on which one counts.
    #[error("the field {0} occurs more than once")]
    Duplicate(&'static str),
    /// None of the fields that give a key.
    #[error("there is no secretPhrase, secretSeed, privateKey or ss58Address")]
    NoKey,
    /// `secretPhrase` is no mnemonic.
    #[error("secretPhrase is no mnemonic")]
    Phrase(#[source] MnemonicError),
    /// `secretSeed` is no seed.
    #[error("secretSeed is not 32 bytes of hex")]
    Seed,
    /// `privateKey` is no private key of the scheme.
    #[error("privateKey is no private key of the keyfile's scheme")]
    PrivateKey,
    /// `ss58Address` is no address.
    #[error("ss58Address is no address")]
    Address(#[source] ParseSs58Error),
    /// Encrypted content that ends before its fixed parts do.
    #[error("the encrypted content is cut short: {length} bytes where at least {least} are needed")]
    Truncated {
        /// Bytes that are there.
        length: usize,
        /// Bytes that every such file has.
        least: usize,
    },
    /// An Ansible vault other than version 1.1 with AES-256, or not in its form.
    #[error("the Ansible vault is not of the form 1.1, AES256")]
    Vault,
    /// A Fernet token that is not in its form.
    #[error("the Fernet token is malformed")]
    Fernet,
}

/// Why a wallet's file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalletError {
    /// There is no such file or folder.
    #[error("{} does not exist", path.display())]
    NotFound {
        /// The missing file.
        path: PathBuf,
    },
    /// This user may not read or write the file.
    #[error("no permission for {}", path.display())]
    Permission {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is there already, and replacing it was not asked for.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file that was kept.
        path: PathBuf,
    },
    /// The key is a symbolic link, which may lead to somebody else's file.
    #[error("{} is a symbolic link", path.display())]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// The path leads to a folder, device or pipe.
    #[error("{} is no regular file", path.display())]
    NotAFile {
        /// What is no file.
        path: PathBuf,
    },
    /// Everybody on the machine may read or change the secret key.
    #[error("{} is open to everybody (mode {mode:04o}); set it to 0600", path.display())]
    WorldReadable {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The group may read or change the secret key.
    #[error("{} is open to its group (mode {mode:04o}); set it to 0600", path.display())]
    WrongMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is far larger than any keyfile.
    #[error("{} has more than {limit} bytes, no keyfile does", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How much would have been read, in bytes.
        limit: u64,
    },
    /// The content of the file gives no key.
    #[error("{} cannot be used", path.display())]
    Keyfile {
        /// The file.
        path: PathBuf,
        /// What is wrong with the content.
        #[source]
        source: KeyfileError,
    },
    /// The secret key's account is not the one that the public file beside it names.
    #[error("{} holds the key of {found}, the public file beside it names {expected}", path.display())]
    AddressMismatch {
        /// The secret file.
        path: PathBuf,
        /// The account of the public file.
        expected: AccountId,
        /// The account of the secret.
        found: AccountId,
    },
    /// A wallet's or hotkey's name that cannot be part of a path.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A password in the environment that does not decode.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Anything else the file system said.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl WalletError {
    /// Whether asking for a password, or for another one, may help.
    pub fn asks_for_password(&self) -> bool {
        matches!(
            self,
            Self::Keyfile { source: KeyfileError::Encrypted(_) | KeyfileError::WrongPassword, .. }
        )
    }
}

/// Why a mnemonic, URI or import gives no new keyfile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegenError {
    /// The words are no mnemonic.
    #[error(transparent)]
    Mnemonic(#[from] MnemonicError),
    /// The text is no secret URI.
    #[error(transparent)]
    Uri(#[from] UriError),
}
