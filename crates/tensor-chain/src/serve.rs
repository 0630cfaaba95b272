//! The local chain on a websocket, where the official clients of the public chain connect
//! unmodified.
//!
//! The table of methods is that of [`LocalRpc`]; here are only the transport and its limits.
//! Feature `ws-server`; needs a tokio runtime.

use std::net::SocketAddr;

use futures::StreamExt;
use jsonrpsee::{
    PendingSubscriptionSink, RpcModule, SubscriptionMessage,
    server::{
        BatchRequestConfig, PingConfig, RandomStringIdProvider, ServerBuilder, ServerConfig,
        ServerHandle,
    },
    types::{ErrorObjectOwned, Params},
};
use serde_json::value::RawValue;

use crate::local::{LocalChain, LocalRpc, RpcError};

/// Limits of the server, each named and bounded.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServeConfig {
    /// Most connections at a time (100).
    pub max_connections: u32,
    /// Most subscriptions of one connection (1,024).
    pub max_subscriptions_per_connection: u32,
    /// Largest request in bytes (15 MiB).
    pub max_request_bytes: u32,
    /// Largest answer in bytes (64 MiB).
    pub max_response_bytes: u32,
    /// Most requests in one batch (1,000).
    pub max_batch: u32,
    /// Most messages that wait for a slow connection (4,096); beyond that it waits for the reader.
    pub message_buffer: u32,
}

/// A running server. Dropping it stops the server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
}

/// Why the chain cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The method table contradicts itself.
    #[error("the method table is not consistent")]
    Table(#[from] jsonrpsee::core::RegisterMethodError),
}

impl LocalChain {
    /// Serves the chain's JSON-RPC on a websocket (and over HTTP for single requests) at `address`;
    /// port 0 takes a free one.
    ///
    /// Blocks are still made by the owner alone.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on.
    pub async fn serve(&self, address: SocketAddr) -> Result<Server, ServeError> {
        self.serve_with(address, ServeConfig::default()).await
    }

    /// [`serve`](Self::serve) with limits of one's own.
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve).
    pub async fn serve_with(
        &self,
        address: SocketAddr,
        config: ServeConfig,
    ) -> Result<Server, ServeError> {
        let module = module(self.rpc())?;
        let limits = ServerConfig::builder()
            .max_connections(config.max_connections)
            .max_subscriptions_per_connection(config.max_subscriptions_per_connection)
            .max_request_body_size(config.max_request_bytes)
            .max_response_body_size(config.max_response_bytes)
            .set_batch_request_config(BatchRequestConfig::Limit(config.max_batch))
            .set_message_buffer_capacity(config.message_buffer)
            // Clients expect ids that are strings.
            .set_id_provider(RandomStringIdProvider::new(16))
            .enable_ws_ping(PingConfig::new())
            .build();
        let listen = |source| ServeError::Listen { address, source };
        let server = ServerBuilder::with_config(limits).build(address).await.map_err(listen)?;
        let address = server.local_addr().map_err(listen)?;
        Ok(Server { address, handle: server.start(module) })
    }
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The websocket URL of it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Stops accepting, closes all connections, and waits until that is done.
    pub async fn stop(self) {
        let _ = self.handle.stop();
        self.handle.clone().stopped().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error says that it has stopped already.
        let _ = self.handle.stop();
    }
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            max_connections: 100,
            max_subscriptions_per_connection: 1_024,
            max_request_bytes: 15 * 1_024 * 1_024,
            max_response_bytes: 64 * 1_024 * 1_024,
            max_batch: 1_000,
            message_buffer: 4_096,
        }
    }
}

/// The method table as the server wants it.
fn module(rpc: LocalRpc) -> Result<RpcModule<LocalRpc>, ServeError> {
    let mut module = RpcModule::new(rpc);
    for name in LocalRpc::request_methods() {
        module.register_method(name, move |params, rpc, _| {
            rpc.request(name, raw(&params)?.as_deref()).map_err(error_object)
        })?;
    }
    for (open, notification, close) in LocalRpc::subscription_methods() {
        let (Some(&name), Some(&end)) = (open.first(), close.first()) else { continue };
        module.register_subscription(name, notification, end, move |params, pending, rpc, _| {
            let subscription =
                raw(&params).and_then(|p| rpc.subscribe(name, p.as_deref()).map_err(error_object));
            forward(subscription, pending)
        })?;
        for (names, known) in [(open, name), (close, end)] {
            for alias in names.iter().skip(1) {
                module.register_alias(alias, known)?;
            }
        }
    }
    Ok(module)
}

/// Hands a subscription's notifications on until either side ends it.
async fn forward(
    subscription: Result<crate::local::rpc::Subscription, ErrorObjectOwned>,
    pending: PendingSubscriptionSink,
) {
    let mut subscription = match subscription {
        Ok(subscription) => subscription,
        Err(error) => return pending.reject(error).await,
    };
    let Ok(sink) = pending.accept().await else { return };
    loop {
        let next = futures::future::select(subscription.next(), Box::pin(sink.closed()));
        let futures::future::Either::Left((Some(item), _)) = next.await else { return };
        if sink.send(SubscriptionMessage::from(item)).await.is_err() {
            return;
        }
    }
}

/// The parameters as they came; nothing if there are none.
fn raw(params: &Params<'_>) -> Result<Option<Box<RawValue>>, ErrorObjectOwned> {
    let Some(text) = params.as_str() else { return Ok(None) };
    RawValue::from_string(text.to_owned())
        .map(Some)
        .map_err(|_| error_object(RpcError::from_parts(-32_602, "Invalid params", None)))
}

fn error_object(error: RpcError) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(error.code, error.message, error.data)
}
