//! Subnets without their neurons: dynamic info, hyperparameters, and the older summaries.

use parity_scale_codec::{Compact, Encode};
use tensor_yuma::emission::issuance::block_emission;

use super::metagraph::count;
use super::{Answer, View, compact_list};

/// One value of the named hyperparameter list, tagged as `HyperparamValue`.
#[derive(Debug)]
enum Hyperparameter {
    Bool(bool),
    U16(u16),
    U32(u32),
    U64(u64),
    Tao(u64),
    /// 64 bits with 32 fractional ones.
    I32F32(i64),
    /// 128 bits with 64 fractional ones.
    U64F64(u128),
}

impl Hyperparameter {
    fn encode_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bool(value) => (0_u8, value).encode_to(out),
            Self::U16(value) => (1_u8, Compact(*value)).encode_to(out),
            Self::U32(value) => (2_u8, Compact(*value)).encode_to(out),
            Self::U64(value) => (3_u8, Compact(*value)).encode_to(out),
            Self::Tao(value) => (5_u8, Compact(*value)).encode_to(out),
            Self::I32F32(bits) => (6_u8, bits).encode_to(out),
            Self::U64F64(bits) => (7_u8, bits).encode_to(out),
        }
    }
}

impl View<'_> {
    pub(super) fn dynamic_info(&self, netuid: u16) -> Answer {
        if !self.exists(netuid) {
            return Ok(vec![0]);
        }
        let fields = self.fields_of("SubnetInfoRuntimeApi_get_dynamic_info")?;
        let mut out = vec![1];
        self.compose(&fields, &mut out, |name, out| self.subnet_field(netuid, name, out))?;
        Ok(out)
    }

    pub(super) fn all_dynamic_info(&self) -> Answer {
        let netuids = self.runtime.netuids(self.state);
        let mut out = Compact(count(netuids.len())).encode();
        for netuid in netuids {
            out.extend(self.dynamic_info(netuid)?);
        }
        Ok(out)
    }

    pub(super) fn subnet_info(&self, netuid: u16, api: &str) -> Answer {
        if !self.exists(netuid) {
            return Ok(vec![0]);
        }
        let fields = self.fields_of(api)?;
        let mut out = vec![1];
        self.compose(&fields, &mut out, |name, out| match name {
            // This one counts as the storage does.
            "blocks_since_last_step" => {
                let since = self.runtime.items.blocks_since_last_step.get(self.state, netuid);
                Compact(since).encode_to(out);
                Some(())
            }
            _ => self.subnet_field(netuid, name, out),
        })?;
        Ok(out)
    }

    pub(super) fn subnets_info(&self, api: &str) -> Answer {
        let mut netuids = self.runtime.netuids(self.state);
        netuids.sort_unstable();
        let mut out = Compact(count(netuids.len())).encode();
        for netuid in netuids {
            out.extend(self.subnet_info(netuid, api)?);
        }
        Ok(out)
    }

    pub(super) fn hyperparams(&self, netuid: u16, api: &str) -> Answer {
        if !self.exists(netuid) {
            return Ok(vec![0]);
        }
        let fields = self.fields_of(api)?;
        let mut out = vec![1];
        self.compose(&fields, &mut out, |name, out| self.subnet_field(netuid, name, out))?;
        Ok(out)
    }

    /// The list of named values that clients look up by name.
    pub(super) fn hyperparams_v3(&self, netuid: u16) -> Vec<u8> {
        use Hyperparameter::{Bool, I32F32, Tao, U16, U32, U64, U64F64};
        if !self.exists(netuid) {
            return vec![0];
        }
        let items = &self.runtime.items;
        let state = self.state;
        let (alpha_low, alpha_high) = items.alpha_values.get(state, netuid);
        let global = items.min_childkey_take.get(state);
        let childkey_take = items.min_childkey_take_per_subnet.get(state, netuid).max(global);
        let yuma = if items.yuma3_on.get(state, netuid) { 3 } else { 2 };
        let list = [
            ("kappa", U16(items.kappa.get(state, netuid))),
            ("immunity_period", U16(items.immunity_period.get(state, netuid))),
            ("min_allowed_weights", U16(items.min_allowed_weights.get(state, netuid))),
            ("max_weights_limit", U16(u16::MAX)),
            ("tempo", U16(items.tempo.get(state, netuid))),
            ("weights_version", U64(items.weights_version_key.get(state, netuid))),
            ("weights_rate_limit", U64(items.weights_set_rate_limit.get(state, netuid))),
            ("activity_cutoff", U64(self.runtime.activity_cutoff(state, netuid))),
            ("activity_cutoff_factor", U32(items.activity_cutoff_factor_milli.get(state, netuid))),
            ("registration_allowed", Bool(items.network_registration_allowed.get(state, netuid))),
            ("target_regs_per_interval", U16(items.target_registrations.get(state, netuid))),
            ("min_burn", Tao(items.min_burn.get(state, netuid))),
            ("max_burn", Tao(items.max_burn.get(state, netuid))),
            ("burn_half_life", U16(items.burn_half_life.get(state, netuid))),
            ("burn_increase_mult", U64F64(items.burn_increase_mult.get(state, netuid))),
            ("bonds_moving_avg", U64(items.bonds_moving_average.get(state, netuid))),
            ("max_regs_per_block", U16(items.max_registrations_per_block.get(state, netuid))),
            ("serving_rate_limit", U64(items.serving_rate_limit.get(state, netuid))),
            ("max_validators", U16(items.max_allowed_validators.get(state, netuid))),
            ("commit_reveal_period", U64(items.reveal_period.get(state, netuid))),
            ("commit_reveal_weights_enabled", Bool(items.commit_reveal_enabled.get(state, netuid))),
            ("alpha_high", U16(alpha_high)),
            ("alpha_low", U16(alpha_low)),
            ("liquid_alpha_enabled", Bool(items.liquid_alpha_on.get(state, netuid))),
            (
                "alpha_sigmoid_steepness",
                I32F32(i64::from(items.alpha_sigmoid_steepness.get(state, netuid)) << 32),
            ),
            ("yuma_version", U16(yuma)),
            ("subnet_is_active", Bool(items.subtoken_enabled.get(state, netuid))),
            ("transfers_enabled", Bool(items.transfer_toggle.get(state, netuid))),
            ("bonds_reset_enabled", Bool(items.bonds_reset_on.get(state, netuid))),
            ("user_liquidity_enabled", Bool(false)),
            ("owner_cut_enabled", Bool(items.owner_cut_enabled.get(state, netuid))),
            ("owner_cut_auto_lock_enabled", Bool(items.owner_cut_auto_lock.get(state, netuid))),
            ("min_childkey_take", U16(childkey_take)),
        ];
        let mut out = vec![1];
        Compact(count(list.len())).encode_to(&mut out);
        for (name, value) in list {
            name.as_bytes().encode_to(&mut out);
            value.encode_to(&mut out);
        }
        out
    }

    pub(super) fn block_emission(&self) -> Vec<u8> {
        block_emission(self.runtime.items.total_issuance.get(self.state)).encode()
    }

    /// Appends a field that says something of a subnet, whatever answer it is part of; nothing if the name is none of those.
    pub(super) fn subnet_field(&self, netuid: u16, name: &str, out: &mut Vec<u8>) -> Option<()> {
        let View { runtime, state, block } = *self;
        let items = &runtime.items;
        let mut number = |value: u64| Compact(value).encode_to(out);
        match name {
            "netuid" => number(netuid.into()),
            "network_registered_at" => number(items.network_registered_at.get(state, netuid)),
            "tempo" => number(items.tempo.get(state, netuid).into()),
            "last_step" => number(items.last_mechanism_step_block.get(state, netuid)),
            "blocks_since_last_step" => {
                let last = items.last_mechanism_step_block.get(state, netuid);
                number(block.saturating_sub(last));
            }
            // No longer filled by the chain.
            "subnet_emission"
            | "emission_values"
            | "emission_value"
            | "network_modality"
            | "pending_root_emission" => number(0),
            "alpha_in" => number(items.subnet_alpha_in.get(state, netuid)),
            "alpha_out" => number(items.subnet_alpha_out.get(state, netuid)),
            "tao_in" => number(items.subnet_tao.get(state, netuid)),
            "alpha_out_emission" => number(items.subnet_alpha_out_emission.get(state, netuid)),
            "alpha_in_emission" => number(items.subnet_alpha_in_emission.get(state, netuid)),
            "tao_in_emission" => number(items.subnet_tao_in_emission.get(state, netuid)),
            "pending_alpha_emission" => {
                let servers = items.pending_server_emission.get(state, netuid);
                number(servers.saturating_add(items.pending_validator_emission.get(state, netuid)));
            }
            "rho" => number(items.rho.get(state, netuid).into()),
            "kappa" => number(items.kappa.get(state, netuid).into()),
            "min_allowed_weights" => number(items.min_allowed_weights.get(state, netuid).into()),
            "max_weights_limit" => number(u16::MAX.into()),
            "weights_version" => number(items.weights_version_key.get(state, netuid)),
            "weights_rate_limit" => number(items.weights_set_rate_limit.get(state, netuid)),
            "activity_cutoff" => number(runtime.activity_cutoff(state, netuid)),
            "max_validators" | "max_allowed_validators" => {
                number(items.max_allowed_validators.get(state, netuid).into());
            }
            "scaling_law_power" => number(items.scaling_law_power.get(state, netuid).into()),
            "subnetwork_n" => number(items.subnetwork_n.get(state, netuid).into()),
            "max_uids" | "max_allowed_uids" => {
                number(items.max_allowed_uids.get(state, netuid).into());
            }
            "burn" => number(items.burn.get(state, netuid)),
            "difficulty" => number(items.difficulty.get(state, netuid)),
            "immunity_period" => number(items.immunity_period.get(state, netuid).into()),
            "min_difficulty" => number(items.min_difficulty.get(state, netuid)),
            "max_difficulty" => number(items.max_difficulty.get(state, netuid)),
            "min_burn" => number(items.min_burn.get(state, netuid)),
            "max_burn" => number(items.max_burn.get(state, netuid)),
            "adjustment_alpha" => number(items.adjustment_alpha.get(state, netuid)),
            "adjustment_interval" => number(items.adjustment_interval.get(state, netuid).into()),
            "target_regs_per_interval" => {
                number(items.target_registrations.get(state, netuid).into());
            }
            "max_regs_per_block" => {
                number(items.max_registrations_per_block.get(state, netuid).into());
            }
            "serving_rate_limit" => number(items.serving_rate_limit.get(state, netuid)),
            "commit_reveal_period" => number(items.reveal_period.get(state, netuid)),
            "alpha_high" => number(items.alpha_values.get(state, netuid).1.into()),
            "alpha_low" => number(items.alpha_values.get(state, netuid).0.into()),
            "bonds_moving_avg" => number(items.bonds_moving_average.get(state, netuid)),
            "yuma_version" => number(if items.yuma3_on.get(state, netuid) { 3 } else { 2 }),
            _ => return self.other_subnet_field(netuid, name, out),
        }
        Some(())
    }

    /// The fields that are not compact numbers of at most 64 bits.
    fn other_subnet_field(&self, netuid: u16, name: &str, out: &mut Vec<u8>) -> Option<()> {
        let View { runtime, state, .. } = *self;
        let items = &runtime.items;
        match name {
            "name" | "subnet_name" => {
                compact_list(&runtime.subnet_name(state, netuid)).encode_to(out);
            }
            "symbol" | "token_symbol" => {
                compact_list(&items.token_symbol.get(state, netuid)).encode_to(out);
            }
            "identity" | "subnet_identity" => {
                items.subnet_identities.try_get(state, netuid).encode_to(out);
            }
            "owner_hotkey" => items.subnet_owner_hotkey.get(state, netuid).encode_to(out),
            "owner_coldkey" | "owner" => items.subnet_owner.get(state, netuid).encode_to(out),
            "subnet_volume" => Compact(items.subnet_volume.get(state, netuid)).encode_to(out),
            "moving_price" => items.subnet_moving_price.get(state, netuid).encode_to(out),
            "registration_allowed" => {
                items.network_registration_allowed.get(state, netuid).encode_to(out);
            }
            "pow_registration_allowed" => {
                items.network_pow_registration_allowed.get(state, netuid).encode_to(out);
            }
            "commit_reveal_weights_enabled" => {
                items.commit_reveal_enabled.get(state, netuid).encode_to(out);
            }
            "liquid_alpha_enabled" => items.liquid_alpha_on.get(state, netuid).encode_to(out),
            "alpha_sigmoid_steepness" => {
                let steepness = i64::from(items.alpha_sigmoid_steepness.get(state, netuid));
                (steepness << 32).encode_to(out);
            }
            "subnet_is_active" => items.subtoken_enabled.get(state, netuid).encode_to(out),
            "transfers_enabled" => items.transfer_toggle.get(state, netuid).encode_to(out),
            "bonds_reset_enabled" => items.bonds_reset_on.get(state, netuid).encode_to(out),
            "user_liquidity_enabled" => false.encode_to(out),
            "network_connect" => Vec::<[u16; 2]>::new().encode_to(out),
            "emission" => Compact(0_u64).encode_to(out),
            _ => return None,
        }
        Some(())
    }
}
