//! When things happen on a subnet: its epochs, its start.

use serde::{Deserialize, Serialize};
use tensor_core::call::Value;
use tensor_core::{BlockNumber, NetUid, Tempo, Uid};

use super::super::Subtensor;
use crate::error::Error;

/// When a subnet's epochs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EpochSchedule {
    /// The block this was read at.
    pub block: BlockNumber,
    /// Blocks between epochs; 0: never.
    pub tempo: Tempo,
    /// When the last one ran.
    pub last_epoch: BlockNumber,
    /// When one was ordered for; `None` when none is.
    pub pending_at: Option<BlockNumber>,
    /// How many have run.
    pub index: u64,
    /// Blocks since the last one that paid.
    pub blocks_since_last_step: u64,
}

impl EpochSchedule {
    /// Blocks after which an epoch runs in any case.
    const MOST_BLOCKS: u64 = 50_400;

    /// The first block after the read one in which an epoch runs; `None` when none will. As
    /// `SubtensorModule` decides it: the ordered one, else a tempo after the last, at once if overdue.
    pub fn next(&self) -> Option<BlockNumber> {
        let tempo = u64::from(self.tempo.value());
        if tempo == 0 {
            return None;
        }
        let due = self.last_epoch.value().saturating_add(tempo);
        let due = self.pending_at.map_or(due, |pending| due.min(pending.value()));
        let forced = (Self::MOST_BLOCKS + 1).saturating_sub(self.blocks_since_last_step);
        let due = due.min(self.block.value().saturating_add(forced));
        Some(BlockNumber::new(due.max(self.block.value().saturating_add(1))))
    }
}

/// When a subnet may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StartSchedule {
    /// When it was registered.
    pub registered_at: BlockNumber,
    /// How many blocks must pass.
    pub delay: u64,
}

impl StartSchedule {
    /// The first block that takes the start.
    pub const fn earliest_start(&self) -> BlockNumber {
        self.registered_at.saturating_add(self.delay)
    }
}

impl Subtensor {
    /// When a subnet's epochs are, for [`EpochSchedule::next`].
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn epoch_schedule(&self, netuid: NetUid) -> Result<EpochSchedule, Error> {
        const PALLET: &str = "SubtensorModule";
        let keys = [Value::from(netuid)];
        let values = self
            .storage_batch(&[
                ("System", "Number", &[]),
                (PALLET, "Tempo", &keys),
                (PALLET, "LastEpochBlock", &keys),
                (PALLET, "PendingEpochAt", &keys),
                (PALLET, "SubnetEpochIndex", &keys),
                (PALLET, "BlocksSinceLastStep", &keys),
            ])
            .await?;
        let number = |place: usize| {
            let value = values.get(place).and_then(Option::as_ref).and_then(Value::as_u64);
            value.ok_or_else(|| Error::decode("the epoch schedule", "a number is missing"))
        };
        let pending = number(3)?;
        Ok(EpochSchedule {
            block: BlockNumber::new(number(0)?),
            tempo: Tempo::new(u16::try_from(number(1)?).unwrap_or(u16::MAX)),
            last_epoch: BlockNumber::new(number(2)?),
            pending_at: (pending > 0).then(|| BlockNumber::new(pending)),
            index: number(4)?,
            blocks_since_last_step: number(5)?,
        })
    }

    /// The first block after the read one in which an epoch runs, as the runtime says.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn next_epoch_start_block(
        &self,
        netuid: NetUid,
    ) -> Result<Option<BlockNumber>, Error> {
        self.runtime_call_as("SubnetInfoRuntimeApi", "get_next_epoch_start_block", &[netuid.into()])
            .await
    }

    /// How many blocks remain until the next epoch; `None` when none will come.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn blocks_until_next_epoch(&self, netuid: NetUid) -> Result<Option<u64>, Error> {
        let chain = self.pinned().await?;
        let (now, next) =
            futures::try_join!(chain.block_number(), chain.next_epoch_start_block(netuid))?;
        Ok(next.map(|next| next.since(now)))
    }

    /// Blocks since the last epoch that paid.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn blocks_since_last_step(&self, netuid: NetUid) -> Result<u64, Error> {
        self.storage_as("SubtensorModule", "BlocksSinceLastStep", &[netuid.into()]).await
    }

    /// Blocks since a neuron last set or committed weights; `None` for a slot that is not taken.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn blocks_since_last_update(
        &self,
        netuid: NetUid,
        uid: Uid,
    ) -> Result<Option<u64>, Error> {
        let keys = [Value::from(netuid)];
        let values = self
            .storage_batch(&[("System", "Number", &[]), ("SubtensorModule", "LastUpdate", &keys)])
            .await?;
        let now = values.first().and_then(Option::as_ref).and_then(Value::as_u64);
        let all = values.get(1).and_then(Option::as_ref).and_then(Value::as_list);
        let last = all.and_then(|all| all.get(uid.index())).and_then(Value::as_u64);
        Ok(now.zip(last).map(|(now, last)| now.saturating_sub(last)))
    }

    /// When a subnet may be started.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn subnet_start_schedule(&self, netuid: NetUid) -> Result<StartSchedule, Error> {
        let keys = [netuid.into()];
        let registered_at =
            self.storage_as("SubtensorModule", "NetworkRegisteredAt", &keys).await?;
        let delay = match self.storage("SubtensorModule", "StartCallDelay", &[]).await {
            Ok(delay) => delay.and_then(|delay| delay.as_u64()),
            Err(Error::Missing(_)) => None,
            Err(error) => return Err(error),
        };
        let delay = match delay {
            Some(delay) => delay,
            None => self.constant_as("SubtensorModule", "InitialStartCallDelay").await?,
        };
        Ok(StartSchedule { registered_at, delay })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(block: u64, last: u64, pending: u64) -> EpochSchedule {
        EpochSchedule {
            block: BlockNumber::new(block),
            tempo: Tempo::new(360),
            last_epoch: BlockNumber::new(last),
            pending_at: (pending > 0).then(|| BlockNumber::new(pending)),
            index: 0,
            blocks_since_last_step: block.saturating_sub(last),
        }
    }

    #[test]
    fn epochs_come_a_tempo_after_the_last_or_as_ordered() {
        let next = |block, last, pending| schedule(block, last, pending).next().unwrap().value();
        assert_eq!(next(1020, 1000, 0), 1360);
        assert_eq!(next(1020, 1000, 1050), 1050);
        assert_eq!(next(1400, 1000, 0), 1401, "overdue");
        assert_eq!(next(60_000, 1000, 0), 60_001);
        let never = EpochSchedule { tempo: Tempo::new(0), ..schedule(5, 0, 0) };
        assert_eq!(never.next(), None);
    }
}
