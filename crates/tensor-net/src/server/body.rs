//! Bodies on their way in and out: bounded reading, and [`ReplyBody`].

use core::fmt;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tensor_core::BoxError;
use tensor_core::miner::Reject;

use super::busy;
use crate::admission::Slot;
use crate::wire::Refusal;

/// Reads a body of at most `limit` bytes, counting what is held against `all`.
pub(super) async fn read<B>(body: B, limit: usize, all: &Gauge) -> Result<(Bytes, Hold), Refusal>
where
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    let mut held = all.hold(0).ok_or_else(busy)?;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(Refusal::Body("the body broke off")) };
        let Ok(mut data) = frame.into_data() else { continue };
        let have = first.len() + rest.len();
        if data.remaining() > limit.saturating_sub(have) {
            return Err(Reject::TooLarge { limit }.into());
        }
        if !held.grow(data.remaining()) {
            return Err(busy());
        }
        // Most bodies are one frame, which need not be copied.
        if have == 0 {
            first = data.copy_to_bytes(data.remaining());
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
                first = Bytes::new();
            }
            rest.put(data);
        }
    }
    Ok((if rest.is_empty() { first } else { rest.freeze() }, held))
}

/// Counts something up to a limit.
#[derive(Clone, Debug)]
pub(super) struct Gauge(Arc<Count>);

#[derive(Debug)]
struct Count {
    used: AtomicUsize,
    limit: usize,
}

impl Gauge {
    pub(super) fn new(limit: usize) -> Self {
        Self(Arc::new(Count { used: AtomicUsize::new(0), limit }))
    }

    /// How much is taken.
    pub(super) fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Takes `amount`, unless that is more than is left.
    pub(super) fn hold(&self, amount: usize) -> Option<Hold> {
        let mut hold = Hold { gauge: self.clone(), amount: 0 };
        hold.grow(amount).then_some(hold)
    }
}

/// What was taken from a [`Gauge`]; given back when dropped.
#[derive(Debug)]
pub(super) struct Hold {
    gauge: Gauge,
    amount: usize,
}

impl Hold {
    /// Takes more. Says no and takes nothing when it is not there.
    pub(super) fn grow(&mut self, more: usize) -> bool {
        let count = &*self.gauge.0;
        let take = |used: usize| used.checked_add(more).filter(|sum| *sum <= count.limit);
        let taken = count.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        self.amount += if taken { more } else { 0 };
        taken
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.gauge.0.used.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

/// The body of an answer.
pub struct ReplyBody(Kind);

enum Kind {
    Full(Option<Bytes>),
    Stream {
        stream: BoxStream<'static, Result<Bytes, BoxError>>,
        _held: Option<(Hold, Option<Slot>)>,
    },
}

impl ReplyBody {
    pub(super) fn full(bytes: Bytes) -> Self {
        Self(Kind::Full(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }

    pub(super) fn stream(
        stream: BoxStream<'static, Result<Bytes, BoxError>>,
        held: Option<(Hold, Option<Slot>)>,
    ) -> Self {
        Self(Kind::Stream { stream, _held: held })
    }

    /// The body as the core's type.
    pub fn into_body(self) -> tensor_core::transport::Body {
        match self.0 {
            Kind::Full(bytes) => tensor_core::transport::Body::Full(bytes.unwrap_or_default()),
            Kind::Stream { .. } => {
                let data = self.into_data_stream();
                tensor_core::transport::Body::Stream(data.boxed())
            }
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Stream { stream, .. } => {
                stream.poll_next_unpin(context).map(|next| next.map(|data| data.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Kind::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Kind::Stream { .. } => SizeHint::default(),
        }
    }
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Full(_) => "ReplyBody(full)",
            Kind::Stream { .. } => "ReplyBody(stream)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use http_body_util::StreamBody;

    fn chunks(parts: &[&'static str]) -> impl Body<Data = Bytes, Error = BoxError> + use<> {
        let frames: Vec<Result<_, BoxError>> =
            parts.iter().map(|part| Ok(Frame::data(Bytes::from_static(part.as_bytes())))).collect();
        StreamBody::new(futures::stream::iter(frames))
    }

    #[test]
    fn reading_is_bounded_and_gives_back() {
        let all = Gauge::new(8);
        let (body, held) = block_on(read(chunks(&["ab", "", "cd", "e"]), 5, &all)).unwrap();
        assert_eq!((body, held.amount), (Bytes::from("abcde"), 5));
        let too_long = block_on(read(chunks(&["ab", "cdef"]), 5, &all)).unwrap_err();
        assert_eq!(too_long.status(), 413);
        let no_memory = block_on(read(chunks(&["abcd"]), 5, &all)).unwrap_err();
        assert_eq!(no_memory.status(), 503);
        drop(held);
        assert!(block_on(read(chunks(&["abcde"]), 5, &all)).is_ok());
        assert_eq!(all.0.used.load(Ordering::Relaxed), 0);
    }
}
