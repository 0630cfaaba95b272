//! Rate limits on calls: who did what when, and whether that was long enough ago. A last block of 0 always means "never".

use super::ctx::{Ctx, Origin};
use super::error::{DispatchError, errors};
use super::{Account, Runtime};
use crate::local::interface::Build;
use crate::local::state::State;
use crate::local::storage::record::RateLimitKey;

/// Least blocks between two changes of a subnet's owner hotkey.
const OWNER_HOTKEY_INTERVAL: u64 = 50_400;

/// Least blocks between two `set_children` of a hotkey on a subnet.
const CHILDREN_INTERVAL: u64 = 150;

/// Least blocks between two owner changes of the tempo.
const TEMPO_INTERVAL: u64 = 360;

/// A limited action on a subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Children,
    ChildkeyTake,
    WeightsVersionKey,
    OwnerHotkey,
    Owner(Hyperparameter),
    MechanismCount,
    MechanismEmission,
    UidTrimming,
    Tempo,
}

/// `Hyperparameter` of the runtime: the number under which an owner's last change is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hyperparameter {
    ServingRateLimit = 1,
    MaxDifficulty = 2,
    AdjustmentAlpha = 3,
    ImmunityPeriod = 5,
    MinAllowedWeights = 6,
    Rho = 8,
    PowRegistrationAllowed = 10,
    MinBurn = 11,
    MaxBurn = 12,
    BondsMovingAverage = 13,
    BondsPenalty = 14,
    CommitRevealEnabled = 15,
    LiquidAlphaEnabled = 16,
    AlphaValues = 17,
    WeightCommitInterval = 18,
    TransferEnabled = 19,
    AlphaSigmoidSteepness = 20,
    Yuma3Enabled = 21,
    BondsResetEnabled = 22,
    ImmuneNeuronLimit = 23,
    RecycleOrBurn = 24,
    MaxAllowedUids = 25,
    BurnHalfLife = 26,
    BurnIncreaseMult = 27,
    MinChildkeyTake = 29,
    ActivityCutoffFactorMilli = 30,
    TriggerEpoch = 31,
    CollateralLockShare = 32,
    CollateralDrainRatio = 33,
    LiquidAlphaConsensusMode = 34,
}

impl Limit {
    /// Number of the transaction type under which `TransactionKeyLastBlock` keeps it.
    fn number(self) -> u16 {
        match self {
            Self::Children => 0,
            Self::ChildkeyTake => 1,
            Self::WeightsVersionKey => 4,
            Self::OwnerHotkey => 5,
            Self::Owner(_) => 6,
            Self::MechanismCount => 7,
            Self::MechanismEmission => 8,
            Self::UidTrimming => 9,
            Self::Tempo => 11,
        }
    }
}

impl Runtime {
    /// Fails with `TxRateLimitExceeded` if the action was done too recently.
    pub(crate) fn ensure_limit(
        &self,
        cx: &Ctx<'_>,
        limit: Limit,
        who: &Account,
        netuid: u16,
    ) -> Result<(), DispatchError> {
        if self.passes_limit(cx, limit, who, netuid) {
            Ok(())
        } else {
            Err(errors::SubtensorModule::TxRateLimitExceeded)
        }
    }

    /// Whether the action was never done or long enough ago.
    pub(crate) fn passes_limit(
        &self,
        cx: &Ctx<'_>,
        limit: Limit,
        who: &Account,
        netuid: u16,
    ) -> bool {
        let last = match limit {
            Limit::OwnerHotkey => self
                .items
                .last_rate_limited_block
                .get(cx.state, RateLimitKey::SetSnOwnerHotkey(netuid)),
            Limit::Owner(parameter) => self
                .items
                .last_rate_limited_block
                .get(cx.state, RateLimitKey::OwnerHyperparamUpdate(netuid, parameter as u8)),
            _ => {
                self.items.transaction_key_last_block.get(cx.state, (*who, netuid, limit.number()))
            }
        };
        last == 0 || cx.block.saturating_sub(last) >= self.interval(cx.state, limit, netuid)
    }

    /// Notes that the action was done now.
    pub(crate) fn record_limit(&self, cx: &mut Ctx<'_>, limit: Limit, who: &Account, netuid: u16) {
        let items = &self.items;
        let block = cx.block;
        match limit {
            Limit::OwnerHotkey => items.last_rate_limited_block.set(
                cx.state,
                RateLimitKey::SetSnOwnerHotkey(netuid),
                &block,
            ),
            Limit::Owner(parameter) => items.last_rate_limited_block.set(
                cx.state,
                RateLimitKey::OwnerHyperparamUpdate(netuid, parameter as u8),
                &block,
            ),
            _ => items.transaction_key_last_block.set(
                cx.state,
                (*who, netuid, limit.number()),
                &block,
            ),
        }
    }

    fn interval(&self, state: &State, limit: Limit, netuid: u16) -> u64 {
        let tempo = || u64::from(self.items.tempo.get(state, netuid));
        let fast = self.interface.build() == Build::Fast;
        match limit {
            Limit::Children => CHILDREN_INTERVAL,
            Limit::ChildkeyTake => self.items.tx_childkey_take_rate_limit.get(state),
            Limit::WeightsVersionKey => {
                tempo().saturating_mul(self.items.weights_version_key_rate_limit.get(state))
            }
            Limit::OwnerHotkey => OWNER_HOTKEY_INTERVAL,
            Limit::Owner(_) => {
                tempo().saturating_mul(self.items.owner_hyperparam_rate_limit.get(state).into())
            }
            Limit::MechanismCount | Limit::MechanismEmission => {
                if fast {
                    1
                } else {
                    7_200
                }
            }
            Limit::UidTrimming => {
                if fast {
                    1
                } else {
                    216_000
                }
            }
            Limit::Tempo => TEMPO_INTERVAL,
        }
    }

    /// The owner, if the owner signed.
    pub(crate) fn ensure_owner(
        &self,
        state: &State,
        origin: Origin,
        netuid: u16,
    ) -> Result<Account, DispatchError> {
        let who = origin.signed()?;
        if self.items.subnet_owner.try_get(state, netuid) == Some(who) {
            Ok(who)
        } else {
            Err(DispatchError::BadOrigin)
        }
    }

    /// The owner if the owner signed, nothing for root; anybody else is refused.
    pub(crate) fn ensure_owner_or_root(
        &self,
        state: &State,
        origin: Origin,
        netuid: u16,
    ) -> Result<Option<Account>, DispatchError> {
        match origin {
            Origin::Root => Ok(None),
            _ => self.ensure_owner(state, origin, netuid).map(Some),
        }
    }
}
