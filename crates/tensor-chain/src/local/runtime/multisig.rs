//! Calls that several accounts must agree on (chain rules 12.3).

use parity_scale_codec::{Compact, Decode, Encode};
use sp_crypto_hashing::blake2_256;

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DecodedCall, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::{Account, Runtime};
use crate::local::storage::record::{Multisig, Timepoint};

/// Deposit for a pending call, and per signatory that it needs (`DepositBase`, `DepositFactor`).
const DEPOSIT: (u64, u64) = (132_000_000, 32_000_000);
const MAX_SIGNATORIES: usize = 100;

type Weight = (Compact<u64>, Compact<u64>);

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "Multisig":
        PAID approve_as_multi(threshold: u16, other_signatories: Vec<Account>, maybe_timepoint: Option<Timepoint>, call_hash: [u8; 32], max_weight: Weight) => approve_as_multi;
        PAID cancel_as_multi(threshold: u16, other_signatories: Vec<Account>, timepoint: Timepoint, call_hash: [u8; 32]) => cancel_as_multi;
    );
    calls.add(
        "Multisig",
        "as_multi_threshold_1",
        &["other_signatories", "call"],
        true,
        |runtime, cx, origin, input| {
            let others = <Vec<Account>>::decode(input).map_err(|_| DispatchError::Other)?;
            let (call, _) = runtime.split_call(input)?;
            runtime.as_multi_threshold_1(cx, origin, others, call)
        },
        None,
    );
    let args = ["threshold", "other_signatories", "maybe_timepoint", "call", "max_weight"];
    calls.add(
        "Multisig",
        "as_multi",
        &args,
        true,
        |runtime, cx, origin, input| {
            let (threshold, others, timepoint) =
                <(u16, Vec<Account>, Option<Timepoint>)>::decode(input)
                    .map_err(|_| DispatchError::Other)?;
            let (call, _) = runtime.split_call(input)?;
            Weight::decode(input).map_err(|_| DispatchError::Other)?;
            let step =
                Step { threshold, others, timepoint, hash: blake2_256(call), call: Some(call) };
            runtime.take_step(cx, origin, step)
        },
        None,
    );
}

/// One signatory's step towards a call.
struct Step<'a> {
    threshold: u16,
    others: Vec<Account>,
    timepoint: Option<Timepoint>,
    hash: [u8; 32],
    /// The call itself, if the step may carry it out.
    call: Option<&'a [u8]>,
}

impl Runtime {
    fn as_multi_threshold_1(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        others: Vec<Account>,
        call: &[u8],
    ) -> DispatchResult {
        let who = origin.signed()?;
        let signatories = signatories(&who, others)?;
        let inner = DecodedCall::parse(call).ok_or(DispatchError::Other)?;
        self.dispatch_as(cx, multisig_account(&signatories, 1), &inner)
    }

    fn approve_as_multi(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        threshold: u16,
        others: Vec<Account>,
        timepoint: Option<Timepoint>,
        hash: [u8; 32],
        _max_weight: Weight,
    ) -> DispatchResult {
        self.take_step(cx, origin, Step { threshold, others, timepoint, hash, call: None })
    }

    fn take_step(&self, cx: &mut Ctx<'_>, origin: Origin, step: Step<'_>) -> DispatchResult {
        let who = origin.signed()?;
        if step.threshold < 2 {
            return Err(errors::Multisig::MinimumThreshold);
        }
        let signatories = signatories(&who, step.others)?;
        let id = multisig_account(&signatories, step.threshold);
        let key = (id, step.hash);
        let Some(mut pending) = self.items.multisigs.try_get(cx.state, key) else {
            if step.timepoint.is_some() {
                return Err(errors::Multisig::UnexpectedTimepoint);
            }
            let deposit = DEPOSIT.0 + DEPOSIT.1 * u64::from(step.threshold);
            self.reserve(cx, &who, deposit)?;
            let when = timepoint(cx);
            let pending = Multisig { when, deposit, depositor: who, approvals: vec![who] };
            self.items.multisigs.set(cx.state, key, &pending);
            cx.emit(self.events.new_multisig, (who, id, step.hash));
            return DONE;
        };
        let timepoint = step.timepoint.ok_or(errors::Multisig::NoTimepoint)?;
        if timepoint != pending.when {
            return Err(errors::Multisig::WrongTimepoint);
        }
        let missing = pending.approvals.binary_search(&who).err();
        let approvals = pending.approvals.len() + usize::from(missing.is_some());
        if let Some(call) = step.call
            && approvals >= usize::from(step.threshold)
        {
            let inner = DecodedCall::parse(call).ok_or(DispatchError::Other)?;
            self.items.multisigs.remove(cx.state, key);
            self.unreserve(cx, &pending.depositor, pending.deposit);
            let result = self.dispatch_as(cx, id, &inner).map(drop);
            let result = DispatchError::encode_result(result, &self.interface);
            cx.emit(self.events.multisig_executed, (who, timepoint, id, step.hash, result));
            return DONE;
        }
        let at = missing.ok_or(errors::Multisig::AlreadyApproved)?;
        pending.approvals.insert(at, who);
        self.items.multisigs.set(cx.state, key, &pending);
        cx.emit(self.events.multisig_approval, (who, timepoint, id, step.hash));
        DONE
    }

    fn cancel_as_multi(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        threshold: u16,
        others: Vec<Account>,
        timepoint: Timepoint,
        hash: [u8; 32],
    ) -> DispatchResult {
        let who = origin.signed()?;
        if threshold < 2 {
            return Err(errors::Multisig::MinimumThreshold);
        }
        let id = multisig_account(&signatories(&who, others)?, threshold);
        let Some(pending) = self.items.multisigs.try_get(cx.state, (id, hash)) else {
            return Err(errors::Multisig::NotFound);
        };
        if timepoint != pending.when {
            return Err(errors::Multisig::WrongTimepoint);
        }
        if pending.depositor != who {
            return Err(errors::Multisig::NotOwner);
        }
        self.items.multisigs.remove(cx.state, (id, hash));
        self.unreserve(cx, &who, pending.deposit);
        cx.emit(self.events.multisig_cancelled, (who, timepoint, id, hash));
        DONE
    }
}

/// The signatories in order, the caller among them.
fn signatories(who: &Account, mut others: Vec<Account>) -> Result<Vec<Account>, DispatchError> {
    if others.is_empty() {
        return Err(errors::Multisig::TooFewSignatories);
    }
    if others.len() >= MAX_SIGNATORIES {
        return Err(errors::Multisig::TooManySignatories);
    }
    if !others.is_sorted_by(|one, next| one < next) {
        return Err(errors::Multisig::SignatoriesOutOfOrder);
    }
    match others.binary_search(who) {
        Ok(_) => Err(errors::Multisig::SenderInSignatories),
        Err(at) => {
            others.insert(at, *who);
            Ok(others)
        }
    }
}

/// The account that a set of signatories shares.
fn multisig_account(signatories: &[Account], threshold: u16) -> Account {
    blake2_256(&(b"modlpy/utilisuba", signatories, threshold).encode())
}

fn timepoint(cx: &Ctx<'_>) -> Timepoint {
    Timepoint { height: u32::try_from(cx.block).unwrap_or(u32::MAX), index: cx.extrinsic_index }
}
