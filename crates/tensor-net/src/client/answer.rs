//! Reading the head of an answer, whoever brought it.

use core::mem;

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use tensor_core::transport::{Body, BodyError, Endpoint, Response, TransportError};

use crate::wire::response::{self, Answered};
use crate::wire::{Dialect, Proof};

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

/// Checks the answer's signature, for which the whole body must be there.
pub(crate) async fn authenticate(
    mut response: Response,
    head: &http::response::Parts,
    to: &Endpoint,
    proof: &Proof,
    limit: usize,
) -> Result<Response, TransportError> {
    if !response::is_signed(&head.headers) {
        return Ok(response);
    }
    let body = mem::replace(&mut response.body, Body::empty());
    let body = body.bytes(limit).await.map_err(body_error)?;
    // What was signed is the status on the wire, not what the dialect reads into it.
    let answered = Answered {
        status: head.status.as_u16(),
        body: &body,
        nonce: proof.nonce,
        request_signature: &proof.signature,
        caller: &proof.sender,
        axon: &to.hotkey,
    };
    response.authenticity = response::verify(&head.headers, &answered)
        .map_err(|_| TransportError::Forged(to.hotkey))?;
    response.body = Body::Full(body);
    Ok(response)
}

#[cfg(feature = "client")]
/// Refuses an answer that is not proven.
pub(crate) fn require_proof(response: &Response, to: &Endpoint) -> Result<(), TransportError> {
    match response.authenticity {
        tensor_core::transport::Authenticity::Verified => Ok(()),
        _ => Err(TransportError::Forged(to.hotkey)),
    }
}

/// A transport tells of its own deadline through the body's error.
pub(crate) fn body_error(error: BodyError) -> TransportError {
    match error {
        BodyError::Broken(source) => match source.downcast::<TransportError>() {
            Ok(error) => *error,
            Err(source) => TransportError::Malformed(BodyError::Broken(source).into()),
        },
        other => TransportError::Malformed(other.into()),
    }
}
