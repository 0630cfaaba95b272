//! The program `miner`: an axon for interop work, without a chain.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use clap::{Parser, ValueEnum};
use tensor_core::Hotkey;
use tensor_net::interop::{self, InteropMiner};
use tensor_net::server::{AxonService, Server};
use tensor_net::wire::btauth::Btauth;
use tensor_net::wire::epistula::Epistula;
use tensor_net::wire::synapse::SynapseProtocol;

use crate::hotkey::{HotkeyArgs, HotkeyError};
use crate::query::Protocol;
use crate::stop::Stop;

/// Serves a fixed set of synapses to any signed caller, for interop work.
#[derive(Debug, Parser)]
#[command(name = "miner", version)]
pub struct Args {
    /// Whose axon it is.
    #[command(flatten)]
    pub key: HotkeyArgs,
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8091")]
    pub listen: SocketAddr,
    /// What to serve.
    #[arg(long, value_enum, default_value_t = Model::Interop)]
    pub model: Model,
    /// Which protocols are served.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "btauth,synapse")]
    pub protocols: Vec<Protocol>,
    /// Must be said: there is no chain behind it, and any signed caller is served.
    #[arg(long, required = true)]
    pub offline: bool,
    /// Refuse this hotkey.
    #[arg(long, value_name = "SS58")]
    pub deny: Vec<Hotkey>,
}

/// What is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Model {
    /// The interop synapses.
    Interop,
}

/// Serves until it is interrupted or terminated, then finishes what has begun.
///
/// # Errors
/// [`Failure`] when it cannot begin.
pub async fn run(args: &Args) -> Result<(), Failure> {
    let key = args.key.open()?;
    let me = Hotkey::new(key.account_id());
    let mut service = AxonService::signed_by(key);
    for protocol in &args.protocols {
        service = match protocol {
            Protocol::Btauth => service.with_protocol(Btauth::new(me)),
            Protocol::Epistula => service.with_protocol(Epistula::new(me)),
            Protocol::Synapse => {
                let synapses = interop::synapses().into_iter();
                let empty = SynapseProtocol::new(me);
                service.with_protocol(synapses.fold(empty, SynapseProtocol::with_synapse))
            }
        };
    }
    let service = service.build(InteropMiner::new().with_denied(args.deny.iter().copied()));
    let listen = |source| Failure::Listen { address: args.listen, source };
    let server = Server::bind(args.listen, service).await.map_err(listen)?;
    let address = server.local_addr().map_err(listen)?;
    let mut stop = Stop::listen().map_err(Failure::Signal)?;
    writeln!(io::stdout(), "ready {address} {me}").map_err(Failure::Output)?;
    server.serve_until(async move { stop.asked().await }).await;
    Ok(())
}

/// Why the miner could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// There is no key.
    #[error(transparent)]
    Key(#[from] HotkeyError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Signals cannot be waited for.
    #[error("cannot wait for signals")]
    Signal(#[source] io::Error),
    /// The ready line cannot be written.
    #[error("the output cannot be written")]
    Output(#[source] io::Error),
}
