//! Every storage item that the runtime reads or writes, with its key and value types.

use std::collections::{BTreeMap, BTreeSet};

use super::record::{
    AccountInfo, Announcement, AxonInfo, ChainIdentity, Commitment, Crowdloan, HashCommit,
    LockState, MinerCollateralState, Multisig, NeuronCertificate, PrometheusInfo, ProxyDefinition,
    Pulse, RateLimitKey, SafeFloatBits, SubnetIdentity, TimelockedCommit, UsageTracker,
};
use super::{Account, Handle, Map, Resolver, Value};
use crate::local::interface::Interface;

macro_rules! items {
    ($($pallet:literal { $($field:ident: $ty:ty = $item:literal),* $(,)? })*) => {
        /// All handles.
        #[derive(Clone, Debug)]
        pub(crate) struct Items {
            $($(pub(crate) $field: $ty,)*)*
        }

        impl Items {
            /// Pallet and name of every item.
            #[cfg(test)]
            pub(crate) const NAMES: &[(&str, &str)] = &[$($(($pallet, $item),)*)*];

            /// Resolves every handle.
            ///
            /// # Errors
            /// The names that the interface lacks or types otherwise.
            pub(crate) fn resolve(interface: &Interface) -> Result<Self, Vec<String>> {
                let mut resolver = Resolver::new(interface);
                let items = Self {
                    $($($field: Handle::resolve(&mut resolver, $pallet, $item),)*)*
                };
                let missing = resolver.into_missing();
                if missing.is_empty() { Ok(items) } else { Err(missing) }
            }
        }
    };
}

/// A fixed-point number's bits: `I96F32`, `U64F64` and so on; the maths crate knows the point.
type Bits = u128;
type SignedBits = i128;
/// (storage index) = mechanism * 4096 + netuid.
type Index = u16;
type Netuid = u16;
type Relations = Vec<(u64, Account)>;
type Row = Vec<(u16, u16)>;

items! {
    "System" {
        account: Map<Account, AccountInfo> = "Account",
        number: Value<u32> = "Number",
        block_hash: Map<u32, [u8; 32]> = "BlockHash",
    }
    "Balances" {
        balances_issuance: Value<u64> = "TotalIssuance",
    }
    "Sudo" {
        sudo_key: Value<Account> = "Key",
    }
    "SubtensorModule" {
        // Globals.
        admin_freeze_window: Value<u16> = "AdminFreezeWindow",
        owner_hyperparam_rate_limit: Value<u16> = "OwnerHyperparamRateLimit",
        dissolve_schedule_duration: Value<u32> = "DissolveNetworkScheduleDuration",
        tao_weight: Value<u64> = "TaoWeight",
        ck_burn: Value<u64> = "CKBurn",
        max_delegate_take: Value<u16> = "MaxDelegateTake",
        min_delegate_take: Value<u16> = "MinDelegateTake",
        max_childkey_take: Value<u16> = "MaxChildkeyTake",
        min_childkey_take: Value<u16> = "MinChildkeyTake",
        min_childkey_take_per_subnet: Map<Netuid, u16> = "MinChildkeyTakePerSubnet",
        subnet_limit: Value<u16> = "SubnetLimit",
        total_issuance: Value<u64> = "TotalIssuance",
        total_stake: Value<u64> = "TotalStake",
        subnet_moving_alpha: Value<SignedBits> = "SubnetMovingAlpha",
        total_networks: Value<u16> = "TotalNetworks",
        network_immunity_period: Value<u64> = "NetworkImmunityPeriod",
        start_call_delay: Value<u64> = "StartCallDelay",
        network_min_lock_cost: Value<u64> = "NetworkMinLockCost",
        network_last_lock_cost: Value<u64> = "NetworkLastLockCost",
        network_lock_reduction_interval: Value<u64> = "NetworkLockReductionInterval",
        subnet_owner_cut: Value<u16> = "SubnetOwnerCut",
        network_rate_limit: Value<u64> = "NetworkRateLimit",
        nominator_min_required_stake: Value<u64> = "NominatorMinRequiredStake",
        weights_version_key_rate_limit: Value<u64> = "WeightsVersionKeyRateLimit",
        max_epochs_per_block: Value<u8> = "MaxEpochsPerBlock",
        tx_rate_limit: Value<u64> = "TxRateLimit",
        tx_delegate_take_rate_limit: Value<u64> = "TxDelegateTakeRateLimit",
        tx_childkey_take_rate_limit: Value<u64> = "TxChildkeyTakeRateLimit",
        stake_threshold: Value<u64> = "StakeThreshold",
        commit_reveal_version: Value<u16> = "CommitRevealWeightsVersion",
        network_registration_start_block: Value<u64> = "NetworkRegistrationStartBlock",
        max_mechanism_count: Value<u8> = "MaxMechanismCount",
        pending_childkey_cooldown: Value<u64> = "PendingChildKeyCooldown",
        emission_bar_rank: Value<u16> = "EmissionBarRank",
        emission_bar_quantile: Value<Bits> = "EmissionBarQuantile",
        emission_gate_exponent: Value<Bits> = "EmissionGateExponent",
        emission_gate_bar: Value<Bits> = "EmissionGateBar",
        tao_flow_cutoff: Value<SignedBits> = "TaoFlowCutoff",
        flow_norm_exponent: Value<Bits> = "FlowNormExponent",
        flow_ema_smoothing_factor: Value<u64> = "FlowEmaSmoothingFactor",
        net_tao_flow_enabled: Value<bool> = "NetTaoFlowEnabled",
        coldkey_swap_announcement_delay: Value<u32> = "ColdkeySwapAnnouncementDelay",
        coldkey_swap_reannouncement_delay: Value<u32> = "ColdkeySwapReannouncementDelay",
        // Keys and accounts.
        owner: Map<Account, Account> = "Owner",
        delegates: Map<Account, u16> = "Delegates",
        owned_hotkeys: Map<Account, Vec<Account>> = "OwnedHotkeys",
        staking_hotkeys: Map<Account, Vec<Account>> = "StakingHotkeys",
        auto_stake_destination: Map<(Account, Netuid), Account> = "AutoStakeDestination",
        auto_stake_coldkeys: Map<(Account, Netuid), Vec<Account>> = "AutoStakeDestinationColdkeys",
        identities: Map<Account, ChainIdentity> = "IdentitiesV2",
        auto_parent_delegation: Map<Account, bool> = "AutoParentDelegationEnabled",
        coldkey_swap_announcements: Map<Account, (u32, [u8; 32])> = "ColdkeySwapAnnouncements",
        coldkey_swap_disputes: Map<Account, u32> = "ColdkeySwapDisputes",
        staking_coldkeys_by_index: Map<u64, Account> = "StakingColdkeysByIndex",
        staking_coldkeys: Map<Account, u64> = "StakingColdkeys",
        num_staking_coldkeys: Value<u64> = "NumStakingColdkeys",
        last_hotkey_swap_on_netuid: Map<(Netuid, Account), u64> = "LastHotkeySwapOnNetuid",
        // Relations.
        childkey_take: Map<(Account, Netuid), u16> = "ChildkeyTake",
        pending_child_keys: Map<(Netuid, Account), (Relations, u64)> = "PendingChildKeys",
        child_keys: Map<(Account, Netuid), Relations> = "ChildKeys",
        parent_keys: Map<(Account, Netuid), Relations> = "ParentKeys",
        // Dividends.
        alpha_dividends: Map<(Netuid, Account), u64> = "AlphaDividendsPerSubnet",
        root_alpha_dividends: Map<(Netuid, Account), u64> = "RootAlphaDividendsPerSubnet",
        last_hotkey_emission: Map<(Account, Netuid), u64> = "LastHotkeyEmissionOnNetuid",
        root_claimable: Map<Account, BTreeMap<Netuid, SignedBits>> = "RootClaimable",
        root_claimed: Map<(Netuid, Account, Account), u128> = "RootClaimed",
        root_claimable_threshold: Map<Netuid, SignedBits> = "RootClaimableThreshold",
        // Pools.
        subnet_moving_price: Map<Netuid, SignedBits> = "SubnetMovingPrice",
        root_prop: Map<Netuid, Bits> = "RootProp",
        subnet_volume: Map<Netuid, u128> = "SubnetVolume",
        subnet_tao: Map<Netuid, u64> = "SubnetTAO",
        subnet_alpha_in_emission: Map<Netuid, u64> = "SubnetAlphaInEmission",
        subnet_emission_enabled: Map<Netuid, bool> = "SubnetEmissionEnabled",
        subnet_alpha_out_emission: Map<Netuid, u64> = "SubnetAlphaOutEmission",
        subnet_tao_in_emission: Map<Netuid, u64> = "SubnetTaoInEmission",
        subnet_excess_tao: Map<Netuid, u64> = "SubnetExcessTao",
        subnet_root_sell_tao: Map<Netuid, u64> = "SubnetRootSellTao",
        subnet_alpha_in: Map<Netuid, u64> = "SubnetAlphaIn",
        subnet_alpha_out: Map<Netuid, u64> = "SubnetAlphaOut",
        subnet_protocol_alpha: Map<Netuid, u64> = "SubnetProtocolAlpha",
        subnet_tao_flow: Map<Netuid, i64> = "SubnetTaoFlow",
        ema_price_halving_blocks: Map<Netuid, u64> = "EMAPriceHalvingBlocks",
        // Stake.
        total_hotkey_alpha: Map<(Account, Netuid), u64> = "TotalHotkeyAlpha",
        total_alpha_staked: Map<Netuid, u64> = "TotalAlphaStaked",
        total_hotkey_alpha_last_epoch: Map<(Account, Netuid), u64> = "TotalHotkeyAlphaLastEpoch",
        total_hotkey_shares: Map<(Account, Netuid), SafeFloatBits> = "TotalHotkeySharesV2",
        alpha_shares: Map<(Account, Account, Netuid), SafeFloatBits> = "AlphaV2",
        last_stake_block: Map<(Account, Account), u64> = "LastColdkeyHotkeyStakeBlock",
        lock: Map<(Account, Netuid, Account), LockState> = "Lock",
        miner_collateral: Map<(Netuid, Account, Account), MinerCollateralState> = "MinerCollateral",
        collateral_lock_share: Map<Netuid, u16> = "CollateralLockShare",
        collateral_drain_ratio: Map<Netuid, Bits> = "CollateralDrainRatio",
        // Subnets.
        networks_added: Map<Netuid, bool> = "NetworksAdded",
        token_symbol: Map<Netuid, Vec<u8>> = "TokenSymbol",
        owner_cut_enabled: Map<Netuid, bool> = "OwnerCutEnabled",
        owner_cut_auto_lock: Map<Netuid, bool> = "OwnerCutAutoLockEnabled",
        transfer_toggle: Map<Netuid, bool> = "TransferToggle",
        subnet_locked: Map<Netuid, u64> = "SubnetLocked",
        tempo: Map<Netuid, u16> = "Tempo",
        last_epoch_block: Map<Netuid, u64> = "LastEpochBlock",
        pending_epoch_at: Map<Netuid, u64> = "PendingEpochAt",
        subnet_epoch_index: Map<Netuid, u64> = "SubnetEpochIndex",
        activity_cutoff_factor_milli: Map<Netuid, u32> = "ActivityCutoffFactorMilli",
        first_emission_block: Map<Netuid, u64> = "FirstEmissionBlockNumber",
        subnet_mechanism: Map<Netuid, u16> = "SubnetMechanism",
        subnetwork_n: Map<Netuid, u16> = "SubnetworkN",
        network_registration_allowed: Map<Netuid, bool> = "NetworkRegistrationAllowed",
        network_pow_registration_allowed: Map<Netuid, bool> = "NetworkPowRegistrationAllowed",
        network_registered_at: Map<Netuid, u64> = "NetworkRegisteredAt",
        registered_subnet_counter: Map<Netuid, u64> = "RegisteredSubnetCounter",
        pending_server_emission: Map<Netuid, u64> = "PendingServerEmission",
        pending_validator_emission: Map<Netuid, u64> = "PendingValidatorEmission",
        pending_root_alpha: Map<Netuid, u64> = "PendingRootAlphaDivs",
        pending_owner_cut: Map<Netuid, u64> = "PendingOwnerCut",
        miner_burned: Map<Netuid, Bits> = "MinerBurned",
        blocks_since_last_step: Map<Netuid, u64> = "BlocksSinceLastStep",
        last_mechanism_step_block: Map<Netuid, u64> = "LastMechansimStepBlock",
        subnet_owner: Map<Netuid, Account> = "SubnetOwner",
        subnet_owner_hotkey: Map<Netuid, Account> = "SubnetOwnerHotkey",
        recycle_or_burn: Map<Netuid, u8> = "RecycleOrBurn",
        subtoken_enabled: Map<Netuid, bool> = "SubtokenEnabled",
        subnet_identities: Map<Netuid, SubnetIdentity> = "SubnetIdentitiesV3",
        // Hyperparameters.
        serving_rate_limit: Map<Netuid, u64> = "ServingRateLimit",
        rho: Map<Netuid, u16> = "Rho",
        alpha_sigmoid_steepness: Map<Netuid, i16> = "AlphaSigmoidSteepness",
        kappa: Map<Netuid, u16> = "Kappa",
        min_allowed_uids: Map<Netuid, u16> = "MinAllowedUids",
        max_allowed_uids: Map<Netuid, u16> = "MaxAllowedUids",
        immunity_period: Map<Netuid, u16> = "ImmunityPeriod",
        activity_cutoff: Map<Netuid, u16> = "ActivityCutoff",
        weights_version_key: Map<Netuid, u64> = "WeightsVersionKey",
        min_allowed_weights: Map<Netuid, u16> = "MinAllowedWeights",
        max_allowed_validators: Map<Netuid, u16> = "MaxAllowedValidators",
        adjustment_interval: Map<Netuid, u16> = "AdjustmentInterval",
        bonds_moving_average: Map<Netuid, u64> = "BondsMovingAverage",
        bonds_penalty: Map<Netuid, u16> = "BondsPenalty",
        bonds_reset_on: Map<Netuid, bool> = "BondsResetOn",
        weights_set_rate_limit: Map<Netuid, u64> = "WeightsSetRateLimit",
        scaling_law_power: Map<Netuid, u16> = "ScalingLawPower",
        target_registrations: Map<Netuid, u16> = "TargetRegistrationsPerInterval",
        adjustment_alpha: Map<Netuid, u64> = "AdjustmentAlpha",
        commit_reveal_enabled: Map<Netuid, bool> = "CommitRevealWeightsEnabled",
        burn: Map<Netuid, u64> = "Burn",
        difficulty: Map<Netuid, u64> = "Difficulty",
        min_burn: Map<Netuid, u64> = "MinBurn",
        max_burn: Map<Netuid, u64> = "MaxBurn",
        min_difficulty: Map<Netuid, u64> = "MinDifficulty",
        max_difficulty: Map<Netuid, u64> = "MaxDifficulty",
        burn_half_life: Map<Netuid, u16> = "BurnHalfLife",
        burn_increase_mult: Map<Netuid, Bits> = "BurnIncreaseMult",
        max_registrations_per_block: Map<Netuid, u16> = "MaxRegistrationsPerBlock",
        registrations_this_block: Map<Netuid, u16> = "RegistrationsThisBlock",
        registrations_this_interval: Map<Netuid, u16> = "RegistrationsThisInterval",
        rao_recycled: Map<Netuid, u64> = "RAORecycledForRegistration",
        liquid_alpha_on: Map<Netuid, bool> = "LiquidAlphaOn",
        yuma3_on: Map<Netuid, bool> = "Yuma3On",
        alpha_values: Map<Netuid, (u16, u16)> = "AlphaValues",
        liquid_alpha_consensus_mode: Map<Netuid, u8> = "LiquidAlphaConsensusMode",
        immune_owner_uids_limit: Map<Netuid, u16> = "ImmuneOwnerUidsLimit",
        min_non_immune_uids: Map<Netuid, u16> = "MinNonImmuneUids",
        mechanism_count: Map<Netuid, u8> = "MechanismCountCurrent",
        mechanism_emission_split: Map<Netuid, Vec<u16>> = "MechanismEmissionSplit",
        reveal_period: Map<Netuid, u64> = "RevealPeriodEpochs",
        // Neurons.
        stake_weight: Map<Netuid, Vec<u16>> = "StakeWeight",
        uids: Map<(Netuid, Account), u16> = "Uids",
        keys: Map<(Netuid, u16), Account> = "Keys",
        is_network_member: Map<(Account, Netuid), bool> = "IsNetworkMember",
        active: Map<Netuid, Vec<bool>> = "Active",
        consensus: Map<Netuid, Vec<u16>> = "Consensus",
        consensus_by_mechanism: Map<Index, Vec<u16>> = "ConsensusByMechanism",
        incentive: Map<Index, Vec<u16>> = "Incentive",
        dividends: Map<Netuid, Vec<u16>> = "Dividends",
        emission: Map<Netuid, Vec<u64>> = "Emission",
        last_update: Map<Index, Vec<u64>> = "LastUpdate",
        validator_trust: Map<Netuid, Vec<u16>> = "ValidatorTrust",
        validator_permit: Map<Netuid, Vec<bool>> = "ValidatorPermit",
        weights: Map<(Index, u16), Row> = "Weights",
        bonds: Map<(Index, u16), Row> = "Bonds",
        block_at_registration: Map<(Netuid, u16), u64> = "BlockAtRegistration",
        axons: Map<(Netuid, Account), AxonInfo> = "Axons",
        certificates: Map<(Netuid, Account), NeuronCertificate> = "NeuronCertificates",
        prometheus: Map<(Netuid, Account), PrometheusInfo> = "Prometheus",
        evm_address: Map<(Netuid, u16), ([u8; 20], u64)> = "AssociatedEvmAddress",
        uids_by_evm_address: Map<(Netuid, [u8; 20]), Vec<(u16, u64)>> = "AssociatedUidsByEvmAddress",
        voting_power: Map<(Netuid, Account), u64> = "VotingPower",
        total_voting_power: Map<Netuid, u64> = "TotalVotingPower",
        voting_power_tracked: Map<Netuid, bool> = "VotingPowerTrackingEnabled",
        voting_power_ends_at: Map<Netuid, u64> = "VotingPowerDisableAtBlock",
        voting_power_alpha: Map<Netuid, u64> = "VotingPowerEmaAlpha",
        // Limits and commits.
        transaction_key_last_block: Map<(Account, Netuid, u16), u64> = "TransactionKeyLastBlock",
        last_rate_limited_block: Map<RateLimitKey, u64> = "LastRateLimitedBlock",
        weight_commits: Map<(Index, Account), Vec<HashCommit>> = "WeightCommits",
        timelocked_commits: Map<(Index, u64), Vec<TimelockedCommit>> = "TimelockedWeightCommits",
    }
    "Swap" {
        fee_rate: Map<Netuid, u16> = "FeeRate",
        swap_balancer: Map<Netuid, u64> = "SwapBalancer",
        swap_initialized: Map<Netuid, bool> = "PalSwapInitialized",
        tao_reservoir: Map<Netuid, u64> = "BalancerTaoReservoir",
        alpha_reservoir: Map<Netuid, u64> = "BalancerAlphaReservoir",
    }
    "AlphaAssets" {
        total_alpha_issuance: Map<Netuid, u64> = "TotalAlphaIssuance",
        alpha_burned: Map<Netuid, u64> = "AlphaBurned",
        alpha_recycled: Map<Netuid, u64> = "AlphaRecycled",
    }
    "Commitments" {
        timelocked_index: Value<BTreeSet<(Netuid, Account)>> = "TimelockedIndex",
        commitment_of: Map<(Netuid, Account), Commitment> = "CommitmentOf",
        last_commitment: Map<(Netuid, Account), u32> = "LastCommitment",
        last_bonds_reset: Map<(Netuid, Account), u32> = "LastBondsReset",
        revealed_commitments: Map<(Netuid, Account), Vec<(Vec<u8>, u64)>> = "RevealedCommitments",
        used_space: Map<(Netuid, Account), UsageTracker> = "UsedSpaceOf",
        max_space: Value<u32> = "MaxSpace",
    }
    "Drand" {
        pulses: Map<u64, Pulse> = "Pulses",
        last_stored_round: Value<u64> = "LastStoredRound",
        oldest_stored_round: Value<u64> = "OldestStoredRound",
    }
    "Crowdloan" {
        next_crowdloan: Value<u32> = "NextCrowdloanId",
        crowdloans: Map<u32, Crowdloan> = "Crowdloans",
        contributions: Map<(u32, Account), u64> = "Contributions",
        max_contributions: Map<u32, u64> = "MaxContributions",
        current_crowdloan: Value<u32> = "CurrentCrowdloanId",
    }
    "Proxy" {
        proxies: Map<Account, (Vec<ProxyDefinition>, u64)> = "Proxies",
        announcements: Map<Account, (Vec<Announcement>, u64)> = "Announcements",
        real_pays_fee: Map<(Account, Account), ()> = "RealPaysFeeConsentV1",
    }
    "Multisig" {
        multisigs: Map<(Account, [u8; 32]), Multisig> = "Multisigs",
    }
}
