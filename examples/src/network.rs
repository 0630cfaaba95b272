//! Which chain and subnet a program is about, as its arguments name them.

#[cfg(feature = "network")]
use std::time::Duration;

use clap::Args;
use tensor_core::NetUid;

/// The chain, and the subnet on it.
#[derive(Clone, Debug, Args)]
pub struct NetworkArgs {
    /// The chain: finney, test, local (ws://127.0.0.1:9944), or addresses of nodes of one chain, of
    /// which the next is asked when one fails.
    #[arg(long, value_name = "NAME|URL", default_value = "local", value_delimiter = ',')]
    pub network: Vec<String>,
    /// The subnet.
    #[arg(long, value_name = "N")]
    pub netuid: Option<NetUid>,
}

impl NetworkArgs {
    /// The nodes' addresses.
    pub fn urls(&self) -> Vec<&str> {
        self.network.iter().map(|name| url(name)).collect()
    }

    /// The chain's client, which reconnects by itself.
    ///
    /// # Errors
    /// [`NetworkError`], whose line says what to do.
    #[cfg(feature = "network")]
    pub async fn connect(&self) -> Result<tensor_chain::Subtensor, NetworkError> {
        let connecting = tensor_chain::Subtensor::connect_any(self.urls());
        let connected = tokio::time::timeout(PATIENCE, connecting).await;
        let said = || self.urls().join(", ");
        match connected {
            Ok(Ok(chain)) => Ok(chain),
            Ok(Err(source)) => {
                Err(NetworkError::Unreachable { urls: said(), source: source.into() })
            }
            Err(late) => Err(NetworkError::Unreachable { urls: said(), source: late.into() }),
        }
    }

    /// The chain's client: not in this build.
    ///
    /// # Errors
    /// [`NetworkError::NotBuilt`].
    #[cfg(not(feature = "network"))]
    pub async fn connect(&self) -> Result<tensor_chain::Subtensor, NetworkError> {
        Err(NetworkError::NotBuilt)
    }

    /// The subnet.
    ///
    /// # Errors
    /// [`NetworkError::NoSubnet`] when none was said.
    pub fn subnet(&self) -> Result<NetUid, NetworkError> {
        self.netuid.ok_or(NetworkError::NoSubnet)
    }
}

/// The address of a network that has a name.
fn url(name: &str) -> &str {
    match name {
        "finney" => "wss://entrypoint-finney.opentensor.ai:443",
        "test" => "wss://test.finney.opentensor.ai:443",
        "local" => "ws://127.0.0.1:9944",
        url => url,
    }
}

/// Why there is no chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// No node answered.
    #[error(
        "no chain answers at {urls}; for a local one: cargo run --release --features localnet --bin localnet"
    )]
    Unreachable {
        /// Where it was looked for.
        urls: String,
        /// What was said.
        #[source]
        source: tensor_core::BoxError,
    },
    /// No subnet was said.
    #[error("say which subnet with --netuid")]
    NoSubnet,
    /// The program was built without the client's websocket.
    #[error("this build reaches no chain: build it with --features network")]
    NotBuilt,
}

/// How long the first connection may take.
#[cfg(feature = "network")]
const PATIENCE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_addresses() {
        let network = ["finney", "ws://10.0.0.1:9944"].map(Into::into).into();
        let args = NetworkArgs { network, netuid: None };
        let expected = ["wss://entrypoint-finney.opentensor.ai:443", "ws://10.0.0.1:9944"];
        assert_eq!(args.urls(), expected);
        assert!(args.subnet().unwrap_err().to_string().contains("--netuid"));
    }
}
