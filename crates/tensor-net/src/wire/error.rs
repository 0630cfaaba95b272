//! Why a request is turned away: [`AuthError`] (the sender is not proven) and [`Refusal`] (anything).
//!
//! Messages reach unproven callers: they never repeat a signature or a payload.

use core::fmt;
use std::time::Duration;

use tensor_core::miner::Reject;
use tensor_core::transport::Response;

use super::Reply;

/// Why a request's sender is not proven. All answered with 401.
///
/// The messages are the official ones of btauth/1 where that has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// A header is missing or cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The request names no receiver and must.
    #[error("missing X-Bittensor-Receiver: this server requires receiver-bound requests")]
    Unbound,
    /// The request is for somebody else.
    #[error("request was signed for a different receiving hotkey")]
    WrongReceiver,
    /// The request was signed too long ago, or is a replay from before this process started.
    #[error("nonce is older than the {}s freshness window", Seconds(*.window))]
    TooOld {
        /// How old it was, in nanoseconds.
        age: u64,
        /// How old it may be.
        window: Duration,
    },
    /// The request claims to be signed in the future.
    #[error("nonce is more than {}s in the future", Seconds(*.window))]
    TooNew {
        /// How far ahead of our clock it was, in nanoseconds.
        ahead: u64,
        /// How far ahead it may be.
        window: Duration,
    },
    /// The signature is not the claimed hotkey's over this request.
    #[error("signature does not verify against the claimed hotkey")]
    BadSignature,
    /// This request, or another with its nonce, has been accepted before.
    #[error("this nonce was already accepted from this hotkey")]
    Replayed,
}

impl AuthError {
    /// The official class of the error.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "MalformedAuth",
            Self::Unbound | Self::WrongReceiver => "WrongReceiver",
            Self::TooOld { .. } | Self::TooNew { .. } => "StaleRequest",
            Self::BadSignature => "BadSignature",
            Self::Replayed => "ReplayedRequest",
        }
    }

    /// By how many nanoseconds the sender's clock seems ahead of ours (negative: behind), if that is
    /// why the request was refused.
    pub fn clock_difference(&self) -> Option<i64> {
        match self {
            Self::TooOld { age, .. } => Some(-i64::try_from(*age).unwrap_or(i64::MAX)),
            Self::TooNew { ahead, .. } => Some(i64::try_from(*ahead).unwrap_or(i64::MAX)),
            _ => None,
        }
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::Auth(malformed.into())
    }
}

/// What is wrong with a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The version is missing or unknown.
    #[error("missing or unsupported X-Bittensor-Version (expected '1')")]
    Version,
    /// A header that must be there is not.
    #[error("missing {0}")]
    Missing(&'static str),
    /// A header that may be there once is there more often.
    #[error("{0} is there more than once")]
    Repeated(&'static str),
    /// A number that is none.
    #[error("{0} is not a decimal integer")]
    NotInteger(&'static str),
    /// A signature scheme that is unknown, or not the one this sender is pinned to.
    #[error("unsupported X-Bittensor-Crypto")]
    Scheme,
    /// A signature that is not hex.
    #[error("{0} is not hex")]
    NotHex(&'static str),
    /// A hotkey that is no address, or a signature that is not 64 bytes.
    #[error("invalid hotkey address or signature encoding")]
    Encoding,
    /// Anything else that a protocol asks of a header.
    #[error("{header} is invalid: {reason}")]
    Invalid {
        /// The header.
        header: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Why a request got no answer from the miner.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The sender is not proven.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The miner, or the admission before it, said no.
    #[error(transparent)]
    Reject(#[from] Reject),
    /// A method that nobody serves.
    #[error("method not allowed")]
    Method,
    /// The head is larger than the limit.
    #[error("the request head is longer than {limit} bytes")]
    HeadTooLarge {
        /// The most bytes that are read.
        limit: usize,
    },
    /// The body did not come in time.
    #[error("the body did not arrive in time")]
    SlowBody,
    /// The body is not the one whose hash was signed, or is no message of the protocol.
    #[error("{0}")]
    Body(&'static str),
    /// The body is no JSON and must be.
    #[error("the body is no JSON")]
    NotJson(#[source] tensor_core::BoxError),
    /// The replay store cannot say whether the nonce is new, so the request is not served.
    #[error("the replay store is not available")]
    Store(#[source] tensor_core::BoxError),
}

impl Refusal {
    /// All words of [`Self::class`].
    pub const CLASSES: [&'static str; 18] = [
        "MalformedAuth",
        "WrongReceiver",
        "StaleRequest",
        "BadSignature",
        "ReplayedRequest",
        "BadRequest",
        "Forbidden",
        "UnknownSynapse",
        "TooLarge",
        "TooMany",
        "Busy",
        "Timeout",
        "Internal",
        "MethodNotAllowed",
        "HeadTooLarge",
        "SlowBody",
        "BadBody",
        "NotAvailable",
    ];

    /// The HTTP status that tells this.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Auth(_) => 401,
            Self::Reject(reject) => reject.status(),
            Self::Method => 405,
            Self::HeadTooLarge { .. } => 431,
            Self::SlowBody => 408,
            Self::Body(_) => 400,
            Self::NotJson(_) => 422,
            Self::Store(_) => 503,
        }
    }

    /// A stable word for the kind of refusal.
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Auth(error) => error.class(),
            Self::Reject(reject) => match reject {
                Reject::BadRequest(_) => "BadRequest",
                Reject::Forbidden(_) => "Forbidden",
                Reject::UnknownSynapse(_) => "UnknownSynapse",
                Reject::TooLarge { .. } => "TooLarge",
                Reject::TooMany { .. } => "TooMany",
                Reject::Busy { .. } => "Busy",
                Reject::Timeout => "Timeout",
                _ => "Internal",
            },
            Self::Method => "MethodNotAllowed",
            Self::HeadTooLarge { .. } => "HeadTooLarge",
            Self::SlowBody => "SlowBody",
            Self::Body(_) | Self::NotJson(_) => "BadBody",
            Self::Store(_) => "NotAvailable",
        }
    }

    /// When to come back, if that helps.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Reject(reject) => reject.retry_after(),
            Self::Store(_) => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// The answer as JSON `{"error": class, "message": text}`, with `retry-after` where that helps.
    pub fn to_reply(&self) -> Reply {
        let body = serde_json::json!({ "error": self.class(), "message": self.to_string() });
        let reply = Reply::new(Response::new(self.status(), body.to_string()));
        match self.retry_after() {
            None => reply,
            // Rounded up: a caller that comes back too early is refused again.
            Some(wait) => {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                reply.with_header("retry-after", seconds.max(1).to_string())
            }
        }
    }
}

/// A duration as Python's `:g` writes its seconds, which the official messages use.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        let scientific = format!("{seconds:.5e}");
        let Some((digits, exponent)) = scientific.split_once('e') else {
            return f.write_str(&scientific);
        };
        let trim = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
        match exponent.parse::<i32>() {
            Ok(exponent @ -4..=5) if seconds != 0.0 => {
                let decimals = usize::try_from(5 - exponent).unwrap_or(0);
                let fixed = format!("{seconds:.decimals$}");
                f.write_str(&if decimals == 0 { fixed } else { trim(&fixed) })
            }
            Ok(exponent) if seconds != 0.0 => {
                let sign = if exponent < 0 { '-' } else { '+' };
                write!(f, "{}e{sign}{:02}", trim(digits), exponent.unsigned_abs())
            }
            _ => f.write_str("0"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_read_as_python_writes_them() {
        let text = |nanos| Seconds(Duration::from_nanos(nanos)).to_string();
        assert_eq!(text(10_000_000_000), "10");
        assert_eq!(text(2_500_000_000), "2.5");
        assert_eq!(text(0), "0");
        assert_eq!(text(120_000_000_000), "120");
        assert_eq!(text(123_456_789_000_000), "123457");
        assert_eq!(text(1_234_567_000_000_000), "1.23457e+06");
        assert_eq!(text(1_000), "1e-06");
        assert_eq!(text(100_000_000), "0.1");
    }

    #[test]
    fn waiting_times_round_up() {
        let busy = Refusal::Reject(Reject::Busy { retry_after: Duration::from_millis(1_200) });
        assert_eq!(busy.to_reply().headers, [("retry-after".into(), "2".to_owned())]);
        assert_eq!(busy.status(), 503);
    }
}
