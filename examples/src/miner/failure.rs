//! Why the miner could not begin: [`Failure`].

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tensor_core::{Hotkey, NetUid, Tao};

use crate::hotkey::HotkeyError;
use crate::network::NetworkError;

/// Why the miner could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// There is no key.
    #[error(transparent)]
    Key(#[from] HotkeyError),
    /// The model cannot be loaded.
    #[error("the model cannot be served")]
    Model(#[from] tensor_ml::Error),
    /// The folder does not say what its model does.
    #[error("{}: nothing there says what the model does: say it with --task", .0.display())]
    Task(PathBuf),
    /// A model of pictures in a build without them.
    #[error("this build serves no pictures: build it with --features ml")]
    NoImages,
    /// There is no chain, or no subnet was named.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The chain could not be read.
    #[error("the chain cannot be read")]
    Chain(#[source] tensor_chain::Error),
    /// The hotkey has no place on the subnet.
    #[error(
        "{hotkey} is not registered on subnet {netuid}; this program never registers: do so with \
         `btcli subnets register --netuid {netuid}`, which costs {cost} now"
    )]
    Unregistered {
        /// The hotkey.
        hotkey: Hotkey,
        /// The subnet.
        netuid: NetUid,
        /// What a registration burns now.
        cost: Tao,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: choose another with {option}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Which option says it.
        option: &'static str,
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
