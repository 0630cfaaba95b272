//! The story's chain on a websocket, for official clients: while it plays, and after it as it ended.

use std::io;

use tensor_chain::local::LocalChain;

/// Why the chain is not on a websocket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeFailure {
    /// The websocket cannot be opened.
    #[cfg(feature = "localnet")]
    #[error("the chain cannot be served; another --serve may be free, and 0 always finds one")]
    Listen(#[from] tensor_chain::serve::ServeError),
    /// The program was built without a server.
    #[error(
        "--serve needs feature `localnet`: cargo run --release --features localnet --bin subnet"
    )]
    NotBuilt,
    /// The system does not tell when to stop.
    #[error("signals cannot be listened to")]
    Signals(#[source] io::Error),
}

/// A chain on a websocket of this machine, until it is dropped.
#[derive(Debug)]
pub struct Served {
    #[cfg(feature = "localnet")]
    server: tensor_chain::serve::Server,
    #[cfg(not(feature = "localnet"))]
    server: std::convert::Infallible,
}

impl Served {
    /// Opens the websocket; port 0 takes a free one.
    ///
    /// # Errors
    /// The port cannot be listened on, or the program has no server.
    #[cfg(feature = "localnet")]
    pub async fn open(chain: &LocalChain, port: u16) -> Result<Self, ServeFailure> {
        Ok(Self { server: chain.serve(([127, 0, 0, 1], port).into()).await? })
    }

    /// Refuses.
    ///
    /// # Errors
    /// The program has no server.
    #[cfg(not(feature = "localnet"))]
    #[allow(clippy::unused_async, reason = "the one with a server awaits")]
    pub async fn open(_: &LocalChain, _: u16) -> Result<Self, ServeFailure> {
        Err(ServeFailure::NotBuilt)
    }

    /// Where the chain is.
    #[must_use]
    pub fn url(&self) -> String {
        #[cfg(feature = "localnet")]
        return self.server.url();
        #[cfg(not(feature = "localnet"))]
        match self.server {}
    }

    /// Serves on, until SIGINT or SIGTERM.
    ///
    /// # Errors
    /// The system does not tell of signals.
    pub async fn until_stopped(self) -> Result<(), ServeFailure> {
        let mut stop = crate::stop::Stop::listen().map_err(ServeFailure::Signals)?;
        stop.asked().await;
        #[cfg(feature = "localnet")]
        self.server.stop().await;
        Ok(())
    }
}
