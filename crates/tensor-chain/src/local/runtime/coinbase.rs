//! What happens in every block before its extrinsics: prices decay, TAO and alpha are minted and divided, and due epochs run (chain rules 2.2, 3).

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::sync::RwLock;

use tensor_yuma::emission::gate::{Bar, EmissionGate};
use tensor_yuma::emission::issuance::block_emission;
use tensor_yuma::emission::shares::{SubnetDemand, demand_shares, root_sell_flag, tao_emissions};
use tensor_yuma::emission::terms::{AlphaSplit, SubnetTerms};
use tensor_yuma::emission::{burn, price};
use tensor_yuma::fixed::{I96F32, U64F64, U96F32};

use super::accounts::Credit;
use super::ctx::Ctx;
use super::pool::{ANY_BUY, STABLE};
use super::{Ruleset, Runtime};
use crate::local::state::State;

/// Decay factors by half-life: finding one takes a bisection.
#[derive(Debug, Default)]
pub(crate) struct DecayFactors(RwLock<BTreeMap<u16, u64>>);

impl DecayFactors {
    fn get(&self, half_life: u16) -> u64 {
        if let Ok(known) = self.0.read()
            && let Some(factor) = known.get(&half_life)
        {
            return *factor;
        }
        let factor = burn::decay_factor(half_life);
        if let Ok(mut known) = self.0.write() {
            known.insert(half_life, factor);
        }
        factor
    }
}

/// Amounts that an epoch hands out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Drained {
    pub(crate) server: u64,
    pub(crate) validator: u64,
    pub(crate) root: u64,
    pub(crate) owner_cut: u64,
}

impl Runtime {
    /// Everything that happens before the first extrinsic of a block: the pallets' initialisation, in the runtime's order.
    pub fn initialize_block(&self, cx: &mut Ctx<'_>) {
        self.block_step(cx);
        self.reveal_commitments(cx);
    }

    fn block_step(&self, cx: &mut Ctx<'_>) {
        let netuids = self.netuids(cx.state);
        self.decay_burn_prices(cx, &netuids);
        let emission = block_emission(self.items.total_issuance.get(cx.state));
        let credit = self.mint(cx, emission);
        let subnets: Vec<u16> = netuids.iter().copied().filter(|netuid| *netuid != 0).collect();
        self.reveal_timelocked_weights(cx, &subnets);
        self.run_coinbase(cx, credit, &subnets);
        let emitting = self.emitting(cx.state, &subnets);
        for netuid in &emitting {
            self.move_price(cx, *netuid);
        }
        for netuid in &emitting {
            let proportion = self.root_proportion(cx.state, *netuid);
            self.items.root_prop.set(cx.state, *netuid, &proportion.to_bits());
        }
        for netuid in &netuids {
            if self.items.last_epoch_block.get(cx.state, *netuid) == cx.block {
                self.apply_pending_children(cx, *netuid);
            }
        }
        if self.ruleset == Ruleset::V425 {
            self.claim_root_automatically(cx);
        }
    }

    /// All subnets, root included, in the order in which the chain walks them: by the little-endian bytes of the netuid.
    pub(crate) fn netuids(&self, state: &State) -> Vec<u16> {
        let networks = self.items.networks_added.entries(state);
        networks.into_iter().filter(|(_, added)| *added).map(|(netuid, _)| netuid).collect()
    }

    /// Those that get emission: started, enabled, open for registration (chain rules 3.2).
    pub(crate) fn emitting(&self, state: &State, netuids: &[u16]) -> Vec<u16> {
        let items = &self.items;
        let emits = |netuid: &u16| {
            *netuid != 0
                && items.first_emission_block.contains(state, *netuid)
                && items.subtoken_enabled.get(state, *netuid)
                && items.network_registration_allowed.get(state, *netuid)
        };
        netuids.iter().copied().filter(emits).collect()
    }

    fn decay_burn_prices(&self, cx: &mut Ctx<'_>, netuids: &[u16]) {
        let items = &self.items;
        for netuid in netuids.iter().copied() {
            let old = items.burn.get(cx.state, netuid);
            let (min, max) =
                (items.min_burn.get(cx.state, netuid), items.max_burn.get(cx.state, netuid));
            let half_life = items.burn_half_life.get(cx.state, netuid);
            let decays = half_life > 0 && cx.block > 1;
            // A factor of one only clamps.
            let factor = if decays { self.decay.get(half_life) } else { 1 << 32 };
            let new = burn::decay(old, factor, min, max);
            if new != old {
                items.burn.set(cx.state, netuid, &new);
            }
            items.registrations_this_block.set(cx.state, netuid, &0);
            if netuid == 0 && self.is_due(cx.state, netuid, cx.block) {
                items.registrations_this_interval.set(cx.state, netuid, &0);
            }
        }
    }

    fn run_coinbase(&self, cx: &mut Ctx<'_>, mut credit: Credit, subnets: &[u16]) {
        let items = &self.items;
        items.subnet_root_sell_tao.clear(cx.state);
        let emitting = self.emitting(cx.state, subnets);
        let emissions = self.divide_emission(cx, credit.amount(), &emitting);
        let moving: Vec<I96F32> =
            emitting.iter().map(|netuid| self.moving_price(cx.state, *netuid)).collect();
        let root_sells =
            root_sell_flag(&moving) || (!emitting.is_empty() && self.root_always_sells(cx.state));
        let terms: Vec<SubnetTerms> = emitting
            .iter()
            .zip(&emissions)
            .map(|(netuid, tao)| {
                let issuance = self.alpha_issuance(cx.state, *netuid);
                SubnetTerms::new(
                    *tao,
                    self.alpha_price(cx.state, *netuid),
                    block_emission(issuance),
                    self.root_proportion(cx.state, *netuid),
                )
            })
            .collect();
        for (netuid, terms) in emitting.iter().zip(&terms) {
            match self.ruleset {
                Ruleset::V425 => self.inject_425(cx, &mut credit, *netuid, terms),
                Ruleset::V461 => self.inject_461(cx, &mut credit, *netuid, terms),
            }
        }
        self.recycle_credit(cx, credit);
        for (netuid, terms) in emitting.iter().zip(&terms) {
            self.split_alpha(cx, *netuid, terms.alpha_out.to_u64(), root_sells);
        }
        self.run_due_epochs(cx, subnets);
    }

    fn moving_price(&self, state: &State, netuid: u16) -> I96F32 {
        if self.items.subnet_mechanism.get(state, netuid) == STABLE {
            return I96F32::ONE;
        }
        I96F32::from_bits(self.items.subnet_moving_price.get(state, netuid))
    }

    /// TAO of the block for each emitting subnet (chain rules 3.4).
    fn divide_emission(&self, cx: &mut Ctx<'_>, emission: u64, emitting: &[u16]) -> Vec<U96F32> {
        let items = &self.items;
        let demand: Vec<SubnetDemand> = emitting
            .iter()
            .map(|netuid| SubnetDemand {
                moving_price: self.moving_price(cx.state, *netuid),
                miner_burned: U96F32::from_bits(items.miner_burned.get(cx.state, *netuid)),
                emission_enabled: items.subnet_emission_enabled.get(cx.state, *netuid),
            })
            .collect();
        if self.ruleset == Ruleset::V425 {
            return tao_emissions(emission, &demand, None);
        }
        let stored = items.emission_gate_bar.get(cx.state);
        let mut gate = EmissionGate {
            theta: U64F64::from_bits(stored),
            exponent: U64F64::from_bits(items.emission_gate_exponent.get(cx.state)),
        };
        let bar = match NonZeroU16::new(items.emission_bar_rank.get(cx.state)) {
            Some(rank) => Bar::Rank(rank),
            None => Bar::Quantile(U64F64::from_bits(items.emission_bar_quantile.get(cx.state))),
        };
        gate.update(&demand_shares(&demand), bar, cx.block);
        if gate.theta.to_bits() != stored {
            items.emission_gate_bar.set(cx.state, &gate.theta.to_bits());
        }
        tao_emissions(emission, &demand, Some(&gate))
    }

    /// Pool first, then the purchase with what the pool did not take (425).
    fn inject_425(&self, cx: &mut Ctx<'_>, credit: &mut Credit, netuid: u16, terms: &SubnetTerms) {
        let (tao_in, alpha_in) =
            self.adjust_liquidity(cx, netuid, terms.tao_in.to_u64(), terms.alpha_in.to_u64());
        let items = &self.items;
        items.subnet_excess_tao.set(cx.state, netuid, &0);
        items.subnet_tao_in_emission.set(cx.state, netuid, &0);
        let excess = terms.excess_tao.to_u64();
        let account = Self::subnet_account(netuid);
        if excess > 0 && self.spend(cx, credit, &account, excess) {
            // A pool that refuses leaves the TAO on the account, outside the pool: the chain does not take it back.
            let _ = self.protocol_buy(cx, netuid, excess);
        }
        items.subnet_alpha_in_emission.set(cx.state, netuid, &alpha_in);
        self.mint_alpha(cx, netuid, alpha_in);
        items.subnet_alpha_in.add(cx.state, netuid, alpha_in);
        if tao_in > 0 && self.spend(cx, credit, &account, tao_in) {
            items.subnet_tao_in_emission.set(cx.state, netuid, &tao_in);
            items.subnet_tao.add(cx.state, netuid, tao_in);
            items.total_stake.add(cx.state, tao_in);
        }
    }

    /// The purchase first, taken back if it fails, then the pool (461).
    fn inject_461(&self, cx: &mut Ctx<'_>, credit: &mut Credit, netuid: u16, terms: &SubnetTerms) {
        let items = &self.items;
        items.subnet_excess_tao.set(cx.state, netuid, &0);
        items.subnet_tao_in_emission.set(cx.state, netuid, &0);
        let excess = terms.excess_tao.to_u64();
        let account = Self::subnet_account(netuid);
        if excess > 0
            && self.spend(cx, credit, &account, excess)
            && !self.protocol_buy(cx, netuid, excess)
        {
            self.refund(cx, credit, &account, excess);
        }
        let (tao, alpha) = (terms.tao_in.to_u64(), terms.alpha_in.to_u64());
        let tao = if tao > 0 && self.spend(cx, credit, &account, tao) { tao } else { 0 };
        let (tao_in, alpha_in) = self.adjust_liquidity(cx, netuid, tao, alpha);
        self.mint_alpha(cx, netuid, alpha);
        items.subnet_alpha_in_emission.set(cx.state, netuid, &alpha_in);
        items.subnet_alpha_in.add(cx.state, netuid, alpha_in);
        if tao_in > 0 {
            items.subnet_tao_in_emission.set(cx.state, netuid, &tao_in);
            items.subnet_tao.add(cx.state, netuid, tao_in);
            items.total_stake.add(cx.state, tao_in);
        }
    }

    /// Buys alpha for the protocol with TAO on the subnet's account.
    fn protocol_buy(&self, cx: &mut Ctx<'_>, netuid: u16, tao: u64) -> bool {
        let bought = cx.transact(|cx| self.buy_alpha(cx, netuid, tao, ANY_BUY, true));
        let Ok(quote) = bought else { return false };
        self.items.subnet_protocol_alpha.add(cx.state, netuid, quote.paid_out);
        self.items.subnet_excess_tao.set(cx.state, netuid, &quote.paid_in);
        true
    }

    fn mint_alpha(&self, cx: &mut Ctx<'_>, netuid: u16, alpha: u64) {
        if alpha > 0 {
            self.items.total_alpha_issuance.add(cx.state, netuid, alpha);
        }
    }

    /// Creates a block's alpha and puts it into the pending pots (chain rules 3.7).
    fn split_alpha(&self, cx: &mut Ctx<'_>, netuid: u16, alpha: u64, root_sells: bool) {
        let items = &self.items;
        items.subnet_alpha_out_emission.set(cx.state, netuid, &alpha);
        self.mint_alpha(cx, netuid, alpha);
        if alpha > 0 {
            items.subnet_alpha_out.add(cx.state, netuid, alpha);
        }
        let cut = items
            .owner_cut_enabled
            .get(cx.state, netuid)
            .then(|| items.subnet_owner_cut.get(cx.state));
        let split = AlphaSplit::new(alpha, cut, self.root_proportion(cx.state, netuid));
        if cut.is_some() {
            items.pending_owner_cut.add(cx.state, netuid, split.owner);
        }
        items.pending_server_emission.add(cx.state, netuid, split.server);
        items.pending_validator_emission.add(cx.state, netuid, split.validator);
        if root_sells {
            items.pending_root_alpha.add(cx.state, netuid, split.root);
        } else {
            self.recycle_subnet_alpha(cx, netuid, split.root);
        }
        let given = split.owner + split.server + split.validator + split.root;
        let dust = alpha.saturating_sub(given);
        if dust > 0 {
            self.strand(cx, netuid, |stranded| stranded.emission_dust += dust);
        }
    }

    /// Uses the epoch slots of this block and pays out (chain rules 2.3).
    fn run_due_epochs(&self, cx: &mut Ctx<'_>, subnets: &[u16]) {
        let items = &self.items;
        let cap = u32::from(items.max_epochs_per_block.get(cx.state));
        let mut run = 0_u32;
        let mut drained: BTreeMap<u16, Drained> = BTreeMap::new();
        for netuid in subnets.iter().copied() {
            items.blocks_since_last_step.add(cx.state, netuid, 1);
            if !self.is_due(cx.state, netuid, cx.block) {
                continue;
            }
            if run >= cap {
                let next = cx.block.saturating_add(1);
                items.pending_epoch_at.set(cx.state, netuid, &next);
                cx.emit(self.events.epoch_deferred, (netuid, cx.block, next));
                continue;
            }
            if self.uids_are_consistent(cx.state, netuid) {
                items.blocks_since_last_step.set(cx.state, netuid, &0);
                drained.insert(netuid, self.drain(cx, netuid));
                run += 1;
            } else {
                cx.emit(self.events.epoch_skipped, (netuid, cx.block));
            }
            items.last_epoch_block.set(cx.state, netuid, &cx.block);
            items.pending_epoch_at.set(cx.state, netuid, &0);
            items.subnet_epoch_index.add(cx.state, netuid, 1);
        }
        for (netuid, amounts) in drained {
            self.distribute(cx, netuid, amounts);
            items.last_mechanism_step_block.set(cx.state, netuid, &cx.block);
        }
    }

    fn drain(&self, cx: &mut Ctx<'_>, netuid: u16) -> Drained {
        let items = &self.items;
        let mut take = |map: &crate::local::storage::Map<u16, u64>| {
            let amount = map.get(cx.state, netuid);
            map.set(cx.state, netuid, &0);
            amount
        };
        Drained {
            server: take(&items.pending_server_emission),
            validator: take(&items.pending_validator_emission),
            root: take(&items.pending_root_alpha),
            owner_cut: take(&items.pending_owner_cut),
        }
    }

    fn move_price(&self, cx: &mut Ctx<'_>, netuid: u16) {
        let items = &self.items;
        let first = items.first_emission_block.get(cx.state, netuid);
        let old = I96F32::from_bits(items.subnet_moving_price.get(cx.state, netuid));
        let new = price::update_moving_price(
            old,
            self.alpha_price(cx.state, netuid),
            price::blocks_since_start(cx.block, first),
            items.ema_price_halving_blocks.get(cx.state, netuid),
            I96F32::from_bits(items.subnet_moving_alpha.get(cx.state)),
        );
        items.subnet_moving_price.set(cx.state, netuid, &new.to_bits());
    }
}
