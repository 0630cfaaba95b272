//! How a step ended, and how that is held against what the scenario expects.

use serde_json::{Map, Value as Json};
use tensor_chain::local::pool::PoolError;
use tensor_chain::local::runtime::{DispatchError, InvalidTransaction};

use super::is_remark;
use super::number;
use super::typed::short;

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is in a block and succeeded.
    Ok,
    /// It is in a block and failed; `inside` a call that itself succeeded (batch, sudo, proxy).
    Failed { pallet: String, name: String, inside: bool },
    /// It never entered a block: the kind, the custom code, and the error that the code stands for.
    Rejected { kind: String, code: Option<u8>, cause: Option<(String, String)> },
}

/// The names that the chain gives its custom codes (chain rules 1.10).
const CODES: [(u8, &str); 30] = [
    (0, "ColdkeyInSwapSchedule"),
    (1, "StakeAmountTooLow"),
    (1, "NotEnoughStakeToSetWeights"),
    (2, "BalanceTooLow"),
    (3, "SubnetNotExists"),
    (4, "HotkeyAccountDoesntExist"),
    (5, "NotEnoughStakeToWithdraw"),
    (6, "RateLimitExceeded"),
    (7, "InsufficientLiquidity"),
    (8, "SlippageTooHigh"),
    (9, "TransferDisallowed"),
    (10, "HotKeyNotRegisteredInNetwork"),
    (11, "InvalidIpAddress"),
    (12, "ServingRateLimitExceeded"),
    (13, "InvalidPort"),
    (14, "ZeroMaxAmount"),
    (15, "InvalidRevealRound"),
    (16, "CommitNotFound"),
    (17, "CommitBlockNotInRevealRange"),
    (18, "InputLengthsUnequal"),
    (19, "UidNotFound"),
    (20, "EvmKeyAssociateRateLimitExceeded"),
    (21, "ColdkeySwapDisputed"),
    (22, "InvalidRealAccount"),
    (23, "FailedShieldedTxParsing"),
    (24, "InvalidShieldedTxPubKeyHash"),
    (25, "NonAssociatedColdKey"),
    (26, "DelegateTakeTooLow"),
    (27, "DelegateTakeTooHigh"),
    (255, "BadRequest"),
];

/// Errors that have another name in runtime 461 than before.
const RENAMED: [(&str, &str); 2] = [
    ("InsufficientBalance", "InsufficientTaoBalance"),
    ("NeedWaitingMoreBlocksToStarCall", "StartCallNotReady"),
];

impl Outcome {
    /// What the pool said, and the error behind it.
    pub(super) fn rejected(error: &PoolError, cause: Option<DispatchError>) -> Self {
        let cause = cause.map(|error| named(&error));
        let (kind, code) = match error {
            PoolError::Invalid(InvalidTransaction::Custom(code)) => {
                ("Custom".to_owned(), Some(*code))
            }
            PoolError::Invalid(other) => (format!("{other:?}"), None),
            other => {
                let name = format!("{other:?}");
                (name.split(['(', '{', ' ']).next().unwrap_or_default().to_owned(), None)
            }
        };
        // The other kinds have no error behind them.
        let cause = cause.filter(|_| code.is_some());
        Self::Rejected { kind, code, cause }
    }

    /// The expectation that this outcome satisfies.
    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::Ok => serde_json::json!({ "ok": true }),
            Self::Failed { pallet, name, .. } => {
                serde_json::json!({ "error": format!("{pallet}.{name}") })
            }
            Self::Rejected { code: Some(code), cause: Some((pallet, name)), .. } => {
                serde_json::json!({ "error": { "custom": code, "name": format!("{pallet}.{name}") } })
            }
            Self::Rejected { code: Some(code), .. } => {
                serde_json::json!({ "error": { "custom": code } })
            }
            Self::Rejected { kind, .. } => serde_json::json!({ "error": kind }),
        }
    }

    /// Says how it differs from what is expected.
    pub(super) fn differs(&self, expected: Option<&Json>) -> Result<(), String> {
        let matches = match Expected::of(expected)? {
            // What succeeds may carry a call that failed: its events tell.
            Expected::Ok => matches!(self, Self::Ok | Self::Failed { inside: true, .. }),
            Expected::AnyError => *self != Self::Ok,
            Expected::Error(error) => self.is(&error)?,
        };
        match matches {
            true => Ok(()),
            false => {
                let expected = expected.map_or_else(|| "success".to_owned(), short);
                Err(format!("expected {expected}, computed {}", short(&self.to_json())))
            }
        }
    }

    /// Whether this is the error that a value names.
    fn is(&self, error: &Json) -> Result<bool, String> {
        match error {
            Json::String(text) => Ok(self.is_named(text.trim())),
            Json::Object(fields) => {
                for (name, value) in fields {
                    if !self.has(name, value, fields)? {
                        return Ok(false);
                    }
                }
                Ok(!fields.is_empty())
            }
            json => match number::integer(json).and_then(number::Integer::unsigned) {
                Some(code) => Ok(self.code() == u8::try_from(code).ok() && self.code().is_some()),
                None => Err(format!("{} is no error; {FORMS}", short(json))),
            },
        }
    }

    /// Whether one field of an error's description is true.
    fn has(&self, field: &str, value: &Json, all: &Map<String, Json>) -> Result<bool, String> {
        let text = value.as_str().unwrap_or_default();
        match field {
            "custom" | "Custom" | "code" => self.is(&match value {
                Json::String(text) => Json::from(format!("Custom {text}")),
                number => number.clone(),
            }),
            "name" | "error" | "variant" if !text.is_empty() => Ok(self.is_named(text)),
            "pallet" | "module" if !text.is_empty() && all.len() > 1 => {
                Ok(self.names().iter().any(|(pallet, _)| *pallet == text))
            }
            "Module" | "module" | "Token" | "token" | "Arithmetic" | "invalid" | "Invalid"
            | "rejected" | "pool" | "dispatch" | "error" | "reason" => match value {
                Json::Bool(true) | Json::Null => Ok(matches!(self, Self::Rejected { .. })),
                value => self.is(value),
            },
            name if is_remark(name) => Ok(true),
            name => Err(format!("unknown field {name:?} in an error; {FORMS}")),
        }
    }

    fn is_named(&self, text: &str) -> bool {
        if let Some(code) = custom_code(text) {
            return self.code() == Some(code);
        }
        let text = text.replace("::", ".");
        let (pallet, name) = match text.split_once('.') {
            Some((pallet, name)) => (Some(pallet), name),
            None => (None, text.as_str()),
        };
        let renamed = |a: &str, b: &str| {
            RENAMED.iter().any(|(old, new)| (*old, *new) == (a, b) || (*new, *old) == (a, b))
        };
        let by_error = self.names().iter().any(|(own, known)| {
            pallet.is_none_or(|pallet| own.eq_ignore_ascii_case(pallet))
                && (*known == name || renamed(known, name))
        });
        let by_code = || {
            let code = self.code();
            code.is_some()
                && CODES.iter().any(|(number, known)| Some(*number) == code && *known == name)
        };
        let by_kind = || matches!(self, Self::Rejected { kind, code: None, .. } if kind == name);
        by_error || by_code() || by_kind()
    }

    fn names(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Failed { pallet, name, .. } => vec![(pallet, name)],
            Self::Rejected { cause: Some((pallet, name)), .. } => vec![(pallet, name)],
            _ => Vec::new(),
        }
    }

    fn code(&self) -> Option<u8> {
        match self {
            Self::Rejected { code, .. } => *code,
            _ => None,
        }
    }
}

const FORMS: &str = "an error is \"Name\", \"Pallet.Name\", {\"custom\": CODE}, \"Custom CODE\", or the kind of a \
    refusal such as \"Payment\", \"Stale\", \"Future\", \"BadProof\"";

/// What a step expects of its call.
enum Expected {
    Ok,
    AnyError,
    Error(Json),
}

impl Expected {
    fn of(json: Option<&Json>) -> Result<Self, String> {
        let ok = |yes: bool| if yes { Self::Ok } else { Self::AnyError };
        match json {
            None | Some(Json::Null) => Ok(Self::Ok),
            Some(Json::Bool(yes)) => Ok(ok(*yes)),
            Some(Json::String(text)) => Ok(match text.trim() {
                "ok" | "Ok" | "OK" | "success" => Self::Ok,
                "error" | "Error" | "err" | "failure" | "fail" => Self::AnyError,
                _ => Self::Error(json.cloned().unwrap_or_default()),
            }),
            Some(Json::Object(fields)) => {
                let one = |names: &[&str]| names.iter().find_map(|name| fields.get(*name));
                let error = one(&ERROR);
                match (one(&OK), error) {
                    (Some(_), Some(_)) => Err("\"ok\" and \"error\" exclude each other".to_owned()),
                    (Some(Json::Bool(yes)), None) => Ok(ok(*yes)),
                    (None, Some(Json::Bool(yes))) => Ok(ok(!yes)),
                    (None, Some(Json::Null)) => Ok(Self::AnyError),
                    (None, Some(Json::String(text))) if text == "*" => Ok(Self::AnyError),
                    (None, Some(error)) => Ok(Self::Error(error.clone())),
                    (_, None) => Ok(Self::Ok),
                }
            }
            Some(other) => {
                Err(format!("{} is no outcome: {{\"ok\": true}} or {{\"error\": …}}", short(other)))
            }
        }
    }
}

/// Fields that say that a call succeeds.
pub(super) const OK: [&str; 3] = ["ok", "Ok", "success"];
/// Fields that say which error it fails with.
pub(super) const ERROR: [&str; 4] = ["error", "err", "Err", "failure"];

/// Pallet and name of a dispatch error, as the codec would name it.
pub(super) fn named(error: &DispatchError) -> (String, String) {
    match error {
        DispatchError::Module { pallet, name } => ((*pallet).to_owned(), (*name).to_owned()),
        DispatchError::Token(error) => ("Token".to_owned(), format!("{error:?}")),
        DispatchError::Arithmetic(error) => ("Arithmetic".to_owned(), format!("{error:?}")),
        other => ("Dispatch".to_owned(), format!("{other:?}")),
    }
}

/// The number in `Custom 6`, `Custom(6)`, `Invalid Transaction: Custom error: 6`.
fn custom_code(text: &str) -> Option<u8> {
    let at = text.find("Custom").or_else(|| text.find("custom"))?;
    let digits: String = text.get(at..)?.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn outcomes_under_every_name() {
        let failed = Outcome::Failed {
            pallet: "SubtensorModule".to_owned(),
            name: "AmountTooLow".to_owned(),
            inside: false,
        };
        for right in [
            json!({"error": "AmountTooLow"}),
            json!({"error": "SubtensorModule.AmountTooLow"}),
            json!("AmountTooLow"),
            json!({"error": {"pallet": "SubtensorModule", "name": "AmountTooLow"}}),
            json!({"error": true}),
            json!("error"),
        ] {
            assert_eq!(failed.differs(Some(&right)), Ok(()), "{right}");
        }
        for wrong in [json!("ok"), json!({"error": "Swap.AmountTooLow"}), json!({"error": 6})] {
            assert!(failed.differs(Some(&wrong)).is_err(), "{wrong}");
        }
        let cause = Some(("SubtensorModule".to_owned(), "SettingWeightsTooFast".to_owned()));
        let refused = Outcome::Rejected { kind: "Custom".to_owned(), code: Some(6), cause };
        for right in [
            json!({"error": "SettingWeightsTooFast"}),
            json!({"error": {"custom": 6}}),
            json!({"error": "Invalid Transaction: Custom error: 6"}),
            json!({"error": "RateLimitExceeded"}),
            json!({"error": {"invalid": {"Custom": 6}}}),
        ] {
            assert_eq!(refused.differs(Some(&right)), Ok(()), "{right}");
        }
        for wrong in [json!("ok"), json!({"error": {"custom": 7}}), json!({"error": "Payment"})] {
            assert!(refused.differs(Some(&wrong)).is_err(), "{wrong}");
        }
    }
}
