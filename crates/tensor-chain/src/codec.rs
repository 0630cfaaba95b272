//! The codec: neutral calls and values to SCALE bytes and back, by the metadata of the block in question.
//!
//! Nothing here knows a pallet. Whatever the runtime offers, also what it offers since yesterday, is
//! reached by name: calls, storage, constants, runtime APIs, events, errors. A name that is missing, an
//! argument too many or too few and a number that does not fit are errors which say so.
//!
//! No I/O: bytes in, bytes out.

mod decode;
mod encode;
mod event;
mod extrinsic;
mod failure;
mod layout;
mod metadata;
mod path;
mod storage;
mod typed;

pub use decode::DecodeError;
pub use encode::EncodeError;
pub use event::{EventRecord, Phase};
pub use extrinsic::{DecodedExtrinsic, Era, Extensions, SigningContext};
pub(crate) use extrinsic::{assemble, signing_bytes};
pub use failure::DispatchFailure;
pub use metadata::{Kind, Metadata, MetadataError, Missing, RuntimeApi};
pub use storage::{StorageEntry, StorageKeyError};
pub use typed::{TypedError, from_value};
