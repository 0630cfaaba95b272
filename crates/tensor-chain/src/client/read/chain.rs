//! The chain itself: time, blocks, limits, beacons.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tensor_core::BlockNumber;
use tensor_core::call::Value;
use tensor_core::chain::At;

use super::super::Subtensor;
use crate::codec::DecodedExtrinsic;
use crate::error::Error;

/// A block with what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockInfo {
    /// The height.
    pub number: BlockNumber,
    /// The hash.
    pub hash: [u8; 32],
    /// The hash of the block before.
    pub parent: [u8; 32],
    /// When it was made, in milliseconds since 1970.
    pub timestamp_ms: u64,
    /// Its extrinsics in order.
    pub extrinsics: Vec<DecodedExtrinsic>,
}

/// A round of the drand beacon as the chain keeps it (`Drand.Pulses`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pulse {
    /// The round.
    pub round: u64,
    /// Its randomness.
    pub randomness: Vec<u8>,
    /// Its signature, which opens what was locked to it.
    pub signature: Vec<u8>,
}

#[cfg(feature = "timelock")]
impl Pulse {
    /// Whether its signature is that of its round by this beacon, as it must be before it is used: a node can make one up.
    pub fn is_signed_by(&self, drand: &crate::client::weights::commit::Drand) -> bool {
        crate::timelock::verify(self.round, &self.signature, &drand.public_key)
    }
}

impl Subtensor {
    /// A block with its extrinsics decoded: the one that is read.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`], or [`Error`] when it cannot be read.
    pub async fn block(&self) -> Result<BlockInfo, Error> {
        let hash = self.block_hash().await?;
        let pinned = self.at(At::Hash(hash));
        let rpc = &self.inner.rpc;
        let (header, body, timestamp_ms) =
            futures::try_join!(rpc.header(Some(hash)), rpc.body(hash), pinned.timestamp())?;
        // What is in a block was written for the runtime before it.
        let parent = if header.number.value() == 0 { hash } else { header.parent };
        let runtime = self.runtime_at(Some(parent)).await?;
        let decode = |bytes: &Vec<u8>| {
            let decoded = runtime.metadata.decode_extrinsic(bytes);
            decoded.map_err(|source| Error::decode("the block", source))
        };
        Ok(BlockInfo {
            number: header.number,
            hash,
            parent: header.parent,
            timestamp_ms,
            extrinsics: body.iter().map(decode).collect::<Result<_, _>>()?,
        })
    }

    /// When the block was made, in milliseconds since 1970.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn timestamp(&self) -> Result<u64, Error> {
        self.storage_as("Timestamp", "Now", &[]).await
    }

    /// How long a block takes.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn block_time(&self) -> Result<Duration, Error> {
        self.constant_as("Aura", "SlotDuration").await.map(Duration::from_millis)
    }

    /// Whether blocks are fast, as on development chains: less than a second each.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn is_fast_blocks(&self) -> Result<bool, Error> {
        Ok(self.block_time().await? < Duration::from_secs(1))
    }

    /// How many blocks some transactions of one coldkey must lie apart.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn tx_rate_limit(&self) -> Result<u64, Error> {
        self.storage_as("SubtensorModule", "TxRateLimit", &[]).await
    }

    /// The key to which extrinsics can be encrypted now (ML-KEM-768); `None` where the chain has no
    /// shield.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn mev_shield_next_key(&self) -> Result<Option<Vec<u8>>, Error> {
        let key = self.storage("MevShield", "NextKey", &[]).await?;
        Ok(key.as_ref().and_then(Value::as_bytes).map(<[u8]>::to_vec))
    }

    /// The newest drand round that the chain has.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn last_drand_round(&self) -> Result<u64, Error> {
        self.storage_as("Drand", "LastStoredRound", &[]).await
    }

    /// A drand round that the chain has, if it has it.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn drand_pulse(&self, round: u64) -> Result<Option<Pulse>, Error> {
        self.storage_as("Drand", "Pulses", &[round.into()]).await
    }

    /// Opens what was sealed until a round of the beacon ([`Config::drand`](crate::Config)), with the
    /// signature that the chain keeps of it; `None` while the chain has it not. The signature is verified
    /// first.
    ///
    /// # Errors
    /// [`Error::Decode`] when the node's signature is not the beacon's, or the bytes were not sealed so.
    #[cfg(feature = "timelock")]
    pub async fn open_timelocked(
        &self,
        sealed: &[u8],
        round: u64,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(pulse) = self.drand_pulse(round).await? else { return Ok(None) };
        let key = &self.config.drand.public_key;
        let opened = crate::timelock::open_verified(sealed, round, &pulse.signature, key);
        opened.map(Some).map_err(|source| Error::decode("what was timelocked", source))
    }
}
