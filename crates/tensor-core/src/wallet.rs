//! Wallets that any Bittensor tool can open: folders of keyfiles as `btcli` lays them out.
//!
//! ```text
//! {folder of wallets}/{wallet}/coldkey                secret, normally encrypted
//! {folder of wallets}/{wallet}/coldkeypub.txt         its public half
//! {folder of wallets}/{wallet}/hotkeys/{hotkey}       secret, normally not encrypted
//! {folder of wallets}/{wallet}/hotkeys/{hotkey}pub.txt
//! ```
//!
//! - [`Wallet`] is one such folder. Reading addresses asks for no password.
//! - [`WalletKey`] is one secret file, [`Locked`] or [`Unlocked`]; only the unlocked one signs.
//! - [`Keyfile`] is a file's content without the file: bytes to key and back.
//! - [`encryption`] opens all three encryptions and writes the current one.
//! - [`polkadot_js`] exchanges keys with browser wallets, [`sealed`] encrypts messages to a key.
//!
//! Nothing here reads the environment, asks a person, or replaces a file without being told.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use tensor_core::key::{Mnemonic, Scheme, SignerSync};
//! use tensor_core::wallet::{Keyfile, Overwrite, Wallet};
//!
//! # let folder = tempfile::tempdir()?;
//! let wallet = Wallet::new(folder.path(), "alice")?;
//! let mnemonic = Mnemonic::generate(12)?;
//! wallet.write_hotkey("default", &Keyfile::from_mnemonic(&mnemonic, None, Scheme::Sr25519), None, Overwrite::Never)?;
//!
//! let hotkey = wallet.hotkey("default")?.open()?;
//! let signature = hotkey.sign_sync(b"hello")?;
//! assert!(tensor_core::key::verify(&hotkey.account_id(), b"hello", &signature));
//! # Ok(())
//! # }
//! ```

pub mod encryption;
mod error;
mod file;
mod keyfile;
pub mod layout;
pub mod password;
pub mod polkadot_js;
pub mod sealed;
mod wallet_key;

use core::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

pub use encryption::Encryption;
pub use error::{Corruption, KeyfileError, RegenError, WalletError};
pub use file::{Guard, Overwrite};
pub use keyfile::Keyfile;
pub use layout::{Name, NameError};
pub use password::Password;
pub use wallet_key::{Locked, Unlocked, WalletKey};

/// One wallet: a folder with a coldkey and hotkeys. The value names it and holds nothing open.
#[derive(Clone)]
pub struct Wallet {
    folder: PathBuf,
    name: Name,
    guard: Guard,
}

impl Wallet {
    /// The wallet of that name in a folder of wallets ([`layout::wallets_folder`]), whether it is
    /// there yet or not. Touches nothing.
    ///
    /// # Errors
    /// [`WalletError::Name`] when the name cannot be part of a path.
    pub fn new(wallets: impl AsRef<Path>, name: &str) -> Result<Self, WalletError> {
        let name: Name = name.parse()?;
        let folder = wallets.as_ref().join(name.as_str());
        Ok(Self { folder, name, guard: Guard::strict() })
    }

    /// The wallets in a folder of wallets, in natural order. A missing folder has none.
    ///
    /// # Errors
    /// What the file system says.
    pub fn list(wallets: impl AsRef<Path>) -> Result<Vec<Self>, WalletError> {
        let names = file::list(wallets.as_ref(), std::fs::FileType::is_dir)?;
        let mut list: Vec<Self> =
            names.iter().filter_map(|name| Self::new(wallets.as_ref(), name).ok()).collect();
        list.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(list)
    }

    /// Sets what secret files must be like; strict unless set.
    #[must_use]
    pub fn with_guard(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    /// The wallet's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The wallet's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the folder is there.
    pub fn exists(&self) -> bool {
        file::exists(&self.folder)
    }

    /// Where the coldkey is, or would be.
    pub fn coldkey_path(&self) -> PathBuf {
        self.folder.join("coldkey")
    }

    /// Where a hotkey is, or would be.
    pub fn hotkey_path(&self, hotkey: &Name) -> PathBuf {
        self.folder.join("hotkeys").join(hotkey.as_str())
    }

    /// The names of the hotkeys, in natural order: of the secret files, and of public files alone.
    ///
    /// # Errors
    /// What the file system says. A missing folder has none.
    pub fn hotkeys(&self) -> Result<Vec<Name>, WalletError> {
        let names = file::list(&self.folder.join("hotkeys"), std::fs::FileType::is_file)?;
        let mut names: Vec<Name> = names
            .iter()
            .filter_map(|name| name.strip_suffix("pub.txt").unwrap_or(name).parse().ok())
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The coldkey's public half, from `coldkeypub.txt`, else from a coldkey in the clear.
    ///
    /// # Errors
    /// [`WalletError::Keyfile`] with `Encrypted` when only the encrypted coldkey is there, and what
    /// reading gives.
    pub fn coldkey_public(&self) -> Result<Keyfile, WalletError> {
        self.public(&self.coldkey_path())
    }

    /// A hotkey's public half, from its public file, else from the hotkey in the clear.
    ///
    /// # Errors
    /// As [`Self::coldkey_public`], and [`WalletError::Name`].
    pub fn hotkey_public(&self, hotkey: &str) -> Result<Keyfile, WalletError> {
        self.public(&self.hotkey_path(&hotkey.parse()?))
    }

    /// The coldkey, still locked.
    ///
    /// # Errors
    /// What reading the file gives; [`Guard`] says which files are refused.
    pub fn coldkey(&self) -> Result<WalletKey<Locked>, WalletError> {
        self.load(self.coldkey_path())
    }

    /// A hotkey, still locked. Most hotkeys are in the clear: [`WalletKey::open`] suffices.
    ///
    /// # Errors
    /// As [`Self::coldkey`], and [`WalletError::Name`].
    pub fn hotkey(&self, hotkey: &str) -> Result<WalletKey<Locked>, WalletError> {
        self.load(self.hotkey_path(&hotkey.parse()?))
    }

    /// Writes the coldkey, encrypted if a password is given, and its public file. A keyfile without
    /// a secret writes the public file alone.
    ///
    /// # Errors
    /// [`WalletError::Exists`] unless told to replace, [`KeyfileError`] of encrypting, and what the
    /// file system says.
    pub fn write_coldkey(
        &self,
        key: &Keyfile,
        password: Option<&Password>,
        overwrite: Overwrite,
    ) -> Result<(), WalletError> {
        self.write(&self.coldkey_path(), key, password, overwrite)
    }

    /// Writes a hotkey and its public file, as [`Self::write_coldkey`].
    ///
    /// # Errors
    /// As [`Self::write_coldkey`], and [`WalletError::Name`].
    pub fn write_hotkey(
        &self,
        hotkey: &str,
        key: &Keyfile,
        password: Option<&Password>,
        overwrite: Overwrite,
    ) -> Result<(), WalletError> {
        self.write(&self.hotkey_path(&hotkey.parse()?), key, password, overwrite)
    }

    fn load(&self, path: PathBuf) -> Result<WalletKey<Locked>, WalletError> {
        let public = match read_public(&public_path(&path)) {
            Ok(public) => Some(public.account_id()),
            Err(WalletError::NotFound { .. }) => None,
            Err(other) => return Err(other),
        };
        let content = file::read(&path, self.guard)?;
        WalletKey::load(path, content, public)
    }

    fn public(&self, secret: &Path) -> Result<Keyfile, WalletError> {
        match read_public(&public_path(secret)) {
            Err(WalletError::NotFound { .. }) => {}
            found => return found,
        }
        let content = file::read(secret, self.guard)?;
        in_file(secret, Keyfile::read(&content)).map(|key| key.to_public())
    }

    fn write(
        &self,
        secret: &Path,
        key: &Keyfile,
        password: Option<&Password>,
        overwrite: Overwrite,
    ) -> Result<(), WalletError> {
        let public = public_path(secret);
        let with_secret = key.keypair().is_ok();
        // Before the seconds of encryption, and before either file is there without the other.
        for (path, written) in [(secret, with_secret), (&public, true)] {
            if written && overwrite == Overwrite::Never && file::exists(path) {
                return Err(WalletError::Exists { path: path.to_owned() });
            }
        }
        if with_secret {
            file::write(secret, &in_file(secret, sealed_content(key, password))?, overwrite)?;
        }
        file::write(&public, key.to_public().to_json().as_bytes(), overwrite)
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wallet({})", self.folder.display())
    }
}

/// Reads a public file: any mode, link or not, since nothing in it is secret.
fn read_public(path: &Path) -> Result<Keyfile, WalletError> {
    let content = file::read(path, Guard::none())?;
    in_file(path, Keyfile::read(&content)).map(|key| key.to_public())
}

/// The public file beside a secret one.
fn public_path(secret: &Path) -> PathBuf {
    let mut name = secret.file_name().unwrap_or_default().to_owned();
    name.push("pub.txt");
    secret.with_file_name(name)
}

/// What is written of a key: in the clear without a password, encrypted with one.
fn sealed_content(
    key: &Keyfile,
    password: Option<&Password>,
) -> Result<Zeroizing<Vec<u8>>, KeyfileError> {
    match password {
        Some(password) => key.encrypt(password).map(Zeroizing::new),
        None => Ok(Zeroizing::new(key.to_json().as_bytes().to_vec())),
    }
}

fn in_file<T>(path: &Path, result: Result<T, KeyfileError>) -> Result<T, WalletError> {
    result.map_err(|source| WalletError::Keyfile { path: path.to_owned(), source })
}
