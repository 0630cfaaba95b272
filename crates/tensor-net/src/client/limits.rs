//! What one client may use: [`ClientLimits`].

use std::time::Duration;

/// Limits of a [`Client`](super::Client). The axon is a stranger too.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientLimits {
    /// Bytes of a request's body; 64 MiB.
    pub request_bytes: usize,
    /// Bytes of an answer's body; 16 MiB.
    pub response_bytes: usize,
    /// Bytes of an answer's head; 64 KiB.
    pub head_bytes: usize,
    /// Time to connect; 4 s.
    pub connect_time: Duration,
    /// How long an unused connection is kept; 4 s, less than the 5 s after which the Python axon
    /// closes it.
    pub idle_time: Duration,
    /// Unused connections to one axon; 8.
    pub idle_per_axon: usize,
    /// Unused connections in all; 1,024.
    pub idle: usize,
}

impl ClientLimits {
    /// Sets the bytes of a request's body.
    #[must_use]
    pub const fn with_request_bytes(mut self, bytes: usize) -> Self {
        self.request_bytes = bytes;
        self
    }

    /// Sets the bytes of an answer's body.
    #[must_use]
    pub const fn with_response_bytes(mut self, bytes: usize) -> Self {
        self.response_bytes = bytes;
        self
    }

    /// Sets the bytes of an answer's head.
    #[must_use]
    pub const fn with_head_bytes(mut self, bytes: usize) -> Self {
        self.head_bytes = bytes;
        self
    }

    /// Sets the time to connect.
    #[must_use]
    pub const fn with_connect_time(mut self, time: Duration) -> Self {
        self.connect_time = time;
        self
    }

    /// Sets how long an unused connection is kept.
    #[must_use]
    pub const fn with_idle_time(mut self, time: Duration) -> Self {
        self.idle_time = time;
        self
    }

    /// Sets the unused connections to one axon.
    #[must_use]
    pub const fn with_idle_per_axon(mut self, connections: usize) -> Self {
        self.idle_per_axon = connections;
        self
    }

    /// Sets the unused connections in all.
    #[must_use]
    pub const fn with_idle(mut self, connections: usize) -> Self {
        self.idle = connections;
        self
    }
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            request_bytes: 64 << 20,
            response_bytes: 16 << 20,
            head_bytes: 64 << 10,
            connect_time: Duration::from_secs(4),
            idle_time: Duration::from_secs(4),
            idle_per_axon: 8,
            idle: 1_024,
        }
    }
}
