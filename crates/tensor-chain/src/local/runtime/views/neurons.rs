//! Neurons one by one, with or without their weights and bonds.

use parity_scale_codec::{Compact, Encode};

use super::metagraph::count;
use super::{Answer, View};

impl View<'_> {
    pub(super) fn neurons(&self, netuid: u16, api: &str) -> Answer {
        if !self.exists(netuid) {
            return Ok(vec![0]);
        }
        let fields = self.fields_of(api)?;
        let n = self.runtime.items.subnetwork_n.get(self.state, netuid);
        let mut out = Compact(count(n.into())).encode();
        let columns = self.columns(netuid);
        for uid in 0..n {
            self.compose(&fields, &mut out, |name, out| columns.field(self, uid, name, out))?;
        }
        Ok(out)
    }

    pub(super) fn neuron(&self, netuid: u16, uid: u16, api: &str) -> Answer {
        let known =
            self.exists(netuid) && self.runtime.items.keys.contains(self.state, (netuid, uid));
        if !known {
            return Ok(vec![0]);
        }
        let fields = self.fields_of(api)?;
        let mut out = vec![1];
        let columns = self.columns(netuid);
        self.compose(&fields, &mut out, |name, out| columns.field(self, uid, name, out))?;
        Ok(out)
    }

    fn columns(&self, netuid: u16) -> Columns {
        let items = &self.runtime.items;
        Columns {
            netuid,
            active: items.active.get(self.state, netuid),
            emission: items.emission.get(self.state, netuid),
            incentive: items.incentive.get(self.state, netuid),
            consensus: items.consensus.get(self.state, netuid),
            validator_trust: items.validator_trust.get(self.state, netuid),
            dividends: items.dividends.get(self.state, netuid),
            last_update: items.last_update.get(self.state, netuid),
            validator_permit: items.validator_permit.get(self.state, netuid),
        }
    }
}

/// The columns of a subnet, read once for all its neurons.
#[derive(Debug)]
struct Columns {
    netuid: u16,
    active: Vec<bool>,
    emission: Vec<u64>,
    incentive: Vec<u16>,
    consensus: Vec<u16>,
    validator_trust: Vec<u16>,
    dividends: Vec<u16>,
    last_update: Vec<u64>,
    validator_permit: Vec<bool>,
}

impl Columns {
    fn field(&self, view: &View<'_>, uid: u16, name: &str, out: &mut Vec<u8>) -> Option<()> {
        let View { runtime, state, .. } = *view;
        let items = &runtime.items;
        let netuid = self.netuid;
        let hotkey = items.keys.get(state, (netuid, uid));
        let coldkey = || runtime.owner_of(state, &hotkey);
        match name {
            "hotkey" => hotkey.encode_to(out),
            "coldkey" => coldkey().encode_to(out),
            "uid" => Compact(uid).encode_to(out),
            "netuid" => Compact(netuid).encode_to(out),
            "active" => at(&self.active, uid).encode_to(out),
            "axon_info" => items.axons.get(state, (netuid, hotkey)).encode_to(out),
            "prometheus_info" => items.prometheus.get(state, (netuid, hotkey)).encode_to(out),
            "stake" => {
                let stake = Compact(runtime.hotkey_stake(state, &hotkey, netuid));
                vec![(coldkey(), stake)].encode_to(out);
            }
            // No longer computed by the chain.
            "rank" | "trust" => Compact(0_u16).encode_to(out),
            "pruning_score" => Compact(u16::MAX).encode_to(out),
            "emission" => Compact(at(&self.emission, uid)).encode_to(out),
            "incentive" => Compact(at(&self.incentive, uid)).encode_to(out),
            "consensus" => Compact(at(&self.consensus, uid)).encode_to(out),
            "validator_trust" => Compact(at(&self.validator_trust, uid)).encode_to(out),
            "dividends" => Compact(at(&self.dividends, uid)).encode_to(out),
            "last_update" => Compact(at(&self.last_update, uid)).encode_to(out),
            "validator_permit" => at(&self.validator_permit, uid).encode_to(out),
            "weights" => positive(items.weights.get(state, (netuid, uid))).encode_to(out),
            "bonds" => positive(items.bonds.get(state, (netuid, uid))).encode_to(out),
            _ => return None,
        }
        Some(())
    }
}

fn at<T: Copy + Default>(column: &[T], uid: u16) -> T {
    column.get(usize::from(uid)).copied().unwrap_or_default()
}

fn positive(row: Vec<(u16, u16)>) -> Vec<(Compact<u16>, Compact<u16>)> {
    row.into_iter()
        .filter(|(_, value)| *value > 0)
        .map(|(uid, value)| (Compact(uid), Compact(value)))
        .collect()
}
