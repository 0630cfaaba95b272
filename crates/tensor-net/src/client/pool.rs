//! Connections kept for the next request to the same axon: [`Pool`].

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;

pub(super) type Connection = SendRequest<Full<Bytes>>;

/// Idle connections by address, the youngest used first.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Mutex<Idle>,
    per_address: usize,
    in_all: usize,
    idle_time: Duration,
}

#[derive(Debug, Default)]
struct Idle {
    by_address: HashMap<SocketAddr, Vec<(Connection, Instant)>>,
    count: usize,
}

impl Pool {
    pub(super) fn new(per_address: usize, in_all: usize, idle_time: Duration) -> Self {
        Self { idle: Mutex::default(), per_address, in_all, idle_time }
    }

    /// Takes a connection that may still be open.
    pub(super) fn take(&self, address: SocketAddr) -> Option<Connection> {
        let mut idle = self.lock();
        let waiting = idle.by_address.get_mut(&address)?;
        let youngest = waiting.pop();
        let taken = usize::from(youngest.is_some());
        let (connection, fresh) = match youngest {
            Some((connection, since)) => (Some(connection), since.elapsed() < self.idle_time),
            None => (None, false),
        };
        let mut gone = 0;
        if !fresh {
            // The youngest is too old, so all are.
            gone = waiting.len();
            idle.by_address.remove(&address);
        }
        idle.count -= gone + taken;
        connection.filter(|connection| fresh && !connection.is_closed())
    }

    /// Keeps a connection whose last answer has been read to the end.
    pub(super) fn keep(&self, address: SocketAddr, connection: Connection) {
        if connection.is_closed() {
            return;
        }
        let mut idle = self.lock();
        if idle.count >= self.in_all {
            idle.clean(self.idle_time);
            if idle.count >= self.in_all {
                return;
            }
        }
        let waiting = idle.by_address.entry(address).or_default();
        if waiting.len() < self.per_address {
            waiting.push((connection, Instant::now()));
            idle.count += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    fn clean(&mut self, idle_time: Duration) {
        self.by_address.retain(|_, waiting| {
            waiting.retain(|(connection, since)| {
                since.elapsed() < idle_time && !connection.is_closed()
            });
            !waiting.is_empty()
        });
        self.count = self.by_address.values().map(Vec::len).sum();
    }
}
