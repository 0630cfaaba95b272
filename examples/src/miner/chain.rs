//! The miner's side of the chain: [`OnChain`] publishes its address and keeps who is welcome fresh.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::StreamExt as _;
use tensor_chain::Subtensor;
use tensor_core::chain::{At, Chain, ChainError, Header};
use tensor_core::drive::Presence;
use tensor_core::{Hotkey, Keypair, NetUid};
use tensor_net::admission::Policy;
use tensor_net::client::is_public;

use super::standing::Standing;
use super::{Args, Failure};
use crate::cause::line_of;

/// A registered hotkey's presence on a subnet.
pub(super) struct OnChain {
    chain: Subtensor,
    key: Keypair,
    netuid: NetUid,
    policy: Policy,
    standing: Arc<Standing>,
    /// Where others reach the axon, as the arguments say.
    external: Option<(IpAddr, Option<u16>)>,
    refresh: u64,
}

impl OnChain {
    /// Connects, and makes sure that the hotkey is registered.
    pub(super) async fn join(
        args: &Args,
        key: &Keypair,
        policy: Policy,
        standing: Arc<Standing>,
    ) -> Result<Self, Failure> {
        let netuid = args.network.subnet()?;
        let chain = args.network.connect().await?;
        let graph = chain.metagraph(netuid).await.map_err(Failure::Chain)?;
        let hotkey = Hotkey::new(key.account_id());
        if graph.uid_of(&hotkey).is_none() {
            let cost = chain.burn(netuid).await.map_err(Failure::Chain)?;
            return Err(Failure::Unregistered { hotkey, netuid, cost });
        }
        policy.update(&graph);
        let presence = &args.presence;
        let external = presence.external_ip.map(|ip| (ip, presence.external_port));
        let refresh = presence.refresh.max(1);
        Ok(Self { chain, key: key.clone(), netuid, policy, standing, external, refresh })
    }

    /// Looks at the chain by its blocks, for as long as it is polled: publishes the address when the
    /// chain says another, and takes over who is registered, permitted and staked.
    pub(super) async fn watch(self, listening: SocketAddr) {
        let address = match self.external {
            Some((ip, port)) => Some(SocketAddr::new(ip, port.unwrap_or_else(|| listening.port()))),
            None => Some(listening).filter(|address| is_public(address.ip())),
        };
        if address.is_none() {
            eprintln!(
                "miner: others cannot find this axon, for {listening} is no public address: say \
                 --external-ip to have it published"
            );
        }
        let mut presence = address.map(|address| {
            let (chain, key) = (Arc::new(self.chain.clone()), Arc::new(self.key.clone()));
            Presence::new(chain, key, self.netuid, address, self.refresh)
        });
        let mut headers = Chain::headers(&self.chain);
        let mut is_first = true;
        while let Some(header) = headers.next().await {
            let outcome = match header {
                Ok(header) if is_first || header.number.value() % self.refresh == 0 => {
                    self.step(&header, presence.as_mut()).await
                }
                Ok(_) => continue,
                Err(gap) => Err(gap),
            };
            match outcome {
                Ok(()) => is_first = false,
                Err(error) => self.standing.lost(&line_of(&error)),
            }
        }
    }

    async fn step(
        &self,
        header: &Header,
        presence: Option<&mut Presence>,
    ) -> Result<(), ChainError> {
        let graph = match presence {
            Some(presence) => {
                let step = presence.step(header).await?;
                match step.published {
                    Some(Ok(receipt)) => self.standing.published(receipt.block),
                    Some(Err(error)) => {
                        eprintln!("miner: the address is not published: {}", line_of(&error));
                    }
                    None => {}
                }
                step.metagraph
            }
            None => {
                let at = At::Hash(header.hash);
                Chain::metagraph(&self.chain, self.netuid, at).await?
            }
        };
        self.policy.update(&graph);
        let immunity = self.chain.immunity_period(self.netuid).await?;
        self.standing.update(&graph, immunity);
        Ok(())
    }
}
