//! What a program may sign: [`Policy`].
//!
//! A policy sits in the one place of the client that signs, so nothing goes around it: neither an
//! intent nor a raw call, neither nested in a batch nor carried by a proxy. It fails closed: what it
//! cannot judge, it refuses.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tensor_core::call::Call;
use tensor_core::{NetUid, Tao};

use crate::plan::Effects;

/// Bounds on what is signed. Without further words nothing may spend, nothing may touch a subnet that
/// is not listed, and what this crate does not know is refused.
///
/// Clones share the budget.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What one call may spend; `None`: without bound.
    per_call: Option<Tao>,
    budget: Option<Arc<Mutex<Tao>>>,
    netuids: Option<BTreeSet<NetUid>>,
    allow_alpha_transfers: bool,
    allow_control: bool,
    allow_root: bool,
    allow_raw: bool,
    allow_unknown_runtime: bool,
}

impl Policy {
    /// Nothing may be spent; every subnet may be acted on.
    pub const fn new() -> Self {
        Self {
            per_call: Some(Tao::ZERO),
            budget: None,
            netuids: None,
            allow_alpha_transfers: false,
            allow_control: false,
            allow_root: false,
            allow_raw: false,
            allow_unknown_runtime: false,
        }
    }

    /// Everything may be done, as without a policy, and for unknown runtimes too. A base for a policy
    /// that forbids one thing.
    pub const fn dangerous_everything() -> Self {
        Self {
            per_call: None,
            budget: None,
            netuids: None,
            allow_alpha_transfers: true,
            allow_control: true,
            allow_root: true,
            allow_raw: true,
            allow_unknown_runtime: true,
        }
    }

    /// One call may spend that much, fees apart.
    #[must_use]
    pub const fn with_spend_cap(mut self, per_call: Tao) -> Self {
        self.per_call = Some(per_call);
        self
    }

    /// All calls together may spend that much, fees apart.
    #[must_use]
    pub fn with_budget(mut self, total: Tao) -> Self {
        self.budget = Some(Arc::new(Mutex::new(total)));
        self
    }

    /// Only these subnets may be acted on.
    #[must_use]
    pub fn with_netuids(mut self, netuids: impl IntoIterator<Item = NetUid>) -> Self {
        self.netuids = Some(netuids.into_iter().collect());
        self
    }

    /// Stake may go to other owners or be destroyed.
    #[must_use]
    pub const fn allow_alpha_transfers(mut self) -> Self {
        self.allow_alpha_transfers = true;
        self
    }

    /// Proxies may be named and coldkeys swapped: others may then act for the account.
    #[must_use]
    pub const fn dangerous_allow_control(mut self) -> Self {
        self.allow_control = true;
        self
    }

    /// Calls may be made as root.
    #[must_use]
    pub const fn allow_root(mut self) -> Self {
        self.allow_root = true;
        self
    }

    /// Calls may be signed that this crate does not know, whatever they do.
    #[must_use]
    pub const fn dangerous_allow_raw(mut self) -> Self {
        self.allow_raw = true;
        self
    }

    /// Calls may be signed for a runtime whose layout this crate does not know, on a chain that does not
    /// check the metadata's digest: a node that lies about metadata could then choose what is signed.
    #[must_use]
    pub const fn dangerous_allow_unknown_runtime(mut self) -> Self {
        self.allow_unknown_runtime = true;
        self
    }

    /// Whether anything may be signed for a runtime that nothing proves.
    pub const fn allows_unknown_runtime(&self) -> bool {
        self.allow_unknown_runtime
    }

    /// What is left of the budget; `None` without one.
    pub fn left(&self) -> Option<Tao> {
        self.budget.as_ref().map(|left| *left.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the call may be signed, without spending anything of the budget.
    pub(crate) fn violation(
        &self,
        call: &Call,
        effects: Option<&Effects>,
        cost: Option<Tao>,
    ) -> Result<Tao, Violation> {
        let Some(effects) = effects else {
            return if self.allow_raw {
                Ok(Tao::ZERO)
            } else {
                Err(Violation::Raw { call: call.to_string() })
            };
        };
        if effects.as_root && !self.allow_root {
            return Err(Violation::Root);
        }
        if effects.gives_control && !self.allow_control {
            return Err(Violation::Control);
        }
        if effects.alpha_leaves && !self.allow_alpha_transfers {
            return Err(Violation::AlphaTransfer);
        }
        if let Some(allowed) = &self.netuids {
            if effects.all_subnets {
                return Err(Violation::AllSubnets);
            }
            if let Some(netuid) = effects.netuids.iter().find(|netuid| !allowed.contains(netuid)) {
                return Err(Violation::Subnet(*netuid));
            }
        }
        let cost = match (cost, self.per_call) {
            (Some(cost), Some(cap)) if cost > cap => return Err(Violation::Spend { cost, cap }),
            (Some(cost), _) => cost,
            // Nobody can say how much, and nobody asks.
            (None, None) if self.budget.is_none() => Tao::ZERO,
            (None, _) => return Err(Violation::Unbounded),
        };
        match self.left() {
            Some(left) if cost > left => Err(Violation::Budget { cost, left }),
            _ => Ok(cost),
        }
    }

    /// Lets the call pass and takes its cost from the budget.
    pub(crate) fn check(
        &self,
        call: &Call,
        effects: Option<&Effects>,
        cost: Option<Tao>,
    ) -> Result<Reservation, Violation> {
        let cost = self.violation(call, effects, cost)?;
        if let Some(budget) = &self.budget {
            let mut left = budget.lock().unwrap_or_else(PoisonError::into_inner);
            // Another call may have been quicker.
            *left = left.checked_sub(cost).ok_or(Violation::Budget { cost, left: *left })?;
        }
        Ok(Reservation { budget: self.budget.clone(), cost })
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

/// What a call took from the budget.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Option<Arc<Mutex<Tao>>>,
    cost: Tao,
}

impl Reservation {
    /// Gives it back.
    pub(crate) fn refund(self) {
        if let Some(budget) = &self.budget {
            let mut left = budget.lock().unwrap_or_else(PoisonError::into_inner);
            *left = left.saturating_add(self.cost);
        }
    }
}

/// Why a policy refuses a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// It would spend more than one call may.
    #[error("it spends {cost}, more than the {cap} that one call may")]
    Spend {
        /// What it would spend.
        cost: Tao,
        /// What one call may.
        cap: Tao,
    },
    /// It would spend more than is left.
    #[error("it spends {cost}, and {left} of the budget is left")]
    Budget {
        /// What it would spend.
        cost: Tao,
        /// What is left.
        left: Tao,
    },
    /// Nobody can say how much it would spend.
    #[error("what it spends has no bound")]
    Unbounded,
    /// It acts on a subnet that is not listed.
    #[error("subnet {0} is not on the list")]
    Subnet(NetUid),
    /// It may act on any subnet, and only some are listed.
    #[error("it may act on every subnet")]
    AllSubnets,
    /// Stake would leave the account.
    #[error("stake would leave the account")]
    AlphaTransfer,
    /// Others could act for the account afterwards.
    #[error("others could act for the account afterwards")]
    Control,
    /// It acts as root.
    #[error("it acts as root")]
    Root,
    /// The runtime's calls are not known to be laid out as its metadata says, and the chain does not
    /// check it either.
    #[error("nothing proves that the metadata of runtime {spec_version} is true")]
    UnknownRuntime {
        /// The runtime's version.
        spec_version: u32,
    },
    /// Its effects are not known.
    #[error("the effects of {call} are not known")]
    Raw {
        /// The call.
        call: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Spend;
    use tensor_core::AccountId;

    fn transfer(rao: u64) -> Call {
        Call::new("Balances", "transfer_keep_alive")
            .arg("dest", AccountId::from_bytes([1; 32]))
            .arg("value", rao)
    }

    fn judge(policy: &Policy, call: &Call) -> Result<Reservation, Violation> {
        let effects = Effects::of(call);
        let cost = effects.as_ref().and_then(|effects| {
            effects.spends.iter().try_fold(Tao::ZERO, |sum, spend| match spend {
                Spend::Exactly(amount) => sum.checked_add(*amount),
                _ => None,
            })
        });
        policy.check(call, effects.as_ref(), cost)
    }

    #[test]
    fn the_default_spends_nothing() {
        let policy = Policy::new();
        assert!(matches!(judge(&policy, &transfer(1)), Err(Violation::Spend { .. })));
        assert!(matches!(judge(&policy, &Call::new("Voting", "vote")), Err(Violation::Raw { .. })));
    }

    #[test]
    fn budgets_are_taken_once_and_given_back() {
        let policy = Policy::new().with_spend_cap(Tao::from_rao(10)).with_budget(Tao::from_rao(12));
        let first = judge(&policy, &transfer(10)).unwrap();
        assert!(matches!(judge(&policy, &transfer(3)), Err(Violation::Budget { .. })));
        first.refund();
        drop(judge(&policy, &transfer(10)).unwrap());
        assert_eq!(policy.left(), Some(Tao::from_rao(2)), "what is not given back is spent");
    }

    #[test]
    fn what_cannot_be_judged_is_refused() {
        let policy = Policy::new().with_spend_cap(Tao::MAX).with_netuids([NetUid::new(1)]);
        let all = Call::new("Balances", "transfer_all")
            .arg("dest", AccountId::from_bytes([1; 32]))
            .arg("keep_alive", true);
        assert_eq!(judge(&policy, &all).unwrap_err(), Violation::Unbounded);
        let unstake = Call::new("SubtensorModule", "unstake_all")
            .arg("hotkey", AccountId::from_bytes([1; 32]));
        assert_eq!(judge(&policy, &unstake).unwrap_err(), Violation::AllSubnets);
        let proxy = Call::new("Proxy", "add_proxy");
        assert_eq!(judge(&policy, &proxy).unwrap_err(), Violation::Control);
        let sudo = Call::new("Sudo", "sudo").arg("call", transfer(1));
        assert_eq!(judge(&policy, &sudo).unwrap_err(), Violation::Root);
    }
}
