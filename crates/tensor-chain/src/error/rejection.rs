//! What a node's transaction pool says when it takes no extrinsic: [`Rejection`].
//!
//! The pool answers with a number and a text. The texts are Substrate's own; the numbers of custom
//! errors are those of Bittensor's transaction extensions
//! (`SubtensorTransactionExtension`, runtime source, `CustomTransactionError`).

use std::fmt;

use super::ErrorCode;

/// A node refused an extrinsic: it is in no block and cost no fee.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// Why, as far as the answer says.
    pub reason: Reason,
    /// The JSON-RPC error code; 0 when a status update said it.
    pub code: i32,
    /// The node's words.
    pub message: String,
}

/// Why an extrinsic was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The signer cannot pay the fee.
    Payment,
    /// Its nonce is too high.
    Future,
    /// Its nonce is used, or its era does not fit.
    Stale,
    /// The signature does not fit the chain's view of the payload.
    BadProof,
    /// The call is not allowed.
    Call,
    /// Its era is over.
    AncientBirthBlock,
    /// The block has no room for it.
    ExhaustsResources,
    /// The signing address is not usable.
    BadSigner,
    /// Another one with that nonce is in the pool.
    PriorityTooLow,
    /// This very one is in the pool.
    AlreadyImported,
    /// This very one was refused a short time ago.
    TemporarilyBanned,
    /// The pool is full.
    ImmediatelyDropped,
    /// It was taken and then thrown out.
    Dropped,
    /// It was taken and then found invalid.
    Invalid,
    /// It was taken and then replaced by another one with that nonce.
    Usurped,
    /// What it takes to check it is not there: the chain does not know the metadata's digest.
    CannotLookup,
    /// A rule of Bittensor's own extensions, by number.
    Custom(u8),
    /// The node gave another reason, in words only.
    Other,
}

impl Rejection {
    pub(crate) fn new(reason: Reason, code: i32, message: impl Into<String>) -> Self {
        Self { reason, code, message: message.into() }
    }

    /// Reads a JSON-RPC error of `author_submit*`; `None` when it does not speak of the extrinsic.
    pub(crate) fn from_rpc(code: i32, message: &str, data: Option<&str>) -> Option<Self> {
        let data = data.unwrap_or_default();
        let text = if data.is_empty() { message.to_owned() } else { format!("{message}: {data}") };
        let by_text = Reason::from_text(&text);
        let reason = by_text.or(match code {
            1010 | 1011 => Some(Reason::Other),
            1012 => Some(Reason::TemporarilyBanned),
            1013 => Some(Reason::AlreadyImported),
            1014 => Some(Reason::PriorityTooLow),
            1015..=1018 => Some(Reason::ImmediatelyDropped),
            1000..=1099 => Some(Reason::Other),
            _ => None,
        })?;
        Some(Self::new(reason, code, text))
    }

    /// Whether the same call, signed anew a block later, may pass.
    pub const fn is_retryable(&self) -> bool {
        self.reason.is_retryable()
    }

    /// The kind of failure.
    pub fn error_code(&self) -> ErrorCode {
        match self.reason {
            Reason::Payment => ErrorCode::InsufficientBalance,
            Reason::AlreadyImported => ErrorCode::AlreadyExists,
            Reason::AncientBirthBlock => ErrorCode::Expired,
            Reason::Call | Reason::BadSigner => ErrorCode::NotAuthorized,
            Reason::BadProof | Reason::CannotLookup => ErrorCode::InvalidArgument,
            Reason::ExhaustsResources | Reason::ImmediatelyDropped => ErrorCode::LimitExceeded,
            Reason::Custom(1) => ErrorCode::InsufficientBalance,
            Reason::Custom(2) => ErrorCode::InsufficientBalance,
            Reason::Custom(number) => match custom_name(number) {
                Some(name) => ErrorCode::of_chain_error("SubtensorModule", name),
                None => ErrorCode::Unknown,
            },
            _ => ErrorCode::RateLimited,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, " ({})", self.message) }
    }
}

impl Reason {
    fn from_text(text: &str) -> Option<Self> {
        if let Some(rest) = text.split("Custom error: ").nth(1) {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            if let Ok(number) = digits.parse() {
                return Some(Self::Custom(number));
            }
        }
        let has = |words: &str| text.to_ascii_lowercase().contains(words);
        const WORDS: [(&str, Reason); 13] = [
            ("could not lookup information", Reason::CannotLookup),
            ("inability to pay some fees", Reason::Payment),
            ("will be valid in the future", Reason::Future),
            ("transaction is outdated", Reason::Stale),
            ("has a bad signature", Reason::BadProof),
            ("call is not expected", Reason::Call),
            ("ancient birth block", Reason::AncientBirthBlock),
            ("block limit", Reason::ExhaustsResources),
            ("invalid signing address", Reason::BadSigner),
            ("priority is too low", Reason::PriorityTooLow),
            ("already imported", Reason::AlreadyImported),
            ("temporarily banned", Reason::TemporarilyBanned),
            ("immediately dropped", Reason::ImmediatelyDropped),
        ];
        WORDS.iter().find(|(words, _)| has(words)).map(|(_, reason)| *reason)
    }

    /// Whether the same call, signed anew a block later, may pass.
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Future
                | Self::Stale
                | Self::PriorityTooLow
                | Self::TemporarilyBanned
                | Self::ImmediatelyDropped
                | Self::AncientBirthBlock
                | Self::ExhaustsResources
                | Self::Dropped
                | Self::Usurped
                // Rate limits and a reveal before its time.
                | Self::Custom(6 | 12 | 17 | 20)
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom(number) => match custom_name(*number) {
                Some(name) => f.pad(name),
                None => write!(f, "Custom{number}"),
            },
            reason => fmt::Debug::fmt(reason, f),
        }
    }
}

/// The name of a custom error of Bittensor's extensions.
pub(crate) const fn custom_name(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "ColdkeySwapAnnounced",
        1 => "StakeAmountTooLow",
        2 => "NotEnoughBalanceToStake",
        3 => "SubnetNotExists",
        4 => "HotKeyAccountNotExists",
        5 => "NotEnoughStakeToWithdraw",
        6 => "RateLimitExceeded",
        7 => "InsufficientLiquidity",
        8 => "SlippageTooHigh",
        9 => "TransferDisallowed",
        10 => "HotKeyNotRegisteredInNetwork",
        11 => "InvalidIpAddress",
        12 => "ServingRateLimitExceeded",
        13 => "InvalidPort",
        14 => "ZeroMaxAmount",
        15 => "InvalidRevealRound",
        16 => "NoWeightsCommitFound",
        17 => "RevealTooEarly",
        18 => "InputLengthsUnequal",
        19 => "HotKeyNotRegisteredInSubNet",
        20 => "EvmKeyAssociateRateLimitExceeded",
        21 => "ColdkeySwapDisputed",
        22 => "InvalidRealAccount",
        23 => "FailedShieldedTxParsing",
        24 => "InvalidShieldedTxPubKeyHash",
        25 => "NonAssociatedColdKey",
        26 => "DelegateTakeTooLow",
        27 => "DelegateTakeTooHigh",
        255 => "BadRequest",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_decide_before_numbers() {
        let read = |code, message: &str, data: &str| {
            Rejection::from_rpc(code, message, Some(data)).unwrap().reason
        };
        assert_eq!(read(1010, "Invalid Transaction", "Custom error: 6"), Reason::Custom(6));
        assert_eq!(read(1010, "Invalid Transaction", "Transaction is outdated"), Reason::Stale);
        let payment = "Inability to pay some fees (e.g. account balance too low)";
        assert_eq!(read(1010, "Invalid Transaction", payment), Reason::Payment);
        assert_eq!(read(1014, "Priority is too low: (1 vs 1)", ""), Reason::PriorityTooLow);
        assert_eq!(read(1010, "Invalid Transaction", "something new"), Reason::Other);
        assert_eq!(Rejection::from_rpc(-32601, "Method not found", None), None);
    }

    #[test]
    fn custom_errors_have_names_and_kinds() {
        assert_eq!(Reason::Custom(6).to_string(), "RateLimitExceeded");
        assert_eq!(Reason::Custom(200).to_string(), "Custom200");
        let code = |number| Rejection::new(Reason::Custom(number), 1010, "").error_code();
        assert_eq!(code(6), ErrorCode::RateLimited);
        assert_eq!(code(10), ErrorCode::NotRegistered);
        assert_eq!(code(7), ErrorCode::InsufficientLiquidity);
    }
}
