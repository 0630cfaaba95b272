//! Dividing the emission between neurons by incentive and dividends. Source: yuma.md 9.

use super::outcome::Outcome;
use super::stake::{normalise, rao_of};
use crate::fixed::I32F32;

/// Fill the emission columns from incentive and dividends. `share` is scratch space.
///
/// Without any incentive or dividends validators are paid by active stake, or by stake when none is active; miners get
/// nothing then.
pub(super) fn fill(outcome: &mut Outcome, rao: u64, share: &mut Vec<u64>) {
    let raw = |value: &I32F32| value.to_bits().unsigned_abs();
    let combined = |outcome: &Outcome, out: &mut Vec<u64>| {
        out.clear();
        out.extend(outcome.incentive.iter().zip(&outcome.dividends).map(|(i, d)| raw(i) + raw(d)));
    };
    let pay = |share: &[u64], out: &mut Vec<u64>| {
        out.clear();
        out.extend(share.iter().map(|&share| rao_of(share, rao)));
    };

    combined(outcome, share);
    let sum: u64 = share.iter().sum();
    if sum == 0 {
        let active = outcome.active_stake.iter().any(|stake| *stake != I32F32::ZERO);
        let by = if active { &outcome.active_stake } else { &outcome.stake };
        share.clear();
        share.extend(by.iter().map(raw));
        pay(share, &mut outcome.validator_emission);
        pay(share, &mut outcome.emission);
        outcome.server_emission.clear();
        outcome.server_emission.resize(share.len(), 0);
        return;
    }
    normalise(share);
    pay(share, &mut outcome.emission);
    let divisor = super::division::Divisor::new(sum);
    let part = |of: &[I32F32], out: &mut Vec<u64>| {
        out.clear();
        out.extend(of.iter().map(|value| rao_of(divisor.divide(raw(value)), rao)));
    };
    part(&outcome.incentive, &mut outcome.server_emission);
    part(&outcome.dividends, &mut outcome.validator_emission);
}
