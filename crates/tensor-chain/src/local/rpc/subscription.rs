//! Subscriptions: a bounded queue between the chain, which never waits, and a reader, who may.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use futures::Stream;
use serde_json::value::RawValue;

use super::json;
use crate::local::block::Header;

/// One item of a subscription, kept unencoded where encoding would cost the block loop.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    /// A header.
    Head(Header),
    /// Anything already in JSON.
    Json(Arc<str>),
}

impl Item {
    fn into_json(self) -> Box<RawValue> {
        match self {
            Self::Head(header) => json::raw(&json::header(&header)),
            Self::Json(text) => RawValue::from_string(String::from(&*text)).unwrap_or_default(),
        }
    }
}

/// The chain's end of a subscription. It does not keep the subscription alive.
#[derive(Debug, Clone)]
pub(crate) struct Feed(Weak<Queue>);

impl Feed {
    /// Queues an item; false once nobody listens any more.
    pub(crate) fn send(&self, item: Item) -> bool {
        let Some(queue) = self.0.upgrade() else { return false };
        let waker = {
            let mut inner = queue.lock();
            if inner.closed {
                return false;
            }
            if inner.items.len() >= Subscription::MAX_QUEUED {
                // The oldest go: clients fill gaps between heads by number.
                inner.items.pop_front();
                inner.dropped = inner.dropped.saturating_add(1);
            }
            inner.items.push_back(item);
            inner.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Whether anybody can still read it.
    pub(crate) fn is_live(&self) -> bool {
        self.0.upgrade().is_some_and(|queue| !queue.lock().closed)
    }

    /// Ends the subscription after what is queued.
    pub(crate) fn close(&self) {
        let Some(queue) = self.0.upgrade() else { return };
        let waker = {
            let mut inner = queue.lock();
            inner.closed = true;
            inner.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The reader's end of a subscription: a stream of the results of its notifications.
///
/// Dropping it unsubscribes.
#[derive(Debug)]
pub struct Subscription {
    id: String,
    notification: &'static str,
    queue: Arc<Queue>,
}

impl Subscription {
    /// Most notifications that wait for a reader; beyond that the oldest are dropped.
    pub const MAX_QUEUED: usize = 16_384;

    pub(crate) fn new(id: String, notification: &'static str) -> Self {
        Self { id, notification, queue: Arc::default() }
    }

    /// The subscription's id, unique on this chain.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The method name of its notifications, for example `chain_newHead`.
    #[must_use]
    pub fn notification(&self) -> &'static str {
        self.notification
    }

    /// How many notifications were dropped because nobody read them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.queue.lock().dropped
    }

    pub(crate) fn feed(&self) -> Feed {
        Feed(Arc::downgrade(&self.queue))
    }
}

impl Stream for Subscription {
    type Item = Box<RawValue>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = {
            let mut inner = self.queue.lock();
            match inner.items.pop_front() {
                Some(item) => item,
                None if inner.closed => return Poll::Ready(None),
                None => {
                    inner.waker = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        };
        Poll::Ready(Some(item.into_json()))
    }
}

#[derive(Debug, Default)]
struct Queue(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    items: VecDeque<Item>,
    waker: Option<Waker>,
    closed: bool,
    dropped: u64,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
