//! Why a command did not do what was asked, and the exit code that says so.

use std::{io, path::PathBuf};

use tensor_core::{
    account::ParseSs58Error,
    key::{MnemonicError, ParseSignatureError, PublicKeyError, SecretError, UriError},
    wallet::{
        KeyfileError, NameError, WalletError, password::PasswordError,
        polkadot_js::PolkadotJsError, sealed::SealError,
    },
};

/// A command's failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The signature is not the account's over the message.
    #[error("the signature is not valid")]
    NotValid,
    /// No password was found and nobody is there to ask.
    #[error("{0} needs a password, none is stored and nobody is at the terminal")]
    NoPassword(String),
    /// A new password of fewer than six characters.
    #[error("a password has at least 6 characters")]
    ShortPassword,
    /// The password was typed differently the second time.
    #[error("the two passwords differ")]
    PasswordsDiffer,
    /// Nothing says where the home folder is.
    #[error("there is no home folder; say --path")]
    NoHome,
    /// A command about a hotkey was given a wallet.
    #[error("name a hotkey: WALLET/HOTKEY")]
    NoHotkey,
    /// Nothing was given to make a key from, and nobody is there to ask.
    #[error("nothing to make the key from: say --file, or run it at a terminal")]
    NoSource,
    /// A text that is not hex, or not of the right length.
    #[error("{0} is not the hex that is needed here")]
    Hex(&'static str),
    /// A key in the clear was asked to be decrypted, or to change its password.
    #[error("{0} is not encrypted")]
    NotEncrypted(String),
    /// A key that is encrypted as keys are today was asked to be encrypted.
    #[error("{0} is encrypted already; see change-password")]
    Encrypted(String),
    /// A file that cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Standard input that cannot be read.
    #[error("standard input cannot be read")]
    Input(#[source] io::Error),
    /// What the wallet said.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// What a key's content said.
    #[error(transparent)]
    Keyfile(#[from] KeyfileError),
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A stored password that does not decode.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Words that are no mnemonic.
    #[error(transparent)]
    Mnemonic(#[from] MnemonicError),
    /// A text that is no secret URI.
    #[error(transparent)]
    Uri(#[from] UriError),
    /// Bytes that are no secret key.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A file that is no polkadot-js export, or does not open.
    #[error(transparent)]
    PolkadotJs(#[from] PolkadotJsError),
    /// A text that is no address.
    #[error("{address} is no address")]
    Address {
        /// The text.
        address: String,
        /// What is wrong with it.
        #[source]
        source: ParseSs58Error,
    },
    /// An address that is no key of the scheme.
    #[error(transparent)]
    PublicKey(#[from] PublicKeyError),
    /// A text that is no signature.
    #[error(transparent)]
    Signature(#[from] ParseSignatureError),
    /// A message that was not sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// An address too long for a QR code, which none is.
    #[error("the QR code cannot be drawn")]
    Qr(#[from] qrcode::types::QrError),
}

impl Failure {
    /// The process's exit code, as the help text lists them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotValid => 1,
            Self::NoHotkey | Self::NoSource | Self::Hex(_) | Self::Address { .. } => 2,
            Self::Name(_) | Self::Mnemonic(_) | Self::Uri(_) | Self::Secret(_) => 2,
            Self::Signature(_) => 2,
            Self::NoPassword(_) | Self::ShortPassword | Self::PasswordsDiffer => 3,
            Self::PolkadotJs(PolkadotJsError::WrongPassword) | Self::Password(_) => 3,
            Self::Wallet(error) => match error {
                error if error.asks_for_password() => 3,
                WalletError::Password(_) => 3,
                WalletError::NotFound { .. } => 4,
                WalletError::Exists { .. } => 5,
                WalletError::Name(_) => 2,
                _ => 6,
            },
            _ => 6,
        }
    }

    /// The whole chain of reasons, outermost first.
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = vec![self.to_string()];
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            reasons.push(error.to_string());
            cause = error.source();
        }
        reasons
    }
}
