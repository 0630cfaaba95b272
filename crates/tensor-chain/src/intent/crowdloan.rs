//! Crowdloans and leases: raising TAO together, for a subnet perhaps.

use async_trait::async_trait;
use tensor_core::account::AccountId;
use tensor_core::call::Call;
use tensor_core::{BlockNumber, Hotkey, Tao};

use super::{Info, Intent, Role, intents};
use crate::client::Subtensor;
use crate::error::Error;

/// Starts a crowdloan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreateCrowdloan {
    /// What the creator puts in.
    pub deposit: Tao,
    /// The least that others may put in.
    pub min_contribution: Tao,
    /// How much is to be raised.
    pub cap: Tao,
    /// When it ends.
    pub end: BlockNumber,
    /// A call to make with the funds.
    pub inner: Option<Call>,
    /// An account to send the funds to.
    pub target: Option<AccountId>,
}

impl CreateCrowdloan {
    /// What kind of intent this is.
    pub const INFO: Info =
        Info { name: "create_crowdloan", signer: Role::Coldkey, calls: &["Crowdloan.create"] };

    /// One whose funds go to an account.
    pub fn new(
        deposit: Tao,
        min_contribution: Tao,
        cap: Tao,
        end: BlockNumber,
        target: AccountId,
    ) -> Self {
        Self { deposit, min_contribution, cap, end, inner: None, target: Some(target) }
    }

    /// One whose funds pay for a call.
    #[must_use]
    pub fn with_call(mut self, call: Call) -> Self {
        self.inner = Some(call);
        self.target = None;
        self
    }

    /// The call that does it.
    pub fn to_call(&self) -> Call {
        Call::new("Crowdloan", "create")
            .arg("deposit", self.deposit)
            .arg("min_contribution", self.min_contribution)
            .arg("cap", self.cap)
            .arg("end", self.end)
            .arg("call", self.inner.clone())
            .arg("target_address", self.target)
    }
}

#[async_trait]
impl Intent for CreateCrowdloan {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(self.to_call())
    }
}

intents! {
    /// Puts TAO in.
    ContributeCrowdloan, "contribute_crowdloan", Coldkey, "Crowdloan"."contribute" {
        /// The crowdloan.
        id: u32 => "crowdloan_id",
        /// How much.
        amount: Tao => "amount",
    }
    /// Takes back what one put in.
    WithdrawCrowdloan, "withdraw_crowdloan", Coldkey, "Crowdloan"."withdraw" {
        /// The crowdloan.
        id: u32 => "crowdloan_id",
    }
    /// Uses the funds, once the cap is reached.
    FinalizeCrowdloan, "finalize_crowdloan", Coldkey, "Crowdloan"."finalize" {
        /// The crowdloan.
        id: u32 => "crowdloan_id",
    }
    /// Gives contributors of a failed crowdloan their TAO back.
    RefundCrowdloan, "refund_crowdloan", Coldkey, "Crowdloan"."refund" {
        /// The crowdloan.
        id: u32 => "crowdloan_id",
    }
    /// Removes a refunded crowdloan.
    DissolveCrowdloan, "dissolve_crowdloan", Coldkey, "Crowdloan"."dissolve" {
        /// The crowdloan.
        id: u32 => "crowdloan_id",
    }
    /// Changes how much is to be raised.
    UpdateCrowdloanCap, "update_crowdloan_cap", Coldkey, "Crowdloan"."update_cap" {
        /// The crowdloan.
        id: u32 => "crowdloan_id",
        /// How much.
        cap: Tao => "new_cap",
    }
    /// Changes when it ends.
    UpdateCrowdloanEnd, "update_crowdloan_end", Coldkey, "Crowdloan"."update_end" {
        /// The crowdloan.
        id: u32 => "crowdloan_id",
        /// When.
        end: BlockNumber => "new_end",
    }
    /// Changes the least that others may put in.
    UpdateCrowdloanMinContribution, "update_crowdloan_min_contribution", Coldkey,
        "Crowdloan"."update_min_contribution" {
        /// The crowdloan.
        id: u32 => "crowdloan_id",
        /// How little.
        min_contribution: Tao => "new_min_contribution",
    }
    /// Changes the most that one account may put in.
    SetCrowdloanMaxContribution, "set_crowdloan_max_contribution", Coldkey,
        "Crowdloan"."set_max_contribution" {
        /// The crowdloan.
        id: u32 => "crowdloan_id",
        /// How much; `None` for no bound.
        max_contribution: Option<Tao> => "new_max_contribution",
    }
    /// Registers a subnet that a crowdloan pays for; what it earns its owner is shared.
    RegisterLeasedNetwork, "register_leased_network", Coldkey,
        "SubtensorModule"."register_leased_network" {
        /// The contributors' share in percent.
        emissions_share: u8 => "emissions_share",
        /// When the lease ends; `None` for never.
        end_block: Option<BlockNumber> => "end_block",
    }
    /// Ends a lease: the subnet is the beneficiary's.
    TerminateLease, "terminate_lease", Coldkey, "SubtensorModule"."terminate_lease" {
        /// The lease.
        id: u32 => "lease_id",
        /// The beneficiary's hotkey.
        hotkey: Hotkey => "hotkey",
    }
}
