//! Who signs: the traits that code asks for instead of a key.

use core::fmt;

use async_trait::async_trait;

use super::{Scheme, Signature};
use crate::{BoxError, account::AccountId};

/// Signs bytes at once: a key in memory.
///
/// What implements this usually implements [`Signer`] as well, since most code asks for that one:
/// [`Keypair`](super::Keypair) and an unlocked wallet key do.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not sign at once",
    note = "use a `Keypair`, a wallet's hotkey, or implement `SignerSync` (a key elsewhere is a `Signer`)"
)]
pub trait SignerSync: Send + Sync {
    /// The account that the signatures speak for.
    fn account_id(&self) -> AccountId;

    /// The scheme of the signatures.
    fn scheme(&self) -> Scheme;

    /// Signs exactly these bytes.
    ///
    /// # Errors
    /// [`SignError`] when the key is not available or refuses.
    fn sign_sync(&self, message: &[u8]) -> Result<Signature, SignError>;
}

/// Signs bytes, perhaps elsewhere: a key in another process, a device, a person.
///
/// Dropping the future gives up waiting; nothing else is lost.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot sign",
    note = "use a `Keypair`, a wallet's hotkey, or implement `Signer`"
)]
pub trait Signer: Send + Sync {
    /// The account that the signatures speak for.
    fn account_id(&self) -> AccountId;

    /// The scheme of the signatures.
    fn scheme(&self) -> Scheme;

    /// Signs exactly these bytes.
    ///
    /// # Errors
    /// [`SignError`] when the key is not available or refuses.
    async fn sign(&self, message: &[u8]) -> Result<Signature, SignError>;
}

#[async_trait]
impl Signer for super::Keypair {
    fn account_id(&self) -> AccountId {
        Self::account_id(self)
    }

    fn scheme(&self) -> Scheme {
        Self::scheme(self)
    }

    async fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        Ok(Self::sign(self, message))
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: SignerSync + ?Sized> SignerSync for $pointer {
            fn account_id(&self) -> AccountId {
                (**self).account_id()
            }

            fn scheme(&self) -> Scheme {
                (**self).scheme()
            }

            fn sign_sync(&self, message: &[u8]) -> Result<Signature, SignError> {
                (**self).sign_sync(message)
            }
        }

        #[async_trait]
        impl<T: Signer + ?Sized> Signer for $pointer {
            fn account_id(&self) -> AccountId {
                (**self).account_id()
            }

            fn scheme(&self) -> Scheme {
                (**self).scheme()
            }

            async fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
                (**self).sign(message).await
            }
        }
    )*};
}

forward!(&T, Box<T>, std::sync::Arc<T>);

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The key is locked: unlock it and try again.
    #[error("the key of {0} is locked")]
    Locked(AccountId),
    /// Only the public half is here.
    #[error("only the public key of {0} is here")]
    PublicOnly(AccountId),
    /// Whoever holds the key refused.
    #[error("the signer refused: {0}")]
    Refused(String),
    /// The signer could not be reached.
    #[error("the signer is not reachable")]
    Unreachable(#[source] BoxError),
}

const _: () = {
    fn _dyn(_: &dyn Signer, _: &dyn SignerSync) {}
};

impl fmt::Debug for dyn Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, {})", self.scheme(), self.account_id())
    }
}

impl fmt::Debug for dyn SignerSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerSync({}, {})", self.scheme(), self.account_id())
    }
}
