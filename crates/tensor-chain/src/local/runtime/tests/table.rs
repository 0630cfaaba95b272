//! What of the interface is carried out, against the clients' table of operations (chain-interface 5), and what is not, each with its reason.

use std::collections::BTreeSet;

use super::{Bench, Ruleset};
use crate::local::storage::items::Items;

/// Calls of operations that a local chain must or should have.
const CALLS: &[(&str, &[&str])] = &[
    ("System", &["remark", "remark_with_event"]),
    ("Balances", &["transfer_keep_alive", "transfer_allow_death", "transfer_all"]),
    (
        "SubtensorModule",
        &[
            // Registration and subnets.
            "register",
            "burned_register",
            "register_limit",
            "root_register",
            "register_network",
            "register_network_with_identity",
            "start_call",
            "try_associate_hotkey",
            // Weights.
            "set_weights",
            "set_mechanism_weights",
            "batch_set_weights",
            "commit_weights",
            "commit_mechanism_weights",
            "batch_commit_weights",
            "reveal_weights",
            "reveal_mechanism_weights",
            "batch_reveal_weights",
            "commit_timelocked_weights",
            "commit_timelocked_mechanism_weights",
            "commit_crv3_mechanism_weights",
            // Serving.
            "serve_axon",
            "serve_axon_tls",
            "serve_prometheus",
            // Stake.
            "add_stake",
            "add_stake_limit",
            "remove_stake",
            "remove_stake_limit",
            "remove_stake_full_limit",
            "unstake_all",
            "unstake_all_alpha",
            "move_stake",
            "move_stake_limit",
            "swap_stake",
            "swap_stake_limit",
            "transfer_stake",
            "transfer_stake_and_hotkey",
            "recycle_alpha",
            "burn_alpha",
            "add_stake_burn",
            // Delegation, identities, epochs.
            "increase_take",
            "decrease_take",
            "set_children",
            "set_childkey_take",
            "set_identity",
            "set_subnet_identity",
            "update_symbol",
            "set_coldkey_auto_stake_hotkey",
            "set_tempo",
            "trigger_epoch",
            "set_activity_cutoff_factor",
            "claim_root",
            "claim_root_with_hotkey",
            "swap_hotkey",
            "swap_hotkey_v2",
            "announce_coldkey_swap",
            "swap_coldkey_announced",
        ],
    ),
    ("Commitments", &["set_commitment", "set_max_space"]),
    ("Utility", &["batch", "batch_all", "force_batch"]),
    ("Sudo", &["sudo", "sudo_unchecked_weight", "sudo_as", "set_key"]),
    (
        "Proxy",
        &[
            "proxy",
            "add_proxy",
            "remove_proxy",
            "remove_proxies",
            "create_pure",
            "kill_pure",
            "announce",
            "remove_announcement",
            "reject_announcement",
            "proxy_announced",
        ],
    ),
    ("Multisig", &["as_multi", "as_multi_threshold_1", "approve_as_multi", "cancel_as_multi"]),
    ("MevShield", &["submit_encrypted"]),
    // What SDK 11's `set_hyperparameter` and its governance intents send.
    (
        "AdminUtils",
        &[
            "sudo_set_serving_rate_limit",
            "sudo_set_max_difficulty",
            "sudo_set_adjustment_alpha",
            "sudo_set_immunity_period",
            "sudo_set_min_allowed_weights",
            "sudo_set_rho",
            "sudo_set_kappa",
            "sudo_set_bonds_penalty",
            "sudo_set_bonds_moving_average",
            "sudo_set_commit_reveal_weights_enabled",
            "sudo_set_commit_reveal_weights_interval",
            "sudo_set_liquid_alpha_enabled",
            "sudo_set_alpha_values",
            "sudo_set_alpha_sigmoid_steepness",
            "sudo_set_toggle_transfer",
            "sudo_set_yuma3_enabled",
            "sudo_set_bonds_reset_enabled",
            "sudo_set_min_burn",
            "sudo_set_max_burn",
            "sudo_set_burn_half_life",
            "sudo_set_burn_increase_mult",
            "sudo_set_max_allowed_uids",
            "sudo_set_max_allowed_validators",
            "sudo_set_weights_version_key",
            "sudo_set_weights_set_rate_limit",
            "sudo_set_recycle_or_burn",
            "sudo_set_tempo",
            "sudo_set_difficulty",
            "sudo_set_network_registration_allowed",
            "sudo_set_mechanism_count",
            "sudo_set_mechanism_emission_split",
            "sudo_set_subtoken_enabled",
            "sudo_set_subnet_emission_enabled",
            "sudo_set_sn_owner_hotkey",
            "sudo_trim_to_max_allowed_uids",
        ],
    ),
];

/// Calls that fail as filtered, by pallet, with the reason. `*` stands for the whole pallet.
const FILTERED: &[(&str, &[&str], &str)] = &[
    (
        "System",
        &[
            "set_heap_pages",
            "set_code",
            "set_code_without_checks",
            "authorize_upgrade",
            "authorize_upgrade_without_checks",
            "apply_authorized_upgrade",
            "kill_prefix",
        ],
        "there is no code to set; upgrades are a control of the chain",
    ),
    ("Timestamp", &["set"], "an inherent, which the block builder applies itself"),
    ("Grandpa", &["*"], "no consensus between nodes"),
    (
        "SubtensorModule",
        &["register_leased_network", "terminate_lease"],
        "leases are for governance; nothing of a miner or validator depends on one",
    ),
    (
        "SubtensorModule",
        &["stake_into_basket", "swap_basket"],
        "the rules of baskets are not known well enough to carry them out",
    ),
    (
        "SubtensorModule",
        &["add_collateral", "set_min_collateral"],
        "the rules of miner collateral are not known well enough; its default share is 0",
    ),
    (
        "SubtensorModule",
        &["lock_stake", "move_lock", "set_perpetual_lock", "set_reject_locked_alpha"],
        "locks decay and mature by rules that are only partly known; what is locked in storage is respected",
    ),
    (
        "SubtensorModule",
        &["schedule_swap_coldkey"],
        "retired on the chain: announcements replaced it",
    ),
    (
        "Utility",
        &["as_derivative", "dispatch_as", "with_weight", "if_else", "dispatch_as_fallible"],
        "no client sends them",
    ),
    ("Multisig", &["poke_deposit"], "deposits do not change"),
    ("Preimage", &["*"], "no scheduled calls"),
    ("Scheduler", &["*"], "no scheduled calls"),
    ("Proxy", &["poke_deposit"], "deposits do not change"),
    (
        "AdminUtils",
        &[
            "swap_authorities",
            "schedule_grandpa_change",
            "sudo_set_evm_chain_id",
            "sudo_toggle_evm_precompile",
        ],
        "no consensus between nodes, no EVM",
    ),
    (
        "AdminUtils",
        &[
            "sudo_set_basket_concentration_cap",
            "sudo_set_basket_trading_enabled",
            "sudo_set_basket_trading_frozen",
            "sudo_set_basket_daily_turnover_cap",
            "sudo_set_basket_liquidity_cap",
        ],
        "no baskets",
    ),
    ("SafeMode", &["*"], "no safe mode"),
    ("Ethereum", &["*"], "no EVM"),
    ("EVM", &["*"], "no EVM"),
    ("BaseFee", &["*"], "no EVM"),
    (
        "Drand",
        &["write_pulse"],
        "sent unsigned by a node's off-chain worker; here storing a pulse is a control",
    ),
    (
        "AdminUtils",
        &["sudo_set_activity_cutoff"],
        "the item it sets is no longer read: the factor of the tempo replaced it",
    ),
    ("Drand", &["set_beacon_config"], "the beacon is the chain's own"),
    ("Contracts", &["*"], "no contracts"),
    (
        "MevShield",
        &[
            "announce_next_key",
            "store_encrypted",
            "set_max_pending_extrinsics_number",
            "set_on_initialize_weight",
            "set_stored_extrinsic_lifetime",
            "set_max_extrinsic_weight",
        ],
        "the key is fixed, and what is encrypted to it is applied at once instead of stored",
    ),
    ("LimitOrders", &["*"], "no relayers"),
];

#[test]
fn every_call_is_carried_out_or_filtered_for_a_reason() {
    let bench = Bench::new(Ruleset::V461);
    let interface = bench.runtime.interface();
    let (mut neither, mut both) = (Vec::new(), Vec::new());
    for pallet in interface.pallets() {
        for call in &pallet.calls {
            let filtered = FILTERED.iter().any(|(of, calls, _)| {
                *of == pallet.name && (calls.contains(&"*") || calls.contains(&call.name.as_str()))
            });
            let name = format!("{}.{}", pallet.name, call.name);
            match (bench.runtime.has_call(pallet.index, call.index), filtered) {
                (true, true) => both.push(name),
                (false, false) => neither.push(name),
                _ => {}
            }
        }
    }
    assert!(neither.is_empty(), "neither carried out nor filtered for a reason: {neither:?}");
    assert!(both.is_empty(), "carried out although said to be filtered: {both:?}");
    for (pallet, calls, _) in FILTERED {
        let known = |call: &&&str| **call != "*" && interface.call(pallet, call).is_none();
        assert_eq!(calls.iter().filter(known).count(), 0, "{pallet}: {calls:?}");
    }
}

#[test]
fn every_call_of_the_operation_table_is_carried_out() {
    let bench = Bench::new(Ruleset::V461);
    let mut missing = Vec::new();
    for (pallet, calls) in CALLS {
        for name in *calls {
            let call = bench.runtime.interface().call(pallet, name);
            if !call.is_some_and(|call| bench.runtime.has_call(call.pallet, call.index)) {
                missing.push(format!("{pallet}.{name}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// Storage that operations of the table read, besides what the node itself writes.
const STORAGE: &[(&str, &[&str])] = &[
    ("System", &["Account", "Number"]),
    (
        "SubtensorModule",
        &[
            "NetworksAdded",
            "Tempo",
            "Burn",
            "SubnetworkN",
            "Uids",
            "Keys",
            "IsNetworkMember",
            "Owner",
            "OwnedHotkeys",
            "StakingHotkeys",
            "LastEpochBlock",
            "PendingEpochAt",
            "SubnetEpochIndex",
            "BlocksSinceLastStep",
            "CollateralLockShare",
            "SubnetLocked",
            "CommitRevealWeightsEnabled",
            "WeightsSetRateLimit",
            "LastUpdate",
            "MinAllowedWeights",
            "ValidatorPermit",
            "RevealPeriodEpochs",
            "Weights",
            "Bonds",
            "WeightCommits",
            "TimelockedWeightCommits",
            "Axons",
            "Prometheus",
            "NeuronCertificates",
            "Lock",
            "Delegates",
            "MinDelegateTake",
            "MaxDelegateTake",
            "ChildKeys",
            "ParentKeys",
            "PendingChildKeys",
            "IdentitiesV2",
            "SubnetIdentitiesV3",
            "AutoStakeDestination",
            "RootClaimableThreshold",
            "ColdkeySwapAnnouncements",
            "ColdkeySwapDisputes",
            "SubnetOwner",
            "SubnetOwnerHotkey",
            "MechanismCountCurrent",
            "MechanismEmissionSplit",
            "SubnetTAO",
            "SubnetAlphaIn",
            "SubnetAlphaOut",
            "SubnetMovingPrice",
            "TokenSymbol",
            "TotalNetworks",
            "TxRateLimit",
            "WeightsVersionKey",
            "MaxAllowedUids",
            "MaxAllowedValidators",
            "ImmunityPeriod",
            "Active",
            "Consensus",
            "Incentive",
            "Dividends",
            "Emission",
            "AlphaV2",
            "TotalHotkeyAlpha",
            "TotalHotkeySharesV2",
            "FirstEmissionBlockNumber",
            "NetworkRegisteredAt",
            "SubnetMechanism",
            "SubtokenEnabled",
            "NetworkRegistrationAllowed",
            "SubnetTaoFlow",
        ],
    ),
    ("Commitments", &["CommitmentOf", "RevealedCommitments", "LastCommitment"]),
    ("Drand", &["Pulses", "LastStoredRound", "OldestStoredRound"]),
    ("Proxy", &["Proxies", "Announcements"]),
    ("Multisig", &["Multisigs"]),
    ("Sudo", &["Key"]),
    ("Crowdloan", &["Crowdloans", "Contributions"]),
];

/// What operations of the table read and nobody writes: clients get the default.
const UNWRITTEN: &[(&str, &str, &str)] = &[
    ("SubtensorModule", "MaxWeightsLimit", "a constant on the chain by now: it always passes"),
    ("SubtensorModule", "SubnetEpochConsensus", "Yuma, the default, is the only consensus here"),
    ("SubtensorModule", "DissolveCleanupQueue", "a dissolution is done at once"),
    ("SubtensorModule", "SubnetEmaTaoFlow", "flows are counted, their average is not used by 461"),
    ("SubtensorModule", "HotkeyLock", "nobody can lock"),
    ("SubtensorModule", "SubnetLeases", "no leases"),
];

#[test]
fn every_item_of_the_operation_table_is_written_or_stands_at_its_default_for_a_reason() {
    let written: BTreeSet<(&str, &str)> = Items::NAMES.iter().copied().collect();
    for (pallet, items) in STORAGE {
        for item in *items {
            assert!(written.contains(&(*pallet, *item)), "{pallet}.{item}");
        }
    }
    let bench = Bench::new(Ruleset::V461);
    for (pallet, item, _) in UNWRITTEN {
        assert!(bench.runtime.interface().storage(pallet, item).is_some(), "{pallet}.{item}");
        assert!(!written.contains(&(*pallet, *item)), "{pallet}.{item} is written after all");
    }
}

/// Runtime APIs that the runtime does not answer, by name or by prefix, with the reason. The node answers some of them; the rest say "none", an empty
/// list or zero.
const UNANSWERED: &[(&str, &str)] = &[
    ("Core_", "the node's own"),
    ("Metadata_", "the node's own"),
    ("AccountNonceApi_", "the node's own"),
    ("TransactionPaymentApi_", "the node's own"),
    ("TransactionPaymentCallApi_", "the node's own"),
    ("TaggedTransactionQueue_", "the node's own"),
    ("AuraApi_", "the node's own"),
    ("BlockBuilder_", "called by a node's own parts only"),
    ("GenesisBuilder_", "called by a node's own parts only"),
    ("OffchainWorkerApi_", "called by a node's own parts only"),
    ("SessionKeys_", "no consensus between nodes"),
    ("GrandpaApi_", "no consensus between nodes"),
    ("BabeApi_", "no consensus between nodes"),
    ("EthereumRuntimeRPCApi_", "no EVM"),
    ("ConvertTransactionRuntimeApi_", "no EVM"),
    ("ContractsApi_", "no contracts"),
    ("BetaBasketRuntimeApi_", "no baskets: none, an empty list, or zero is the true answer"),
    ("ShieldApi_", "called by a node's own parts only"),
    ("StakeInfoRuntimeApi_get_most_convicted_hotkey_on_subnet", "nobody can lock: none"),
];

#[test]
fn every_runtime_api_is_answered_or_left_for_a_reason() {
    let mut bench = Bench::new(Ruleset::V461);
    let names: Vec<String> =
        bench.runtime.interface().apis().map(|(name, _)| name.to_owned()).collect();
    assert!(names.len() > 100);
    for name in names {
        // Whatever is made of no arguments, it is known.
        let answered = bench.run(|runtime, cx| runtime.call_api(cx, &name, &[]).is_some());
        let left = UNANSWERED.iter().any(|(prefix, _)| name.starts_with(prefix));
        assert!(answered != left, "{name}: answered {answered}, left {left}");
    }
}
