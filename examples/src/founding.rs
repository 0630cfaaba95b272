//! Founding a subnet on a local chain, the shortest way: registered by its owner, switches thrown by
//! sudo, neurons registered and staked by one coldkey, started.
//!
//! On a real network none of this is a program's to do unasked.

use tensor_core::call::Value;
use tensor_core::chain::{Chain, ChainError};
use tensor_core::key::Scheme;
use tensor_core::{Call, Hotkey, Keypair, NetUid, Tao};

/// What the owner must lock for the subnet, in TAO. It becomes the pool: as deep as on the real chain,
/// so that a stake of some hundred TAO does not move the price much.
const LOCK_COST: u64 = 1_000;

/// What is founded.
#[derive(Debug)]
pub struct Founding<'a> {
    /// The subnet's owner.
    pub owner: &'a Keypair,
    /// The owner's own hotkey; whatever it mines is withheld, so nobody else should use it.
    pub owner_hotkey: Hotkey,
    /// Who pays for the neurons and for their stake. Not the owner, since incentive to the owner's
    /// hotkeys is withheld.
    pub coldkey: &'a Keypair,
    /// The neurons in the order of their uids, after the owner's, and what each stakes to itself.
    pub neurons: &'a [(Hotkey, Tao)],
    /// Further calls of sudo before the start: hyperparameters of one's own.
    pub rules: Vec<(&'static str, Vec<(&'static str, Value)>)>,
}

impl Founding<'_> {
    /// Does it. Weights may be set in every block, in the open unless `rules` say otherwise.
    ///
    /// # Errors
    /// What the chain refused.
    pub async fn found(self, chain: &dyn Chain) -> Result<NetUid, ChainError> {
        let sudo = Keypair::from_uri("//Alice", Scheme::Sr25519)
            .map_err(|error| ChainError::Missing(format!("the key of sudo: {error}")))?;
        let module = |name: &str| Call::new("SubtensorModule", name);
        let admin = |name: &str| Call::new("AdminUtils", name);
        let lock = admin("sudo_set_network_min_lock_cost")
            .arg("lock_cost", Tao::from_coins(LOCK_COST).unwrap_or(Tao::MAX));
        chain.submit(Call::new("Sudo", "sudo").arg("call", lock), &sudo).await?;
        let register = module("register_network").arg("hotkey", self.owner_hotkey);
        let receipt = chain.submit(register, self.owner).await?;
        let netuid = receipt
            .event("SubtensorModule", "NetworkAdded")
            .and_then(|event| event.fields.first()?.1.as_u64()?.try_into().ok())
            .map(NetUid::new)
            .ok_or_else(|| ChainError::Missing("netuid in SubtensorModule.NetworkAdded".into()))?;
        let mut calls = vec![
            admin("sudo_set_admin_freeze_window").arg("window", 0u16),
            admin("sudo_set_commit_reveal_weights_enabled")
                .arg("netuid", netuid)
                .arg("enabled", false),
            admin("sudo_set_subnet_emission_enabled").arg("netuid", netuid).arg("enabled", true),
            admin("sudo_set_weights_set_rate_limit")
                .arg("netuid", netuid)
                .arg("weights_set_rate_limit", 1u64),
        ];
        for (name, args) in self.rules {
            let call = admin(name).arg("netuid", netuid);
            calls.push(args.into_iter().fold(call, |call, (name, value)| call.arg(name, value)));
        }
        for call in calls {
            chain.submit(Call::new("Sudo", "sudo").arg("call", call), &sudo).await?;
        }
        for (hotkey, _) in self.neurons {
            let join = module("burned_register").arg("netuid", netuid).arg("hotkey", *hotkey);
            chain.submit(join, self.coldkey).await?;
        }
        chain.submit(module("start_call").arg("netuid", netuid), self.owner).await?;
        for (hotkey, stake) in self.neurons.iter().filter(|(_, stake)| *stake > Tao::ZERO) {
            let call = module("add_stake")
                .arg("hotkey", *hotkey)
                .arg("netuid", netuid)
                .arg("amount_staked", *stake);
            chain.submit(call, self.coldkey).await?;
        }
        Ok(netuid)
    }
}
