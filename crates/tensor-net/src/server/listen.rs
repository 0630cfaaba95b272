//! The service on a socket, through hyper: [`Server`].

use core::fmt;
use core::future::Future;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer as HyperTimer};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::patience::Patient;
use super::{AxonService, PeerAddr};
use crate::timer::TokioTimer;

/// An [`AxonService`] on a listening socket. Serves HTTP/1.1, keep-alive.
pub struct Server {
    listener: TcpListener,
    service: AxonService,
    limits: ListenLimits,
    #[cfg(feature = "tls")]
    tls: Option<tokio_rustls::TlsAcceptor>,
}

/// Limits of a listening socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenLimits {
    /// Connections at once; more wait in the kernel. 1,024.
    pub connections: usize,
    /// Connections at once from one address; more are closed. 256.
    pub connections_per_address: usize,
    /// Time for a request's head to arrive, also on an idle connection; 10 s.
    pub head_time: Duration,
    /// How long a peer may read nothing while there is something for it; 30 s.
    pub stall_time: Duration,
    /// Time for requests in work to end once shutdown began; 30 s.
    pub drain_time: Duration,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listener", &self.listener)
            .field("service", &self.service)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl ListenLimits {
    /// Sets the connections at once.
    #[must_use]
    pub const fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Sets the connections at once from one address.
    #[must_use]
    pub const fn with_connections_per_address(mut self, connections: usize) -> Self {
        self.connections_per_address = connections;
        self
    }

    /// Sets the time for a head to arrive.
    #[must_use]
    pub const fn with_head_time(mut self, time: Duration) -> Self {
        self.head_time = time;
        self
    }

    /// Sets how long a peer may read nothing.
    #[must_use]
    pub const fn with_stall_time(mut self, time: Duration) -> Self {
        self.stall_time = time;
        self
    }

    /// Sets the time for requests in work to end at shutdown.
    #[must_use]
    pub const fn with_drain_time(mut self, time: Duration) -> Self {
        self.drain_time = time;
        self
    }
}

impl Default for ListenLimits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            connections_per_address: 256,
            head_time: Duration::from_secs(10),
            stall_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(30),
        }
    }
}

impl Server {
    /// Binds the address; port 0 picks a free one.
    ///
    /// # Errors
    /// Whatever the system says, mostly that the port is taken.
    pub async fn bind(address: impl ToSocketAddrs, service: AxonService) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(address).await?, service))
    }

    /// Serves on a socket that is bound already.
    pub fn new(listener: TcpListener, mut service: AxonService) -> Self {
        service.timer.get_or_insert_with(|| Arc::new(TokioTimer));
        Self {
            listener,
            service,
            limits: ListenLimits::default(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Sets the limits of the socket.
    #[must_use]
    pub fn with_limits(mut self, limits: ListenLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Speaks TLS. Neurons of the network do not; this is for axons that a gateway or an own client
    /// reaches.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, config: Arc<tokio_rustls::rustls::ServerConfig>) -> Self {
        self.tls = Some(config.into());
        self
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the process ends. Dropping the future closes all connections.
    pub async fn serve(self) {
        self.serve_until(futures::future::pending()).await;
    }

    /// Serves until `shutdown` completes, then lets requests in work end, for as long as
    /// [`ListenLimits::drain_time`]. Dropping the future closes all connections.
    pub async fn serve_until(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, service, limits, .. } = &self;
        let room = Arc::new(Semaphore::new(limits.connections));
        let (stop, stopped) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut by_address: HashMap<IpAddr, usize> = HashMap::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = async {
                // Never closed, so the only error cannot be.
                let place = Arc::clone(&room).acquire_owned().await.ok();
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                accepted = accepted => accepted,
                Some(ended) = connections.join_next() => {
                    // The task cannot panic: what runs in it catches the miner's panics.
                    let Ok(peer) = ended else { continue };
                    if let Entry::Occupied(mut count) = by_address.entry(peer) {
                        *count.get_mut() -= 1;
                        if *count.get() == 0 {
                            count.remove();
                        }
                    }
                    continue;
                }
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let count = by_address.entry(peer.ip()).or_insert(0);
                    if *count >= limits.connections_per_address {
                        continue;
                    }
                    *count += 1;
                    let connection = self.connection(stream, peer, stopped.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                        peer.ip()
                    });
                }
                // Out of file descriptors, or a peer that was gone already. A pause keeps the
                // former from becoming a busy loop.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
        service.drain();
        let drain_time = limits.drain_time;
        // Closes the socket.
        drop(self);
        drop(stopped);
        let _ = stop.send(());
        let drained = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(drain_time, drained).await;
    }

    /// Serves one connection.
    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        stopped: watch::Receiver<()>,
    ) -> impl Future<Output = ()> + Send + 'static {
        // Answers are small and complete: waiting to fill a packet only costs time.
        let _ = stream.set_nodelay(true);
        let (service, limits) = (self.service.clone(), self.limits.clone());
        #[cfg(feature = "tls")]
        let tls = self.tls.clone();
        async move {
            #[cfg(feature = "tls")]
            if let Some(tls) = tls {
                // A peer that does not finish its handshake is cut off like one without a head.
                let accepted = tokio::time::timeout(limits.head_time, tls.accept(stream)).await;
                if let Ok(Ok(stream)) = accepted {
                    speak(stream, peer, service, &limits, stopped).await;
                }
                return;
            }
            speak(stream, peer, service, &limits, stopped).await;
        }
    }
}

/// Speaks HTTP on a stream until it ends or the server stops.
async fn speak<S>(
    stream: S,
    peer: SocketAddr,
    service: AxonService,
    limits: &ListenLimits,
    mut stopped: watch::Receiver<()>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let head_bytes = service.limits().head_bytes;
    let answer = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(PeerAddr(peer));
        let service = service.clone();
        async move { Ok::<_, core::convert::Infallible>(service.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(HyperTimer::new())
        .header_read_timeout(limits.head_time)
        // hyper asks for at least 8 KiB, and the buffer also takes the first part of the body.
        .max_buf_size(head_bytes.max(8 << 10))
        .serve_connection(TokioIo::new(Patient::new(stream, limits.stall_time)), answer);
    let mut connection = pin!(connection);
    tokio::select! {
        // An error here is the peer's: it broke off or sent no HTTP.
        _ = connection.as_mut() => return,
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
