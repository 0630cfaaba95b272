//! Axons and clients in one process, without sockets and without a runtime: [`Network`].
//!
//! Requests are signed and verified as on a real wire, by the same code. For tests, simulations and
//! programs that embed their whole subnet.

use core::fmt;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use http_body_util::Full;
use tensor_core::Signer;
use tensor_core::transport::{Endpoint, Request, Response, Transport, TransportError};

use crate::client::{authenticate, read_head};
use crate::server::{AxonService, PeerAddr};
use crate::timer::{Timer, within};
use crate::wire::btauth::BtauthDialect;
use crate::wire::{Dialect, Identity, Message};

/// Addresses and the services behind them. Cheap to clone; clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Network(Arc<Mutex<Axons>>);

#[derive(Debug, Default)]
struct Axons {
    services: HashMap<SocketAddr, AxonService>,
    bound: u32,
}

impl Network {
    /// A network that nobody is on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a service on the network and says under which address.
    pub fn bind(&self, service: AxonService) -> Endpoint {
        let mut axons = self.lock();
        axons.bound = axons.bound.wrapping_add(1);
        // 10.0.0.0/8 holds 16 million axons.
        let [_, b, c, d] = axons.bound.to_be_bytes();
        let address = SocketAddr::from((Ipv4Addr::new(10, b, c, d), 8091));
        let endpoint = Endpoint { hotkey: service.hotkey(), address };
        axons.services.insert(address, service);
        endpoint
    }

    /// Puts a service under this address, in place of what was there.
    pub fn bind_at(&self, address: SocketAddr, service: AxonService) -> Endpoint {
        let endpoint = Endpoint { hotkey: service.hotkey(), address };
        self.lock().services.insert(address, service);
        endpoint
    }

    /// Takes a service off the network, as if its process had been killed. Says whether one was there.
    pub fn unbind(&self, address: SocketAddr) -> bool {
        self.lock().services.remove(&address).is_some()
    }

    /// A client on this network that signs with this key, by the machine's clock, and speaks btauth/1.
    pub fn client(&self, signer: impl Signer + 'static) -> MemoryClient {
        self.client_as(Identity::new(signer))
    }

    /// A client on this network that signs as this identity and speaks btauth/1.
    pub fn client_as(&self, identity: Identity) -> MemoryClient {
        MemoryClient {
            network: self.clone(),
            identity,
            dialect: Arc::new(BtauthDialect::new()),
            timer: None,
        }
    }

    fn find(&self, address: SocketAddr) -> Option<AxonService> {
        self.lock().services.get(&address).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Axons> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A [`Transport`] to the services of a [`Network`].
///
/// The service runs inside the caller's future. Without a timer requests never time out.
#[derive(Clone)]
pub struct MemoryClient {
    network: Network,
    identity: Identity,
    dialect: Arc<dyn Dialect>,
    timer: Option<Arc<dyn Timer>>,
}

impl MemoryClient {
    /// Bodies of more bytes than this are not carried.
    pub const BODY_BYTES: usize = 64 << 20;

    /// Speaks this protocol instead of btauth/1.
    #[must_use]
    pub fn with_dialect(mut self, dialect: impl Dialect + 'static) -> Self {
        self.dialect = Arc::new(dialect);
        self
    }

    /// Keeps the requests' timeouts with this timer.
    #[must_use]
    pub fn with_timer(mut self, timer: impl Timer + 'static) -> Self {
        self.timer = Some(Arc::new(timer));
        self
    }
}

#[async_trait]
impl Transport for MemoryClient {
    async fn send(&self, to: &Endpoint, request: Request) -> Result<Response, TransportError> {
        let Some(service) = self.network.find(to.address) else {
            let source = "nobody listens at this address".into();
            return Err(TransportError::Unreachable { address: to.address, source });
        };
        let timeout = request.timeout;
        let work = async {
            let message = Message::collect(request, Self::BODY_BYTES).await?;
            let attempt = self.identity.attempt(self.dialect.as_ref(), to, &message).await?;
            let attempt = attempt.ask_for_signature();
            let proof = attempt.proof;
            let mut request = attempt.request.map(Full::new);
            request.extensions_mut().insert(PeerAddr(HERE));
            let (head, body) = service.answer(request).await.into_parts();
            let body = body.into_body();
            let response = read_head(self.dialect.as_ref(), &head, body, Self::BODY_BYTES)?;
            authenticate(response, &head, to, &proof, Self::BODY_BYTES).await
        };
        let outcome = within(self.timer.as_deref(), timeout, work).await;
        outcome.unwrap_or(Err(TransportError::Timeout(timeout)))
    }
}

impl fmt::Debug for MemoryClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryClient")
            .field("identity", &self.identity)
            .field("dialect", &self.dialect.name())
            .finish_non_exhaustive()
    }
}

/// Where requests of this network seem to come from.
const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 0);
