//! A miner's presence on chain: [`Presence`] publishes its address and keeps the metagraph fresh.

use core::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::StreamExt;

use crate::Call;
use crate::account::Hotkey;
use crate::chain::{At, Chain, ChainError, Header};
use crate::key::Signer;
use crate::metagraph::{AxonInfo, Metagraph};
use crate::network::NetUid;
use crate::receipt::Receipt;

/// Keeps a miner reachable: whenever the chain does not say the miner's address, it publishes it; and
/// it hands over a fresh metagraph, for admission by stake and permit.
pub struct Presence {
    chain: Arc<dyn Chain>,
    signer: Arc<dyn Signer>,
    netuid: NetUid,
    address: SocketAddr,
    version: u32,
    every: u64,
}

/// What one block's work came to.
#[derive(Debug)]
#[non_exhaustive]
pub struct PresenceStep {
    /// The subnet as of that block.
    pub metagraph: Metagraph,
    /// What became of publishing the address, if that was needed.
    pub published: Option<Result<Receipt, ChainError>>,
}

impl Presence {
    /// A presence at `address`, looking after it every `every` blocks (at least 1).
    pub fn new(
        chain: Arc<dyn Chain>,
        signer: Arc<dyn Signer>,
        netuid: NetUid,
        address: SocketAddr,
        every: u64,
    ) -> Self {
        Self { chain, signer, netuid, address, version: 0, every: every.max(1) }
    }

    /// Sets the software version that is published.
    #[must_use]
    pub const fn with_version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Changes the address; the next step publishes it.
    pub const fn relocate(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// Looks at one block and publishes the address if it is not there.
    ///
    /// # Errors
    /// [`ChainError`] when the metagraph cannot be read. A failed publication is in the step.
    pub async fn step(&mut self, header: &Header) -> Result<PresenceStep, ChainError> {
        let metagraph = self.chain.metagraph(self.netuid, At::Hash(header.hash)).await?;
        let hotkey = Hotkey::new(self.signer.account_id());
        let published = match metagraph.by_hotkey(&hotkey) {
            Some(neuron) if neuron.axon.and_then(|axon| axon.address()) != Some(self.address) => {
                Some(self.publish().await)
            }
            _ => None,
        };
        Ok(PresenceStep { metagraph, published })
    }

    /// Steps through the chain's blocks until the stream ends, telling `observe` each outcome.
    pub async fn run(&mut self, mut observe: impl FnMut(Result<PresenceStep, ChainError>)) {
        let mut headers = self.chain.headers();
        while let Some(header) = headers.next().await {
            match header {
                Ok(header) if header.number.value().is_multiple_of(self.every) => {
                    observe(self.step(&header).await);
                }
                Ok(_) => {}
                Err(gap) => observe(Err(gap)),
            }
        }
    }

    /// Publishes the address now (`SubtensorModule.serve_axon`).
    ///
    /// # Errors
    /// [`ChainError::Rejected`] for loopback addresses, port 0, an unregistered hotkey, or when the
    /// last publication is too recent.
    pub async fn publish(&self) -> Result<Receipt, ChainError> {
        let axon = AxonInfo::new(self.address, self.version);
        let (ip, ip_type) = axon.to_chain();
        debug_assert_eq!(ip_type == 6, matches!(self.address.ip(), IpAddr::V6(_)));
        let call = Call::new("SubtensorModule", "serve_axon")
            .arg("netuid", self.netuid)
            .arg("version", axon.version)
            .arg("ip", ip)
            .arg("port", axon.port)
            .arg("ip_type", ip_type)
            .arg("protocol", axon.protocol)
            .arg("placeholder1", 0u8)
            .arg("placeholder2", 0u8);
        self.chain.submit(call, &*self.signer).await
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence")
            .field("netuid", &self.netuid)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
