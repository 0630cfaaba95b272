//! From scores to weights on chain, so that nothing fails silently: [`Subtensor::set_weights`].
//!
//! One request reads all that the chain will check. What would be refused is refused here, with the
//! number that is wrong; what must only wait is told with the block at which to try again. After
//! inclusion the stored weights are read back.

use tensor_core::call::Value;
use tensor_core::chain::At;
use tensor_core::key::Signer;
use tensor_core::receipt::Receipt;
use tensor_core::weights::Weights;
use tensor_core::{BlockNumber, Hotkey, MechId, NetUid, Uid};

use super::Subtensor;
use super::read::storage_index;
use crate::error::Error;
use crate::intent::SetPlainWeights;

/// Weights to set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SetWeights {
    /// The subnet.
    pub netuid: NetUid,
    /// The mechanism; the first one unless said.
    pub mechanism: MechId,
    /// The weights.
    pub weights: Weights,
    /// The version of the validator's software; what the subnet asks for unless said.
    pub version_key: Option<u64>,
}

impl SetWeights {
    /// For the subnet's first mechanism.
    pub const fn new(netuid: NetUid, weights: Weights) -> Self {
        Self { netuid, mechanism: MechId::new(0), weights, version_key: None }
    }

    /// For another mechanism.
    #[must_use]
    pub const fn with_mechanism(mut self, mechanism: MechId) -> Self {
        self.mechanism = mechanism;
        self
    }

    /// With a version of one's own.
    #[must_use]
    pub const fn with_version_key(mut self, version_key: u64) -> Self {
        self.version_key = Some(version_key);
        self
    }
}

/// What came of setting weights.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeightsOutcome {
    /// They are on chain; the stored row was read back and is what was meant.
    Set {
        /// Where.
        receipt: Receipt,
        /// The first block that takes weights of this hotkey again.
        next_allowed: BlockNumber,
    },
    /// The rate limit has not passed. Nothing was sent.
    TooSoon {
        /// The first block that takes them.
        next_allowed: BlockNumber,
    },
}

impl WeightsOutcome {
    /// The first block that takes weights of this hotkey again.
    pub const fn next_allowed(&self) -> BlockNumber {
        match self {
            Self::Set { next_allowed, .. } | Self::TooSoon { next_allowed } => *next_allowed,
        }
    }

    /// Where they were included, if they were.
    pub const fn receipt(&self) -> Option<&Receipt> {
        match self {
            Self::Set { receipt, .. } => Some(receipt),
            Self::TooSoon { .. } => None,
        }
    }
}

/// Why weights cannot be set, whatever the block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsRefused {
    /// The hotkey has no slot in the subnet.
    #[error("hotkey {0} is not registered")]
    NotRegistered(Hotkey),
    /// The hotkey may not weigh others.
    #[error("uid {0} has no validator permit")]
    NoPermit(Uid),
    /// A uid is not taken.
    #[error("uid {uid} does not exist: the subnet has {neurons} neurons")]
    UnknownUid {
        /// The uid.
        uid: Uid,
        /// How many neurons there are.
        neurons: u16,
    },
    /// Too few uids have a weight.
    #[error("{got} uids have a weight, the subnet wants {least}")]
    TooFew {
        /// How many have.
        got: usize,
        /// How many must.
        least: u16,
    },
    /// The software is too old for the subnet.
    #[error("version key {got} is older than the subnet's {least}")]
    OldVersion {
        /// What was given.
        got: u64,
        /// What the subnet wants.
        least: u64,
    },
    /// Root takes no weights.
    #[error("root takes no weights")]
    Root,
    /// The mechanism does not exist.
    #[error("subnet {netuid} has {count} mechanisms, none is number {mechanism}")]
    NoMechanism {
        /// The subnet.
        netuid: NetUid,
        /// The mechanism.
        mechanism: MechId,
        /// How many there are.
        count: u64,
    },
    /// The subnet takes commitments only, and this build cannot make them.
    #[error("the subnet takes timelocked commitments only: build with feature `timelock`")]
    CommitsOnly,
    /// What is stored after inclusion is not what was sent.
    #[error("block {0} includes the call, but other weights are stored")]
    NotStored(BlockNumber),
}

/// What the chain says before weights are sent.
#[derive(Clone, Debug)]
pub(crate) struct Preflight {
    pub(crate) block: BlockNumber,
    pub(crate) uid: Uid,
    pub(crate) commit_reveal: bool,
    rate_limit: u64,
    last_update: u64,
    least: u16,
    pub(crate) version_key: u64,
}

impl Preflight {
    /// The first block that takes weights of this hotkey.
    fn allowed_from(&self) -> BlockNumber {
        match self.last_update {
            0 => BlockNumber::new(0),
            last => BlockNumber::new(last.saturating_add(self.rate_limit)),
        }
    }
}

impl Subtensor {
    /// Brings weights on chain, by whatever way the subnet takes them, and proves it.
    ///
    /// # Errors
    /// [`Error::Weights`] when the chain would refuse them at any block, [`Error`] as
    /// [`submit`](Self::submit) has it.
    pub async fn set_weights(
        &self,
        set: &SetWeights,
        signer: &dyn Signer,
    ) -> Result<WeightsOutcome, Error> {
        let hotkey = Hotkey::new(signer.account_id());
        let preflight = self.preflight(set, &hotkey).await?;
        let allowed_from = preflight.allowed_from();
        // The next block is the first that can include it.
        if allowed_from.value() > preflight.block.value().saturating_add(1) {
            return Ok(WeightsOutcome::TooSoon { next_allowed: allowed_from });
        }
        if preflight.commit_reveal {
            return Err(WeightsRefused::CommitsOnly.into());
        }
        let intent = SetPlainWeights::new(
            set.netuid,
            set.mechanism,
            set.weights.uids(),
            set.weights.values(),
            preflight.version_key,
        );
        let receipt = self.submit(&intent.to_call(), signer).await?;
        self.prove(set, preflight.uid, &receipt).await?;
        let next_allowed = receipt.block.saturating_add(preflight.rate_limit);
        Ok(WeightsOutcome::Set { receipt, next_allowed })
    }

    /// Reads what the chain will check, in one request, and checks it first.
    pub(crate) async fn preflight(
        &self,
        set: &SetWeights,
        hotkey: &Hotkey,
    ) -> Result<Preflight, Error> {
        const PALLET: &str = "SubtensorModule";
        if set.netuid == NetUid::ROOT {
            return Err(WeightsRefused::Root.into());
        }
        let index = storage_index(set.netuid, set.mechanism)?;
        let subnet = [Value::from(set.netuid)];
        let mechanism = [index];
        let neuron = [Value::from(set.netuid), Value::from(*hotkey)];
        let chain = self.at(At::Head);
        let values = chain
            .storage_batch(&[
                ("System", "Number", &[]),
                (PALLET, "NetworksAdded", &subnet),
                (PALLET, "Uids", &neuron),
                (PALLET, "MechanismCountCurrent", &subnet),
                (PALLET, "CommitRevealWeightsEnabled", &subnet),
                (PALLET, "WeightsSetRateLimit", &subnet),
                (PALLET, "LastUpdate", &mechanism),
                (PALLET, "MinAllowedWeights", &subnet),
                (PALLET, "WeightsVersionKey", &subnet),
                (PALLET, "SubnetworkN", &subnet),
                (PALLET, "ValidatorPermit", &subnet),
                (PALLET, "SubnetOwnerHotkey", &subnet),
            ])
            .await?;
        let value = |place: usize| values.get(place).and_then(Option::as_ref);
        let number = |place| value(place).and_then(Value::as_u64);
        let needed = |place| {
            number(place).ok_or_else(|| Error::decode("the subnet's settings", "one is missing"))
        };
        if value(1).and_then(Value::as_bool) != Some(true) {
            return Err(Error::NoSuchSubnet(set.netuid));
        }
        let uid = number(2).and_then(|uid| u16::try_from(uid).ok()).map(Uid::new);
        let uid = uid.ok_or(WeightsRefused::NotRegistered(*hotkey))?;
        let count = needed(3)?;
        if u64::from(set.mechanism.value()) >= count {
            let (netuid, mechanism) = (set.netuid, set.mechanism);
            return Err(WeightsRefused::NoMechanism { netuid, mechanism, count }.into());
        }
        let entry = |place| value(place).and_then(Value::as_list).and_then(|l| l.get(uid.index()));
        let own_version = needed(8)?;
        let preflight = Preflight {
            block: BlockNumber::new(needed(0)?),
            uid,
            commit_reveal: value(4).and_then(Value::as_bool).unwrap_or(true),
            rate_limit: needed(5)?,
            last_update: entry(6).and_then(Value::as_u64).unwrap_or(0),
            least: u16::try_from(needed(7)?.min(needed(9)?)).unwrap_or(u16::MAX),
            version_key: set.version_key.unwrap_or(own_version),
        };
        if preflight.version_key < own_version {
            let (got, least) = (preflight.version_key, own_version);
            return Err(WeightsRefused::OldVersion { got, least }.into());
        }
        let only_self = matches!(set.weights.uids().as_slice(), [only] if *only == uid.value());
        let owner = value(11).and_then(Value::as_account) == Some(hotkey.account());
        let permit = entry(10).and_then(Value::as_bool).unwrap_or(false);
        if !(permit || owner || only_self) {
            return Err(WeightsRefused::NoPermit(uid).into());
        }
        let neurons = u16::try_from(needed(9)?).unwrap_or(u16::MAX);
        if let Some((uid, _)) = set.weights.iter().find(|(uid, _)| uid.value() >= neurons) {
            return Err(WeightsRefused::UnknownUid { uid, neurons }.into());
        }
        if set.weights.len() < usize::from(preflight.least) && !only_self {
            let (got, least) = (set.weights.len(), preflight.least);
            return Err(WeightsRefused::TooFew { got, least }.into());
        }
        Ok(preflight)
    }

    /// Reads the stored row at the block of inclusion.
    async fn prove(&self, set: &SetWeights, uid: Uid, receipt: &Receipt) -> Result<(), Error> {
        let keys = [storage_index(set.netuid, set.mechanism)?, uid.into()];
        let chain = self.at(At::Hash(receipt.block_hash));
        let stored: Vec<(u16, u16)> = chain.storage_as("SubtensorModule", "Weights", &keys).await?;
        let most = set.weights.values().into_iter().max().unwrap_or(0);
        let same_uids = stored.iter().map(|(uid, _)| *uid).eq(set.weights.uids());
        // The chain scales the largest to 65,535; what has it already stays as it is.
        let same_values =
            most != u16::MAX || stored.iter().map(|(_, value)| *value).eq(set.weights.values());
        if same_uids && same_values {
            Ok(())
        } else {
            Err(WeightsRefused::NotStored(receipt.block).into())
        }
    }
}
