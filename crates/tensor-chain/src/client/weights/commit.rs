//! Commitments to weights: timelocked ones, which a drand round opens, and hashed ones, which their
//! maker opens.

use parity_scale_codec::Encode;
use sp_crypto_hashing::blake2_256;
use tensor_core::weights::Weights;
use tensor_core::{BlockNumber, Hotkey};

use super::super::EpochSchedule;

/// The form of timelocked commitments that this crate makes
/// (`SubtensorModule.CommitRevealWeightsVersion`).
pub const COMMIT_VERSION: u64 = 4;

/// A drand beacon: when its rounds are, and the key that what is sealed for it is sealed with.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drand {
    /// The beacon's public key; only chains of one's own have another than quicknet's.
    pub public_key: [u8; 96],
    /// When round 1 was, in milliseconds since 1970.
    pub genesis_ms: u64,
    /// Milliseconds between rounds.
    pub period_ms: u64,
}

impl Drand {
    /// Quicknet, the beacon that Bittensor follows.
    #[cfg(feature = "timelock")]
    pub const QUICKNET: Self = Self {
        public_key: crate::timelock::QUICKNET,
        genesis_ms: 1_692_803_367_000,
        period_ms: 3_000,
    };

    /// A beacon with quicknet's rounds and a key of one's own, for chains of one's own. Everybody who
    /// has its secret reads what is sealed for it.
    pub const fn dangerous_with_key(public_key: [u8; 96]) -> Self {
        Self { public_key, genesis_ms: 1_692_803_367_000, period_ms: 3_000 }
    }

    /// The round that is out at that time.
    pub const fn round_at(&self, now_ms: u64) -> u64 {
        let round = now_ms.saturating_sub(self.genesis_ms) / self.period_ms;
        if round == 0 { 1 } else { round }
    }
}

impl std::fmt::Debug for Drand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Drand({}…)", hex::encode(self.public_key.get(..4).unwrap_or_default()))
    }
}

/// How many blocks after the epoch its commitments' round is chosen, so that the round is surely not out
/// before the epoch (official clients' margin).
const MARGIN: u64 = 3;

impl EpochSchedule {
    /// The block whose epoch reveals a commitment that the next block includes, `period` epochs later;
    /// `None` when the subnet has no epochs.
    pub fn reveal_block(&self, period: u64) -> Option<BlockNumber> {
        let tempo = u64::from(self.tempo.value());
        if tempo == 0 {
            return None;
        }
        let inclusion = self.block.value().saturating_add(1);
        let due = self.last_epoch.value().saturating_add(tempo);
        let due = self.pending_at.map_or(due, |pending| due.min(pending.value()));
        // An epoch in the block of inclusion runs before the commitment: it belongs to the next.
        let first = if due <= inclusion { inclusion.saturating_add(tempo) } else { due };
        let more = period.saturating_sub(1).saturating_mul(tempo);
        Some(BlockNumber::new(first.saturating_add(more)))
    }

    /// The round that opens such a commitment. `now_ms` is the time of the block that was read.
    pub fn reveal_round(
        &self,
        period: u64,
        now_ms: u64,
        block_time_ms: u64,
        drand: &Drand,
    ) -> Option<u64> {
        let reveal = self.reveal_block(period)?.saturating_add(MARGIN);
        let ahead = reveal.since(self.block).saturating_mul(block_time_ms);
        Some(drand.round_at(now_ms.saturating_add(ahead)))
    }
}

/// What a timelocked commitment seals.
pub fn timelocked_payload(hotkey: &Hotkey, weights: &Weights, version_key: u64) -> Vec<u8> {
    (hotkey.as_bytes().to_vec(), weights.uids(), weights.values(), version_key).encode()
}

/// The hash that commits to weights in the way that their maker opens
/// (`SubtensorModule.commit_weights`). `storage_index` is the netuid for the first mechanism.
pub fn commit_hash(
    hotkey: &Hotkey,
    storage_index: u16,
    weights: &Weights,
    salt: &[u16],
    version_key: u64,
) -> [u8; 32] {
    let parts =
        (*hotkey.as_bytes(), storage_index, weights.uids(), weights.values(), salt, version_key);
    blake2_256(&parts.encode())
}

#[cfg(feature = "timelock")]
mod timelocked {
    use tensor_core::Hotkey;
    use tensor_core::call::Value;

    use super::super::preflight::Preflight;
    use super::super::prepare::Reveal;
    use super::super::{SetWeights, WeightsRefused};
    use super::{COMMIT_VERSION, timelocked_payload};
    use crate::client::Subtensor;
    use crate::error::Error;
    use crate::intent::CommitTimelockedWeights;

    impl Subtensor {
        /// The commitment to these weights, and when it opens.
        pub(in super::super) async fn weights_commitment(
            &self,
            set: &SetWeights,
            preflight: &Preflight,
            hotkey: &Hotkey,
        ) -> Result<(CommitTimelockedWeights, Reveal), Error> {
            let chain = self.at(tensor_core::chain::At::Head).pinned().await?;
            let netuid = set.netuid;
            let keys = [Value::from(netuid)];
            let items: [(&str, &str, &[Value]); 2] = [
                ("SubtensorModule", "CommitRevealWeightsVersion", &[]),
                ("SubtensorModule", "RevealPeriodEpochs", &keys),
            ];
            let (schedule, now_ms, block_time, settings) = futures::try_join!(
                chain.epoch_schedule(netuid),
                chain.timestamp(),
                chain.block_time(),
                chain.storage_batch(&items)
            )?;
            let number =
                |place: usize| settings.get(place).and_then(Option::as_ref).and_then(Value::as_u64);
            let version = number(0).unwrap_or(COMMIT_VERSION);
            if version != COMMIT_VERSION {
                return Err(WeightsRefused::CommitVersion(version).into());
            }
            let period = number(1).unwrap_or(1);
            let block_time = u64::try_from(block_time.as_millis()).unwrap_or(u64::MAX);
            let drand = self.config.drand;
            let block = schedule.reveal_block(period).ok_or(WeightsRefused::NoEpochs)?;
            let round = schedule
                .reveal_round(period, now_ms, block_time, &drand)
                .ok_or(WeightsRefused::NoEpochs)?;
            let payload = timelocked_payload(hotkey, &preflight.weights, preflight.version_key);
            let mut entropy = [0; 32];
            getrandom::fill(&mut entropy)
                .map_err(|error| Error::invalid(format!("no randomness: {error}")))?;
            let commit = crate::timelock::seal(&payload, round, &drand.public_key, &entropy)
                .map_err(|error| Error::invalid(error.to_string()))?;
            let version = u16::try_from(version).unwrap_or(u16::MAX);
            let intent =
                CommitTimelockedWeights::new(netuid, set.mechanism, commit, round, version);
            Ok((intent, Reveal { round, block }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value as Json;
    use tensor_core::{AccountId, Tempo, Uid};

    const VECTORS: &str = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../testdata/chain/chain-crypto-vectors.json"
    ));

    fn vectors(of: &str) -> Json {
        serde_json::from_str::<Json>(VECTORS).unwrap()[of].clone()
    }

    fn weights(vector: &Json) -> Weights {
        let list = |name: &str| vector[name].as_array().unwrap().clone();
        let pair = |(uid, value): (&Json, &Json)| {
            (Uid::new(uid.as_u64().unwrap() as u16), value.as_u64().unwrap() as u16)
        };
        Weights::new(list("uids").iter().zip(&list("values")).map(pair)).unwrap()
    }

    #[test]
    fn hashes_of_the_official_function() {
        let all = vectors("weight_commit_hash");
        for vector in all.as_array().unwrap() {
            let hotkey = Hotkey::new(vector["address"].as_str().unwrap().parse().unwrap());
            let salt = vector["salt"].as_array().unwrap().iter();
            let salt: Vec<u16> = salt.map(|part| part.as_u64().unwrap() as u16).collect();
            let index = vector["storage_index"].as_u64().unwrap() as u16;
            let version_key = vector["version_key"].as_u64().unwrap();
            let hash = commit_hash(&hotkey, index, &weights(vector), &salt, version_key);
            assert_eq!(format!("0x{}", hex::encode(hash)), vector["hash"].as_str().unwrap());
        }
    }

    #[test]
    fn the_payload_that_the_official_package_seals() {
        let vector = vectors("weights_tlock_payload");
        let hotkey: [u8; 32] =
            hex::decode(vector["hotkey_hex"].as_str().unwrap()).unwrap().try_into().unwrap();
        let hotkey = Hotkey::new(AccountId::from_bytes(hotkey));
        let version_key = vector["version_key"].as_u64().unwrap();
        let payload = timelocked_payload(&hotkey, &weights(&vector), version_key);
        assert_eq!(hex::encode(&payload), vector["payload_scale_hex"].as_str().unwrap());
        #[cfg(feature = "timelock")]
        {
            let bytes = |name: &str| hex::decode(vector[name].as_str().unwrap()).unwrap();
            let opened =
                crate::timelock::open(&bytes("inner_tle_hex"), &bytes("round_signature")).unwrap();
            assert_eq!(opened, payload);
        }
    }

    fn schedule(vector: &Json) -> EpochSchedule {
        let number = |name: &str| vector[name].as_u64().unwrap();
        let pending = number("pending_epoch_at");
        EpochSchedule {
            block: BlockNumber::new(number("current_block")),
            tempo: Tempo::new(number("tempo") as u16),
            last_epoch: BlockNumber::new(number("last_epoch_block")),
            pending_at: (pending > 0).then(|| BlockNumber::new(pending)),
            index: 0,
            blocks_since_last_step: 0,
        }
    }

    #[test]
    fn reveal_blocks_of_the_official_function() {
        let probes = vectors("commit_v2_round_probe");
        for probe in probes.as_array().unwrap() {
            let period = probe["reveal_period"].as_u64().unwrap();
            let schedule = schedule(probe);
            let reveal = schedule.reveal_block(period).unwrap().saturating_add(MARGIN);
            // Measured by the wall clock, a fraction of a block late.
            let ahead = probe["blocks_ahead_of_now"].as_f64().unwrap().ceil() as u64;
            assert_eq!(reveal.since(schedule.block), ahead, "{probe}");
        }
    }

    #[test]
    fn reveal_blocks_and_rounds_worked_out() {
        let reveal = |block: u64, last: u64, pending: u64, tempo: u16, period: u64| {
            let schedule = EpochSchedule {
                block: BlockNumber::new(block),
                tempo: Tempo::new(tempo),
                last_epoch: BlockNumber::new(last),
                pending_at: (pending > 0).then(|| BlockNumber::new(pending)),
                index: 0,
                blocks_since_last_step: 0,
            };
            let drand = Drand::dangerous_with_key([0; 96]);
            let round = schedule.reveal_round(period, 1_700_000_000_000, 12_000, &drand).unwrap();
            (schedule.reveal_block(period).unwrap().value() + MARGIN, round)
        };
        for (case, block) in [
            ((1020, 1000, 0, 360, 1), 1363),
            ((1358, 1000, 0, 360, 1), 1363),
            ((1359, 1000, 0, 360, 1), 1723),
            ((1361, 1000, 0, 360, 1), 1725),
            ((1020, 1000, 1050, 360, 1), 1053),
            ((1020, 1000, 1021, 360, 1), 1384),
            ((520, 500, 0, 99, 1), 602),
            ((520, 500, 0, 99, 2), 701),
        ] {
            let (b, l, p, t, n) = case;
            assert_eq!(reveal(b, l, p, t, n).0, block, "{case:?}");
        }
        assert_eq!(reveal(10, 10, 0, 50, 1).1, 2_399_089);
        assert_eq!(reveal(91, 80, 95, 20, 1).1, 2_398_905);
        assert_eq!(reveal(1010, 1000, 0, 360, 1).1, 2_400_289);
    }
}
