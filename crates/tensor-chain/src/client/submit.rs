//! Submitting: from a call to a receipt.

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use tensor_core::NetUid;
use tensor_core::call::Call;
use tensor_core::chain::{At, Chain, ChainError, Header};
use tensor_core::key::Signer;
use tensor_core::metagraph::Metagraph;
use tensor_core::receipt::Receipt;

use super::Subtensor;
use super::follow::{Sent, Updates};
use super::rpc::SubmitError;
use super::sign::Authorised;
use crate::error::{Error, Reason};
use crate::intent::Intent;

impl Subtensor {
    /// Does what the intent says: signs its call, submits it, and follows it until its events are
    /// checked.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub async fn execute(
        &self,
        intent: &(impl Intent + ?Sized),
        signer: &dyn Signer,
    ) -> Result<Receipt, Error> {
        let call = intent.call(self).await?;
        self.submit(&call, signer).await
    }

    /// Signs the call, submits it, and follows it until it is in a block (or final, as configured) and
    /// its events are checked.
    ///
    /// What the pool refuses for a passing reason is signed anew, with a fresh nonce and a bound on the
    /// attempts; what may be in a block never is. Dropping the future stops following: what was sent
    /// may still land.
    ///
    /// # Errors
    /// [`Error::Policy`] and [`Error::Encode`] before anything is sent, [`Error::Rejected`] when it is
    /// in no block, [`Error::Dispatch`] when it was included and failed, [`Error::FateUnknown`] when
    /// nobody can say.
    pub async fn submit(&self, call: &Call, signer: &dyn Signer) -> Result<Receipt, Error> {
        let mut authorised = self.authorise(call).await?;
        let mut attempts = self.config.attempts.max(1);
        let mut bad_proofs = 0;
        loop {
            attempts -= 1;
            let (outcome, nowhere, upgraded) =
                match self.send(&authorised, call, signer, bad_proofs > 0).await {
                    Ok((sent, updates)) => {
                        let outcome = self.follow(sent, updates).await;
                        let nowhere = matches!(outcome, Err(Error::Rejected { .. }));
                        (outcome, nowhere, false)
                    }
                    Err(NotSent { error, upgraded }) => (Err(error), true, upgraded),
                };
            if let Err(Error::Rejected { rejection, .. }) = &outcome
                && attempts > 0
                && (upgraded || is_race(rejection.reason))
            {
                // A chain that does not know the metadata's digest, signed without it the next time; a
                // third time a broken signer.
                bad_proofs += u32::from(!upgraded && rejection.reason == Reason::BadProof);
                if bad_proofs < 3 {
                    continue;
                }
            }
            if nowhere {
                authorised.refund();
            }
            return outcome;
        }
    }

    /// Signs and submits; returns when the pool has it, or may have it. `again` after a signature that
    /// did not fit.
    async fn send(
        &self,
        authorised: &Authorised,
        call: &Call,
        signer: &dyn Signer,
        again: bool,
    ) -> Result<(Sent, Updates), NotSent> {
        let account = signer.account_id();
        let rpc = &self.inner.rpc;
        let lane = self.inner.nonces.lane(account);
        let mut lane = lane.lock().await;
        let (pooled, version, finalized) = futures::try_join!(
            rpc.next_nonce(&account),
            rpc.runtime_version(None),
            rpc.finalized_head()
        )?;
        let (runtime, anchor) = futures::try_join!(
            self.inner.runtimes.get(rpc, version, None),
            rpc.header(Some(finalized))
        )?;
        let nonce = lane.next(pooled, anchor.number.value());
        let signed = self.sign(authorised, signer, &runtime, anchor, nonce).await?;
        let until = signed.until;
        let sent = Sent { call: call.to_string(), account, signed };
        match rpc.submit_and_watch(&sent.signed.bytes).await {
            Ok(updates) => {
                lane.took(nonce, until);
                Ok((sent, Some(updates)))
            }
            // The node has these very bytes: from an attempt of ours whose answer was lost.
            Err(SubmitError::Rejected(rejection))
                if rejection.reason == Reason::AlreadyImported =>
            {
                lane.forget();
                Ok((sent, None))
            }
            Err(SubmitError::Rejected(rejection)) => {
                lane.forget();
                if sent.signed.with_digest
                    && (rejection.reason == Reason::CannotLookup
                        || (rejection.reason == Reason::BadProof && again))
                {
                    runtime.refuse_digest();
                }
                // What was signed for another runtime is refused for whatever its bytes mean in this one.
                let now = rpc.runtime_version(None).await;
                let upgraded = now.is_ok_and(|now| now.spec_version != runtime.spec_version);
                Err(NotSent { error: Error::Rejected { call: sent.call, rejection }, upgraded })
            }
            Err(SubmitError::Unknown) => {
                lane.forget();
                Ok((sent, None))
            }
            Err(SubmitError::Other(error)) => {
                lane.forget();
                Err(error.into())
            }
        }
    }
}

/// The node has it not.
struct NotSent {
    error: Error,
    /// The chain was upgraded after it was signed.
    upgraded: bool,
}

impl From<Error> for NotSent {
    fn from(error: Error) -> Self {
        Self { error, upgraded: false }
    }
}

#[async_trait]
impl Chain for Subtensor {
    async fn metagraph(&self, netuid: NetUid, at: At) -> Result<Metagraph, ChainError> {
        Ok(self.at(at).metagraph(netuid).await?)
    }

    async fn submit(&self, call: Call, signer: &dyn Signer) -> Result<Receipt, ChainError> {
        Ok(Self::submit(self, &call, signer).await?)
    }

    fn headers(&self) -> BoxStream<'static, Result<Header, ChainError>> {
        Self::headers(self).map(|header| header.map_err(ChainError::from)).boxed()
    }
}

/// Whether the refusal comes from another submission with the same nonce or an upgrade in between, so
/// that signing anew at once is what helps.
const fn is_race(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Stale
            | Reason::Future
            | Reason::PriorityTooLow
            | Reason::TemporarilyBanned
            | Reason::Usurped
            | Reason::BadProof
            | Reason::CannotLookup
    )
}
