//! Why the validator could not begin, or go on: [`Failure`].

use std::io;
use std::net::SocketAddr;

use tensor_chain::client::weights::keeper::KeeperError;
use tensor_core::score::ScoreError;
use tensor_core::{Hotkey, NetUid};

use super::state::StateError;
use super::tasks::TasksError;
use crate::hotkey::HotkeyError;
use crate::network::NetworkError;

/// Why the validator could not begin, or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// There is no key.
    #[error(transparent)]
    Key(#[from] HotkeyError),
    /// There are no tasks.
    #[error(transparent)]
    Tasks(#[from] TasksError),
    /// What is known cannot be read or kept.
    #[error(transparent)]
    State(#[from] StateError),
    /// What was set last cannot be read or kept, or another validator runs on it.
    #[error("the weights' file")]
    Keeper(#[from] KeeperError),
    /// There is no chain, or no subnet was named.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The chain could not be read.
    #[error("the chain cannot be read")]
    Chain(#[source] tensor_chain::Error),
    /// A share that is none.
    #[error("--rate")]
    Rate(#[from] ScoreError),
    /// The hotkey has no place on the subnet.
    #[error(
        "{hotkey} is not registered on subnet {netuid}; this program never registers: do so with \
         `btcli subnets register --netuid {netuid}`"
    )]
    Unregistered {
        /// The hotkey.
        hotkey: Hotkey,
        /// The subnet.
        netuid: NetUid,
    },
    /// The metrics' address cannot be listened on.
    #[error("cannot listen on {address}: choose another with --metrics")]
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
    /// A line cannot be written.
    #[error("the output cannot be written")]
    Output(#[source] io::Error),
}
