//! A bad network, the same one for the same seed: [`Faulty`].

use core::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tensor_core::transport::{Body, Endpoint, Request, Response, Transport, TransportError};

use crate::timer::Timer;

/// What goes wrong, in thousandths of all requests. The rest arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Faults {
    /// Lost on the way there: nobody is reached.
    pub lost: u16,
    /// Lost on the way back: the axon did the work, and the connection broke.
    pub cut: u16,
    /// Answered by somebody who is busy.
    pub busy: u16,
    /// One byte of the answer's body is another.
    pub garbled: u16,
    /// How long every request takes at least, and at most.
    pub delay: (Duration, Duration),
}

impl Faults {
    /// Loses this many in a thousand on the way there.
    #[must_use]
    pub const fn with_lost(mut self, thousandths: u16) -> Self {
        self.lost = thousandths;
        self
    }

    /// Breaks this many connections in a thousand after the work was done.
    #[must_use]
    pub const fn with_cut(mut self, thousandths: u16) -> Self {
        self.cut = thousandths;
        self
    }

    /// Answers this many in a thousand with 503.
    #[must_use]
    pub const fn with_busy(mut self, thousandths: u16) -> Self {
        self.busy = thousandths;
        self
    }

    /// Garbles this many answers in a thousand.
    #[must_use]
    pub const fn with_garbled(mut self, thousandths: u16) -> Self {
        self.garbled = thousandths;
        self
    }

    /// Delays every request by a time between these.
    #[must_use]
    pub const fn with_delay(mut self, least: Duration, most: Duration) -> Self {
        self.delay = (least, most);
        self
    }
}

/// A transport with faults. The n-th request meets the n-th fate of the seed, so a test that asks in a
/// fixed order meets the same faults every time.
pub struct Faulty<T> {
    inner: T,
    faults: Faults,
    random: Mutex<u64>,
    timer: Option<Box<dyn Timer>>,
}

impl<T: Transport> Faulty<T> {
    /// Puts faults into a transport. Delays need a timer.
    pub const fn new(inner: T, faults: Faults, seed: u64) -> Self {
        Self { inner, faults, random: Mutex::new(seed), timer: None }
    }

    /// Delays by this timer.
    #[must_use]
    pub fn with_timer(mut self, timer: impl Timer + 'static) -> Self {
        self.timer = Some(Box::new(timer));
        self
    }

    /// SplitMix64: small, and the same everywhere.
    fn next(&self) -> u64 {
        let mut state = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[async_trait]
impl<T: Transport> Transport for Faulty<T> {
    async fn send(&self, to: &Endpoint, request: Request) -> Result<Response, TransportError> {
        let fate = self.next();
        let other = self.next();
        let (least, most) = self.faults.delay;
        let spread = most.saturating_sub(least).mul_f64((other >> 11) as f64 / (1u64 << 53) as f64);
        if let Some(timer) = &self.timer {
            timer.sleep(least.saturating_add(spread)).await;
        }
        let unreachable =
            |text: &str| TransportError::Unreachable { address: to.address, source: text.into() };
        // The thousandths are cut into one stretch for each fault, in this order.
        let at = u16::try_from(fate % 1_000).unwrap_or(0);
        let mut border = 0u16;
        let mut meets = |share: u16| {
            let from = border;
            border = border.saturating_add(share);
            (from..border).contains(&at)
        };
        if meets(self.faults.lost) {
            return Err(unreachable("lost on the way"));
        }
        if meets(self.faults.busy) {
            return Ok(Response::new(503, r#"{"message":"busy"}"#));
        }
        let cut = meets(self.faults.cut);
        let garbled = meets(self.faults.garbled);
        let mut response = self.inner.send(to, request).await?;
        if cut {
            return Err(unreachable("the connection broke"));
        }
        if garbled {
            let body = core::mem::replace(&mut response.body, Body::empty());
            let body = body.bytes(64 << 20).await;
            let mut body = body.map_err(super::answer::body_error)?.to_vec();
            let place = usize::try_from(other).unwrap_or(0).checked_rem(body.len()).unwrap_or(0);
            if let Some(byte) = body.get_mut(place) {
                *byte = !*byte;
            }
            response.body = Body::Full(Bytes::from(body));
        }
        Ok(response)
    }
}

impl<T: fmt::Debug> fmt::Debug for Faulty<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty")
            .field("inner", &self.inner)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
