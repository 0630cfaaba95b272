//! The metagraph, in one round trip.
//!
//! Everything but the validators' trust comes from one answer
//! (`SubnetInfoRuntimeApi.get_metagraph`), decoded by field name straight into columns. Trust is stored
//! apart and asked for at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;

use subxt::ext::scale_decode::{self, DecodeAsType};
use tensor_core::call::Value;
use tensor_core::metagraph::{AxonInfo, Metagraph, Neuron};
use tensor_core::weights::U16Fraction;
use tensor_core::{Alpha, BlockNumber, Coldkey, Hotkey, MechId, NetUid, Tao, Tempo, Uid};

use super::super::Subtensor;
use super::super::runtime::Runtime;
use super::NeuronCommitments;
use crate::codec::{Kind, Missing};
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

    /// The metagraph with what its neurons have published (and what others did on the subnet), by hotkey,
    /// at the same block.
    ///
    /// # Errors
    /// As [`metagraph`](Self::metagraph) and [`commitments`](Self::commitments).
    pub async fn metagraph_with_commitments(
        &self,
        netuid: NetUid,
    ) -> Result<(Metagraph, BTreeMap<Hotkey, NeuronCommitments>), Error> {
        let chain = self.pinned().await?;
        futures::try_join!(chain.metagraph(netuid), chain.commitments(netuid))
    }

    /// Chosen fields of a mechanism's metagraph, by the runtime's names (`incentives`, `emission`,
    /// `axons`, …): less to send than the whole. `hotkeys` is the column that others go by.
    ///
    /// # Errors
    /// [`Error::NoSuchSubnet`], [`Error::Missing`] for a name that this runtime has not.
    pub async fn selective_metagraph(
        &self,
        netuid: NetUid,
        mechanism: MechId,
        fields: &[&str],
    ) -> Result<BTreeMap<String, Value>, Error> {
        const METHOD: &str = "get_selective_mechagraph";
        let chain = self.pinned().await?;
        let runtime = chain.runtime().await?;
        let names = field_names(&runtime, METHOD)?;
        let mut places = Vec::with_capacity(fields.len());
        for field in fields {
            let place = names.iter().position(|name| name == field);
            let place = place.and_then(|place| u16::try_from(place).ok());
            let missing = || Missing::new(Kind::RuntimeApi, format!("{API}.{METHOD}.{field}"));
            places.push(place.ok_or_else(missing)?);
        }
        let args = [netuid.into(), mechanism.into(), Value::from(places)];
        let answer = chain.runtime_call(API, METHOD, &args).await?;
        let Value::Option(found) = answer else {
            return Err(Error::decode(METHOD, "it is no option"));
        };
        let Value::Record(all) = *found.ok_or(Error::NoSuchSubnet(netuid))? else {
            return Err(Error::decode(METHOD, "it is no record"));
        };
        let asked = all.into_iter().filter(|(name, _)| fields.contains(&name.as_str()));
        Ok(asked
            .filter_map(|(name, value)| match value {
                Value::Option(value) => value.map(|value| (name, *value)),
                value => Some((name, value)),
            })
            .collect())
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

/// The names of the fields of what a method answers, through its `Option`.
fn field_names(runtime: &Runtime, method: &str) -> Result<Vec<String>, Error> {
    use scale_info::TypeDef;
    let output = runtime.metadata.runtime_api(API, method)?.output();
    let types = runtime.metadata.types().registry;
    let resolve = |id: u32| types.resolve(id).map(|ty| &ty.type_def);
    let inner = match resolve(output) {
        Some(TypeDef::Variant(option)) => option.variants.iter().find_map(|v| v.fields.first()),
        _ => None,
    };
    match inner.and_then(|field| resolve(field.ty.id)) {
        Some(TypeDef::Composite(composite)) => {
            Ok(composite.fields.iter().filter_map(|field| field.name.clone()).collect())
        }
        _ => Err(Error::decode(method, "it answers no record")),
    }
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
