//! Accepted nonces in Redis, for several servers of one hotkey: [`RedisReplay`].

use core::fmt;
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{ExistenceCheck, SetExpiry, SetOptions};

use super::{ReplayError, ReplayStore};
use crate::wire::Claim;

/// Remembers each accepted request as a key that expires with it.
///
/// All servers that answer for a hotkey must use the same Redis and prefix. A restarted server knows
/// what was accepted before, so unlike [`MemoryReplay`](super::MemoryReplay) it refuses nothing for
/// being older than its start. When Redis does not answer, or has no memory left, requests are refused:
/// run it with `maxmemory-policy noeviction`, or it may forget what it must remember.
#[derive(Clone)]
pub struct RedisReplay {
    connection: ConnectionManager,
    prefix: String,
}

impl RedisReplay {
    /// How long one question to Redis may take.
    pub const PATIENCE: Duration = Duration::from_secs(1);

    /// Connects to `redis://[user:password@]host[:port][/database]`. Lost connections are made anew.
    ///
    /// # Errors
    /// [`ReplayError::Unavailable`] when Redis cannot be reached.
    pub async fn connect(url: &str, prefix: impl Into<String>) -> Result<Self, ReplayError> {
        let unavailable = |error: redis::RedisError| ReplayError::Unavailable(error.into());
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Self::PATIENCE)
            .set_response_timeout(Self::PATIENCE)
            .set_number_of_retries(1);
        let client = redis::Client::open(url).map_err(unavailable)?;
        let connection = client.get_connection_manager_with_config(config).await;
        Ok(Self { connection: connection.map_err(unavailable)?, prefix: prefix.into() })
    }
}

#[async_trait]
impl ReplayStore for RedisReplay {
    async fn record(&self, claim: &Claim, _: bool, now: u64) -> Result<(), ReplayError> {
        let hotkey = hex::encode(claim.hotkey.as_bytes());
        let key = format!("{}{hotkey}:{}:{:x}", self.prefix, claim.nonce, claim.token);
        // Rounded up, and a second more, since Redis counts from when it hears of it by its own clock.
        let millis = claim.expires.saturating_sub(now).div_ceil(1_000_000).saturating_add(1_000);
        let options = SetOptions::default()
            .conditional_set(ExistenceCheck::NX)
            .with_expiration(SetExpiry::PX(millis.min(LONGEST_MILLIS)));
        let set: Option<String> = redis::cmd("SET")
            .arg(key)
            .arg(1)
            .arg(options)
            .query_async(&mut self.connection.clone())
            .await
            .map_err(|error| ReplayError::Unavailable(error.into()))?;
        if set.is_some() { Ok(()) } else { Err(ReplayError::Replayed) }
    }
}

impl fmt::Debug for RedisReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisReplay").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// A century: Redis refuses times that overflow its clock.
const LONGEST_MILLIS: u64 = 100 * 365 * 24 * 3_600 * 1_000;
