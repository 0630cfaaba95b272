//! Multisigs: accounts that several keys act for together.

use async_trait::async_trait;
use parity_scale_codec::{Compact, Encode};
use sp_crypto_hashing::blake2_256;
use tensor_core::account::AccountId;
use tensor_core::call::{Call, Value};

use super::{Info, Intent, Role};
use crate::client::Subtensor;
use crate::error::Error;

/// The account of these signatories of whom so many must agree. Their order does not matter.
pub fn multisig_account(signatories: &[AccountId], threshold: u16) -> AccountId {
    let mut sorted = signatories.to_vec();
    sorted.sort_unstable();
    let mut bytes = b"modlpy/utilisuba".to_vec();
    Compact(sorted.len() as u64).encode_to(&mut bytes);
    for signatory in &sorted {
        bytes.extend_from_slice(signatory.as_bytes());
    }
    threshold.encode_to(&mut bytes);
    AccountId::from_bytes(blake2_256(&bytes))
}

/// Where a multisig's call was first proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Timepoint {
    /// The block.
    pub height: u32,
    /// The extrinsic in it.
    pub index: u32,
}

impl From<Timepoint> for Value {
    fn from(point: Timepoint) -> Self {
        Self::record([("height", point.height.into()), ("index", point.index.into())])
    }
}

/// Who must agree, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proposal {
    /// How many must agree.
    pub threshold: u16,
    /// The others, without the one that signs now.
    pub others: Vec<AccountId>,
    /// What is to be done.
    pub inner: Call,
    /// Where it was proposed; `None` to propose it.
    pub timepoint: Option<Timepoint>,
}

impl Proposal {
    /// A first proposal.
    pub fn new(threshold: u16, others: impl IntoIterator<Item = AccountId>, inner: Call) -> Self {
        Self { threshold, others: others.into_iter().collect(), inner, timepoint: None }
    }

    /// Joins one that was made there.
    #[must_use]
    pub const fn at(mut self, timepoint: Timepoint) -> Self {
        self.timepoint = Some(timepoint);
        self
    }

    fn others(&self) -> Value {
        let mut others = self.others.clone();
        others.sort_unstable();
        Value::list(others)
    }

    /// The hash by which the chain knows the call.
    async fn call_hash(&self, chain: &Subtensor) -> Result<[u8; 32], Error> {
        let runtime = chain.runtime().await?;
        let bytes = runtime.metadata.encode_call(&self.inner);
        let bytes = bytes.map_err(|source| Error::encode(self.inner.to_string(), source))?;
        Ok(blake2_256(&bytes))
    }

    /// The call with all it takes to run it: whoever is the last to agree runs it.
    async fn as_multi(&self, chain: &Subtensor) -> Result<Call, Error> {
        // The weight does not depend on who calls; any existing account will do.
        let somebody = self.others.first().copied().unwrap_or(AccountId::from_bytes([0; 32]));
        let weight = chain.weight(&self.inner, &somebody).await?;
        Ok(Call::new("Multisig", "as_multi")
            .arg("threshold", self.threshold)
            .arg("other_signatories", self.others())
            .arg("maybe_timepoint", self.timepoint)
            .arg("call", self.inner.clone())
            .arg("max_weight", weight))
    }
}

macro_rules! proposals {
    ($($(#[$doc:meta])* $name:ident, $label:literal, $calls:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub Proposal);

        impl $name {
            /// What kind of intent this is.
            pub const INFO: Info = Info { name: $label, signer: Role::Coldkey, calls: $calls };
        }

        #[async_trait]
        impl Intent for $name {
            fn info(&self) -> Info {
                Self::INFO
            }

            async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
                self.build(chain).await
            }
        }
    )*};
}

proposals! {
    /// Agrees, and publishes the call for the others.
    MultisigApprove, "multisig_approve", &["Multisig.as_multi"];
    /// Agrees as the last one: the call runs.
    MultisigExecute, "multisig_execute", &["Multisig.as_multi"];
    /// Takes a proposal of one's own back.
    MultisigCancel, "multisig_cancel", &["Multisig.cancel_as_multi"];
    /// Acts for a multisig of which one key is enough.
    MultisigThreshold1, "multisig_threshold_1", &["Multisig.as_multi_threshold_1"];
}

impl MultisigApprove {
    async fn build(&self, chain: &Subtensor) -> Result<Call, Error> {
        self.0.as_multi(chain).await
    }
}

impl MultisigExecute {
    async fn build(&self, chain: &Subtensor) -> Result<Call, Error> {
        self.0.as_multi(chain).await
    }
}

impl MultisigCancel {
    async fn build(&self, chain: &Subtensor) -> Result<Call, Error> {
        let Some(timepoint) = self.0.timepoint else {
            return Err(Error::invalid("to cancel a proposal, say where it was made"));
        };
        Ok(Call::new("Multisig", "cancel_as_multi")
            .arg("threshold", self.0.threshold)
            .arg("other_signatories", self.0.others())
            .arg("timepoint", timepoint)
            .arg("call_hash", self.0.call_hash(chain).await?))
    }
}

impl MultisigThreshold1 {
    async fn build(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(Call::new("Multisig", "as_multi_threshold_1")
            .arg("other_signatories", self.0.others())
            .arg("call", self.0.inner.clone()))
    }
}
