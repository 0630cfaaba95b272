//! Kinds of failure that a caller acts on: [`ErrorCode`], with what to do about each.
//!
//! The chain has some 400 error names and gains more. Programs act on a kind; the kind of a name
//! follows from the name itself, so names that do not exist yet have one too.

use std::fmt;

/// The kind of a failure, in the words that the official SDK uses for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// Too little TAO or stake for it.
    InsufficientBalance,
    /// The pool cannot take an amount of that size.
    InsufficientLiquidity,
    /// Too soon after the last one.
    RateLimited,
    /// The hotkey is not registered where it must be.
    NotRegistered,
    /// The signer may not do this.
    NotAuthorized,
    /// It is there already.
    AlreadyExists,
    /// It is not there.
    NotFound,
    /// The subnet does not exist.
    SubnetNotExists,
    /// The subnet's token does not trade yet.
    SubtokenDisabled,
    /// It is switched off.
    Disabled,
    /// Its time has not come.
    TooEarly,
    /// Its time is over.
    Expired,
    /// Too many, too long or too large.
    LimitExceeded,
    /// TAO where alpha is meant, or the other way round.
    UnitMismatch,
    /// An argument the chain does not accept.
    InvalidArgument,
    /// The caller's own policy forbids it.
    PolicyViolation,
    /// The node or the runtime broke.
    Internal,
    /// None of these.
    Unknown,
}

impl ErrorCode {
    /// All kinds.
    pub const ALL: [Self; 18] = [
        Self::InsufficientBalance,
        Self::InsufficientLiquidity,
        Self::RateLimited,
        Self::NotRegistered,
        Self::NotAuthorized,
        Self::AlreadyExists,
        Self::NotFound,
        Self::SubnetNotExists,
        Self::SubtokenDisabled,
        Self::Disabled,
        Self::TooEarly,
        Self::Expired,
        Self::LimitExceeded,
        Self::UnitMismatch,
        Self::InvalidArgument,
        Self::PolicyViolation,
        Self::Internal,
        Self::Unknown,
    ];

    /// The kind's name, as the official SDK spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InsufficientBalance => "insufficient_balance",
            Self::InsufficientLiquidity => "insufficient_liquidity",
            Self::RateLimited => "rate_limited",
            Self::NotRegistered => "not_registered",
            Self::NotAuthorized => "not_authorized",
            Self::AlreadyExists => "already_exists",
            Self::NotFound => "not_found",
            Self::SubnetNotExists => "subnet_not_exists",
            Self::SubtokenDisabled => "subtoken_disabled",
            Self::Disabled => "disabled",
            Self::TooEarly => "too_early",
            Self::Expired => "expired",
            Self::LimitExceeded => "limit_exceeded",
            Self::UnitMismatch => "unit_mismatch",
            Self::InvalidArgument => "invalid_argument",
            Self::PolicyViolation => "policy_violation",
            Self::Internal => "internal",
            Self::Unknown => "unknown",
        }
    }

    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::InsufficientBalance => "fund the account, or use a smaller amount",
            Self::InsufficientLiquidity => {
                "use smaller steps, or accept a worse price by a wider limit"
            }
            Self::RateLimited => "wait for the rate limit to pass, then try again",
            Self::NotRegistered => "register the hotkey on the subnet first",
            Self::NotAuthorized => "sign with the key that may: owner, permitted validator or root",
            Self::AlreadyExists => "nothing: it is done already",
            Self::NotFound => "check the name, account or number: the chain has none",
            Self::SubnetNotExists => "check the netuid: the subnet does not exist",
            Self::SubtokenDisabled => "wait until the subnet's owner has started it (start_call)",
            Self::Disabled => "the subnet or the chain has switched this off",
            Self::TooEarly => "wait: its time has not come",
            Self::Expired => "start the flow again: its time is over",
            Self::LimitExceeded => "use fewer or less: a limit of the chain is reached",
            Self::UnitMismatch => "check the unit: TAO or the subnet's alpha",
            Self::InvalidArgument => "correct the argument",
            Self::PolicyViolation => "change the policy, or ask for less",
            Self::Internal => "try again later, or at another node",
            Self::Unknown => "see the error's name and text",
        }
    }

    /// The kind of an error of the chain, by pallet and name. Every name has exactly one.
    pub fn of_chain_error(pallet: &str, name: &str) -> Self {
        exact(pallet, name).or_else(|| by_word(name)).unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Names that do not say their kind.
fn exact(pallet: &str, name: &str) -> Option<ErrorCode> {
    use ErrorCode as Code;
    Some(match name {
        "FundsUnavailable" | "BelowMinimum" | "Expendability" | "NotExpendable" | "Payment"
        | "ExistentialDeposit" | "InvalidAmount" => Code::InsufficientBalance,
        "SlippageTooHigh"
        | "ReservesTooLow"
        | "ReservesOutOfBalance"
        | "PriceLimitExceeded"
        | "PriceConditionNotMet"
        | "AmountTooLow"
        | "ZeroMaxStakeAmount"
        | "ZeroMaxAmount" => Code::InsufficientLiquidity,
        "SettingWeightsTooFast"
        | "CommittingWeightsTooFast"
        | "TooManyRegistrationsThisBlock"
        | "TooManyRegistrationsThisInterval"
        | "TooManyUnrevealedCommits"
        | "Stale" => Code::RateLimited,
        "NotSubnetOwner"
        | "BadOrigin"
        | "RequireSudo"
        | "NeuronNoValidatorPermit"
        | "NonAssociatedColdKey"
        | "NotProxy"
        | "NoPermission"
        | "Unannounced"
        | "NotEnoughStakeToSetWeights"
        | "TransferDisallowed"
        | "RootNotAllowed"
        | "CallFiltered" => Code::NotAuthorized,
        "RegistrationNotPermittedOnRootSubnet" | "CallUnavailable" | "FaucetDisabled" => {
            Code::Disabled
        }
        "SubnetNotExists" | "MechanismDoesNotExist" | "RootNetworkDoesNotExist" => {
            Code::SubnetNotExists
        }
        "SubtokenDisabled" => Code::SubtokenDisabled,
        "AdminActionProhibitedDuringWeightsWindow"
        | "NeedWaitingMoreBlocksToStarCall"
        | "RevealTooEarly"
        | "AutoEpochAlreadyImminent" => Code::TooEarly,
        "Underflow" | "Overflow" | "DivisionByZero" | "Corruption" | "Unavailable"
        | "Exhausted" => Code::Internal,
        "CommitRevealEnabled" => Code::Disabled,
        "HotKeyAlreadyRegisteredInSubNet"
        | "EpochTriggerAlreadyPending"
        | "FirstEmissionBlockNumberAlreadySet" => Code::AlreadyExists,
        "StakeUnavailable"
        | "BalanceWithdrawalError"
        | "ZeroBalanceAfterWithdrawn"
        | "VestingBalance"
        | "LiquidityRestrictions"
        | "RootStakeLocked"
        | "PaymentOverflow" => Code::InsufficientBalance,
        "ColdkeySwapAnnounced"
        | "ColdkeySwapDisputed"
        | "TransactorAccountShouldBeHotKey"
        | "ExpectedBeneficiaryOrigin"
        | "NothingAuthorized"
        | "Unproxyable"
        | "ReentranceDenied"
        | "StateChangeDenied"
        | "AccountRejectsLockedAlpha"
        | "TransactionMustComeFromEOA" => Code::NotAuthorized,
        "SwapReturnedZero" | "ZeroShareInBatch" | "LinkedAmountResolvedToZero" => {
            Code::InsufficientLiquidity
        }
        "CapRaised" | "OrderCancelled" | "Exited" | "TargetBlockNumberInPast" => Code::Expired,
        "DeadAccount" | "NoneValue" => Code::NotFound,
        "RelayerRequiredForPartialFill"
        | "UnableToRecoverPublicKey"
        | "NewColdKeyIsHotkey"
        | "Named"
        | "RelayerMissMatch"
        | "SpecVersionNeedsToIncrease" => Code::InvalidArgument,
        // A contract, a beacon or the node's own bookkeeping broke.
        "CurrencyError"
        | "PreLogExists"
        | "Reentrancy"
        | "Undefined"
        | "DrandConnectionFailure"
        | "UnverifiedPulse"
        | "PulseVerificationError"
        | "ContractTrapped"
        | "InputForwarded"
        | "TerminatedWhileReentrant"
        | "TerminatedInConstructor"
        | "ContractReverted"
        | "CodeRejected"
        | "Indeterministic"
        | "Unreachable"
        | "UnexpectedUnreserveLeftover"
        | "AnnouncementDepositInvariantViolated"
        | "NonDefaultComposite" => Code::Internal,
        "UnknownError" if pallet == "Swap" => Code::Internal,
        _ => return None,
    })
}

/// Names that do, by their words; the first rule that fits decides.
fn by_word(name: &str) -> Option<ErrorCode> {
    use ErrorCode as Code;
    const RULES: &[(&str, ErrorCode)] = &[
        ("RateLimit", Code::RateLimited),
        ("TooFast", Code::RateLimited),
        ("TooSoon", Code::RateLimited),
        ("NotEnoughBalance", Code::InsufficientBalance),
        ("NotEnoughStake", Code::InsufficientBalance),
        ("InsufficientBalance", Code::InsufficientBalance),
        ("InsufficientLiquidity", Code::InsufficientLiquidity),
        ("Insufficient", Code::InsufficientBalance),
        ("StakeAmountTooLow", Code::InsufficientBalance),
        ("NotRegistered", Code::NotRegistered),
        ("AccountNotExists", Code::NotRegistered),
        ("SubnetDoesNotExist", Code::SubnetNotExists),
        ("Already", Code::AlreadyExists),
        ("Duplicate", Code::AlreadyExists),
        ("TooEarly", Code::TooEarly),
        ("NotYet", Code::TooEarly),
        ("TooLate", Code::Expired),
        ("Expired", Code::Expired),
        ("Deadline", Code::Expired),
        ("Ended", Code::Expired),
        ("Disabled", Code::Disabled),
        ("NotEnabled", Code::Disabled),
        ("Paused", Code::Disabled),
        ("NotAllowed", Code::NotAuthorized),
        ("NotOwner", Code::NotAuthorized),
        ("NotAuthorized", Code::NotAuthorized),
        ("Unauthorized", Code::NotAuthorized),
        ("Permission", Code::NotAuthorized),
        ("DoesNotExist", Code::NotFound),
        ("NotExist", Code::NotFound),
        ("NotFound", Code::NotFound),
        ("NoneFound", Code::NotFound),
        ("Missing", Code::NotFound),
        ("Unknown", Code::NotFound),
        ("No", Code::NotFound),
        ("TooMany", Code::LimitExceeded),
        ("TooLong", Code::LimitExceeded),
        ("TooLarge", Code::LimitExceeded),
        ("TooBig", Code::LimitExceeded),
        ("TooHigh", Code::LimitExceeded),
        ("TooDeep", Code::LimitExceeded),
        ("Exceed", Code::LimitExceeded),
        ("Limit", Code::LimitExceeded),
        ("Full", Code::LimitExceeded),
        ("Max", Code::LimitExceeded),
        ("Invalid", Code::InvalidArgument),
        ("Incorrect", Code::InvalidArgument),
        ("Unequal", Code::InvalidArgument),
        ("NotEqual", Code::InvalidArgument),
        ("Mismatch", Code::InvalidArgument),
        ("TooLow", Code::InvalidArgument),
        ("TooShort", Code::InvalidArgument),
        ("TooSmall", Code::InvalidArgument),
        ("Low", Code::InvalidArgument),
        ("Bad", Code::InvalidArgument),
        ("Wrong", Code::InvalidArgument),
        ("Cannot", Code::InvalidArgument),
        ("CanNot", Code::InvalidArgument),
        ("OutOfBounds", Code::InvalidArgument),
        ("Same", Code::InvalidArgument),
        ("Not", Code::InvalidArgument),
        ("Failed", Code::Internal),
        ("Pending", Code::TooEarly),
        ("Ongoing", Code::TooEarly),
        ("InProgress", Code::TooEarly),
        ("Waiting", Code::TooEarly),
        ("Immunity", Code::TooEarly),
        ("Requested", Code::AlreadyExists),
        ("InUse", Code::AlreadyExists),
        ("Exists", Code::AlreadyExists),
        ("Existing", Code::AlreadyExists),
        ("Frozen", Code::Disabled),
        ("Blocked", Code::Disabled),
        ("Deprecated", Code::Disabled),
        ("Deactivated", Code::Disabled),
        ("Entered", Code::Disabled),
        ("OutOfOrder", Code::InvalidArgument),
        ("OutOf", Code::LimitExceeded),
        ("TooHeavy", Code::LimitExceeded),
        ("Overflow", Code::LimitExceeded),
        ("OverFlow", Code::LimitExceeded),
        ("TooFew", Code::InvalidArgument),
        ("Minimum", Code::InvalidArgument),
        ("Unexpected", Code::InvalidArgument),
        ("Inconsistency", Code::InvalidArgument),
        ("Incomplete", Code::InvalidArgument),
        ("Negative", Code::InvalidArgument),
        ("Greater", Code::InvalidArgument),
        ("MustBe", Code::InvalidArgument),
        ("In", Code::InvalidArgument),
        ("NonZero", Code::InvalidArgument),
        ("Zero", Code::InvalidArgument),
    ];
    RULES.iter().find(|(word, _)| has_word(name, word)).map(|(_, code)| *code)
}

/// Whether the camel-case name holds the words, at word borders: `No` is in `NoDeposit`, not in
/// `Nonce`.
fn has_word(name: &str, words: &str) -> bool {
    name.match_indices(words).any(|(at, _)| {
        let after = name.get(at + words.len()..).and_then(|rest| rest.chars().next());
        after.is_none_or(|next| {
            !next.is_ascii_lowercase() || !words.ends_with(['n', 'o', 't', 'w', 'x'])
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_the_names_that_programs_meet() {
        for (name, code) in [
            ("SettingWeightsTooFast", ErrorCode::RateLimited),
            ("TxRateLimitExceeded", ErrorCode::RateLimited),
            ("NotEnoughBalanceToStake", ErrorCode::InsufficientBalance),
            ("HotKeyNotRegisteredInSubNet", ErrorCode::NotRegistered),
            ("HotKeyAccountNotExists", ErrorCode::NotRegistered),
            ("CommitRevealEnabled", ErrorCode::Disabled),
            ("CommitRevealDisabled", ErrorCode::Disabled),
            ("SubNetRegistrationDisabled", ErrorCode::Disabled),
            ("DuplicateUids", ErrorCode::AlreadyExists),
            ("WeightVecLengthIsLow", ErrorCode::InvalidArgument),
            ("NoWeightsCommitFound", ErrorCode::NotFound),
            ("ExpiredWeightCommit", ErrorCode::Expired),
            ("NonceInvalid", ErrorCode::InvalidArgument),
        ] {
            assert_eq!(ErrorCode::of_chain_error("SubtensorModule", name), code, "{name}");
        }
    }

    #[test]
    fn every_kind_has_a_name_and_a_remedy_of_its_own() {
        for (place, code) in ErrorCode::ALL.iter().enumerate() {
            for other in &ErrorCode::ALL[..place] {
                assert_ne!(code.as_str(), other.as_str());
                assert_ne!(code.remedy(), other.remedy());
            }
        }
    }
}
