//! One secret file of a wallet, locked or unlocked in the type: what is locked cannot sign.

use core::fmt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::{
    Encryption, Guard, Keyfile, KeyfileError, Overwrite, Password, WalletError, file, in_file,
    sealed_content,
};
use crate::{
    account::AccountId,
    key::{Keypair, Scheme, SignError, Signature, Signer, SignerSync},
};

/// A coldkey or hotkey on disk. `S` is [`Locked`] or [`Unlocked`].
///
/// ```compile_fail
/// # use tensor_core::{key::SignerSync, wallet::{Locked, WalletKey}};
/// fn sign(key: &WalletKey<Locked>) {
///     key.sign_sync(b"hello"); // unlock it first
/// }
/// ```
#[derive(Clone)]
pub struct WalletKey<S = Locked> {
    path: PathBuf,
    /// As read. In the clear it is as secret as the key, and is wiped like it.
    content: Zeroizing<Vec<u8>>,
    public: Option<AccountId>,
    state: S,
}

/// The state of a key that is not open: nothing but its file is here.
#[derive(Clone, Debug)]
pub struct Locked(());

/// The state of an open key: the secret is here.
#[derive(Clone)]
pub struct Unlocked {
    key: Keyfile,
    pair: Keypair,
}

impl<S> WalletKey<S> {
    /// The secret file. [`super::password::variable_name`] makes its password's variable of this.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How the file is encrypted; `None` in the clear. If this is not current
    /// ([`Encryption::is_current`]), offer to [`WalletKey::rewrite`] it.
    pub fn encryption(&self) -> Option<Encryption> {
        Encryption::detect(&self.content)
    }
}

impl WalletKey<Locked> {
    pub(super) fn load(
        path: PathBuf,
        content: Zeroizing<Vec<u8>>,
        public: Option<AccountId>,
    ) -> Result<Self, WalletError> {
        let public = match public {
            // A file in the clear says its account; reading it now also says early what is wrong.
            None if Encryption::detect(&content).is_none() => {
                Some(in_file(&path, Keyfile::read(&content))?.account_id())
            }
            public => public,
        };
        Ok(Self { path, content, public, state: Locked(()) })
    }

    /// The key's account, as far as it is known without a password: from the public file, or from a
    /// file in the clear.
    pub fn account_id(&self) -> Option<AccountId> {
        self.public
    }

    /// Opens a file in the clear.
    ///
    /// # Errors
    /// [`KeyfileError::Encrypted`] when it is not, and as [`Self::unlock`].
    pub fn open(&self) -> Result<WalletKey<Unlocked>, WalletError> {
        self.unlocked(Keyfile::read(&self.content))
    }

    /// Opens the file with its password; a file in the clear opens with any.
    ///
    /// Takes seconds of processor time and 512 MiB the first time a [`Password`] is used: call it
    /// from a thread that may block.
    ///
    /// # Errors
    /// [`WalletError::Keyfile`] says what is wrong with the password or content,
    /// [`WalletError::AddressMismatch`] that the public file beside it names another account. The
    /// key stays as it was; try again.
    pub fn unlock(&self, password: &Password) -> Result<WalletKey<Unlocked>, WalletError> {
        self.unlocked(Keyfile::decrypt(&self.content, password))
    }

    /// Opens the file, asking for the password only if there is one to ask for.
    ///
    /// # Errors
    /// [`KeyfileError::Encrypted`] when `ask` has no answer, and as [`Self::unlock`].
    pub fn unlock_with(
        &self,
        ask: impl FnOnce(&Self) -> Option<Password>,
    ) -> Result<WalletKey<Unlocked>, WalletError> {
        match self.encryption().and_then(|_| ask(self)) {
            Some(password) => self.unlock(&password),
            None => self.open(),
        }
    }

    fn unlocked(
        &self,
        key: Result<Keyfile, KeyfileError>,
    ) -> Result<WalletKey<Unlocked>, WalletError> {
        let key = in_file(&self.path, key)?;
        let found = key.account_id();
        match self.public {
            Some(expected) if expected != found => {
                return Err(WalletError::AddressMismatch {
                    path: self.path.clone(),
                    expected,
                    found,
                });
            }
            _ => {}
        }
        let pair = in_file(&self.path, key.keypair().cloned())?;
        Ok(WalletKey {
            path: self.path.clone(),
            content: self.content.clone(),
            public: Some(found),
            state: Unlocked { key, pair },
        })
    }
}

impl WalletKey<Unlocked> {
    /// The key's account.
    pub fn account_id(&self) -> AccountId {
        self.state.key.account_id()
    }

    /// The key pair.
    pub fn keypair(&self) -> &Keypair {
        &self.state.pair
    }

    /// The key with what it was made of.
    pub fn keyfile(&self) -> &Keyfile {
        &self.state.key
    }

    /// Forgets the key again.
    #[must_use]
    pub fn lock(self) -> WalletKey<Locked> {
        let Self { path, content, public, .. } = self;
        WalletKey { path, content, public, state: Locked(()) }
    }

    /// Replaces the file by the same key in the current form: encrypted with this password, or in
    /// the clear without one. So a password is set, changed, taken away, or an old encryption left.
    ///
    /// # Errors
    /// What encrypting and writing give; the old file then is whole.
    pub fn rewrite(self, password: Option<&Password>) -> Result<Self, WalletError> {
        let content = in_file(&self.path, sealed_content(&self.state.key, password))?;
        file::write(&self.path, &content, Overwrite::Replace)?;
        let content = file::read(&self.path, Guard::strict())?;
        Ok(Self { content, ..self })
    }
}

impl fmt::Debug for WalletKey<Locked> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.account_id() {
            Some(account) => write!(f, "WalletKey(locked, {account})"),
            None => f.write_str("WalletKey(locked)"),
        }
    }
}

impl fmt::Debug for WalletKey<Unlocked> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WalletKey(unlocked, {})", self.account_id())
    }
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unlocked({})", self.key.account_id())
    }
}

impl SignerSync for WalletKey<Unlocked> {
    fn account_id(&self) -> AccountId {
        Self::account_id(self)
    }

    fn scheme(&self) -> Scheme {
        self.state.key.scheme()
    }

    fn sign_sync(&self, message: &[u8]) -> Result<Signature, SignError> {
        Ok(self.state.pair.sign(message))
    }
}

#[async_trait]
impl Signer for WalletKey<Unlocked> {
    fn account_id(&self) -> AccountId {
        Self::account_id(self)
    }

    fn scheme(&self) -> Scheme {
        self.state.key.scheme()
    }

    async fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        self.sign_sync(message)
    }
}
