//! The one place that signs: [`Subtensor::sign`] behind [`Subtensor::authorise`].

use parity_scale_codec::Encode;
use tensor_core::account::AccountId;
use tensor_core::call::{Call, Value};
use tensor_core::key::{Scheme, Signature, Signer};
use tensor_core::{Tao, chain::Header};

use super::Subtensor;
use super::runtime::Runtime;
use crate::codec::{Era, SigningContext};
use crate::codec::{assemble, signing_bytes};
use crate::error::Error;
use crate::plan::Effects;
use crate::policy::{Policy, Reservation, Violation};

/// A call that the policy let pass. Only [`Subtensor::authorise`] makes one, and only one gets signed.
#[derive(Debug)]
pub(crate) struct Authorised {
    call: Call,
    /// What it took from the policy's budget.
    reservation: Option<Reservation>,
}

impl Authorised {
    /// A call that does nothing but carry this one.
    #[cfg(feature = "shield")]
    pub(crate) const fn carrier(&self, call: Call) -> Self {
        Self { call, reservation: None }
    }

    /// The call's name.
    #[cfg(feature = "shield")]
    pub(crate) fn name(&self) -> String {
        self.call.to_string()
    }

    /// The call provably is in no block: what it would have spent may be spent again. Without this,
    /// it counts as spent, whatever became of it.
    pub(crate) fn refund(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            reservation.refund();
        }
    }
}

/// A signed extrinsic and until when it is valid.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) nonce: u32,
    /// The block that its era starts with.
    pub(crate) anchor: u64,
    /// The last block that can include it.
    pub(crate) until: u64,
    /// Whether the metadata's digest was signed with it.
    pub(crate) with_digest: bool,
}

impl Subtensor {
    /// Asks the policy. Without one, everything passes.
    pub(crate) async fn authorise(&self, call: &Call) -> Result<Authorised, Error> {
        let reservation = match &self.policy {
            Some(policy) => {
                let effects = Effects::of(call);
                let cost = self.cost(effects.as_ref()).await?;
                Some(policy.check(call, effects.as_ref(), cost)?)
            }
            None => None,
        };
        Ok(Authorised { call: call.clone(), reservation })
    }

    /// Signs what was authorised, valid from block `anchor` on.
    pub(crate) async fn sign(
        &self,
        authorised: &Authorised,
        signer: &dyn Signer,
        runtime: &Runtime,
        anchor: Header,
        nonce: u32,
    ) -> Result<Signed, Error> {
        let metadata_hash = runtime.signed_digest();
        // Without the digest nothing proves that the call's bytes are the call: then its layout must be
        // known, or the policy must say that it does not matter.
        if metadata_hash.is_none() && !runtime.is_pinned() {
            let allowed = self.policy().is_some_and(Policy::allows_unknown_runtime);
            let spec_version = runtime.spec_version;
            if !allowed {
                return Err(Violation::UnknownRuntime { spec_version }.into());
            }
        }
        let number = anchor.number.value();
        let era = Era::mortal(self.config.era_period, number);
        let birth = era.birth(number);
        let era_hash = if birth == number {
            anchor.hash
        } else {
            self.inner.rpc.block_hash(Some(tensor_core::BlockNumber::new(birth))).await?
        };
        let context = SigningContext {
            spec_version: runtime.spec_version,
            transaction_version: runtime.transaction_version,
            genesis_hash: self.inner.genesis_hash,
            era,
            era_hash,
            nonce,
            tip: 0,
            metadata_hash,
        };
        let call = runtime.metadata.encode_call(&authorised.call);
        let call = call.map_err(|source| Error::encode(authorised.call.to_string(), source))?;
        let extensions = runtime.metadata.extensions(&context)?;
        let signature = signer.sign(&signing_bytes(&call, &extensions)).await?;
        let bytes = assemble(&call, &signer.account_id(), &signature, &extensions.extra);
        let period = match era {
            Era::Mortal { period, .. } => period,
            Era::Immortal => u64::MAX,
        };
        let until = birth.saturating_add(period).saturating_sub(1);
        let with_digest = metadata_hash.is_some();
        Ok(Signed { bytes, nonce, anchor: birth, until, with_digest })
    }

    /// An extrinsic with a signature of zeros, as fee questions carry it.
    pub(crate) fn unsigned(
        &self,
        call: &Call,
        account: &AccountId,
        runtime: &Runtime,
        nonce: u32,
    ) -> Result<Vec<u8>, Error> {
        let genesis_hash = self.inner.genesis_hash;
        let context = SigningContext {
            spec_version: runtime.spec_version,
            transaction_version: runtime.transaction_version,
            genesis_hash,
            era: Era::Immortal,
            era_hash: genesis_hash,
            nonce,
            tip: 0,
            metadata_hash: None,
        };
        let bytes = runtime.metadata.encode_call(call);
        let bytes = bytes.map_err(|source| Error::encode(call.to_string(), source))?;
        let extensions = runtime.metadata.extensions(&context)?;
        let nobody = Signature { scheme: Scheme::Sr25519, bytes: [0; 64] };
        Ok(assemble(&bytes, account, &nobody, &extensions.extra))
    }

    /// What the chain would charge `account` for including the call.
    ///
    /// # Errors
    /// [`Error::Encode`] when the call does not fit the runtime, or [`Error`] when it is not read.
    pub async fn fee(&self, call: &Call, account: &AccountId) -> Result<Tao, Error> {
        let info = self.query_info(call, account).await?;
        // subxt reads a u128 here; Bittensor's balances are u64, so the type comes from the metadata.
        let fee = info.field("partial_fee").and_then(Value::as_u64);
        fee.map(Tao::from_rao).ok_or_else(|| Error::decode(QUERY_INFO, "it has no partial_fee"))
    }

    /// How much of a block the call takes: `ref_time` and `proof_size`.
    pub(crate) async fn weight(&self, call: &Call, account: &AccountId) -> Result<Value, Error> {
        let info = self.query_info(call, account).await?;
        let weight = info.field("weight").cloned();
        weight.ok_or_else(|| Error::decode(QUERY_INFO, "it has no weight"))
    }

    async fn query_info(&self, call: &Call, account: &AccountId) -> Result<Value, Error> {
        let at = self.block_hash().await?;
        let (runtime, nonce) =
            futures::try_join!(self.runtime_at(Some(at)), self.inner.rpc.next_nonce(account))?;
        let mut args = self.unsigned(call, account, &runtime, nonce)?;
        let api = runtime.metadata.runtime_api("TransactionPaymentApi", "query_info")?;
        u32::try_from(args.len()).unwrap_or(u32::MAX).encode_to(&mut args);
        let answer = self.inner.rpc.call(QUERY_INFO, &args, Some(at)).await?;
        api.decode(&answer).map_err(|source| Error::decode(QUERY_INFO, source))
    }
}

const QUERY_INFO: &str = "TransactionPaymentApi_query_info";
