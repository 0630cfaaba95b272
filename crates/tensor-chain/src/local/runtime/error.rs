//! Why a call fails: dispatch errors by name, and the pre-dispatch rejections.

use parity_scale_codec::Encode;

use crate::local::interface::Interface;

/// A failed dispatch. Module errors are kept by name, since their numbers move between runtimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DispatchError {
    /// Without further meaning; also the answer to arguments that do not decode.
    #[error("other")]
    Other,
    /// An address that cannot be looked up.
    #[error("cannot look up the address")]
    CannotLookup,
    /// The origin may not do this.
    #[error("bad origin")]
    BadOrigin,
    /// An error of a pallet.
    #[error("{pallet}.{name}")]
    Module {
        /// Name of the pallet.
        pallet: &'static str,
        /// Name of the error.
        name: &'static str,
    },
    /// A token operation failed.
    #[error("token: {0:?}")]
    Token(TokenError),
    /// Arithmetic left its range.
    #[error("arithmetic: {0:?}")]
    Arithmetic(ArithmeticError),
    /// Too many nested transactions or calls.
    #[error("exhausted")]
    Exhausted,
    /// The call is not for the root origin.
    #[error("root not allowed")]
    RootNotAllowed,
}

impl DispatchError {
    /// The SCALE bytes of `sp_runtime::DispatchError`, with module errors numbered by `interface`. A name that the interface lacks becomes `Other`.
    #[must_use]
    pub fn encode_with(&self, interface: &Interface) -> Vec<u8> {
        match self {
            Self::Other => vec![0],
            Self::CannotLookup => vec![1],
            Self::BadOrigin => vec![2],
            Self::Module { pallet, name } => interface.error_index(pallet, name).map_or_else(
                || vec![0],
                |(index, error)| {
                    let mut out = vec![3, index];
                    out.extend_from_slice(&error);
                    out
                },
            ),
            Self::Token(error) => vec![7, *error as u8],
            Self::Arithmetic(error) => vec![8, *error as u8],
            Self::Exhausted => vec![10],
            Self::RootNotAllowed => vec![13],
        }
    }

    /// `Result<(), DispatchError>` as events carry it.
    pub(crate) fn encode_result(result: Result<(), Self>, interface: &Interface) -> RawBytes {
        match result {
            Ok(()) => RawBytes(vec![0]),
            Err(error) => {
                let mut out = vec![1];
                out.extend(error.encode_with(interface));
                RawBytes(out)
            }
        }
    }
}

/// `sp_runtime::TokenError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// Not enough funds.
    FundsUnavailable = 0,
    /// The account is the only provider.
    OnlyProvider = 1,
    /// The receiver would stay below the existential deposit.
    BelowMinimum = 2,
    /// The account cannot be created.
    CannotCreate = 3,
    /// Funds are frozen.
    Frozen = 5,
    /// The withdrawal would kill an account that must live.
    NotExpendable = 8,
}

/// `sp_arithmetic::ArithmeticError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArithmeticError {
    /// Below the range.
    Underflow = 0,
    /// Above the range.
    Overflow = 1,
    /// Division by zero.
    DivisionByZero = 2,
}

/// Bytes that are already SCALE.
#[derive(Clone, Debug)]
pub(crate) struct RawBytes(pub(crate) Vec<u8>);

impl Encode for RawBytes {
    fn encode_to<T: parity_scale_codec::Output + ?Sized>(&self, dest: &mut T) {
        dest.write(&self.0);
    }
}

/// Why a transaction does not enter a block (`sp_runtime::InvalidTransaction`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTransaction {
    /// The call is not expected here.
    #[error("Transaction call is not expected")]
    Call,
    /// The fee cannot be paid.
    #[error("Inability to pay some fees (e.g. account balance too low)")]
    Payment,
    /// The nonce is ahead of the account's.
    #[error("Transaction will be valid in the future")]
    Future,
    /// The nonce is behind the account's.
    #[error("Transaction is outdated")]
    Stale,
    /// The signature does not verify.
    #[error("Transaction has a bad signature")]
    BadProof,
    /// The era began too long ago.
    #[error("Transaction has an ancient birth block")]
    AncientBirthBlock,
    /// The signer is refused.
    #[error("Invalid signing address")]
    BadSigner,
    /// A check of the subtensor extension; the codes are those of chain rules 1.10.
    #[error("Custom error: {0}")]
    Custom(u8),
}

macro_rules! module_errors {
    ($($pallet:ident { $($name:ident),* $(,)? })*) => {
        /// Every module error that the runtime returns, as constants by pallet.
        pub(crate) mod errors {
            $(
                #[allow(non_upper_case_globals, non_snake_case, reason = "the chain's own names")]
                pub(crate) mod $pallet {
                    use super::super::DispatchError;
                    $(pub(crate) const $name: DispatchError =
                        DispatchError::Module { pallet: stringify!($pallet), name: stringify!($name) };)*
                }
            )*
            /// All of them, so that a missing one is found when the runtime is built.
            pub(crate) const ALL: &[(&str, &str)] =
                &[$($((stringify!($pallet), stringify!($name)),)*)*];
        }
    };
}

module_errors! {
    System { CallFiltered }
    Balances { InsufficientBalance }
    SubtensorModule {
        InvalidIpType, InvalidIpAddress, InvalidPort, HotKeyNotRegisteredInSubNet,
        HotKeyAccountNotExists, HotKeyNotRegisteredInNetwork, NonAssociatedColdKey,
        NotEnoughStakeToWithdraw, NotEnoughStakeToSetWeights, NotEnoughStakeToSetChildkeys,
        NotEnoughBalanceToStake, NeuronNoValidatorPermit,
        WeightVecNotEqualSize, DuplicateUids, UidVecContainInvalidOne, WeightVecLengthIsLow,
        TooManyRegistrationsThisBlock, HotKeyAlreadyRegisteredInSubNet, NewHotKeyIsSameWithOld,
        SettingWeightsTooFast, IncorrectWeightVersionKey,
        ServingRateLimitExceeded, UidsLengthExceedUidsInSubNet, NetworkTxRateLimitExceeded,
        DelegateTxRateLimitExceeded, HotKeySetTxRateLimitExceeded, SubNetRegistrationDisabled,
        TooManyRegistrationsThisInterval, NotSubnetOwner, RegistrationNotPermittedOnRootSubnet,
        StakeTooLowForRoot, NotEnoughBalanceToPaySwapHotKey, CanNotSetRootNetworkWeights,
        NoNeuronIdAvailable, DelegateTakeTooLow, DelegateTakeTooHigh, NoWeightsCommitFound,
        InvalidRevealCommitHashNotMatch, CommitRevealEnabled, CommitRevealDisabled,
        LiquidAlphaDisabled, AlphaHighTooLow, AlphaLowOutOfRange, InvalidChild, DuplicateChild,
        ProportionOverflow, TooManyChildren, TxRateLimitExceeded, InvalidChildkeyTake,
        TxChildkeyTakeRateLimitExceeded, InvalidIdentity, MechanismDoesNotExist, StakeUnavailable,
        SubnetNotExists, TooManyUnrevealedCommits, ExpiredWeightCommit, RevealTooEarly,
        InputLengthsUnequal, CommittingWeightsTooFast, AmountTooLow, InsufficientLiquidity,
        SlippageTooHigh, TransferDisallowed, FirstEmissionBlockNumberAlreadySet,
        NeedWaitingMoreBlocksToStarCall, StartCallNotReady, CannotBurnOrRecycleOnRootSubnet,
        SubtokenDisabled, HotKeySwapOnSubnetIntervalNotPassed, SameNetuid,
        AdminActionProhibitedDuringWeightsWindow, SymbolDoesNotExist, SymbolAlreadyInUse,
        IncorrectCommitRevealVersion, InvalidRevealRound, RevealPeriodTooLarge,
        RevealPeriodTooSmall, InvalidValue, SubnetLimitReached, CannotAffordLockCost,
        SameAutoStakeHotkeyAlreadySet, ChildParentInconsistency, TooManyUIDsPerMechanism,
        ColdkeySwapAnnounced, ColdkeySwapDisputed, RegistrationPriceLimitExceeded,
        CannotUseSystemAccount, TempoOutOfBounds, ActivityCutoffFactorMilliOutOfBounds,
        EpochTriggerAlreadyPending, AutoEpochAlreadyImminent, DynamicTempoBlockedByCommitReveal,
        InsufficientTaoBalance, ColdkeySwapAnnouncementNotFound, ColdkeySwapTooEarly,
        ColdkeySwapReannouncedTooEarly, AnnouncedColdkeyHashDoesNotMatch,
        ColdkeySwapAlreadyDisputed, ColdKeyAlreadyAssociated, NewColdKeyIsHotkey,
        NotEnoughBalanceToPaySwapColdKey, ColdkeySwapClearTooEarly, NewHotKeyNotCleanForRootSwap,
        TrimmingWouldExceedMaxImmunePercentage, UnableToRecoverPublicKey,
        InvalidRecoveredPublicKey, EvmKeyAssociateRateLimitExceeded, VotingPowerTrackingNotEnabled,
        InvalidVotingPowerEmaAlpha, InvalidWorkBlock, InvalidDifficulty, InvalidSeal,
    }
    Crowdloan {
        DepositTooLow, CapTooLow, MinimumContributionTooLow, CannotEndInPast,
        BlockDurationTooShort, BlockDurationTooLong, InsufficientBalance, InvalidCrowdloanId,
        CapRaised, ContributionPeriodEnded, ContributionTooLow, InvalidOrigin, AlreadyFinalized,
        AlreadyFinalizing, NoContribution, CapNotRaised, CallUnavailable, NotReadyToDissolve,
        DepositCannotBeWithdrawn, MaxContributorsReached, InvalidFinalizationConfig,
        MaxContributionReached, MaximumContributionTooLow, MinimumContributionTooHigh,
    }
    Swap {
        FeeRateTooHigh, InsufficientLiquidity, PriceLimitExceeded, ReservesTooLow,
        SwapInputTooLarge, MechanismDoesNotExist, Deprecated,
    }
    Commitments { TooManyFieldsInCommitmentInfo, AccountNotAllowedCommit, SpaceLimitExceeded }
    AdminUtils {
        SubnetDoesNotExist, MaxValidatorsLargerThanMaxUIds, MaxAllowedUIdsLessThanCurrentUIds,
        BondsMovingAverageMaxReached, NegativeSigmoidSteepness, ValueNotInBounds,
        MinAllowedUidsGreaterThanCurrentUids, MinAllowedUidsGreaterThanMaxAllowedUids,
        MaxAllowedUidsLessThanMinAllowedUids, MaxAllowedUidsGreaterThanDefaultMaxAllowedUids,
        InvalidValue, NotPermittedOnRootSubnet, POWRegistrationDisabled, Deprecated,
        CollateralLockShareTooHigh,
        CollateralDrainRatioOutOfBounds,
    }
    Sudo { RequireSudo }
    Utility { TooManyCalls }
    Proxy {
        TooMany, NotFound, NotProxy, Duplicate, NoPermission, Unannounced,
        NoSelfProxy,
    }
    Multisig {
        MinimumThreshold, AlreadyApproved, TooFewSignatories, TooManySignatories,
        SignatoriesOutOfOrder, SenderInSignatories, NotFound, NotOwner, NoTimepoint,
        WrongTimepoint, UnexpectedTimepoint,
    }
}
