//! The program `miner`: a model behind a signed axon, on any network or on none.

mod args;
mod chain;
mod failure;
mod model;
mod standing;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tensor_core::{Hotkey, Keypair};
use tensor_net::admission::{Gated, Policy};
use tensor_net::server::{AxonBuilder, AxonService, Server};
use tensor_net::wire::btauth::Btauth;
use tensor_net::wire::epistula::Epistula;
use tensor_net::wire::synapse::{SynapseProtocol, SynapseSpec};

use crate::prometheus::Endpoint;
use crate::query::Protocol;
use crate::stop::Stop;
use chain::OnChain;
use standing::{Attended, Standing};

pub use args::{Admit, Args, Model, ModelArgs, PresenceArgs};
pub use failure::Failure;
pub use model::Task;

/// Serves until it is interrupted or terminated, then finishes what has begun.
///
/// # Errors
/// [`Failure`] when it cannot begin.
pub async fn run(args: &Args) -> Result<(), Failure> {
    let key = args.key.open()?;
    let me = Hotkey::new(key.account_id());
    let served = args.model.open()?;
    let policy = policy(args);
    let standing = Arc::new(Standing::new(me));
    let chain = match args.offline {
        true => None,
        false => Some(OnChain::join(args, &key, policy.clone(), Arc::clone(&standing)).await?),
    };

    let miner = Attended::new(Gated::new(served.miner, policy), Arc::clone(&standing));
    let service = speaking(&args.protocols, served.synapses, key).build(miner);
    let listen = |address, option| move |source| Failure::Listen { address, option, source };
    let server = Server::bind(args.listen, service.clone()).await;
    let server = server.map_err(listen(args.listen, "--listen"))?;
    let address = server.local_addr().map_err(listen(args.listen, "--listen"))?;
    let metrics = match args.metrics {
        Some(address) => Some(Endpoint::bind(address).await.map_err(listen(address, "--metrics"))?),
        None => None,
    };
    let mut stop = Stop::listen().map_err(Failure::Signal)?;
    if args.model.model != Model::Interop {
        eprintln!("miner: serving {}", served.says);
    }
    let measured: Option<SocketAddr> = metrics.as_ref().and_then(|metrics| metrics.address().ok());
    if let Some(address) = measured {
        eprintln!("miner: metrics at http://{address}/metrics");
    }
    writeln!(io::stdout(), "ready {address} {me}").map_err(Failure::Output)?;

    let watch = async {
        match chain {
            Some(chain) => chain.watch(address).await,
            None => std::future::pending().await,
        }
    };
    let report = || service.metrics().to_prometheus() + &standing.to_prometheus();
    let measure = async {
        match &metrics {
            Some(metrics) => metrics.serve(report).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = server.serve_until(async move { stop.asked().await }) => {}
        () = async { futures::join!(watch, measure, mind_the_clock(&service)); } => {}
    }
    Ok(())
}

/// Says so when most callers agree that this machine's clock is wrong, for as long as it is polled.
async fn mind_the_clock(service: &AxonService) {
    let mut was_wrong = false;
    loop {
        tokio::time::sleep(Duration::from_secs(30)).await;
        let wrong = service.metrics().clock_is_wrong;
        if let Some(difference) = wrong.filter(|_| !was_wrong) {
            let seconds = difference as f64 / 1e9;
            eprintln!(
                "miner: this machine's clock is wrong: most callers' are {seconds:.1} s ahead"
            );
        }
        was_wrong = wrong.is_some();
    }
}

/// A service of that key that speaks these protocols and signs its answers.
fn speaking(protocols: &[Protocol], synapses: Vec<SynapseSpec>, key: Keypair) -> AxonBuilder {
    let me = Hotkey::new(key.account_id());
    let mut service = AxonService::signed_by(key);
    for protocol in protocols {
        service = match protocol {
            Protocol::Btauth => service.with_protocol(Btauth::new(me)),
            Protocol::Epistula => service.with_protocol(Epistula::new(me)),
            Protocol::Synapse => {
                let synapses = synapses.iter().cloned();
                let empty = SynapseProtocol::new(me);
                service.with_protocol(synapses.fold(empty, SynapseProtocol::with_synapse))
            }
        };
    }
    service
}

/// Who is welcome, as the arguments say.
fn policy(args: &Args) -> Policy {
    let presence = &args.presence;
    let mut policy = match presence.admit {
        _ if args.offline => Policy::new(),
        Admit::Anyone => Policy::new(),
        Admit::Registered => Policy::new().require_registered(),
        Admit::Permit => Policy::new().require_permit(),
    };
    if let Some(stake) = presence.min_stake {
        policy = policy.with_min_stake(stake);
    }
    let policy = presence.allow.iter().fold(policy, |policy, hotkey| policy.allow(*hotkey));
    args.deny.iter().fold(policy, |policy, hotkey| policy.deny(*hotkey))
}
