//! An answer's body on its way: [`Arriving`].

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::Stream;
use hyper::body::{Body as _, Incoming};
use tensor_core::BoxError;
use tensor_core::transport::TransportError;

use super::http::Inner;
use super::pool::Connection;

/// The body of an answer on its way: bounded in size and time. Gives the connection back at its end.
pub(super) struct Arriving {
    pub(super) body: Incoming,
    pub(super) back: Option<(Arc<Inner>, SocketAddr, Connection)>,
    pub(super) left: usize,
    pub(super) deadline: BoxFuture<'static, ()>,
    pub(super) timeout: Duration,
}

impl Arriving {
    pub(super) fn done(mut self) {
        self.give_back();
    }

    fn give_back(&mut self) {
        if let Some((inner, address, connection)) = self.back.take() {
            inner.pool.keep(address, connection);
        }
    }
}

impl Stream for Arriving {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        // Time first: a peer that always has one more byte must not keep us.
        if this.deadline.as_mut().poll(context).is_ready() {
            this.back = None;
            return Poll::Ready(Some(Err(TransportError::Timeout(this.timeout).into())));
        }
        loop {
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                None => {
                    this.give_back();
                    return Poll::Ready(None);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => frame,
            };
            // Trailers carry nothing that we asked for.
            let Ok(data) = frame.into_data() else { continue };
            let Some(left) = this.left.checked_sub(data.len()) else {
                this.back = None;
                return Poll::Ready(Some(Err("the body is longer than allowed".into())));
            };
            this.left = left;
            return Poll::Ready(Some(Ok(data)));
        }
    }
}
