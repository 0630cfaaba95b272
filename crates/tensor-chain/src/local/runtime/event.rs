//! The events that the runtime deposits, each resolved once to its pallet and event index.

use super::ctx::EventId;
use crate::local::interface::Interface;

macro_rules! events {
    ($($pallet:literal { $($field:ident = $name:literal),* $(,)? })*) => {
        /// Every event that the runtime deposits.
        #[derive(Clone, Debug)]
        pub(crate) struct Events {
            $($(pub(crate) $field: EventId,)*)*
        }

        impl Events {
            /// Resolves all of them.
            ///
            /// # Errors
            /// The names that the interface lacks.
            pub(crate) fn resolve(interface: &Interface) -> Result<Self, Vec<String>> {
                let mut missing = Vec::new();
                let mut find = |pallet: &str, name: &str| {
                    match interface.event_index(pallet, name) {
                        Some((pallet, event)) => EventId { pallet, event },
                        None => {
                            missing.push(format!("event {pallet}.{name}"));
                            EventId { pallet: u8::MAX, event: u8::MAX }
                        }
                    }
                };
                let events = Self { $($($field: find($pallet, $name),)*)* };
                if missing.is_empty() { Ok(events) } else { Err(missing) }
            }
        }
    };
}

events! {
    "System" {
        new_account = "NewAccount", killed_account = "KilledAccount", remarked = "Remarked",
    }
    "Balances" {
        endowed = "Endowed", dust_lost = "DustLost", transfer = "Transfer",
        balance_set = "BalanceSet", reserved = "Reserved", unreserved = "Unreserved",
        deposit = "Deposit", withdraw = "Withdraw", burned = "Burned", issued = "Issued",
        issuance_forced = "TotalIssuanceForced",
    }
    "Crowdloan" {
        crowdloan_created = "Created", crowdloan_contributed = "Contributed",
        crowdloan_withdrew = "Withdrew", crowdloan_partially_refunded = "PartiallyRefunded",
        crowdloan_all_refunded = "AllRefunded", crowdloan_finalized = "Finalized",
        crowdloan_dissolved = "Dissolved", crowdloan_min_updated = "MinContributionUpdated",
        crowdloan_end_updated = "EndUpdated", crowdloan_cap_updated = "CapUpdated",
        crowdloan_max_updated = "MaxContributionUpdated",
    }
    "TransactionPayment" { fee_paid = "TransactionFeePaid" }
    "SubtensorModule" {
        max_delegate_take_set = "MaxDelegateTakeSet",
        evm_key_associated = "EvmKeyAssociated",
        voting_power_enabled = "VotingPowerTrackingEnabled",
        voting_power_disable_scheduled = "VotingPowerTrackingDisableScheduled",
        voting_power_disabled = "VotingPowerTrackingDisabled",
        voting_power_alpha_set = "VotingPowerEmaAlphaSet",
        network_added = "NetworkAdded", network_removed = "NetworkRemoved",
        stake_added = "StakeAdded", stake_removed = "StakeRemoved", stake_moved = "StakeMoved",
        stake_transferred = "StakeTransferred", stake_swapped = "StakeSwapped",
        weights_set = "WeightsSet", neuron_registered = "NeuronRegistered",
        max_allowed_uids_set = "MaxAllowedUidsSet", difficulty_set = "DifficultySet",
        adjustment_interval_set = "AdjustmentIntervalSet",
        registration_per_interval_set = "RegistrationPerIntervalSet",
        max_registrations_per_block_set = "MaxRegistrationsPerBlockSet", rho_set = "RhoSet",
        alpha_sigmoid_steepness_set = "AlphaSigmoidSteepnessSet", kappa_set = "KappaSet",
        min_allowed_weight_set = "MinAllowedWeightSet",
        weights_set_rate_limit_set = "WeightsSetRateLimitSet",
        immunity_period_set = "ImmunityPeriodSet",
        bonds_moving_average_set = "BondsMovingAverageSet", bonds_penalty_set = "BondsPenaltySet",
        max_allowed_validators_set = "MaxAllowedValidatorsSet", axon_served = "AxonServed",
        prometheus_served = "PrometheusServed",
        weights_version_key_set = "WeightsVersionKeySet", min_difficulty_set = "MinDifficultySet",
        max_difficulty_set = "MaxDifficultySet", serving_rate_limit_set = "ServingRateLimitSet",
        max_burn_set = "MaxBurnSet", min_burn_set = "MinBurnSet",
        max_epochs_per_block_set = "MaxEpochsPerBlockSet", tx_rate_limit_set = "TxRateLimitSet",
        tx_delegate_take_rate_limit_set = "TxDelegateTakeRateLimitSet",
        tx_childkey_take_rate_limit_set = "TxChildKeyTakeRateLimitSet",
        admin_freeze_window_set = "AdminFreezeWindowSet",
        owner_hyperparam_rate_limit_set = "OwnerHyperparamRateLimitSet",
        min_childkey_take_set = "MinChildKeyTakeSet", max_childkey_take_set = "MaxChildKeyTakeSet",
        min_childkey_take_per_subnet_set = "MinChildKeyTakePerSubnetSet",
        childkey_take_set = "ChildKeyTakeSet", registration_allowed = "RegistrationAllowed",
        pow_registration_allowed = "PowRegistrationAllowed", tempo_set = "TempoSet",
        rao_recycled_set = "RAORecycledForRegistrationSet",
        stake_threshold_set = "StakeThresholdSet", adjustment_alpha_set = "AdjustmentAlphaSet",
        subnet_owner_cut_set = "SubnetOwnerCutSet", network_rate_limit_set = "NetworkRateLimitSet",
        network_immunity_period_set = "NetworkImmunityPeriodSet",
        start_call_delay_set = "StartCallDelaySet",
        network_min_lock_cost_set = "NetworkMinLockCostSet", subnet_limit_set = "SubnetLimitSet",
        lock_reduction_interval_set = "NetworkLockCostReductionIntervalSet",
        take_decreased = "TakeDecreased", take_increased = "TakeIncreased",
        hotkey_swapped = "HotkeySwapped", hotkey_swapped_on_subnet = "HotkeySwappedOnSubnet",
        min_delegate_take_set = "MinDelegateTakeSet",
        coldkey_swap_announced = "ColdkeySwapAnnounced", coldkey_swap_reset = "ColdkeySwapReset",
        coldkey_swapped = "ColdkeySwapped", coldkey_swap_disputed = "ColdkeySwapDisputed",
        coldkey_swap_cleared = "ColdkeySwapCleared",
        coldkey_swap_announcement_delay_set = "ColdkeySwapAnnouncementDelaySet",
        coldkey_swap_reannouncement_delay_set = "ColdkeySwapReannouncementDelaySet",
        set_children_scheduled = "SetChildrenScheduled", set_children = "SetChildren",
        chain_identity_set = "ChainIdentitySet", subnet_identity_set = "SubnetIdentitySet",
        dissolve_duration_set = "DissolveNetworkScheduleDurationSet",
        weights_committed = "WeightsCommitted", weights_revealed = "WeightsRevealed",
        weights_batch_revealed = "WeightsBatchRevealed",
        batch_weights_completed = "BatchWeightsCompleted",
        batch_weights_with_errors = "BatchCompletedWithErrors",
        batch_weight_item_failed = "BatchWeightItemFailed", transfer_toggle = "TransferToggle",
        subnet_owner_hotkey_set = "SubnetOwnerHotkeySet",
        first_emission_block_set = "FirstEmissionBlockNumberSet",
        alpha_recycled = "AlphaRecycled", alpha_burned = "AlphaBurned",
        commit_reveal_periods_set = "CommitRevealPeriodsSet",
        commit_reveal_enabled = "CommitRevealEnabled", symbol_updated = "SymbolUpdated",
        commit_reveal_version_set = "CommitRevealVersionSet",
        timelocked_weights_committed = "TimelockedWeightsCommitted",
        timelocked_weights_revealed = "TimelockedWeightsRevealed",
        auto_stake_added = "AutoStakeAdded",
        incentive_emitted = "IncentiveAlphaEmittedToMiners",
        min_allowed_uids_set = "MinAllowedUidsSet",
        auto_stake_destination_set = "AutoStakeDestinationSet",
        min_non_immune_uids_set = "MinNonImmuneUidsSet", root_claimed = "RootClaimed",
        add_stake_burn = "AddStakeBurn", fee_paid_with_alpha = "TransactionFeePaidWithAlpha",
        burn_half_life_set = "BurnHalfLifeSet", burn_increase_mult_set = "BurnIncreaseMultSet",
        auto_parent_delegation_set = "AutoParentDelegationEnabledSet",
        activity_cutoff_factor_set = "ActivityCutoffFactorMilliSet",
        epoch_triggered = "EpochTriggered", epoch_deferred = "EpochDeferred",
        epoch_skipped = "EpochSkipped", liquid_alpha_mode_set = "LiquidAlphaConsensusModeSet",
        stake_and_hotkey_transferred = "StakeAndHotkeyTransferred",
    }
    "Utility" {
        batch_interrupted = "BatchInterrupted", batch_completed = "BatchCompleted",
        batch_with_errors = "BatchCompletedWithErrors", item_completed = "ItemCompleted",
        item_failed = "ItemFailed",
    }
    "Sudo" {
        sudid = "Sudid", sudo_key_changed = "KeyChanged", sudo_key_removed = "KeyRemoved",
        sudo_as_done = "SudoAsDone",
    }
    "Multisig" {
        new_multisig = "NewMultisig", multisig_approval = "MultisigApproval",
        multisig_executed = "MultisigExecuted", multisig_cancelled = "MultisigCancelled",
    }
    "Proxy" {
        proxy_executed = "ProxyExecuted", proxy_announced = "Announced",
        proxy_added = "ProxyAdded", proxy_removed = "ProxyRemoved",
        real_pays_fee_set = "RealPaysFeeSet", pure_created = "PureCreated",
        pure_killed = "PureKilled",
    }
    "Commitments" {
        commitment = "Commitment", timelock_commitment = "TimelockCommitment",
        commitment_revealed = "CommitmentRevealed",
    }
    "AdminUtils" {
        yuma3_toggled = "Yuma3EnableToggled", bonds_reset_toggled = "BondsResetToggled",
        subnet_emission_enabled_set = "SubnetEmissionEnabledSet",
        collateral_lock_share_set = "CollateralLockShareSet",
        collateral_drain_ratio_set = "CollateralDrainRatioSet",
    }
    "MevShield" { encrypted_submitted = "EncryptedSubmitted" }
    "Drand" { new_pulse = "NewPulse" }
    "Swap" { fee_rate_set = "FeeRateSet" }
}
