//! Setting the stage: the subnet is registered, neurons join, validators stake, switches are thrown.
//! Everything is a visible extrinsic, signed by whoever may.

use std::sync::Arc;

use tensor_core::call::Value;
use tensor_core::chain::{Chain, ChainError};
use tensor_core::receipt::Receipt;
use tensor_core::{Call, Keypair, NetUid, Tao};

use super::board::Board;
use super::cast::{Cast, Person};

/// What each validator stakes to itself, in TAO.
const STAKES: [u64; Cast::VALIDATORS] = [400, 300, 200];
/// What the owner must lock for the subnet, in TAO.
const LOCK_COST: u64 = 1_000;
/// What the first validator stakes on root, in TAO: without root stake a pool never grows.
const ROOT_STAKE: u64 = 100;

/// Acts on the chain and tells the board.
#[derive(Clone)]
pub struct Stage {
    chain: Arc<dyn Chain>,
    board: Board,
}

impl Stage {
    /// A stage on that chain.
    pub fn new(chain: Arc<dyn Chain>, board: Board) -> Self {
        Self { chain, board }
    }

    /// Registers and starts the subnet, and brings everybody in.
    ///
    /// # Errors
    /// What the chain refused.
    pub async fn set(&self, cast: &Cast) -> Result<NetUid, ChainError> {
        let netuid = self.found(cast).await?;
        for (person, role) in neurons(cast) {
            let register = Call::new("SubtensorModule", "burned_register")
                .arg("netuid", netuid)
                .arg("hotkey", person.hot());
            self.act(&person.coldkey, &format!("{} registers as {role}", person.name), register)
                .await?;
        }
        let start = Call::new("SubtensorModule", "start_call").arg("netuid", netuid);
        self.act(&cast.owner.coldkey, "the owner starts the subnet", start).await?;
        self.stake(cast, netuid).await?;
        Ok(netuid)
    }

    /// The owner registers the subnet; owner and sudo throw the switches.
    async fn found(&self, cast: &Cast) -> Result<NetUid, ChainError> {
        let admin = |name: &str| Call::new("AdminUtils", name);
        // What the owner locks becomes the pool: as deep as on the real chain, so that prices are sane.
        let lock = Tao::from_coins(LOCK_COST).unwrap_or(Tao::MAX);
        let lock = admin("sudo_set_network_min_lock_cost").arg("lock_cost", lock);
        self.sudo(cast, "sudo sets what a subnet costs", lock).await?;
        let register =
            Call::new("SubtensorModule", "register_network").arg("hotkey", cast.owner.hot());
        let receipt =
            self.act(&cast.owner.coldkey, "the owner registers a subnet", register).await?;
        let netuid = netuid_of(&receipt)
            .ok_or_else(|| ChainError::Missing("netuid in SubtensorModule.NetworkAdded".into()))?;
        // Hyperparameters may not change close to an epoch, and with a tempo of ten blocks that is always.
        let window = admin("sudo_set_admin_freeze_window").arg("window", 0u16);
        self.sudo(cast, "sudo lifts the admin freeze window", window).await?;
        let commit_reveal = admin("sudo_set_commit_reveal_weights_enabled")
            .arg("netuid", netuid)
            .arg("enabled", false);
        self.act(&cast.owner.coldkey, "the owner switches commit-reveal off", commit_reveal)
            .await?;
        let emission =
            admin("sudo_set_subnet_emission_enabled").arg("netuid", netuid).arg("enabled", true);
        self.sudo(cast, "sudo switches TAO emission on", emission).await?;
        let rate = admin("sudo_set_weights_set_rate_limit")
            .arg("netuid", netuid)
            .arg("weights_set_rate_limit", 1u64);
        self.sudo(cast, "sudo lets weights be set every block", rate).await?;
        let root = admin("sudo_set_subtoken_enabled")
            .arg("netuid", NetUid::ROOT)
            .arg("subtoken_enabled", true);
        self.sudo(cast, "sudo opens root for staking", root).await?;
        Ok(netuid)
    }

    async fn stake(&self, cast: &Cast, netuid: NetUid) -> Result<(), ChainError> {
        let first = &cast.validators[0];
        let join = Call::new("SubtensorModule", "root_register").arg("hotkey", first.hot());
        self.act(&first.coldkey, &format!("{} joins root", first.name), join).await?;
        self.add_stake(first, NetUid::ROOT, ROOT_STAKE).await?;
        for (validator, tao) in cast.validators.iter().zip(STAKES) {
            self.add_stake(validator, netuid, tao).await?;
        }
        Ok(())
    }

    async fn add_stake(
        &self,
        person: &Person,
        netuid: NetUid,
        tao: u64,
    ) -> Result<Receipt, ChainError> {
        let amount = Tao::from_coins(tao).unwrap_or(Tao::MAX);
        let call = Call::new("SubtensorModule", "add_stake")
            .arg("hotkey", person.hot())
            .arg("netuid", netuid)
            .arg("amount_staked", amount);
        let what = format!("{} stakes {tao} TAO on subnet {netuid}", person.name);
        self.act(&person.coldkey, &what, call).await
    }

    async fn sudo(&self, cast: &Cast, what: &str, call: Call) -> Result<Receipt, ChainError> {
        self.act(&cast.sudo, what, Call::new("Sudo", "sudo").arg("call", call)).await
    }

    /// Submits a call, waits until it is in a block, and says so.
    ///
    /// # Errors
    /// What the chain refused.
    pub async fn act(
        &self,
        signer: &Keypair,
        what: &str,
        call: Call,
    ) -> Result<Receipt, ChainError> {
        let name = call.to_string();
        let receipt = self.chain.submit(call, signer).await?;
        self.board.say(format!("block {}: {what} ({name})", receipt.block));
        Ok(receipt)
    }
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stage")
    }
}

fn neurons(cast: &Cast) -> impl Iterator<Item = (&Person, &'static str)> {
    let validators = cast.validators.iter().map(|person| (person, "validator"));
    validators.chain(cast.miners.iter().map(|(person, _)| (person, "miner")))
}

fn netuid_of(receipt: &Receipt) -> Option<NetUid> {
    let event = receipt.event("SubtensorModule", "NetworkAdded")?;
    let (_, netuid): &(String, Value) = event.fields.first()?;
    netuid.as_u64()?.try_into().ok().map(NetUid::new)
}
