//! From call bytes to the method that carries the call out.

use std::collections::HashMap;

use super::ctx::{Ctx, Origin};
use super::error::{DispatchError, errors};
use super::{Account, InvalidTransaction, Runtime};
use crate::local::interface::Interface;

/// A call whose extent is known: pallet index, call index, and the bytes of its arguments.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DecodedCall<'a> {
    /// Index of the pallet.
    pub pallet: u8,
    /// Index of the call in the pallet.
    pub call: u8,
    /// SCALE bytes of the arguments.
    pub args: &'a [u8],
}

impl<'a> DecodedCall<'a> {
    /// A call from its parts.
    #[must_use]
    pub fn new(pallet: u8, call: u8, args: &'a [u8]) -> Self {
        Self { pallet, call, args }
    }

    /// A call from its whole bytes: pallet, call, arguments.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&pallet, rest) = bytes.split_first()?;
        let (&call, args) = rest.split_first()?;
        Some(Self { pallet, call, args })
    }
}

/// What is known of a call before it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Validity {
    /// Whether the signer pays a fee for it.
    pub pays: bool,
}

/// What a successful call reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostInfo {
    /// Whether the call turned out to be free although it is charged in advance.
    pub free: bool,
}

/// A call's outcome.
pub(crate) type DispatchResult = Result<PostInfo, DispatchError>;

/// Success without anything to report.
pub(crate) const DONE: DispatchResult = Ok(PostInfo { free: false });

/// A method that decodes its arguments and runs.
pub(crate) type Handler = fn(&Runtime, &mut Ctx<'_>, Origin, &mut &[u8]) -> DispatchResult;

/// The pre-dispatch check of a call (chain rules 1.10).
pub(crate) type Check =
    fn(&Runtime, &mut Ctx<'_>, &Account, &mut &[u8]) -> Result<(), DispatchError>;

/// The table of calls.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    by_index: HashMap<(u8, u8), Entry>,
    missing: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    handler: Handler,
    check: Option<Check>,
    pays: bool,
}

impl Calls {
    /// Registers every concern's calls.
    ///
    /// # Errors
    /// Names and arguments that the interface has otherwise.
    pub(crate) fn build(interface: &Interface) -> Result<Self, Vec<String>> {
        let mut calls = Registrar { interface, calls: Self::default() };
        super::accounts::register(&mut calls);
        super::admin::register(&mut calls);
        super::children::register(&mut calls);
        super::commitments::register(&mut calls);
        super::commits::register(&mut calls);
        super::crowdloan::register(&mut calls);
        super::dissolve::register(&mut calls);
        super::drand::register(&mut calls);
        super::evm::register(&mut calls);
        super::moving::register(&mut calls);
        super::multisig::register(&mut calls);
        super::pool::register(&mut calls);
        super::proxies::register(&mut calls);
        super::registration::register(&mut calls);
        super::root::register(&mut calls);
        super::schedule::register(&mut calls);
        super::serving::register(&mut calls);
        super::shield::register(&mut calls);
        super::staking::register(&mut calls);
        super::subnets::register(&mut calls);
        super::swap_coldkey::register(&mut calls);
        super::swap_hotkey::register(&mut calls);
        super::takes::register(&mut calls);
        super::utility::register(&mut calls);
        super::voting::register(&mut calls);
        super::weights::register(&mut calls);
        super::work::register(&mut calls);
        let calls = calls.calls;
        if calls.missing.is_empty() { Ok(calls) } else { Err(calls.missing) }
    }
}

/// Takes registrations and checks them against the interface.
#[derive(Debug)]
pub(crate) struct Registrar<'a> {
    interface: &'a Interface,
    calls: Calls,
}

impl Registrar<'_> {
    /// Whether the interface has a call at all.
    pub(crate) fn knows(&self, pallet: &str, name: &str) -> bool {
        self.interface.call(pallet, name).is_some()
    }

    /// Registers `pallet.name` with these argument names, in order.
    pub(crate) fn add(
        &mut self,
        pallet: &str,
        name: &str,
        args: &[&str],
        pays: bool,
        handler: Handler,
        check: Option<Check>,
    ) {
        let Some(call) = self.interface.call(pallet, name) else {
            self.calls.missing.push(format!("call {pallet}.{name}"));
            return;
        };
        if !call.args.iter().map(|arg| arg.name.as_str()).eq(args.iter().copied()) {
            self.calls.missing.push(format!("call {pallet}.{name} with {}", args.join(", ")));
        }
        self.calls.by_index.insert((call.pallet, call.index), Entry { handler, check, pays });
    }
}

/// Registers calls as `pallet: paid|free name(arg: Type, ..) => method [if check];`.
macro_rules! calls {
    ($calls:ident, $pallet:literal: $($pays:ident $name:ident($($arg:ident: $ty:ty),* $(,)?) => $method:ident $(if $check:ident)?;)*) => { $(
        $calls.add(
            $pallet,
            stringify!($name),
            &[$(stringify!($arg)),*],
            $crate::local::runtime::dispatch::$pays,
            |runtime, cx, origin, input| {
                $(let $arg = <$ty as parity_scale_codec::Decode>::decode(input)
                    .map_err(|_| $crate::local::runtime::error::DispatchError::Other)?;)*
                let _ = &input;
                runtime.$method(cx, origin $(, $arg)*)
            },
            calls!(@check ($($arg: $ty),*) $($check)?),
        );
    )* };
    (@check ($($arg:ident: $ty:ty),*)) => { None };
    (@check ($($arg:ident: $ty:ty),*) $check:ident) => {
        Some(|runtime, cx, who, input| {
            $(let $arg = <$ty as parity_scale_codec::Decode>::decode(input)
                .map_err(|_| $crate::local::runtime::error::DispatchError::Other)?;)*
            runtime.$check(cx, who $(, &$arg)*)
        })
    };
}
pub(crate) use calls;

/// `pays` of a call that is charged.
pub(crate) const PAID: bool = true;
/// `pays` of a call that is not.
pub(crate) const FREE: bool = false;

/// Calls may nest this deep in sudo, batch, proxy and multisig.
const MAX_DEPTH: usize = 32;

impl Runtime {
    /// The checks that precede inclusion (chain rules 1.10): they cost nothing and change nothing.
    ///
    /// # Errors
    /// [`InvalidTransaction::Custom`] with the chain's code.
    pub fn validate(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        call: &DecodedCall<'_>,
    ) -> Result<Validity, InvalidTransaction> {
        let outcome = cx.simulate(|cx| self.check(cx, who, call));
        outcome.map_err(|error| InvalidTransaction::Custom(custom_code(&error)))?;
        Ok(Validity { pays: self.pays(call) })
    }

    /// The error behind what [`validate`](Self::validate) tells as a code.
    #[must_use]
    pub fn refusal(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        call: &DecodedCall<'_>,
    ) -> Option<DispatchError> {
        cx.simulate(|cx| self.check(cx, who, call)).err()
    }

    /// Whether the call is charged a fee.
    #[must_use]
    pub fn pays(&self, call: &DecodedCall<'_>) -> bool {
        if self.pays_by_content(call) {
            return self.batch_pays(call);
        }
        self.calls.by_index.get(&(call.pallet, call.call)).is_none_or(|entry| entry.pays)
    }

    /// Carries a call out in a transaction of its own: an error leaves no trace.
    ///
    /// # Errors
    /// The dispatch error; a call without a method is `System.CallFiltered`.
    pub fn dispatch(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        call: &DecodedCall<'_>,
    ) -> Result<PostInfo, DispatchError> {
        let Some(entry) = self.calls.by_index.get(&(call.pallet, call.call)) else {
            return Err(errors::System::CallFiltered);
        };
        if cx.state.depth() > MAX_DEPTH {
            return Err(DispatchError::Exhausted);
        }
        cx.transact(|cx| {
            let mut input = call.args;
            let done = (entry.handler)(self, cx, origin, &mut input)?;
            if input.is_empty() { Ok(done) } else { Err(DispatchError::Other) }
        })
    }

    /// [`dispatch`](Self::dispatch) from inside another call, where the checks of 1.10 run as part of the dispatch.
    pub(crate) fn dispatch_nested(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        call: &DecodedCall<'_>,
    ) -> DispatchResult {
        if let Origin::Signed(who) = origin {
            if let Some(kind) = cx.proxy
                && !self.proxy_allows(kind, call)
            {
                return Err(errors::System::CallFiltered);
            }
            self.check(cx, &who, call)?;
        }
        self.dispatch(cx, origin, call)
    }

    /// [`dispatch_nested`](Self::dispatch_nested) under a new signed origin, which no proxy's filter binds.
    pub(crate) fn dispatch_as(
        &self,
        cx: &mut Ctx<'_>,
        who: Account,
        call: &DecodedCall<'_>,
    ) -> DispatchResult {
        let proxy = cx.proxy.take();
        let result = self.dispatch_nested(cx, Origin::Signed(who), call);
        cx.proxy = proxy;
        result
    }

    fn check(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        call: &DecodedCall<'_>,
    ) -> Result<(), DispatchError> {
        self.ensure_no_coldkey_swap(cx.state, who, call)?;
        match self.calls.by_index.get(&(call.pallet, call.call)).and_then(|entry| entry.check) {
            Some(check) => {
                let mut input = call.args;
                check(self, cx, who, &mut input)
            }
            None => Ok(()),
        }
    }
}

impl Runtime {
    /// Whether a call has a method; others fail as filtered.
    #[cfg(test)]
    pub(crate) fn has_call(&self, pallet: u8, call: u8) -> bool {
        self.calls.by_index.contains_key(&(pallet, call))
    }

    /// Pallet and name of a call.
    pub(crate) fn name_of(&self, call: &DecodedCall<'_>) -> Option<(&str, &str)> {
        let pallet = self.interface.pallet_by_index(call.pallet)?;
        let variant = pallet.calls.iter().find(|variant| variant.index == call.call)?;
        Some((&pallet.name, &variant.name))
    }
}

/// The code of `InvalidTransaction::Custom` for a failed check.
fn custom_code(error: &DispatchError) -> u8 {
    let DispatchError::Module { name, .. } = error else { return 255 };
    match *name {
        "ColdkeySwapAnnounced" => 0,
        "NotEnoughStakeToSetWeights" => 1,
        "SubnetNotExists" => 3,
        "HotKeyAccountNotExists" => 4,
        "SettingWeightsTooFast" | "CommittingWeightsTooFast" | "NetworkTxRateLimitExceeded" => 6,
        "HotKeyNotRegisteredInNetwork" => 10,
        "InvalidIpAddress" => 11,
        "ServingRateLimitExceeded" => 12,
        "InvalidPort" => 13,
        "InvalidRevealRound" => 15,
        "NoWeightsCommitFound" => 16,
        "RevealTooEarly" => 17,
        "InputLengthsUnequal" => 18,
        "HotKeyNotRegisteredInSubNet" => 19,
        "EvmKeyAssociateRateLimitExceeded" => 20,
        "ColdkeySwapDisputed" => 21,
        "NonAssociatedColdKey" => 25,
        "DelegateTakeTooLow" => 26,
        "DelegateTakeTooHigh" => 27,
        _ => 255,
    }
}
