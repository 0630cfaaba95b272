//! What this crate needs of a runtime, and what a runtime lacks of it.
//!
//! After an upgrade something may be gone that a read goes by. The read then fails with an error that
//! names it; [`Subtensor::lacks`] says so beforehand.

use super::Subtensor;
use crate::codec::{Kind, Missing};
use crate::error::Error;
use crate::intent;

/// Storage items that reads and submissions go by.
const STORAGE: &[&str] = &[
    "AlphaAssets.AlphaBurned",
    "Balances.TotalIssuance",
    "Commitments.CommitmentOf",
    "Commitments.RevealedCommitments",
    "Crowdloan.Contributions",
    "Crowdloan.Crowdloans",
    "Drand.LastStoredRound",
    "Drand.Pulses",
    "MevShield.NextKey",
    "Multisig.Multisigs",
    "Proxy.Proxies",
    "SubtensorModule.AccountFlags",
    "SubtensorModule.AssociatedEvmAddress",
    "SubtensorModule.AutoStakeDestination",
    "SubtensorModule.BasketRate",
    "SubtensorModule.BlocksSinceLastStep",
    "SubtensorModule.Bonds",
    "SubtensorModule.Burn",
    "SubtensorModule.ChildKeys",
    "SubtensorModule.ChildkeyThresholdSuspended",
    "SubtensorModule.ColdkeySwapAnnouncements",
    "SubtensorModule.ColdkeySwapDisputes",
    "SubtensorModule.CollateralDrainRatio",
    "SubtensorModule.CollateralLockShare",
    "SubtensorModule.CommitRevealWeightsEnabled",
    "SubtensorModule.CommitRevealWeightsVersion",
    "SubtensorModule.DecayingHotkeyLock",
    "SubtensorModule.DecayingOwnerLock",
    "SubtensorModule.Delegates",
    "SubtensorModule.Difficulty",
    "SubtensorModule.FirstEmissionBlockNumber",
    "SubtensorModule.HotkeyLock",
    "SubtensorModule.IdentitiesV2",
    "SubtensorModule.ImmunityPeriod",
    "SubtensorModule.IsNetworkMember",
    "SubtensorModule.LastEpochBlock",
    "SubtensorModule.LastUpdate",
    "SubtensorModule.Lock",
    "SubtensorModule.LockingColdkeys",
    "SubtensorModule.MaturityRate",
    "SubtensorModule.MaxDelegateTake",
    "SubtensorModule.MaxWeightsLimit",
    "SubtensorModule.MechanismCountCurrent",
    "SubtensorModule.MechanismEmissionSplit",
    "SubtensorModule.MinAllowedWeights",
    "SubtensorModule.MinDelegateTake",
    "SubtensorModule.MinerCollateral",
    "SubtensorModule.NetworkRegisteredAt",
    "SubtensorModule.NetworksAdded",
    "SubtensorModule.OwnedHotkeys",
    "SubtensorModule.Owner",
    "SubtensorModule.OwnerLock",
    "SubtensorModule.ParentKeys",
    "SubtensorModule.PendingChildKeys",
    "SubtensorModule.PendingEpochAt",
    "SubtensorModule.RevealPeriodEpochs",
    "SubtensorModule.RootClaimableThreshold",
    "SubtensorModule.StakingHotkeys",
    "SubtensorModule.StartCallDelay",
    "SubtensorModule.SubnetAlphaOut",
    "SubtensorModule.SubnetEmaTaoFlow",
    "SubtensorModule.SubnetEmissionEnabled",
    "SubtensorModule.SubnetEpochIndex",
    "SubtensorModule.SubnetIdentitiesV3",
    "SubtensorModule.SubnetLeases",
    "SubtensorModule.SubnetOwnerHotkey",
    "SubtensorModule.SubnetProtocolAlpha",
    "SubtensorModule.SubnetworkN",
    "SubtensorModule.Tempo",
    "SubtensorModule.TimelockedWeightCommits",
    "SubtensorModule.TokenSymbol",
    "SubtensorModule.TotalAlphaStaked",
    "SubtensorModule.TxRateLimit",
    "SubtensorModule.Uids",
    "SubtensorModule.UnlockRate",
    "SubtensorModule.ValidatorPermit",
    "SubtensorModule.ValidatorTrust",
    "SubtensorModule.Weights",
    "SubtensorModule.WeightsSetRateLimit",
    "SubtensorModule.WeightsVersionKey",
    "System.Account",
    "System.Events",
    "System.Number",
    "Timestamp.Now",
];

/// Runtime APIs that reads and submissions go by.
const RUNTIME_APIS: &[&str] = &[
    "BetaBasketRuntimeApi.get_all_beta_pricing",
    "BetaBasketRuntimeApi.get_all_validator_baskets",
    "BetaBasketRuntimeApi.get_basket_position",
    "BetaBasketRuntimeApi.get_basket_trading_status",
    "BetaBasketRuntimeApi.get_beta_pricing",
    "BetaBasketRuntimeApi.get_root_basket_owed",
    "BetaBasketRuntimeApi.get_root_basket_portfolio",
    "BetaBasketRuntimeApi.get_root_basket_positions",
    "BetaBasketRuntimeApi.get_root_basket_total_nav",
    "BetaBasketRuntimeApi.get_validator_basket",
    "BetaBasketRuntimeApi.get_validator_basket_nav",
    "BetaBasketRuntimeApi.get_validator_basket_summary",
    "DelegateInfoRuntimeApi.get_delegate",
    "DelegateInfoRuntimeApi.get_delegated",
    "DelegateInfoRuntimeApi.get_delegates",
    "NeuronInfoRuntimeApi.get_neuron_lite",
    "NeuronInfoRuntimeApi.get_neurons",
    "NeuronInfoRuntimeApi.get_neurons_lite",
    "StakeInfoRuntimeApi.get_hotkey_conviction",
    "StakeInfoRuntimeApi.get_most_convicted_hotkey_on_subnet",
    "StakeInfoRuntimeApi.get_stake_availability_for_coldkeys",
    "StakeInfoRuntimeApi.get_stake_info_for_coldkey",
    "StakeInfoRuntimeApi.get_stake_info_for_coldkeys",
    "StakeInfoRuntimeApi.get_stake_info_for_hotkey_coldkey_netuid",
    "SubnetInfoRuntimeApi.get_all_dynamic_info",
    "SubnetInfoRuntimeApi.get_dynamic_info",
    "SubnetInfoRuntimeApi.get_mechagraph",
    "SubnetInfoRuntimeApi.get_metagraph",
    "SubnetInfoRuntimeApi.get_next_epoch_start_block",
    "SubnetInfoRuntimeApi.get_selective_mechagraph",
    "SubnetInfoRuntimeApi.get_subnet_hyperparams_v3",
    "SubnetRegistrationRuntimeApi.get_network_registration_cost",
    "SwapRuntimeApi.current_alpha_price",
    "SwapRuntimeApi.current_alpha_price_all",
    "SwapRuntimeApi.sim_swap_alpha_for_tao",
    "SwapRuntimeApi.sim_swap_tao_for_alpha",
    "TransactionPaymentApi.query_info",
];

/// Constants that reads and submissions go by.
const CONSTANTS: &[&str] =
    &["Aura.SlotDuration", "Balances.ExistentialDeposit", "SubtensorModule.InitialStartCallDelay"];

impl Subtensor {
    /// What the runtime lacks of all that this crate's reads and intents go by. Everything else works.
    ///
    /// # Errors
    /// [`Error`] when the runtime cannot be read.
    pub async fn lacks(&self) -> Result<Vec<Missing>, Error> {
        let runtime = self.runtime().await?;
        let calls =
            intent::ALL.iter().flat_map(|info| info.calls).filter(|call| !call.ends_with('*'));
        let needs = [
            (Kind::Storage, STORAGE.to_vec()),
            (Kind::RuntimeApi, RUNTIME_APIS.to_vec()),
            (Kind::Constant, CONSTANTS.to_vec()),
            (Kind::Call, calls.copied().collect()),
        ];
        let mut lacks = Vec::new();
        for (kind, names) in needs {
            let missing = names.into_iter().filter(|name| !runtime.metadata.has(kind, name));
            lacks.extend(missing.map(|name| Missing::new(kind, name)));
        }
        lacks.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        lacks.dedup();
        Ok(lacks)
    }
}
