//! Intents: what a program wants of the chain, one struct each.
//!
//! An intent is a value: it can be shown, compared, planned, refused by a policy, and executed by
//! [`Subtensor::execute`]. Most are one call with other words; some look at the chain first, as the stake
//! operations do for the price behind their limit.
//!
//! ```
//! use tensor_chain::intent::{Intent, Transfer};
//! use tensor_core::{AccountId, Tao};
//!
//! let gift = Transfer::new(AccountId::from_bytes([7; 32]), Tao::from_rao(5));
//! assert_eq!(gift.info().name, "transfer");
//! assert_eq!(gift.to_call().to_string(), "Balances.transfer_keep_alive");
//! ```

mod crowdloan;
mod keys;
mod lock;
mod multisig;
mod owner;
mod proxy;
mod registration;
mod root;
mod serving;
mod staking;
mod take;
mod transfer;
mod weights;

use async_trait::async_trait;
use tensor_core::call::Call;

use crate::client::Subtensor;
use crate::error::Error;

pub use crowdloan::*;
pub use keys::*;
pub use lock::*;
pub use multisig::*;
pub use owner::*;
pub use proxy::*;
pub use registration::*;
pub use root::*;
pub use serving::*;
pub use staking::*;
pub use take::*;
pub use transfer::*;
pub use weights::*;

/// Something to do on the chain.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no intent",
    note = "use a struct of `tensor_chain::intent`, or a `Call` by name"
)]
pub trait Intent: Send + Sync {
    /// What it is.
    fn info(&self) -> Info;

    /// The call that does it, with what it depends on read from the chain.
    ///
    /// # Errors
    /// [`Error`] when the chain cannot be read, or the intent makes no sense there.
    async fn call(&self, chain: &Subtensor) -> Result<Call, Error>;
}

/// What an intent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// Its name, as the official SDK has it.
    pub name: &'static str,
    /// Whose key signs.
    pub signer: Role,
    /// The calls it may become, `Pallet.name`.
    pub calls: &'static [&'static str],
}

/// Which key of a wallet signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The one that owns and pays.
    Coldkey,
    /// The one that works.
    Hotkey,
}

/// A call by name is an intent without a name of its own.
#[async_trait]
impl Intent for Call {
    fn info(&self) -> Info {
        Info { name: "call", signer: Role::Coldkey, calls: &[] }
    }

    async fn call(&self, _: &Subtensor) -> Result<Self, Error> {
        Ok(self.clone())
    }
}

#[async_trait]
impl<T: Intent + ?Sized> Intent for Box<T> {
    fn info(&self) -> Info {
        (**self).info()
    }

    async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
        (**self).call(chain).await
    }
}

/// Several intents as one: all succeed or none (`Utility.batch_all`).
#[derive(Default)]
pub struct Batch(Vec<Box<dyn Intent>>);

impl Batch {
    /// What kind of intent this is.
    pub const INFO: Info =
        Info { name: "batch", signer: Role::Coldkey, calls: &["Utility.batch_all"] };

    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    #[must_use]
    pub fn with(mut self, intent: impl Intent + 'static) -> Self {
        self.0.push(Box::new(intent));
        self
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|intent| intent.info().name)).finish()
    }
}

#[async_trait]
impl Intent for Batch {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
        let mut calls = Vec::with_capacity(self.0.len());
        for intent in &self.0 {
            calls.push(intent.call(chain).await?);
        }
        Ok(Call::new("Utility", "batch_all").arg("calls", calls))
    }
}

/// Intents that are one call with its arguments.
macro_rules! intents {
    ($(
        $(#[$doc:meta])*
        $name:ident, $label:literal, $signer:ident, $pallet:literal . $call:literal {
            $($(#[$field_doc:meta])* $field:ident: $kind:ty => $arg:literal),* $(,)?
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)*
        }

        impl $name {
            /// What kind of intent this is.
            pub const INFO: $crate::intent::Info = $crate::intent::Info {
                name: $label,
                signer: $crate::intent::Role::$signer,
                calls: &[concat!($pallet, ".", $call)],
            };

            /// States it.
            #[allow(clippy::too_many_arguments, clippy::new_without_default)]
            pub fn new($($field: impl Into<$kind>),*) -> Self {
                Self { $($field: $field.into()),* }
            }

            /// The call that does it.
            pub fn to_call(&self) -> tensor_core::call::Call {
                tensor_core::call::Call::new($pallet, $call)
                    $(.arg($arg, $crate::intent::IntoArg::into_arg(self.$field.clone())))*
            }
        }

        #[async_trait::async_trait]
        impl $crate::intent::Intent for $name {
            fn info(&self) -> $crate::intent::Info {
                Self::INFO
            }

            async fn call(
                &self,
                _: &$crate::client::Subtensor,
            ) -> Result<tensor_core::call::Call, $crate::error::Error> {
                Ok(self.to_call())
            }
        }
    )*};
}

pub(crate) use intents;

/// A field's value as an argument.
pub(crate) trait IntoArg {
    fn into_arg(self) -> tensor_core::call::Value;
}

impl<T: Into<tensor_core::call::Value>> IntoArg for T {
    fn into_arg(self) -> tensor_core::call::Value {
        self.into()
    }
}

/// All intents that this crate has, by the official SDK's names.
pub const ALL: &[Info] = &[
    AddCollateral::INFO,
    AddProxy::INFO,
    AddStake::INFO,
    AddStakeLimit::INFO,
    AnnounceColdkeySwap::INFO,
    AssociateEvmKey::INFO,
    AssociateHotkey::INFO,
    Batch::INFO,
    BurnedRegister::INFO,
    ClaimRoot::INFO,
    ClaimRootWithHotkey::INFO,
    ClearColdkeySwapAnnouncement::INFO,
    ContributeCrowdloan::INFO,
    CreateCrowdloan::INFO,
    CreatePureProxy::INFO,
    DecreaseTake::INFO,
    DisputeColdkeySwap::INFO,
    DissolveCrowdloan::INFO,
    EvmWithdraw::INFO,
    ExecuteProxyAnnounced::INFO,
    FinalizeCrowdloan::INFO,
    FundEvmKey::INFO,
    IncreaseTake::INFO,
    KillPureProxy::INFO,
    LockStake::INFO,
    MoveLock::INFO,
    MoveStake::INFO,
    MoveSwapStake::INFO,
    MultisigApprove::INFO,
    MultisigCancel::INFO,
    MultisigExecute::INFO,
    MultisigThreshold1::INFO,
    PowRegister::INFO,
    RefundCrowdloan::INFO,
    RegisterLeasedNetwork::INFO,
    RegisterSubnet::INFO,
    RemoveProxies::INFO,
    RemoveProxy::INFO,
    RemoveStake::INFO,
    RemoveStakeLimit::INFO,
    ResetAxon::INFO,
    RevealWeights::INFO,
    RootRegister::INFO,
    ServeAxon::INFO,
    ServeAxonTls::INFO,
    ServePrometheus::INFO,
    SetAutoStake::INFO,
    SetChildkeyTake::INFO,
    SetChildren::INFO,
    SetCrowdloanMaxContribution::INFO,
    SetHyperparameter::INFO,
    SetIdentity::INFO,
    SetMechanismCount::INFO,
    SetMinCollateral::INFO,
    SetPerpetualLock::INFO,
    SetRejectLockedAlpha::INFO,
    SetRootClaimThreshold::INFO,
    SetSubnetEmissionEnabled::INFO,
    SetSubnetIdentity::INFO,
    SetTake::INFO,
    SetPlainWeights::INFO,
    StakeBurn::INFO,
    StakeIntoBasket::INFO,
    StartCall::INFO,
    SwapBasket::INFO,
    SwapBasketMany::INFO,
    SwapColdkeyAnnounced::INFO,
    SwapHotkey::INFO,
    SwapStake::INFO,
    TerminateLease::INFO,
    Transfer::INFO,
    TransferAll::INFO,
    TransferStake::INFO,
    TrimNullSubnetBatch::INFO,
    TrimSubnet::INFO,
    UnstakeAll::INFO,
    UnstakeAllAlpha::INFO,
    UpdateCrowdloanCap::INFO,
    UpdateCrowdloanEnd::INFO,
    UpdateCrowdloanMinContribution::INFO,
    UpdateSymbol::INFO,
    WithdrawCrowdloan::INFO,
    CommitTimelockedWeights::INFO,
];
