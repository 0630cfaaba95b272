//! What a chain begins with, declared as JSON and played by real transactions.
//!
//! The document has four parts, all optional; an unknown name in it is refused:
//!
//! - `wallets`: by name, each with the `coldkey` and the `hotkeys` as secret URIs or mnemonics, and with the
//!   `tao` that the coldkey gets. What is left out is a development key: wallet `miner` has coldkey
//!   `//miner`, and its hotkey `first` is `//miner//first`.
//! - `accounts`: TAO by SS58 address.
//! - `subnets`: each registered by the hotkey `owner` (written `wallet/hotkey`) and its coldkey, in this
//!   order, so the first one gets the first free netuid. `hyperparameters` by their names are set by root;
//!   the subnet is started unless `start` is false; then its `neurons` register (`hotkey`, and if said
//!   `stake` in TAO and `axon` as `ip:port`), and after an epoch, which gives permits, `weights` are
//!   set: by validator, a weight for each hotkey.
//! - `stakes`: more stake, of any `coldkey` (a wallet) on any `hotkey` in subnet `netuid`, in `tao`.
//!
//! Amounts are numbers, or texts where every digit counts. `examples/assets/scenario.json` is one.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::{Number, Value};
use tensor_chain::local::LocalChain;
use tensor_core::Tao;

mod play;

use play::Stage;

/// What a chain begins with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    wallets: BTreeMap<String, WalletEntry>,
    accounts: BTreeMap<String, Amount>,
    subnets: Vec<Subnet>,
    stakes: Vec<Stake>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WalletEntry {
    coldkey: Option<String>,
    hotkeys: BTreeMap<String, String>,
    tao: Option<Amount>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subnet {
    owner: String,
    #[serde(default = "yes")]
    start: bool,
    #[serde(default)]
    hyperparameters: BTreeMap<String, Value>,
    #[serde(default)]
    neurons: Vec<Neuron>,
    #[serde(default)]
    weights: BTreeMap<String, BTreeMap<String, f64>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Neuron {
    hotkey: String,
    stake: Option<Amount>,
    axon: Option<SocketAddr>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stake {
    coldkey: String,
    hotkey: String,
    netuid: u16,
    tao: Amount,
}

/// TAO as a number, or as a text where every digit counts.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Amount {
    Number(Number),
    Text(String),
}

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// It is no scenario.
    #[error("it is no scenario")]
    Json(#[from] serde_json::Error),
    /// A value of it makes no sense.
    #[error("{at}: {reason}")]
    Value {
        /// Where in the document.
        at: String,
        /// What is wrong.
        reason: String,
    },
    /// The chain refused a step.
    #[error("{at}: the chain refuses")]
    Refused {
        /// Where in the document.
        at: String,
        /// Why.
        #[source]
        source: Box<tensor_chain::Error>,
    },
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// [`ScenarioError::Json`] with the line of it.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        Ok(serde_json::from_str(text)?)
    }

    /// Plays it on a chain, a block per transaction.
    ///
    /// # Errors
    /// Where it makes no sense, and what the chain refused; what came before has happened.
    pub async fn play(&self, chain: &LocalChain) -> Result<(), ScenarioError> {
        let sealing = chain.config().sealing;
        let played = Stage::new(self, chain).await?.play().await;
        chain.set_sealing(sealing);
        played
    }
}

impl Amount {
    fn tao(&self, at: &str) -> Result<Tao, ScenarioError> {
        let text = match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        };
        text.parse().map_err(|error| value(at, format!("{text:?} is no amount of TAO: {error}")))
    }
}

fn yes() -> bool {
    true
}

fn value(at: &str, reason: impl Into<String>) -> ScenarioError {
    ScenarioError::Value { at: at.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use tensor_chain::Subtensor;
    use tensor_core::{NetUid, Uid};

    use super::*;

    const EXAMPLE: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/scenario.json"));

    #[tokio::test]
    async fn the_example_is_played() {
        let chain = LocalChain::builder().build().unwrap();
        Scenario::parse(EXAMPLE).unwrap().play(&chain).await.unwrap();
        assert!(chain.invariants().hold());
        let client = Subtensor::local(&chain).await.unwrap();
        let graph = client.metagraph(NetUid::new(2)).await.unwrap();
        assert_eq!(graph.len(), 4);
        let miner = graph.neuron(Uid::new(2)).unwrap();
        assert_eq!(miner.axon.unwrap().port, 8091);
        chain.advance_to_epoch(2).unwrap();
        chain.advance_to_epoch(2).unwrap();
        let graph = client.metagraph(NetUid::new(2)).await.unwrap();
        let earned = |uid| graph.neuron(Uid::new(uid)).unwrap().emission;
        assert!(earned(2) > earned(3) && earned(3).rao() > 0, "{:?} {:?}", earned(2), earned(3));
    }

    /// Errors say where they are.
    #[tokio::test]
    async fn what_makes_no_sense_is_refused() {
        let chain = LocalChain::builder().build().unwrap();
        let play = async |text: &str| {
            let outcome = match Scenario::parse(text) {
                Ok(scenario) => scenario.play(&chain).await,
                Err(error) => Err(error),
            };
            outcome.unwrap_err().to_string()
        };
        assert_eq!(play("{\"subnet\": []}").await, "it is no scenario");
        let text = play("{\"wallets\": {\"a\": {\"tao\": -1}}}").await;
        assert!(text.starts_with("wallets.a.tao: "), "{text}");
        let text = play("{\"subnets\": [{\"owner\": \"nobody/default\"}]}").await;
        assert_eq!(text, "subnets[0].owner: there is no wallet \"nobody\"");
        let poor = "{\"wallets\": {\"a\": {}}, \"subnets\": [{\"owner\": \"a/x\"}]}";
        assert_eq!(play(poor).await, "subnets[0]: the chain refuses");
    }
}
