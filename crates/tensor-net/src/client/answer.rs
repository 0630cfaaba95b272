//! Reading the head of an answer, whoever brought it.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use tensor_core::transport::{Body, Response, TransportError};

use crate::wire::Dialect;

/// Makes a response of a head and a body. Nothing the peer says is trusted: a body that is announced
/// longer than `limit`, or compressed (we asked for no compression), is refused before it is read.
pub(crate) fn read_head(
    dialect: &dyn Dialect,
    head: &http::response::Parts,
    body: Body,
    limit: usize,
) -> Result<Response, TransportError> {
    let malformed = |reason: &str| TransportError::Malformed(reason.into());
    if head.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(malformed("the body is compressed, which was not asked for"));
    }
    let announced = head.headers.get(CONTENT_LENGTH).and_then(|text| text.to_str().ok());
    let announced = announced.and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(malformed("the body is announced longer than allowed"));
    }
    let status =
        dialect.status(head.status.as_u16(), &head.headers).map_err(TransportError::Malformed)?;
    let content_type = head.headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    let content_type = String::from_utf8_lossy(content_type.unwrap_or_default());
    Ok(Response::new(status, body).with_content_type(content_type))
}
