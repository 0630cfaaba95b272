//! The metagraph, in one round trip.
//!
//! Everything but the validators' trust comes from one answer
//! (`SubnetInfoRuntimeApi.get_metagraph`), decoded by field name straight into columns. Trust is stored
//! apart and asked for at the same time.

use std::sync::Arc;

use subxt::ext::scale_decode::{self, DecodeAsType};
use tensor_core::call::Value;
use tensor_core::metagraph::{AxonInfo, Metagraph, Neuron};
use tensor_core::weights::U16Fraction;
use tensor_core::{Alpha, BlockNumber, Coldkey, Hotkey, MechId, NetUid, Tao, Tempo, Uid};

use super::super::Subtensor;
use super::super::runtime::Runtime;
use crate::error::Error;

impl Subtensor {
    /// A subnet's neurons and what the last epoch gave them.
    ///
    /// # Errors
    /// [`Error::NoSuchSubnet`], or [`Error`] when it cannot be read.
    pub async fn metagraph(&self, netuid: NetUid) -> Result<Metagraph, Error> {
        let args = [Value::from(netuid)];
        self.read_metagraph(netuid, "get_metagraph", &args).await
    }

    /// The metagraph with incentive and last update of one of the subnet's mechanisms.
    ///
    /// # Errors
    /// As [`metagraph`](Self::metagraph).
    pub async fn mechagraph(&self, netuid: NetUid, mechanism: MechId) -> Result<Metagraph, Error> {
        let args = [Value::from(netuid), Value::from(mechanism)];
        self.read_metagraph(netuid, "get_mechagraph", &args).await
    }

    async fn read_metagraph(
        &self,
        netuid: NetUid,
        method: &str,
        args: &[Value],
    ) -> Result<Metagraph, Error> {
        let keys = [Value::from(netuid)];
        let (answer, trust) = futures::join!(
            self.runtime_call_bytes(API, method, args),
            self.storage("SubtensorModule", "ValidatorTrust", &keys)
        );
        let (runtime, bytes) = answer?;
        let columns = decode(&runtime, method, &bytes)?.ok_or(Error::NoSuchSubnet(netuid))?;
        let trust = match trust {
            Ok(trust) => trust,
            // A runtime that keeps it no more has it as zero.
            Err(Error::Missing(_)) => None,
            Err(error) => return Err(error),
        };
        let trust = trust.as_ref().and_then(Value::as_list).unwrap_or_default();
        build(netuid, method, columns, trust)
    }
}

const API: &str = "SubnetInfoRuntimeApi";

/// The fields that are used; the runtime has some 75.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
struct Columns {
    block: u64,
    tempo: u16,
    last_step: u64,
    hotkeys: Vec<[u8; 32]>,
    coldkeys: Vec<[u8; 32]>,
    axons: Vec<RawAxon>,
    active: Vec<bool>,
    validator_permit: Vec<bool>,
    last_update: Vec<u64>,
    emission: Vec<u64>,
    dividends: Vec<u16>,
    incentives: Vec<u16>,
    consensus: Vec<u16>,
    block_at_registration: Vec<u64>,
    alpha_stake: Vec<u64>,
    tao_stake: Vec<u64>,
    total_stake: Vec<u64>,
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
struct RawAxon {
    block: u64,
    version: u32,
    ip: u128,
    port: u16,
    ip_type: u8,
    protocol: u8,
}

fn decode(runtime: &Arc<Runtime>, method: &str, bytes: &[u8]) -> Result<Option<Columns>, Error> {
    let output = runtime.metadata.runtime_api(API, method)?.output();
    let types = runtime.metadata.types().registry;
    let mut rest = bytes;
    let what = || format!("{API}_{method}");
    let columns = Option::<Columns>::decode_as_type(&mut rest, output, types)
        .map_err(|source| Error::decode(what(), source))?;
    match rest {
        [] => Ok(columns),
        _ => Err(Error::decode(what(), "bytes are left over")),
    }
}

fn build(
    netuid: NetUid,
    method: &str,
    columns: Columns,
    trust: &[Value],
) -> Result<Metagraph, Error> {
    let what = || format!("{API}_{method}");
    if columns.coldkeys.len() != columns.hotkeys.len() {
        return Err(Error::decode(what(), "there are not as many coldkeys as hotkeys"));
    }
    let mut neurons = Vec::with_capacity(columns.hotkeys.len());
    for (place, hotkey) in columns.hotkeys.iter().enumerate() {
        let uid = u16::try_from(place).map_err(|source| Error::decode(what(), source))?;
        // What an epoch writes is shorter until the next one when neurons have joined since.
        macro_rules! column {
            ($name:ident) => {
                columns.$name.get(place).copied().unwrap_or_default()
            };
        }
        let coldkey = Coldkey::from_bytes(column!(coldkeys));
        let mut neuron = Neuron::new(Uid::new(uid), Hotkey::from_bytes(*hotkey), coldkey);
        neuron.axon = columns.axons.get(place).and_then(RawAxon::read);
        neuron.active = column!(active);
        neuron.validator_permit = column!(validator_permit);
        neuron.alpha_stake = Alpha::from_rao(column!(alpha_stake));
        neuron.tao_stake = Tao::from_rao(column!(tao_stake));
        neuron.total_stake = Alpha::from_rao(column!(total_stake));
        neuron.incentive = U16Fraction::from_bits(column!(incentives));
        neuron.dividends = U16Fraction::from_bits(column!(dividends));
        neuron.consensus = U16Fraction::from_bits(column!(consensus));
        let trust = trust.get(place).and_then(Value::as_u64).unwrap_or_default();
        neuron.validator_trust = U16Fraction::from_bits(u16::try_from(trust).unwrap_or(u16::MAX));
        neuron.emission = Alpha::from_rao(column!(emission));
        neuron.last_update = BlockNumber::new(column!(last_update));
        neuron.registered_at = BlockNumber::new(column!(block_at_registration));
        neurons.push(neuron);
    }
    let block = BlockNumber::new(columns.block);
    let graph = Metagraph::new(netuid, block, Tempo::new(columns.tempo), neurons)
        .map_err(|source| Error::decode(what(), source))?;
    Ok(graph.with_last_epoch(BlockNumber::new(columns.last_step)))
}

impl RawAxon {
    /// What was published; `None` when nothing was.
    fn read(&self) -> Option<AxonInfo> {
        if self.block == 0 && self.port == 0 && self.ip == 0 {
            return None;
        }
        let block = BlockNumber::new(self.block);
        AxonInfo::from_chain(block, self.version, self.ip, self.port, self.ip_type, self.protocol)
    }
}
