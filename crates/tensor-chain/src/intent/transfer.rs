//! Moving TAO.

use async_trait::async_trait;
use tensor_core::Tao;
use tensor_core::account::AccountId;
use tensor_core::call::Call;

use super::{Info, Intent, Role, intents};
use crate::client::Subtensor;
use crate::error::Error;

/// Sends TAO to another account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transfer {
    /// Who gets it.
    pub to: AccountId,
    /// How much.
    pub amount: Tao,
    /// Whether the sender must stay in existence: true unless said.
    pub keep_alive: bool,
}

impl Transfer {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "transfer",
        signer: Role::Coldkey,
        calls: &["Balances.transfer_keep_alive", "Balances.transfer_allow_death"],
    };

    /// A transfer that keeps the sender in existence.
    pub fn new(to: impl Into<AccountId>, amount: Tao) -> Self {
        Self { to: to.into(), amount, keep_alive: true }
    }

    /// Lets the sender be removed when too little is left.
    #[must_use]
    pub const fn allow_death(mut self) -> Self {
        self.keep_alive = false;
        self
    }

    /// The call that does it.
    pub fn to_call(&self) -> Call {
        let name = if self.keep_alive { "transfer_keep_alive" } else { "transfer_allow_death" };
        Call::new("Balances", name).arg("dest", self.to).arg("value", self.amount)
    }
}

#[async_trait]
impl Intent for Transfer {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(self.to_call())
    }
}

intents! {
    /// Sends all TAO to another account.
    TransferAll, "transfer_all", Coldkey, "Balances"."transfer_all" {
        /// Who gets it.
        to: AccountId => "dest",
        /// Whether the sender must stay in existence.
        keep_alive: bool => "keep_alive",
    }
}
