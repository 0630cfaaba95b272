//! Whole subnets at once: metagraph, selected fields of it, and the older subnet state.

use std::collections::BTreeMap;

use parity_scale_codec::{Compact, Encode};

use super::super::Account;
use super::super::neurons::mechanism_index;
use super::{Answer, ApiError, View, compact_list};

/// What the fields of one metagraph are computed from, read once.
#[derive(Debug)]
struct Graph<'a> {
    view: View<'a>,
    netuid: u16,
    index: u16,
    hotkeys: Vec<Account>,
}

impl View<'_> {
    pub(super) fn metagraph(&self, netuid: u16) -> Answer {
        self.whole_graph(netuid, 0, "SubnetInfoRuntimeApi_get_metagraph")
    }

    pub(super) fn mechagraph(&self, netuid: u16, mecid: u8) -> Answer {
        self.whole_graph(netuid, mecid, "SubnetInfoRuntimeApi_get_mechagraph")
    }

    pub(super) fn all_metagraphs(&self) -> Answer {
        let netuids = self.runtime.netuids(self.state);
        let mut out = Compact(count(netuids.len())).encode();
        for netuid in netuids {
            out.extend(self.metagraph(netuid)?);
        }
        Ok(out)
    }

    pub(super) fn all_mechagraphs(&self) -> Answer {
        let mut graphs = Vec::new();
        for netuid in self.runtime.netuids(self.state) {
            for mecid in 0..self.runtime.mechanisms(self.state, netuid) {
                graphs.push(self.mechagraph(netuid, mecid)?);
            }
        }
        let mut out = Compact(count(graphs.len())).encode();
        graphs.into_iter().for_each(|graph| out.extend(graph));
        Ok(out)
    }

    fn whole_graph(&self, netuid: u16, mecid: u8, api: &str) -> Answer {
        let Some(graph) = self.graph(netuid, mecid) else { return Ok(vec![0]) };
        let fields = self.fields_of(api)?;
        let mut out = vec![1];
        self.compose(&fields, &mut out, |name, out| graph.field(name, out))?;
        Ok(out)
    }

    /// The metagraph with only the fields at these positions; positions that do not exist are ignored.
    pub(super) fn selective_metagraph(&self, netuid: u16, mecid: u8, selected: &[u16]) -> Answer {
        let Some(graph) = self.graph(netuid, mecid) else { return Ok(vec![0]) };
        let fields = self.fields_of("SubnetInfoRuntimeApi_get_selective_metagraph")?;
        let mut out = vec![1];
        for (at, name) in fields.iter().enumerate() {
            // The netuid is no option: it is always there.
            if at == 0 {
                graph.field(name, &mut out).ok_or(ApiError::Shape)?;
            } else if selected.iter().any(|position| usize::from(*position) == at) {
                out.push(1);
                graph.field(name, &mut out).ok_or(ApiError::Shape)?;
            } else {
                out.push(0);
            }
        }
        Ok(out)
    }

    pub(super) fn subnet_state(&self, netuid: u16) -> Answer {
        let Some(graph) = self.graph(netuid, 0) else { return Ok(vec![0]) };
        let fields = self.fields_of("SubnetInfoRuntimeApi_get_subnet_state")?;
        let mut out = vec![1];
        self.compose(&fields, &mut out, |name, out| graph.field(name, out))?;
        Ok(out)
    }

    fn graph(&self, netuid: u16, mecid: u8) -> Option<Graph<'_>> {
        if !self.exists(netuid) || mecid >= self.runtime.mechanisms(self.state, netuid) {
            return None;
        }
        Some(Graph {
            view: *self,
            netuid,
            index: mechanism_index(netuid, mecid),
            hotkeys: self.runtime.hotkeys(self.state, netuid),
        })
    }
}

impl Graph<'_> {
    /// Appends the field of that name; nothing if there is no such field.
    fn field(&self, name: &str, out: &mut Vec<u8>) -> Option<()> {
        let View { runtime, state, block } = self.view;
        let items = &runtime.items;
        let netuid = self.netuid;
        // Two names mean something else in a metagraph than in a subnet's own record.
        let own = matches!(name, "netuid" | "emission");
        let hyperparameter = if own { None } else { self.view.subnet_field(netuid, name, out) };
        if hyperparameter.is_some() {
            return hyperparameter;
        }
        match name {
            // A mechanism's graph carries the storage index here.
            "netuid" => Compact(self.index).encode_to(out),
            "block" => Compact(block).encode_to(out),
            "num_uids" => Compact(count_u16(self.hotkeys.len())).encode_to(out),
            "hotkeys" => self.hotkeys.encode_to(out),
            "coldkeys" => self.by_hotkey(|hotkey| runtime.owner_of(state, hotkey)).encode_to(out),
            "identities" => self
                .by_hotkey(|hotkey| {
                    items.identities.try_get(state, runtime.owner_of(state, hotkey))
                })
                .encode_to(out),
            "axons" => {
                self.by_hotkey(|hotkey| items.axons.get(state, (netuid, *hotkey))).encode_to(out);
            }
            "active" => items.active.get(state, netuid).encode_to(out),
            "validator_permit" => items.validator_permit.get(state, netuid).encode_to(out),
            // No longer computed by the chain.
            "pruning_score" | "trust" | "rank" => Vec::<Compact<u16>>::new().encode_to(out),
            "last_update" => compact_list(&items.last_update.get(state, self.index)).encode_to(out),
            "emission" => compact_list(&items.emission.get(state, netuid)).encode_to(out),
            "dividends" => compact_list(&items.dividends.get(state, netuid)).encode_to(out),
            "incentives" => compact_list(&items.incentive.get(state, self.index)).encode_to(out),
            "consensus" => compact_list(&items.consensus.get(state, netuid)).encode_to(out),
            "block_at_registration" => {
                let blocks: Vec<Compact<u64>> = (0..count_u16(self.hotkeys.len()))
                    .map(|uid| Compact(items.block_at_registration.get(state, (netuid, uid))))
                    .collect();
                blocks.encode_to(out);
            }
            "alpha_stake" => self.by_hotkey(|hotkey| Compact(self.alpha(hotkey))).encode_to(out),
            "tao_stake" => self.by_hotkey(|hotkey| Compact(self.tao(hotkey))).encode_to(out),
            "total_stake" => self
                .by_hotkey(|hotkey| {
                    Compact(runtime.weigh_stake(state, self.alpha(hotkey), self.tao(hotkey)))
                })
                .encode_to(out),
            "tao_dividends_per_hotkey" => {
                self.by_hotkey(|hotkey| (*hotkey, Compact(0_u64))).encode_to(out);
            }
            "alpha_dividends_per_hotkey" => self
                .by_hotkey(|hotkey| {
                    (*hotkey, Compact(items.alpha_dividends.get(state, (netuid, *hotkey))))
                })
                .encode_to(out),
            "collateral_locked" => self.collateral(|c| c.locked).encode_to(out),
            "collateral_min" => self.collateral(|c| c.min_locked).encode_to(out),
            "collateral_earned" => self.collateral(|c| c.earned).encode_to(out),
            "validators" => self.validators().encode_to(out),
            "commitments" => self.commitments().encode_to(out),
            "emission_history" => {
                let history: Vec<Vec<Compact<u64>>> = runtime
                    .netuids(state)
                    .into_iter()
                    .map(|on| {
                        self.by_hotkey(|hotkey| {
                            Compact(items.last_hotkey_emission.get(state, (*hotkey, on)))
                        })
                    })
                    .collect();
                history.encode_to(out);
            }
            _ => return None,
        }
        Some(())
    }

    fn by_hotkey<T>(&self, value: impl Fn(&Account) -> T) -> Vec<T> {
        self.hotkeys.iter().map(value).collect()
    }

    fn alpha(&self, hotkey: &Account) -> u64 {
        self.view.runtime.inherited(self.view.state, hotkey, self.netuid, self.netuid)
    }

    fn tao(&self, hotkey: &Account) -> u64 {
        self.view.runtime.inherited(self.view.state, hotkey, self.netuid, 0)
    }

    fn collateral(
        &self,
        part: impl Fn(&crate::local::storage::record::MinerCollateralState) -> u64,
    ) -> Vec<Compact<u64>> {
        let View { runtime, state, .. } = self.view;
        let mut sums: BTreeMap<Account, u64> = BTreeMap::new();
        for ((hotkey, _), collateral) in
            runtime.items.miner_collateral.under_first(state, self.netuid)
        {
            let sum = sums.entry(hotkey).or_default();
            *sum = sum.saturating_add(part(&collateral));
        }
        self.by_hotkey(|hotkey| Compact(sums.get(hotkey).copied().unwrap_or(0)))
    }

    /// Permitted validators above the stake threshold, lowest stake first.
    fn validators(&self) -> Vec<Compact<u16>> {
        let View { runtime, state, .. } = self.view;
        let permits = runtime.items.validator_permit.get(state, self.netuid);
        let threshold = runtime.items.stake_threshold.get(state);
        let mut validators: Vec<(u64, u16)> = (0..)
            .zip(&self.hotkeys)
            .filter(|(uid, _)| permits.get(usize::from(*uid)).copied().unwrap_or(false))
            .map(|(uid, hotkey)| (runtime.stake_weight(state, hotkey, self.netuid), uid))
            .filter(|(stake, _)| *stake > threshold)
            .collect();
        validators.sort_by_key(|(stake, _)| *stake);
        validators.into_iter().map(|(_, uid)| Compact(uid)).collect()
    }

    fn commitments(&self) -> Vec<(Account, Vec<Compact<u8>>)> {
        let View { runtime, state, .. } = self.view;
        let commitments = runtime.items.commitment_of.under(state, self.netuid);
        commitments
            .into_iter()
            .map(|(who, commitment)| (who, compact_list(&commitment.encode())))
            .collect()
    }
}

pub(super) fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn count_u16(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}
