//! What the creator of a crowdloan may change while it runs.

use parity_scale_codec::Compact;

use super::super::Runtime;
use super::super::ctx::{Ctx, Origin};
use super::super::dispatch::{DONE, DispatchResult};
use super::super::error::{DispatchError, errors};
use crate::local::storage::record::Crowdloan;

impl Runtime {
    pub(super) fn set_crowdloan_min(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        Compact(id): Compact<u32>,
        Compact(min): Compact<u64>,
    ) -> DispatchResult {
        let most = self.items.max_contributions.try_get(cx.state, id);
        self.change_crowdloan(cx, origin, id, |crowdloan| {
            if min < self.crowdloan.contribution {
                return Err(errors::Crowdloan::MinimumContributionTooLow);
            }
            if most.is_some_and(|most| min > most) {
                return Err(errors::Crowdloan::MinimumContributionTooHigh);
            }
            crowdloan.min_contribution = min;
            Ok(())
        })?;
        cx.emit(self.events.crowdloan_min_updated, (id, min));
        DONE
    }

    pub(super) fn set_crowdloan_end(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        Compact(id): Compact<u32>,
        Compact(end): Compact<u32>,
    ) -> DispatchResult {
        let in_bounds = self.ensure_crowdloan_end(cx, end);
        self.change_crowdloan(cx, origin, id, |crowdloan| {
            crowdloan.end = end;
            in_bounds
        })?;
        cx.emit(self.events.crowdloan_end_updated, (id, end));
        DONE
    }

    pub(super) fn set_crowdloan_cap(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        Compact(id): Compact<u32>,
        Compact(cap): Compact<u64>,
    ) -> DispatchResult {
        self.change_crowdloan(cx, origin, id, |crowdloan| {
            if cap < crowdloan.raised {
                return Err(errors::Crowdloan::CapTooLow);
            }
            crowdloan.cap = cap;
            Ok(())
        })?;
        cx.emit(self.events.crowdloan_cap_updated, (id, cap));
        DONE
    }

    pub(super) fn set_crowdloan_max(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        Compact(id): Compact<u32>,
        most: Option<u64>,
    ) -> DispatchResult {
        let crowdloan = self.crowdloan_of(cx.state, origin, id)?;
        match most {
            Some(most) if most < crowdloan.min_contribution => {
                return Err(errors::Crowdloan::MaximumContributionTooLow);
            }
            Some(most) => self.items.max_contributions.set(cx.state, id, &most),
            None => self.items.max_contributions.remove(cx.state, id),
        }
        cx.emit(self.events.crowdloan_max_updated, (id, most));
        DONE
    }

    /// Changes a running crowdloan for its creator; nothing is stored when `change` refuses.
    fn change_crowdloan(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        id: u32,
        change: impl FnOnce(&mut Crowdloan) -> Result<(), DispatchError>,
    ) -> Result<(), DispatchError> {
        let mut crowdloan = self.crowdloan_of(cx.state, origin, id)?;
        change(&mut crowdloan)?;
        self.items.crowdloans.set(cx.state, id, &crowdloan);
        Ok(())
    }
}
