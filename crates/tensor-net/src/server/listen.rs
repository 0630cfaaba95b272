//! The service on a socket, through hyper: [`Server`].

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use core::future::Future;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer as HyperTimer};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::{AxonService, PeerAddr};
use crate::timer::TokioTimer;

/// An [`AxonService`] on a listening socket. Serves HTTP/1.1, keep-alive.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    service: AxonService,
    limits: ListenLimits,
}

/// Limits of a listening socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenLimits {
    /// Connections at once; more wait in the kernel. 1,024.
    pub connections: usize,
    /// Time for a request's head to arrive, also on an idle connection; 10 s.
    pub head_time: Duration,
    /// Time for requests in work to end once shutdown began; 30 s.
    pub drain_time: Duration,
}

impl Default for ListenLimits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            head_time: Duration::from_secs(10),
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
        Self { listener, service, limits: ListenLimits::default() }
    }

    /// Sets the limits of the socket.
    #[must_use]
    pub fn with_limits(mut self, limits: ListenLimits) -> Self {
        self.limits = limits;
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
        let Self { listener, service, limits } = self;
        let room = Arc::new(Semaphore::new(limits.connections));
        let (stop, stopped) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = async {
                // Never closed, so the only error cannot be.
                let place = Arc::clone(&room).acquire_owned().await.ok();
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                accepted = accepted => accepted,
                Some(_) = connections.join_next() => continue,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let connection = connection(
                        stream,
                        peer,
                        service.clone(),
                        limits.head_time,
                        stopped.clone(),
                    );
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                // Out of file descriptors, or a peer that was gone already. A pause keeps the
                // former from becoming a busy loop.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
        service.drain();
        drop(listener);
        drop(stopped);
        let _ = stop.send(());
        let drained = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(limits.drain_time, drained).await;
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    service: AxonService,
    head_time: Duration,
    mut stopped: watch::Receiver<()>,
) {
    // Answers are small and complete: waiting to fill a packet only costs time.
    let _ = stream.set_nodelay(true);
    let head_bytes = service.limits().head_bytes;
    let answer = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(PeerAddr(peer));
        let service = service.clone();
        async move { Ok::<_, core::convert::Infallible>(service.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(HyperTimer::new())
        .header_read_timeout(head_time)
        // hyper asks for at least 8 KiB, and the buffer also takes the first part of the body.
        .max_buf_size(head_bytes.max(8 << 10))
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    tokio::select! {
        // An error here is the peer's: it broke off or sent no HTTP.
        _ = connection.as_mut() => return,
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
