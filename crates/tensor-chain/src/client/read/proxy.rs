//! Proxies and multisigs: who acts for whom.

use serde::{Deserialize, Serialize};
use tensor_core::Tao;
use tensor_core::account::AccountId;
use tensor_core::call::Value;

use super::super::Subtensor;
use super::super::raw::typed;
use crate::error::Error;
use crate::intent::Timepoint;

/// Somebody who may act for an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProxyDefinition {
    /// Who.
    pub delegate: AccountId,
    /// In what, by the runtime's name.
    pub proxy_type: String,
    /// How many blocks a call must be announced.
    pub delay: u32,
}

/// A call of a multisig that waits for others to agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PendingMultisig {
    /// Where it was proposed.
    pub when: Timepoint,
    /// What the proposer set aside.
    pub deposit: Tao,
    /// Who proposed it.
    pub depositor: AccountId,
    /// Who has agreed.
    pub approvals: Vec<AccountId>,
}

impl Subtensor {
    /// Who may act for an account, and what was set aside for it.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn proxies(&self, account: &AccountId) -> Result<(Vec<ProxyDefinition>, Tao), Error> {
        let value = self.storage("Proxy", "Proxies", &[Value::Account(*account)]).await?;
        typed("Proxy", "Proxies", value)
    }

    /// A call of a multisig that waits, by the call's hash.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn multisig(
        &self,
        account: &AccountId,
        call_hash: [u8; 32],
    ) -> Result<Option<PendingMultisig>, Error> {
        let keys = [Value::Account(*account), call_hash.into()];
        self.storage_as("Multisig", "Multisigs", &keys).await
    }
}
