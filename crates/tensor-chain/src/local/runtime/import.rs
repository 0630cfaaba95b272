//! A subnet as it was on another network, as part of the first block.

use tensor_core::metagraph::{Metagraph, Neuron};

use super::ctx::Ctx;
use super::pool::DYNAMIC;
use super::{Account, Runtime};
use crate::local::interface::InterfaceError;
use crate::local::storage::record::AxonInfo;

/// A subnet to begin with, taken from a metagraph.
///
/// What a metagraph does not say is made up: the pool ([`with_pool`](Self::with_pool)), who owns the
/// subnet ([`with_owner`](Self::with_owner)), the weights ([`with_weights`](Self::with_weights)). The
/// stake of a hotkey belongs to its coldkey whole, since a metagraph does not name nominators, and
/// includes what parents lend. Blocks before the snapshot are block 0 here: nobody is younger than the
/// chain. The next epoch comes as many blocks after block 0 as it was to come after the snapshot.
#[derive(Debug, Clone)]
pub struct ImportedSubnet {
    metagraph: Metagraph,
    pool: (u64, u64),
    owner: Option<(Account, Account)>,
    weights: Vec<(u16, Vec<(u16, u16)>)>,
}

/// Reserves of a pool that nothing is known of: as much TAO as alpha.
const RESERVE: u64 = 100_000_000_000_000;

impl ImportedSubnet {
    /// The subnet of this metagraph, with a pool of 100,000 TAO and as much alpha.
    #[must_use]
    pub fn new(metagraph: Metagraph) -> Self {
        Self { metagraph, pool: (RESERVE, RESERVE), owner: None, weights: Vec::new() }
    }

    /// With these reserves of the pool: rao, and the smallest units of alpha.
    #[must_use]
    pub fn with_pool(mut self, tao: u64, alpha: u64) -> Self {
        self.pool = (tao, alpha);
        self
    }

    /// Owned by this coldkey, with this hotkey; otherwise by the neuron of uid 0.
    #[must_use]
    pub fn with_owner(
        mut self,
        coldkey: tensor_core::Coldkey,
        hotkey: tensor_core::Hotkey,
    ) -> Self {
        self.owner = Some((*coldkey.as_bytes(), *hotkey.as_bytes()));
        self
    }

    /// With these weights of a validator: uids and values.
    #[must_use]
    pub fn with_weights(mut self, uid: u16, row: Vec<(u16, u16)>) -> Self {
        self.weights.push((uid, row));
        self
    }

    /// The subnet's number.
    #[must_use]
    pub fn netuid(&self) -> u16 {
        self.metagraph.netuid().value()
    }
}

impl From<Metagraph> for ImportedSubnet {
    fn from(metagraph: Metagraph) -> Self {
        Self::new(metagraph)
    }
}

impl Runtime {
    /// Writes a subnet as it was elsewhere; one of that number gives way.
    ///
    /// # Errors
    /// Root is no subnet to import.
    pub(crate) fn import(
        &self,
        cx: &mut Ctx<'_>,
        subnet: &ImportedSubnet,
    ) -> Result<(), InterfaceError> {
        let items = &self.items;
        let (metagraph, netuid) = (&subnet.metagraph, subnet.netuid());
        if netuid == 0 {
            let place = "the imported subnet 0".to_owned();
            return Err(InterfaceError::Shape { place, expected: "a subnet other than root" });
        }
        if items.networks_added.get(cx.state, netuid) {
            // Only root would not give way.
            let _ = self.dissolve(cx, netuid);
        }
        self.init_subnet(cx, netuid, metagraph.tempo().value());
        let symbol = self.next_symbol(cx.state, netuid);
        items.token_symbol.set(cx.state, netuid, &symbol);
        items.subnet_mechanism.set(cx.state, netuid, &DYNAMIC);
        items.first_emission_block.set(cx.state, netuid, &1);
        items.subtoken_enabled.set(cx.state, netuid, &true);
        let (tao, alpha) = subnet.pool;
        self.endow(cx, &Self::subnet_account(netuid), tao);
        items.subnet_tao.set(cx.state, netuid, &tao);
        items.subnet_alpha_in.set(cx.state, netuid, &alpha);
        items.total_alpha_issuance.set(cx.state, netuid, &alpha);
        items.total_stake.add(cx.state, tao);
        let room = u16::try_from(metagraph.len()).unwrap_or(u16::MAX);
        let most = items.max_allowed_uids.get(cx.state, netuid).max(room);
        items.max_allowed_uids.set(cx.state, netuid, &most);
        for neuron in metagraph.neurons() {
            self.import_neuron(cx, netuid, &neuron);
        }
        self.import_columns(cx, netuid, metagraph);
        for (uid, row) in &subnet.weights {
            items.weights.set(cx.state, (netuid, *uid), row);
        }
        let first = metagraph.neurons().next();
        let first = first.map(|n| (*n.coldkey.as_bytes(), *n.hotkey.as_bytes()));
        if let Some((coldkey, hotkey)) = subnet.owner.or(first) {
            items.subnet_owner.set(cx.state, netuid, &coldkey);
            items.subnet_owner_hotkey.set(cx.state, netuid, &hotkey);
            // A subnet's own account owns nothing; the key is left alone then.
            let _ = self.create_hotkey(cx, &coldkey, &hotkey);
        }
        self.import_schedule(cx, netuid, metagraph);
        Ok(())
    }

    fn import_neuron(&self, cx: &mut Ctx<'_>, netuid: u16, neuron: &Neuron) {
        let items = &self.items;
        let (hotkey, coldkey) = (*neuron.hotkey.as_bytes(), *neuron.coldkey.as_bytes());
        let _ = self.create_hotkey(cx, &coldkey, &hotkey);
        self.append_neuron(cx, netuid, &hotkey);
        let alpha = neuron.alpha_stake.rao();
        self.increase_stake(cx, &hotkey, &coldkey, netuid, alpha);
        items.subnet_alpha_out.add(cx.state, netuid, alpha);
        items.total_alpha_issuance.add(cx.state, netuid, alpha);
        // The same stake on root shows in the metagraphs of several subnets.
        let root = neuron.tao_stake.rao().saturating_sub(self.hotkey_stake(cx.state, &hotkey, 0));
        if root > 0 {
            self.increase_stake(cx, &hotkey, &coldkey, 0, root);
            items.subnet_tao.add(cx.state, 0, root);
            items.subnet_alpha_out.add(cx.state, 0, root);
            items.total_stake.add(cx.state, root);
            self.endow(cx, &Self::subnet_account(0), root);
        }
        if neuron.validator_permit {
            self.become_delegate(cx, &hotkey);
        }
        if let Some(axon) = neuron.axon {
            let (ip, ip_type) = axon.to_chain();
            let axon = AxonInfo {
                block: 0,
                version: axon.version,
                ip,
                port: axon.port,
                ip_type,
                protocol: axon.protocol,
                placeholder1: 0,
                placeholder2: 0,
            };
            items.axons.set(cx.state, (netuid, hotkey), &axon);
        }
    }

    fn import_columns(&self, cx: &mut Ctx<'_>, netuid: u16, metagraph: &Metagraph) {
        let items = &self.items;
        let fractions = |column: &[tensor_core::weights::U16Fraction]| -> Vec<u16> {
            column.iter().map(|fraction| fraction.bits()).collect()
        };
        items.active.set(cx.state, netuid, &metagraph.active().to_vec());
        items.validator_permit.set(cx.state, netuid, &metagraph.validator_permit().to_vec());
        items.incentive.set(cx.state, netuid, &fractions(metagraph.incentive()));
        items.dividends.set(cx.state, netuid, &fractions(metagraph.dividends()));
        items.consensus.set(cx.state, netuid, &fractions(metagraph.consensus()));
        items.validator_trust.set(cx.state, netuid, &fractions(metagraph.validator_trust()));
        let emission: Vec<u64> = metagraph.emission().iter().map(|paid| paid.rao()).collect();
        items.emission.set(cx.state, netuid, &emission);
    }

    /// The epoch comes when it would have come.
    fn import_schedule(&self, cx: &mut Ctx<'_>, netuid: u16, metagraph: &Metagraph) {
        let items = &self.items;
        let tempo = u64::from(metagraph.tempo().value());
        let since = metagraph.block().value().saturating_sub(metagraph.last_epoch().value());
        items.last_epoch_block.set(cx.state, netuid, &0);
        if since > 0 && tempo > 0 {
            let next = tempo.saturating_sub(since % tempo).max(1);
            items.pending_epoch_at.set(cx.state, netuid, &next);
        }
    }
}
