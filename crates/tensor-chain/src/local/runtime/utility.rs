//! Calls that carry calls: sudo and batches (chain rules 12.1, 12.11).

use parity_scale_codec::{Compact, Decode};

use super::accounts::lookup;
use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DecodedCall, DispatchResult, PostInfo, Registrar};
use super::error::{DispatchError, RawBytes, errors};
use super::{Account, Runtime};
use crate::local::storage::record::Address;

/// Calls of one batch.
const MAX_BATCH: usize = 10_922;

/// How a batch treats a failed item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnFailure {
    /// Keep what was done and stop.
    Stop,
    /// Undo everything.
    Undo,
    /// Go on.
    Continue,
}

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls.add(
        "Sudo",
        "sudo",
        &["call"],
        true,
        |runtime, cx, origin, input| {
            let (call, _) = runtime.split_call(input)?;
            runtime.sudo(cx, origin, call)
        },
        None,
    );
    calls.add(
        "Sudo",
        "sudo_unchecked_weight",
        &["call", "weight"],
        true,
        |runtime, cx, origin, input| {
            let (call, _) = runtime.split_call(input)?;
            <(Compact<u64>, Compact<u64>)>::decode(input).map_err(|_| DispatchError::Other)?;
            runtime.sudo(cx, origin, call)
        },
        None,
    );
    calls.add(
        "Sudo",
        "sudo_as",
        &["who", "call"],
        true,
        |runtime, cx, origin, input| {
            let who = Address::decode(input).map_err(|_| DispatchError::Other)?;
            let (call, _) = runtime.split_call(input)?;
            runtime.sudo_as(cx, origin, who, call)
        },
        None,
    );
    calls.add(
        "Sudo",
        "set_key",
        &["new"],
        true,
        |runtime, cx, origin, input| {
            let new = Address::decode(input).map_err(|_| DispatchError::Other)?;
            runtime.sudo_set_key(cx, origin, new)
        },
        None,
    );
    calls.add(
        "Sudo",
        "remove_key",
        &[],
        true,
        |runtime, cx, origin, _| runtime.sudo_remove_key(cx, origin),
        None,
    );
    calls.add(
        "Utility",
        "batch",
        &["calls"],
        true,
        |runtime, cx, origin, input| runtime.batch(cx, origin, input, OnFailure::Stop),
        None,
    );
    calls.add(
        "Utility",
        "batch_all",
        &["calls"],
        true,
        |runtime, cx, origin, input| runtime.batch(cx, origin, input, OnFailure::Undo),
        None,
    );
    calls.add(
        "Utility",
        "force_batch",
        &["calls"],
        true,
        |runtime, cx, origin, input| runtime.batch(cx, origin, input, OnFailure::Continue),
        None,
    );
}

impl Runtime {
    fn ensure_sudo(&self, cx: &Ctx<'_>, origin: Origin) -> Result<Account, DispatchError> {
        let who = origin.signed()?;
        if self.items.sudo_key.try_get(cx.state) == Some(who) {
            Ok(who)
        } else {
            Err(errors::Sudo::RequireSudo)
        }
    }

    fn sudo(&self, cx: &mut Ctx<'_>, origin: Origin, call: &[u8]) -> DispatchResult {
        self.ensure_sudo(cx, origin)?;
        let inner = DecodedCall::parse(call).ok_or(DispatchError::Other)?;
        let result = self.dispatch_nested(cx, Origin::Root, &inner).map(drop);
        let result = DispatchError::encode_result(result, &self.interface);
        cx.emit(self.events.sudid, result);
        // The sudo key pays nothing.
        Ok(PostInfo { free: true })
    }

    fn sudo_as(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        who: Address,
        call: &[u8],
    ) -> DispatchResult {
        self.ensure_sudo(cx, origin)?;
        let who = lookup(who)?;
        let inner = DecodedCall::parse(call).ok_or(DispatchError::Other)?;
        let result = self.dispatch_as(cx, who, &inner).map(drop);
        let result = DispatchError::encode_result(result, &self.interface);
        cx.emit(self.events.sudo_as_done, result);
        Ok(PostInfo { free: true })
    }

    fn sudo_set_key(&self, cx: &mut Ctx<'_>, origin: Origin, new: Address) -> DispatchResult {
        let old = self.ensure_sudo(cx, origin)?;
        let new = lookup(new)?;
        self.items.sudo_key.set(cx.state, &new);
        cx.emit(self.events.sudo_key_changed, (Some(old), new));
        Ok(PostInfo { free: true })
    }

    fn sudo_remove_key(&self, cx: &mut Ctx<'_>, origin: Origin) -> DispatchResult {
        self.ensure_sudo(cx, origin)?;
        self.items.sudo_key.kill(cx.state);
        cx.emit(self.events.sudo_key_removed, ());
        Ok(PostInfo { free: true })
    }

    fn batch(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        input: &mut &[u8],
        on_failure: OnFailure,
    ) -> DispatchResult {
        if origin == Origin::None {
            return Err(DispatchError::BadOrigin);
        }
        let calls = self.split_calls(input)?;
        if calls.len() > MAX_BATCH {
            return Err(errors::Utility::TooManyCalls);
        }
        let mut failed = false;
        for (index, call) in calls.into_iter().enumerate() {
            let inner = DecodedCall::parse(call).ok_or(DispatchError::Other)?;
            let result = if origin != Origin::Root && self.is_batch(&inner) {
                Err(errors::System::CallFiltered)
            } else {
                cx.transact(|cx| self.dispatch_nested(cx, origin, &inner))
            };
            match (result, on_failure) {
                (Ok(_), _) => cx.emit(self.events.item_completed, ()),
                (Err(error), OnFailure::Undo) => return Err(error),
                (Err(error), OnFailure::Stop) => {
                    let index = u32::try_from(index).unwrap_or(u32::MAX);
                    let error = RawBytes(error.encode_with(&self.interface));
                    cx.emit(self.events.batch_interrupted, (index, error));
                    return DONE;
                }
                (Err(error), OnFailure::Continue) => {
                    failed = true;
                    let error = RawBytes(error.encode_with(&self.interface));
                    cx.emit(self.events.item_failed, error);
                }
            }
        }
        let done = if failed { self.events.batch_with_errors } else { self.events.batch_completed };
        cx.emit(done, ());
        DONE
    }

    fn is_batch(&self, call: &DecodedCall<'_>) -> bool {
        let named = |name| {
            self.interface
                .call("Utility", name)
                .is_some_and(|c| (c.pallet, c.index) == (call.pallet, call.call))
        };
        named("batch") || named("batch_all") || named("force_batch")
    }

    /// Whether a batch is charged: not if every call in it is free.
    pub(crate) fn batch_pays(&self, call: &DecodedCall<'_>) -> bool {
        match self.split_calls(&mut &call.args[..]) {
            Ok(calls) => calls
                .iter()
                .any(|inner| DecodedCall::parse(inner).is_none_or(|inner| self.pays(&inner))),
            Err(_) => true,
        }
    }

    /// Whether [`batch_pays`](Self::batch_pays) decides for this call.
    pub(crate) fn pays_by_content(&self, call: &DecodedCall<'_>) -> bool {
        self.is_batch(call)
    }

    /// The bytes of each call of a `Vec<RuntimeCall>`.
    pub(crate) fn split_calls<'a>(
        &self,
        input: &mut &'a [u8],
    ) -> Result<Vec<&'a [u8]>, DispatchError> {
        let count = <Compact<u32>>::decode(input).map_err(|_| DispatchError::Other)?.0;
        (0..count).map(|_| self.split_call(input).map(|(call, _)| call)).collect()
    }

    /// The bytes of one call at the front of `input`, and what follows it.
    pub(crate) fn split_call<'a>(
        &self,
        input: &mut &'a [u8],
    ) -> Result<(&'a [u8], &'a [u8]), DispatchError> {
        let whole = *input;
        self.interface.skip(self.interface.call_type(), input).map_err(|_| DispatchError::Other)?;
        let (call, rest) = whole.split_at(whole.len() - input.len());
        Ok((call, rest))
    }
}
