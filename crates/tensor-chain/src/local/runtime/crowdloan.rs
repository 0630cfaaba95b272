//! Crowdloans: many pay into one account until a cap is reached, then a call is made or an address paid (chain rules 12.4).

mod terms;

use parity_scale_codec::{Compact, Decode};

use super::accounts::Keep;
use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DecodedCall, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::{Account, Runtime};
use crate::local::interface::Interface;
use crate::local::state::State;
use crate::local::storage::record::{BoundedCall, Crowdloan};

/// Bounds of the pallet, from the interface's constants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CrowdloanBounds {
    deposit: u64,
    contribution: u64,
    duration: (u32, u32),
    refunds: u32,
    contributors: u32,
}

impl CrowdloanBounds {
    pub(crate) fn of(interface: &Interface) -> Self {
        let number = |name: &str| {
            let bytes = interface.constant("Crowdloan", name).unwrap_or_default();
            let mut wide = [0; 8];
            wide.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            u64::from_le_bytes(wide)
        };
        let short = |name: &str| u32::try_from(number(name)).unwrap_or(u32::MAX);
        Self {
            deposit: number("MinimumDeposit"),
            contribution: number("AbsoluteMinimumContribution"),
            duration: (short("MinimumBlockDuration"), short("MaximumBlockDuration")),
            refunds: short("RefundContributorsLimit"),
            contributors: short("MaxContributors"),
        }
    }
}

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls.add(
        "Crowdloan",
        "create",
        &["deposit", "min_contribution", "cap", "end", "call", "target_address"],
        true,
        |runtime, cx, origin, input| {
            let other = |_| DispatchError::Other;
            let terms = <(Compact<u64>, Compact<u64>, Compact<u64>, Compact<u32>)>::decode(input);
            let (deposit, min, cap, end) = terms.map_err(other)?;
            let call = match u8::decode(input).map_err(other)? {
                0 => None,
                _ => Some(runtime.split_call(input)?.0),
            };
            let target = Option::<Account>::decode(input).map_err(other)?;
            let terms = Terms { deposit: deposit.0, min: min.0, cap: cap.0, end: end.0 };
            runtime.create_crowdloan(cx, origin, terms, call, target)
        },
        None,
    );
    calls!(calls, "Crowdloan":
        PAID contribute(crowdloan_id: Compact<u32>, amount: Compact<u64>) => contribute_crowdloan;
        PAID withdraw(crowdloan_id: Compact<u32>) => withdraw_crowdloan;
        PAID finalize(crowdloan_id: Compact<u32>) => finalize_crowdloan;
        PAID refund(crowdloan_id: Compact<u32>) => refund_crowdloan;
        PAID dissolve(crowdloan_id: Compact<u32>) => dissolve_crowdloan;
        PAID update_min_contribution(crowdloan_id: Compact<u32>, new_min_contribution: Compact<u64>) => set_crowdloan_min;
        PAID update_end(crowdloan_id: Compact<u32>, new_end: Compact<u32>) => set_crowdloan_end;
        PAID update_cap(crowdloan_id: Compact<u32>, new_cap: Compact<u64>) => set_crowdloan_cap;
        PAID set_max_contribution(crowdloan_id: Compact<u32>, new_max_contribution: Option<u64>) => set_crowdloan_max;
    );
}

/// What a creator asks for.
#[derive(Clone, Copy, Debug)]
struct Terms {
    deposit: u64,
    min: u64,
    cap: u64,
    end: u32,
}

impl Runtime {
    fn create_crowdloan(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        terms: Terms,
        call: Option<&[u8]>,
        target: Option<Account>,
    ) -> DispatchResult {
        let creator = origin.signed()?;
        let bounds = &self.crowdloan;
        let Terms { deposit, min, cap, end } = terms;
        if deposit < bounds.deposit {
            return Err(errors::Crowdloan::DepositTooLow);
        }
        if cap <= deposit {
            return Err(errors::Crowdloan::CapTooLow);
        }
        if min < bounds.contribution {
            return Err(errors::Crowdloan::MinimumContributionTooLow);
        }
        self.ensure_crowdloan_end(cx, end)?;
        // One of them says what the money is for.
        if call.is_some() == target.is_some() {
            return Err(errors::Crowdloan::InvalidFinalizationConfig);
        }
        if self.reducible(cx.state, &creator, Keep::Alive) < deposit {
            return Err(errors::Crowdloan::InsufficientBalance);
        }
        let id = self.items.next_crowdloan.get(cx.state);
        self.items.next_crowdloan.set(cx.state, &id.saturating_add(1));
        let funds_account = funds_account(id);
        self.transfer(cx, &creator, &funds_account, deposit, Keep::Alive)?;
        let crowdloan = Crowdloan {
            creator,
            deposit,
            min_contribution: min,
            end,
            cap,
            funds_account,
            raised: deposit,
            target_address: target,
            // The chain keeps one of more than 128 bytes as a preimage.
            call: call.map(|call| BoundedCall::Inline(call.to_vec())),
            finalized: false,
            contributors_count: 1,
        };
        self.items.crowdloans.set(cx.state, id, &crowdloan);
        self.items.contributions.set(cx.state, (id, creator), &deposit);
        cx.emit(self.events.crowdloan_created, (id, creator, end, cap));
        DONE
    }

    fn contribute_crowdloan(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        Compact(id): Compact<u32>,
        Compact(amount): Compact<u64>,
    ) -> DispatchResult {
        let who = origin.signed()?;
        let mut crowdloan = self.crowdloan(cx.state, id)?;
        if crowdloan.finalized {
            return Err(errors::Crowdloan::AlreadyFinalized);
        }
        if cx.block >= u64::from(crowdloan.end) {
            return Err(errors::Crowdloan::ContributionPeriodEnded);
        }
        let left = crowdloan.cap.saturating_sub(crowdloan.raised);
        if left == 0 {
            return Err(errors::Crowdloan::CapRaised);
        }
        if amount < crowdloan.min_contribution {
            return Err(errors::Crowdloan::ContributionTooLow);
        }
        let before = self.items.contributions.try_get(cx.state, (id, who));
        if before.is_none() {
            if crowdloan.contributors_count >= self.crowdloan.contributors {
                return Err(errors::Crowdloan::MaxContributorsReached);
            }
            crowdloan.contributors_count = crowdloan.contributors_count.saturating_add(1);
        }
        let before = before.unwrap_or(0);
        let mut amount = amount.min(left);
        if let Some(most) = self.items.max_contributions.try_get(cx.state, id) {
            amount = amount.min(most.saturating_sub(before));
            if amount == 0 {
                return Err(errors::Crowdloan::MaxContributionReached);
            }
        }
        if self.reducible(cx.state, &who, Keep::Alive) < amount {
            return Err(errors::Crowdloan::InsufficientBalance);
        }
        self.transfer(cx, &who, &crowdloan.funds_account, amount, Keep::Alive)?;
        crowdloan.raised = crowdloan.raised.saturating_add(amount);
        self.items.crowdloans.set(cx.state, id, &crowdloan);
        self.items.contributions.set(cx.state, (id, who), &before.saturating_add(amount));
        cx.emit(self.events.crowdloan_contributed, (id, who, amount));
        DONE
    }

    fn withdraw_crowdloan(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        Compact(id): Compact<u32>,
    ) -> DispatchResult {
        let who = origin.signed()?;
        let mut crowdloan = self.crowdloan(cx.state, id)?;
        if crowdloan.finalized {
            return Err(errors::Crowdloan::AlreadyFinalized);
        }
        let mut amount = self.items.contributions.get(cx.state, (id, who));
        if amount == 0 {
            return Err(errors::Crowdloan::NoContribution);
        }
        if who == crowdloan.creator {
            amount = amount.saturating_sub(crowdloan.deposit);
            if amount == 0 {
                return Err(errors::Crowdloan::DepositCannotBeWithdrawn);
            }
            self.items.contributions.set(cx.state, (id, who), &crowdloan.deposit);
        } else {
            self.items.contributions.remove(cx.state, (id, who));
            crowdloan.contributors_count = crowdloan.contributors_count.saturating_sub(1);
        }
        self.transfer(cx, &crowdloan.funds_account, &who, amount, Keep::MayDie)?;
        crowdloan.raised = crowdloan.raised.saturating_sub(amount);
        self.items.crowdloans.set(cx.state, id, &crowdloan);
        cx.emit(self.events.crowdloan_withdrew, (id, who, amount));
        DONE
    }

    fn finalize_crowdloan(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        Compact(id): Compact<u32>,
    ) -> DispatchResult {
        let mut crowdloan = self.crowdloan_of(cx.state, origin, id)?;
        if self.items.current_crowdloan.try_get(cx.state).is_some() {
            return Err(errors::Crowdloan::AlreadyFinalizing);
        }
        if crowdloan.raised != crowdloan.cap {
            return Err(errors::Crowdloan::CapNotRaised);
        }
        let account = crowdloan.funds_account;
        if let Some(target) = crowdloan.target_address {
            self.transfer(cx, &account, &target, crowdloan.raised, Keep::MayDie)?;
        }
        if let Some(call) = &crowdloan.call {
            let BoundedCall::Inline(call) = call else {
                return Err(errors::Crowdloan::CallUnavailable);
            };
            let call = DecodedCall::parse(call).ok_or(errors::Crowdloan::CallUnavailable)?;
            self.items.current_crowdloan.set(cx.state, &id);
            self.dispatch_nested(cx, Origin::Signed(crowdloan.creator), &call)?;
            self.items.current_crowdloan.kill(cx.state);
        }
        crowdloan.finalized = true;
        self.items.crowdloans.set(cx.state, id, &crowdloan);
        cx.emit(self.events.crowdloan_finalized, id);
        DONE
    }

    fn refund_crowdloan(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        Compact(id): Compact<u32>,
    ) -> DispatchResult {
        let mut crowdloan = self.crowdloan_of(cx.state, origin, id)?;
        let contributions = self.items.contributions.under(cx.state, id);
        let mut others = contributions.into_iter().filter(|(who, _)| *who != crowdloan.creator);
        let batch = usize::try_from(self.crowdloan.refunds).unwrap_or(usize::MAX);
        for (who, amount) in others.by_ref().take(batch) {
            self.transfer(cx, &crowdloan.funds_account, &who, amount, Keep::MayDie)?;
            self.items.contributions.remove(cx.state, (id, who));
            crowdloan.raised = crowdloan.raised.saturating_sub(amount);
            crowdloan.contributors_count = crowdloan.contributors_count.saturating_sub(1);
        }
        self.items.crowdloans.set(cx.state, id, &crowdloan);
        let event = match others.next() {
            Some(_) => self.events.crowdloan_partially_refunded,
            None => self.events.crowdloan_all_refunded,
        };
        cx.emit(event, id);
        DONE
    }

    fn dissolve_crowdloan(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        Compact(id): Compact<u32>,
    ) -> DispatchResult {
        let crowdloan = self.crowdloan_of(cx.state, origin, id)?;
        let creator = crowdloan.creator;
        let own = self.items.contributions.get(cx.state, (id, creator));
        if own != crowdloan.raised {
            return Err(errors::Crowdloan::NotReadyToDissolve);
        }
        self.transfer(cx, &crowdloan.funds_account, &creator, own, Keep::MayDie)?;
        self.items.contributions.remove(cx.state, (id, creator));
        self.items.max_contributions.remove(cx.state, id);
        self.items.crowdloans.remove(cx.state, id);
        cx.emit(self.events.crowdloan_dissolved, id);
        DONE
    }
}

impl Runtime {
    fn crowdloan(&self, state: &State, id: u32) -> Result<Crowdloan, DispatchError> {
        self.items.crowdloans.try_get(state, id).ok_or(errors::Crowdloan::InvalidCrowdloanId)
    }

    /// A running crowdloan, for its creator alone.
    fn crowdloan_of(
        &self,
        state: &State,
        origin: Origin,
        id: u32,
    ) -> Result<Crowdloan, DispatchError> {
        let who = origin.signed()?;
        let crowdloan = self.crowdloan(state, id)?;
        if crowdloan.creator != who {
            return Err(errors::Crowdloan::InvalidOrigin);
        }
        if crowdloan.finalized {
            return Err(errors::Crowdloan::AlreadyFinalized);
        }
        Ok(crowdloan)
    }

    fn ensure_crowdloan_end(&self, cx: &Ctx<'_>, end: u32) -> Result<(), DispatchError> {
        let Some(duration) = u64::from(end).checked_sub(cx.block).filter(|left| *left > 0) else {
            return Err(errors::Crowdloan::CannotEndInPast);
        };
        let (shortest, longest) = self.crowdloan.duration;
        if duration < u64::from(shortest) {
            return Err(errors::Crowdloan::BlockDurationTooShort);
        }
        if duration > u64::from(longest) {
            return Err(errors::Crowdloan::BlockDurationTooLong);
        }
        Ok(())
    }
}

/// The account that a crowdloan's money lies on: the pallet's, with the id behind it.
pub(crate) fn funds_account(id: u32) -> Account {
    let mut account = [0; 32];
    account[..12].copy_from_slice(b"modlbt/cloan");
    account[12..16].copy_from_slice(&id.to_le_bytes());
    account
}
