//! The official SDK's reads by name, and the method that answers each: [`READS`].

use super::Subtensor;

/// A read of the official SDK, and ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Read {
    /// Its name in the official SDK.
    pub name: &'static str,
    /// The method of [`Subtensor`].
    pub method: &'static str,
}

macro_rules! reads {
    ($($name:literal => $method:ident),* $(,)?) => {
        /// All reads of the official SDK that this client answers.
        pub const READS: &[Read] = &[$(Read { name: $name, method: stringify!($method) }),*];

        // Each method exists.
        const _: fn() = || {
            $(let _ = Subtensor::$method;)*
        };
    };
}

reads! {
    "accepts_locked_alpha" => accepts_locked_alpha,
    "alpha_price" => alpha_price,
    "alpha_prices" => alpha_prices,
    "associated_evm_key" => associated_evm_key,
    "auto_stake" => auto_stake,
    "auto_stake_all" => auto_stake_all,
    "balance" => balance,
    "balances" => accounts,
    "basket_position" => basket_position,
    "basket_trading_status" => basket_trading_status,
    "block_info" => block,
    "block_time" => block_time,
    "blocks_since_last_step" => blocks_since_last_step,
    "blocks_since_last_update" => blocks_since_last_update,
    "blocks_until_next_epoch" => blocks_until_next_epoch,
    "bonds" => bonds,
    "burn" => burn,
    "childkey_threshold_suspended" => childkey_threshold_suspended,
    "children" => children,
    "coldkey_lock" => coldkey_lock,
    "coldkey_swap_announcement" => coldkey_swap_announcement,
    "collateral_policy" => collateral_policy,
    "commit_reveal_enabled" => commit_reveal_enabled,
    "commitment" => commitment,
    "commitments" => commitments,
    "crowdloan" => crowdloan,
    "crowdloan_contributors" => crowdloan_contributors,
    "crowdloans" => crowdloans,
    "delegate" => delegate,
    "delegate_take" => delegate_take,
    "delegated" => delegated,
    "delegates" => delegates,
    "difficulty" => difficulty,
    "epoch_status" => epoch_schedule,
    "existential_deposit" => existential_deposit,
    "hotkey_conviction" => hotkey_conviction,
    "hotkey_identities" => hotkey_identities,
    "hotkey_owner" => hotkey_owner,
    "identity" => identity,
    "immunity_period" => immunity_period,
    "is_delegate" => is_delegate,
    "is_fast_blocks" => is_fast_blocks,
    "lease" => lease,
    "leases" => leases,
    "locks_for_coldkey" => locks_for_coldkey,
    "locks_for_hotkey" => locks_for_hotkey,
    "max_weight_limit" => max_weight_limit,
    "mechanism_count" => mechanism_count,
    "mechanism_emission_split" => mechanism_emission_split,
    "metagraph" => metagraph,
    "mev_shield_next_key" => mev_shield_next_key,
    "min_allowed_weights" => min_allowed_weights,
    "miner_collateral" => miner_collateral,
    "most_convicted_hotkey" => most_convicted_hotkey,
    "multisig" => multisig,
    "netuids_for_hotkey" => netuids_for_hotkey,
    "neurons" => neurons,
    "next_epoch_start_block" => next_epoch_start_block,
    "owned_hotkeys" => owned_hotkeys,
    "parents" => parents,
    "pending_children" => pending_children,
    "proxies" => proxies,
    "quote_stake" => quote_stake,
    "quote_unstake" => quote_unstake,
    "reveal_period" => reveal_period,
    "revealed_commitment" => revealed_commitment,
    "root_basket_owed" => root_basket_owed,
    "root_basket_owed_breakdown" => root_basket_owed_breakdown,
    "root_basket_portfolio" => root_basket_portfolio,
    "root_basket_total_nav" => root_basket_total_nav,
    "root_baskets" => root_baskets,
    "root_claim_threshold" => root_claim_threshold,
    "stake" => stake,
    "stake_availability" => stake_availability,
    "stake_availability_for_coldkey" => stake_availability,
    "stake_for_coldkey" => stake_for_coldkey,
    "stake_for_coldkeys" => stake_for_coldkeys,
    "stake_value_for_coldkey" => stake_value_for_coldkey,
    "stake_value_for_coldkeys" => stake_value_for_coldkeys,
    "staking_hotkeys" => staking_hotkeys,
    "subnet" => subnet,
    "subnet_collateral" => subnet_collateral,
    "subnet_convictions" => subnet_convictions,
    "subnet_emission_enabled" => subnet_emission_enabled,
    "subnet_hyperparameters" => hyperparameters,
    "subnet_identity" => subnet_identity,
    "subnet_names" => subnet_names,
    "subnet_registration_cost" => network_registration_cost,
    "subnet_start_schedule" => subnet_start_schedule,
    "subnet_tao_flows" => subnet_tao_flows,
    "subnets" => subnets,
    "timelocked_weight_commits" => timelocked_weight_commits,
    "timestamp" => timestamp,
    "token_symbols" => token_symbols,
    "total_alpha_staked" => total_alpha_staked,
    "tx_rate_limit" => tx_rate_limit,
    "uid" => uid,
    "validator_basket" => validator_basket,
    "validator_basket_nav" => validator_basket_nav,
    "validator_basket_summary" => validator_basket_summary,
    "weights" => weights,
    "weights_rate_limit" => weights_rate_limit,
}
