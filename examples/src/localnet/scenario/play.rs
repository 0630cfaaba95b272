//! Playing a scenario: its keys, and one transaction after the other.

use std::collections::BTreeMap;

use serde_json::Value;
use tensor_chain::client::SetWeights;
use tensor_chain::intent::{
    AddStake, BurnedRegister, RegisterSubnet, ServeAxon, SetHyperparameter, StartCall, Sudo,
};
use tensor_chain::local::{LocalChain, Sealing};
use tensor_chain::{Intent, Subtensor};
use tensor_core::key::{Keypair, Scheme};
use tensor_core::wallet::layout;
use tensor_core::{Hotkey, NetUid, Tao, Uid};

use super::{Amount, Neuron, Scenario, ScenarioError, Subnet, value};

/// A scenario on a chain.
pub(super) struct Stage<'a> {
    scenario: &'a Scenario,
    chain: &'a LocalChain,
    client: Subtensor,
    /// The genesis' sudo key.
    sudo: Keypair,
}

impl<'a> Stage<'a> {
    pub(super) async fn new(
        scenario: &'a Scenario,
        chain: &'a LocalChain,
    ) -> Result<Self, ScenarioError> {
        chain.set_sealing(Sealing::Instant);
        let client = Subtensor::local(chain).await.map_err(|error| refused("the chain", error))?;
        Ok(Self { scenario, chain, client, sudo: key("sudo", "//Alice")? })
    }

    pub(super) async fn play(&self) -> Result<(), ScenarioError> {
        self.fund()?;
        for (index, subnet) in self.scenario.subnets.iter().enumerate() {
            self.subnet(&format!("subnets[{index}]"), subnet).await?;
        }
        for (index, stake) in self.scenario.stakes.iter().enumerate() {
            let at = format!("stakes[{index}]");
            let coldkey = self.coldkey(&format!("{at}.coldkey"), &stake.coldkey)?;
            let (_, hotkey) = self.hotkey(&format!("{at}.hotkey"), &stake.hotkey)?;
            let netuid = NetUid::new(stake.netuid);
            self.stake(&at, netuid, &coldkey, &hotkey, &stake.tao).await?;
        }
        Ok(())
    }

    fn fund(&self) -> Result<(), ScenarioError> {
        for (name, wallet) in &self.scenario.wallets {
            if let Some(amount) = &wallet.tao {
                let amount = amount.tao(&format!("wallets.{name}.tao"))?;
                let coldkey = self.coldkey(&format!("wallets.{name}.coldkey"), name)?;
                self.chain.fund(&coldkey.account_id(), amount.rao());
            }
        }
        for (address, amount) in &self.scenario.accounts {
            let at = format!("accounts.{address}");
            let amount = amount.tao(&at)?;
            let account = crate::localnet::args::account(address);
            self.chain.fund(&account.map_err(|reason| value(&at, reason))?, amount.rao());
        }
        Ok(())
    }

    async fn subnet(&self, at: &str, subnet: &Subnet) -> Result<(), ScenarioError> {
        let (coldkey, hotkey) = self.hotkey(&format!("{at}.owner"), &subnet.owner)?;
        let register = RegisterSubnet::new(Hotkey::new(hotkey.account_id()));
        let netuid = self.register(at, &register, &coldkey).await?;
        for (name, wanted) in &subnet.hyperparameters {
            let at = format!("{at}.hyperparameters.{name}");
            let set = SetHyperparameter::new(netuid, name.as_str(), argument(&at, wanted)?);
            self.act(&at, &Sudo(set), &self.sudo).await?;
        }
        if subnet.start {
            self.act(&format!("{at}.start"), &StartCall::new(netuid), &coldkey).await?;
        }
        for (index, neuron) in subnet.neurons.iter().enumerate() {
            self.neuron(&format!("{at}.neurons[{index}]"), netuid, neuron).await?;
        }
        if !subnet.weights.is_empty() {
            // Permits come with an epoch, and the owner has one anyway.
            let epoch = self.chain.advance_to_epoch(netuid.value());
            epoch.map_err(|error| value(&format!("{at}.weights"), error.to_string()))?;
        }
        for (validator, row) in &subnet.weights {
            self.weights(&format!("{at}.weights.{validator}"), netuid, validator, row).await?;
        }
        Ok(())
    }

    async fn register(
        &self,
        at: &str,
        register: &RegisterSubnet,
        coldkey: &Keypair,
    ) -> Result<NetUid, ScenarioError> {
        let receipt = self.client.execute(register, coldkey).await;
        let receipt = receipt.map_err(|error| refused(at, error))?;
        let added = receipt.event("SubtensorModule", "NetworkAdded");
        let netuid = added.and_then(|event| event.fields.first()?.1.as_u64());
        let netuid = netuid.and_then(|netuid| u16::try_from(netuid).ok());
        netuid.map(NetUid::new).ok_or_else(|| value(at, "the chain names no subnet"))
    }

    async fn neuron(&self, at: &str, netuid: NetUid, one: &Neuron) -> Result<(), ScenarioError> {
        let (coldkey, hotkey) = self.hotkey(&format!("{at}.hotkey"), &one.hotkey)?;
        let register = BurnedRegister::new(netuid, Hotkey::new(hotkey.account_id()));
        self.act(at, &register, &coldkey).await?;
        if let Some(amount) = &one.stake {
            self.stake(&format!("{at}.stake"), netuid, &coldkey, &hotkey, amount).await?;
        }
        if let Some(axon) = one.axon {
            self.act(&format!("{at}.axon"), &ServeAxon::new(netuid, axon), &hotkey).await?;
        }
        Ok(())
    }

    async fn stake(
        &self,
        at: &str,
        netuid: NetUid,
        coldkey: &Keypair,
        hotkey: &Keypair,
        amount: &Amount,
    ) -> Result<(), ScenarioError> {
        let amount: Tao = amount.tao(at)?;
        let stake = AddStake::new(Hotkey::new(hotkey.account_id()), netuid, amount)
            // A small new pool moves with any stake worth naming.
            .with_slippage(tensor_chain::intent::Slippage::Unbounded);
        self.act(at, &stake, coldkey).await
    }

    async fn weights(
        &self,
        at: &str,
        netuid: NetUid,
        validator: &str,
        row: &BTreeMap<String, f64>,
    ) -> Result<(), ScenarioError> {
        let (_, signer) = self.hotkey(at, validator)?;
        let graph = self.client.metagraph(netuid).await.map_err(|error| refused(at, error))?;
        let mut scores: Vec<(Uid, f64)> = Vec::new();
        for (name, weight) in row {
            let (_, hotkey) = self.hotkey(at, name)?;
            let neuron = graph.by_hotkey(&Hotkey::new(hotkey.account_id()));
            let neuron =
                neuron.ok_or_else(|| value(at, format!("{name:?} is no neuron of the subnet")))?;
            scores.push((neuron.uid, *weight));
        }
        let set = SetWeights::from_scores(netuid, scores);
        let outcome = self.client.set_weights(&set, &signer).await;
        let outcome = outcome.map_err(|error| refused(at, error))?;
        if outcome.receipt().is_none() {
            return Err(value(at, "the subnet's weights_set_rate_limit forbids it so early"));
        }
        Ok(())
    }

    async fn act(
        &self,
        at: &str,
        intent: &dyn Intent,
        signer: &Keypair,
    ) -> Result<(), ScenarioError> {
        let done = self.client.execute(intent, signer).await;
        done.map(|_| ()).map_err(|error| refused(at, error))
    }

    /// The coldkey of a wallet.
    fn coldkey(&self, at: &str, wallet: &str) -> Result<Keypair, ScenarioError> {
        let Some(entry) = self.scenario.wallets.get(wallet) else {
            return Err(value(at, format!("there is no wallet {wallet:?}")));
        };
        match &entry.coldkey {
            Some(uri) => key(at, uri),
            None => key(at, &format!("//{wallet}")),
        }
    }

    /// Coldkey and hotkey of `wallet/hotkey`.
    fn hotkey(&self, at: &str, name: &str) -> Result<(Keypair, Keypair), ScenarioError> {
        let Ok((wallet, Some(hotkey))) = layout::split(name) else {
            return Err(value(at, format!("{name:?} is not of the form wallet/hotkey")));
        };
        let coldkey = self.coldkey(at, wallet.as_str())?;
        let entry = self.scenario.wallets.get(wallet.as_str());
        let uri = entry.and_then(|entry| entry.hotkeys.get(hotkey.as_str()));
        let derived = || format!("//{}//{}", wallet.as_str(), hotkey.as_str());
        let hotkey = key(at, &uri.cloned().unwrap_or_else(derived))?;
        Ok((coldkey, hotkey))
    }
}

fn refused(at: &str, source: tensor_chain::Error) -> ScenarioError {
    ScenarioError::Refused { at: at.to_owned(), source: Box::new(source) }
}

/// A key from a secret URI, of which a mnemonic is one.
fn key(at: &str, uri: &str) -> Result<Keypair, ScenarioError> {
    // The URI is a secret: the error does not repeat it.
    Keypair::from_uri(uri, Scheme::Sr25519).map_err(|error| value(at, error.to_string()))
}

/// A hyperparameter's value.
fn argument(at: &str, json: &Value) -> Result<tensor_core::call::Value, ScenarioError> {
    use tensor_core::call::Value as Argument;
    match json {
        Value::Bool(flag) => Ok(Argument::Bool(*flag)),
        Value::Array(items) => {
            let items = items.iter().map(|item| argument(at, item));
            Ok(Argument::List(items.collect::<Result<_, _>>()?))
        }
        _ => {
            let unsigned = json.as_u64().map(|number| Argument::Uint(number.into()));
            let signed = || json.as_i64().map(|number| Argument::Int(number.into()));
            unsigned
                .or_else(signed)
                .ok_or_else(|| value(at, "a whole number, true, false, or a list of these"))
        }
    }
}
