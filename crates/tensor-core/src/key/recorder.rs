//! A signer for tests that remembers what it was asked to sign.

use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Keypair, Scheme, SignError, Signature, Signer, SignerSync};
use crate::account::AccountId;

/// Signs with the inner signer and keeps every message and its signature, in order.
///
/// It can also be told to refuse, as a device does whose owner says no.
pub struct Recorder<S = Keypair> {
    inner: S,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    signed: Vec<Signed>,
    refusal: Option<String>,
}

/// One message that a [`Recorder`] signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signed {
    /// The exact bytes that were to be signed.
    pub message: Vec<u8>,
    /// What the inner signer made of them.
    pub signature: Signature,
}

impl<S> Recorder<S> {
    /// Records what `inner` signs.
    pub fn new(inner: S) -> Self {
        Self { inner, state: Mutex::default() }
    }

    /// Everything signed so far, oldest first.
    pub fn signed(&self) -> Vec<Signed> {
        self.lock().signed.clone()
    }

    /// Refuses from now on, with this reason.
    pub fn refuse(&self, reason: impl Into<String>) {
        self.lock().refusal = Some(reason.into());
    }

    /// Signs again.
    pub fn accept(&self) {
        self.lock().refusal = None;
    }

    fn may_sign(&self) -> Result<(), SignError> {
        self.lock().refusal.clone().map_or(Ok(()), |reason| Err(SignError::Refused(reason)))
    }

    fn record(&self, message: &[u8], signature: Signature) -> Signature {
        self.lock().signed.push(Signed { message: message.to_vec(), signature });
        signature
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> fmt::Debug for Recorder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({} signed)", self.lock().signed.len())
    }
}

impl<S: SignerSync> SignerSync for Recorder<S> {
    fn account_id(&self) -> AccountId {
        self.inner.account_id()
    }

    fn scheme(&self) -> Scheme {
        self.inner.scheme()
    }

    fn sign_sync(&self, message: &[u8]) -> Result<Signature, SignError> {
        self.may_sign()?;
        self.inner.sign_sync(message).map(|signature| self.record(message, signature))
    }
}

#[async_trait]
impl<S: Signer> Signer for Recorder<S> {
    fn account_id(&self) -> AccountId {
        self.inner.account_id()
    }

    fn scheme(&self) -> Scheme {
        self.inner.scheme()
    }

    async fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        self.may_sign()?;
        self.inner.sign(message).await.map(|signature| self.record(message, signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::verify;

    #[test]
    fn what_was_signed_is_remembered_and_refusals_are_not() {
        let recorder = Recorder::new(Keypair::from_uri("//Alice", Scheme::Sr25519).unwrap());
        let signature = recorder.sign_sync(b"one").unwrap();
        recorder.refuse("not today");
        assert!(
            matches!(recorder.sign_sync(b"two"), Err(SignError::Refused(why)) if why == "not today")
        );
        recorder.accept();
        futures::executor::block_on(Signer::sign(&recorder, b"three")).unwrap();
        let signed = recorder.signed();
        assert_eq!(
            signed.iter().map(|one| one.message.as_slice()).collect::<Vec<_>>(),
            [b"one".as_slice(), b"three"]
        );
        assert_eq!(signed[0].signature, signature);
        assert!(verify(&Signer::account_id(&recorder), b"three", &signed[1].signature));
    }
}
