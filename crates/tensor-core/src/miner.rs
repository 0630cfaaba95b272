//! What a miner is: [`Miner`], and [`miner_fn`] to make one of an async closure.

use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};

use crate::key::Scheme;
use crate::transport::{Request, Response};
use crate::{BoxError, account::Hotkey};

/// Serves requests whose caller has been verified.
///
/// `admit` is asked first, with nothing but the caller known; it must be cheap. Dropping the future of
/// `handle` (the caller went away) must leave the miner usable.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no miner",
    note = "wrap an async closure in `miner_fn`, or implement `Miner`"
)]
pub trait Miner: Send + Sync {
    /// Does the work.
    ///
    /// # Errors
    /// [`Reject`] is told to the caller with the status that fits.
    async fn handle(&self, caller: &Caller, request: Request) -> Result<Response, Reject>;

    /// Whether the caller is welcome, and how urgent it is against others. Everybody is, unless said.
    ///
    /// # Errors
    /// [`Reject`] turns the caller away before its body is read.
    fn admit(&self, caller: &Caller) -> Result<Priority, Reject> {
        let _ = caller;
        Ok(Priority::default())
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        #[async_trait]
        impl<T: Miner + ?Sized> Miner for $pointer {
            async fn handle(&self, caller: &Caller, request: Request) -> Result<Response, Reject> {
                (**self).handle(caller, request).await
            }

            fn admit(&self, caller: &Caller) -> Result<Priority, Reject> {
                (**self).admit(caller)
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);

/// Who asks. The hotkey's signature has been verified when `handle` sees it; `admit` may be asked
/// before, with what the request claims.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Caller {
    /// The hotkey that signed.
    pub hotkey: Hotkey,
    /// The scheme of its key.
    pub scheme: Scheme,
    /// The protocol it spoke, such as `btauth/1`.
    pub protocol: &'static str,
    /// Where the connection comes from, if it is one.
    pub address: Option<SocketAddr>,
    /// The request's nonce: with the hotkey it names the request.
    pub nonce: u64,
}

impl Caller {
    /// A caller with no address and nonce zero.
    pub const fn new(hotkey: Hotkey, scheme: Scheme, protocol: &'static str) -> Self {
        Self { hotkey, scheme, protocol, address: None, nonce: 0 }
    }

    /// Sets where the connection comes from.
    #[must_use]
    pub const fn with_address(mut self, address: Option<SocketAddr>) -> Self {
        self.address = address;
        self
    }

    /// Sets the request's nonce.
    #[must_use]
    pub const fn with_nonce(mut self, nonce: u64) -> Self {
        self.nonce = nonce;
        self
    }
}

/// How urgent a request is: higher goes first. Usually the caller's stake in rao.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(pub u64);

/// Why a request was turned away. The text reaches the caller: say nothing secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reject {
    /// The request makes no sense (400).
    #[error("bad request: {0}")]
    BadRequest(String),
    /// The caller is known and not welcome (403).
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// There is no such synapse (404).
    #[error("no synapse {0:?} here")]
    UnknownSynapse(String),
    /// The body is too long (413).
    #[error("the body is longer than {limit} bytes")]
    TooLarge {
        /// The most bytes that are read.
        limit: usize,
    },
    /// The caller asks more than its share (429).
    #[error("too many requests; try again in {retry_after:?}")]
    TooMany {
        /// When to come back.
        retry_after: Duration,
    },
    /// There is more work than can be done in time (503).
    #[error("busy; try again in {retry_after:?}")]
    Busy {
        /// When to come back.
        retry_after: Duration,
    },
    /// The answer was not ready in time (504).
    #[error("the answer was not ready in time")]
    Timeout,
    /// The miner failed (500). The cause stays here, the caller learns only that.
    #[error("internal error")]
    Internal(#[source] BoxError),
}

impl Reject {
    /// The HTTP status that tells this.
    pub const fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::Forbidden(_) => 403,
            Self::UnknownSynapse(_) => 404,
            Self::TooLarge { .. } => 413,
            Self::TooMany { .. } => 429,
            Self::Internal(_) => 500,
            Self::Busy { .. } => 503,
            Self::Timeout => 504,
        }
    }

    /// When to come back, if that helps.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after } | Self::Busy { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}

/// A typed request: it knows its wire name and its answer.
pub trait Synapse: Serialize + DeserializeOwned + Send + 'static {
    /// The name on the wire: the first segment of the path.
    const NAME: &'static str;
    /// What comes back.
    type Answer: Serialize + DeserializeOwned + Send;
}

/// Makes a miner of one synapse from an async closure over JSON.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tensor_core::miner::{Caller, Reject, Synapse, miner_fn};
///
/// #[derive(Serialize, Deserialize)]
/// struct Double {
///     value: u32,
/// }
///
/// impl Synapse for Double {
///     const NAME: &'static str = "Double";
///     type Answer = u32;
/// }
///
/// let miner = miner_fn(|_caller: Caller, ask: Double| async move {
///     ask.value.checked_mul(2).ok_or_else(|| Reject::BadRequest("too large".into()))
/// });
/// ```
pub const fn miner_fn<S, F, Fut>(f: F) -> MinerFn<S, F>
where
    S: Synapse,
    F: Fn(Caller, S) -> Fut + Send + Sync,
    Fut: Future<Output = Result<S::Answer, Reject>> + Send,
{
    MinerFn { f, limit: 1 << 20, synapse: PhantomData }
}

/// A miner made of a closure; see [`miner_fn`].
pub struct MinerFn<S, F> {
    f: F,
    limit: usize,
    synapse: PhantomData<fn(S)>,
}

impl<S, F> MinerFn<S, F> {
    /// Reads bodies of at most `limit` bytes; 1 MiB unless said.
    #[must_use]
    pub const fn with_body_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

impl<S: Synapse, F> fmt::Debug for MinerFn<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MinerFn({})", S::NAME)
    }
}

#[async_trait]
impl<S, F, Fut> Miner for MinerFn<S, F>
where
    S: Synapse,
    F: Fn(Caller, S) -> Fut + Send + Sync,
    Fut: Future<Output = Result<S::Answer, Reject>> + Send,
{
    async fn handle(&self, caller: &Caller, request: Request) -> Result<Response, Reject> {
        if request.name() != S::NAME {
            return Err(Reject::UnknownSynapse(request.name().to_owned()));
        }
        let body = request.body.bytes(self.limit).await.map_err(|error| match error {
            crate::transport::BodyError::TooLarge { limit } => Reject::TooLarge { limit },
            broken => Reject::BadRequest(broken.to_string()),
        })?;
        let ask =
            serde_json::from_slice(&body).map_err(|error| Reject::BadRequest(error.to_string()))?;
        let answer = (self.f)(caller.clone(), ask).await?;
        let body = serde_json::to_vec(&answer).map_err(|error| Reject::Internal(error.into()))?;
        Ok(Response::ok(body))
    }
}

const _: () = {
    fn _dyn(_: &dyn Miner) {}
};
