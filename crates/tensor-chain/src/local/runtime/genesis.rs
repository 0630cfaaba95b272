//! What the first block holds: the reference local network's genesis, and our own for development (chain rules 15.1, 15.2).

use tensor_core::key::{Keypair, Scheme};
use tensor_yuma::pool::share::SafeFloat;

use super::ctx::Ctx;
use super::pool::DYNAMIC;
use super::{Account, Runtime};
use crate::local::config::Preset;
use crate::local::storage::record::SafeFloatBits;

/// One TAO in rao.
const TAO: u64 = 1_000_000_000;

/// The sr25519 account of a development URI such as `//Alice`.
///
/// # Panics
/// Never for the URIs below: derivation of a fixed valid URI is deterministic, and the tests derive each.
#[allow(clippy::expect_used, reason = "the URIs are constants that the tests derive")]
fn dev_account(uri: &str) -> Account {
    Keypair::from_uri(uri, Scheme::Sr25519).expect("a constant URI").account_id().to_bytes()
}

/// What the first block holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Genesis {
    /// Accounts and their free balances in rao.
    pub balances: Vec<(Account, u64)>,
    /// The sudo key.
    pub sudo: Option<Account>,
    /// Coldkey and hotkey that own root.
    pub root_owner: (Account, Account),
    /// Where this genesis is not the reference network's.
    pub deviations: Deviations,
}

/// The comforts of the development preset. Each is a value that root could set by itself, or is named here because it could not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deviations {
    /// Staking on root works at once.
    pub root_subtoken: bool,
    /// Blocks between two subnet registrations.
    pub network_rate_limit: Option<u64>,
    /// Least and first price of a subnet, in rao.
    pub network_lock_cost: Option<u64>,
    /// Blocks before an epoch in which hyperparameters cannot change.
    pub admin_freeze_window: Option<u16>,
    /// Weight of TAO on root against alpha, of `u64::MAX`.
    pub tao_weight: Option<u64>,
    /// A new subnet takes part in the TAO emission without root switching it on. No call does this on the real chain.
    pub emission_on_registration: bool,
    /// The TAO that subnet 1's pool claims at genesis lies on its account; in the reference genesis it does not exist.
    pub backed_pool: bool,
}

impl Genesis {
    /// The reference local network (`localnet`): Alice, Bob and Charlie with a million TAO each, six more with 2,000; sudo is Alice.
    #[must_use]
    pub fn localnet() -> Self {
        let rich = ["//Alice", "//Bob", "//Charlie"].map(|uri| (dev_account(uri), 1_000_000 * TAO));
        let others = ["//Dave", "//Eve", "//Ferdie", "//One", "//Two", "//Three"]
            .map(|uri| (dev_account(uri), 2_000 * TAO));
        let alice = dev_account("//Alice");
        Self {
            balances: rich.into_iter().chain(others).collect(),
            sudo: Some(alice),
            root_owner: (alice, dev_account("//Alice_hk")),
            deviations: Deviations::default(),
        }
    }

    /// The same with the comforts of development: staking on root, no waiting between subnets, a subnet for one TAO, hyperparameters changeable at any
    /// time, TAO weight 0.18 as on the main network, and new subnets that emit.
    #[must_use]
    pub fn dev() -> Self {
        Self {
            deviations: Deviations {
                root_subtoken: true,
                network_rate_limit: Some(0),
                network_lock_cost: Some(TAO),
                admin_freeze_window: Some(0),
                tao_weight: Some(3_320_413_933_267_719_290),
                emission_on_registration: true,
                backed_pool: true,
            },
            ..Self::localnet()
        }
    }
}

impl Preset {
    /// What the first block of this preset holds.
    #[must_use]
    pub fn genesis(self) -> Genesis {
        match self {
            Self::Dev => Genesis::dev(),
            Self::Localnet => Genesis::localnet(),
        }
    }
}

impl Runtime {
    /// Writes the genesis state. `Balances.TotalIssuance` is the sum of all accounts; the pallet's `TotalIssuance` begins at 0, as on the reference
    /// network, so that halvings count from what is minted.
    pub fn genesis(&self, cx: &mut Ctx<'_>, genesis: &Genesis) {
        for (who, rao) in &genesis.balances {
            self.endow(cx, who, *rao);
        }
        self.root_genesis(cx, genesis.root_owner);
        self.first_subnet(cx);
        if let Some(sudo) = genesis.sudo {
            self.items.sudo_key.set(cx.state, &sudo);
        }
        self.apply_deviations(cx, &genesis.deviations);
        self.items.total_issuance.set(cx.state, &0);
    }

    fn root_genesis(&self, cx: &mut Ctx<'_>, (coldkey, hotkey): (Account, Account)) {
        let items = &self.items;
        items.networks_added.set(cx.state, 0, &true);
        items.total_networks.set(cx.state, &1);
        items.subnet_owner.set(cx.state, 0, &coldkey);
        items.subnet_owner_hotkey.set(cx.state, 0, &hotkey);
        items.subnetwork_n.set(cx.state, 0, &0);
        items.max_allowed_uids.set(cx.state, 0, &64);
        items.max_allowed_validators.set(cx.state, 0, &64);
        items.min_allowed_weights.set(cx.state, 0, &0);
        items.tempo.set(cx.state, 0, &100);
        items.network_registration_allowed.set(cx.state, 0, &true);
        items.target_registrations.set(cx.state, 0, &1);
        items.token_symbol.set(cx.state, 0, &Self::symbol_of(0));
    }

    /// Subnet 1 of the reference genesis: owned by the all-zero account, never started.
    fn first_subnet(&self, cx: &mut Ctx<'_>) {
        let items = &self.items;
        let nobody: Account = [0; 32];
        items.subnet_mechanism.set(cx.state, 1, &DYNAMIC);
        items.owner.set(cx.state, nobody, &nobody);
        items.subnet_alpha_in.set(cx.state, 1, &(10 * TAO));
        items.subnet_tao.set(cx.state, 1, &(10 * TAO));
        items.networks_added.set(cx.state, 1, &true);
        items.total_networks.set(cx.state, &2);
        items.subnetwork_n.set(cx.state, 1, &0);
        items.max_allowed_uids.set(cx.state, 1, &256);
        items.max_allowed_validators.set(cx.state, 1, &64);
        items.min_allowed_weights.set(cx.state, 1, &0);
        items.tempo.set(cx.state, 1, &100);
        items.network_registration_allowed.set(cx.state, 1, &true);
        items.subnet_owner.set(cx.state, 1, &nobody);
        items.subnet_locked.set(cx.state, 1, &1);
        let shares = SafeFloat::from_int(TAO);
        let shares = SafeFloatBits { mantissa: shares.mantissa(), exponent: shares.exponent() };
        items.alpha_shares.set(cx.state, (nobody, nobody, 1), &shares);
        items.total_hotkey_alpha.set(cx.state, (nobody, 1), &TAO);
        items.total_hotkey_shares.set(cx.state, (nobody, 1), &shares);
        items.total_alpha_staked.set(cx.state, 1, &TAO);
        items.subnet_alpha_out.set(cx.state, 1, &TAO);
        items.total_alpha_issuance.set(cx.state, 1, &(11 * TAO));
        items.staking_hotkeys.set(cx.state, nobody, &vec![nobody]);
        self.append_neuron(cx, 1, &nobody);
        items.token_symbol.set(cx.state, 1, &Self::symbol_of(1));
    }

    fn apply_deviations(&self, cx: &mut Ctx<'_>, deviations: &Deviations) {
        let items = &self.items;
        if deviations.root_subtoken {
            items.subtoken_enabled.set(cx.state, 0, &true);
        }
        if let Some(limit) = deviations.network_rate_limit {
            items.network_rate_limit.set(cx.state, &limit);
        }
        if let Some(cost) = deviations.network_lock_cost {
            items.network_min_lock_cost.set(cx.state, &cost);
            items.network_last_lock_cost.set(cx.state, &cost);
        }
        if let Some(window) = deviations.admin_freeze_window {
            items.admin_freeze_window.set(cx.state, &window);
        }
        if let Some(weight) = deviations.tao_weight {
            items.tao_weight.set(cx.state, &weight);
        }
        if deviations.emission_on_registration {
            self.set_emission_on_registration(cx, true);
        }
        if deviations.backed_pool {
            self.endow(cx, &Self::subnet_account(1), 10 * TAO);
        }
    }
}
