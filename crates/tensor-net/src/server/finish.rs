//! Putting a reply into HTTP.

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use tensor_core::transport::Body;

use super::ReplyBody;
use super::body::Hold;
use crate::admission::Slot;
use crate::wire::Reply;

/// Puts a reply into HTTP. `held` is given back when a streamed body has ended.
pub(super) fn finish(
    reply: Reply,
    held: Option<(Hold, Option<Slot>)>,
) -> http::Response<ReplyBody> {
    let Reply { response, headers } = reply;
    let body = match response.body {
        Body::Full(bytes) => ReplyBody::full(bytes),
        Body::Stream(stream) => ReplyBody::stream(stream, held),
    };
    let mut out = http::Response::new(body);
    match http::StatusCode::from_u16(response.status) {
        Ok(status) => *out.status_mut() = status,
        Err(_) => *out.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR,
    }
    if let Ok(value) = HeaderValue::from_str(&response.content_type) {
        out.headers_mut().insert(CONTENT_TYPE, value);
    }
    for (name, value) in headers {
        // A value that HTTP cannot carry is left out: the answer itself is worth more.
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            out.headers_mut().append(name, value);
        }
    }
    out
}
