//! What a call would do, before anything is signed: [`Effects`] and [`Plan`].
//!
//! Effects are read from the call itself, not from what somebody says about it, so a policy that judges
//! them judges what gets signed. A call that this crate does not know has none: see
//! [`Policy`](crate::policy::Policy).

mod effects;

use tensor_core::account::AccountId;
use tensor_core::call::{Call, Value};
use tensor_core::{NetUid, Tao};

pub use effects::{Effects, Spend};

use crate::client::Subtensor;
use crate::error::Error;
use crate::intent::Intent;
use crate::policy::Violation;

/// What executing an intent would mean.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The call that would be signed.
    pub call: Call,
    /// What the chain charges for including it.
    pub fee: Tao,
    /// What it does; `None` for a call that this crate does not know.
    pub effects: Option<Effects>,
    /// The TAO that leaves the account by it, beyond the fee; `None` where nobody can say.
    pub cost: Option<Tao>,
    /// What a careful person would want to know.
    pub warnings: Vec<String>,
    /// Why the client's policy would refuse it.
    pub violation: Option<Violation>,
}

impl Subtensor {
    /// What executing the intent for that account would mean. Nothing is signed.
    ///
    /// # Errors
    /// [`Error`] when the call does not fit the runtime or the chain cannot be read.
    pub async fn plan(
        &self,
        intent: &(impl Intent + ?Sized),
        account: &AccountId,
    ) -> Result<Plan, Error> {
        let call = intent.call(self).await?;
        self.plan_call(&call, account).await
    }

    /// What submitting the call for that account would mean. Nothing is signed.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub async fn plan_call(&self, call: &Call, account: &AccountId) -> Result<Plan, Error> {
        let effects = Effects::of(call);
        let (fee, cost, balance) = futures::try_join!(
            self.fee(call, account),
            self.cost(effects.as_ref()),
            self.account(account)
        )?;
        let mut warnings = match &effects {
            Some(effects) => effects.warnings.clone(),
            None => vec![format!("{call} is not known to this crate: its effects are not known")],
        };
        let needed = cost.and_then(|cost| cost.checked_add(fee));
        if needed.is_some_and(|needed| needed > balance.free) {
            warnings.push(format!("the account has {}, too little for it", balance.free));
        }
        let violation =
            self.policy().and_then(|policy| policy.violation(call, effects.as_ref(), cost).err());
        Ok(Plan { call: call.clone(), fee, effects, cost, warnings, violation })
    }

    /// The TAO that leaves the account, with prices that only the chain knows as they are now.
    pub(crate) async fn cost(&self, effects: Option<&Effects>) -> Result<Option<Tao>, Error> {
        let Some(effects) = effects else { return Ok(None) };
        let mut total = Tao::ZERO;
        for spend in &effects.spends {
            let amount = match spend {
                Spend::Exactly(amount) => *amount,
                Spend::Burn(netuid) => self.burn(*netuid).await?,
                Spend::NetworkLock => self.network_registration_cost().await?,
                Spend::Constant(pallet, name) => {
                    self.constant_as(pallet, name).await.map(Tao::from_rao)?
                }
                Spend::Everything => return Ok(None),
            };
            total = total.saturating_add(amount);
        }
        Ok(Some(total))
    }
}

/// The netuids that an argument names.
pub(crate) fn netuids(name: &str, value: &Value) -> Vec<NetUid> {
    let one = |value: &Value| {
        value.as_u64().and_then(|netuid| u16::try_from(netuid).ok()).map(NetUid::new)
    };
    match (name, value) {
        ("netuids" | "subnets", Value::List(all)) => all.iter().filter_map(one).collect(),
        (name, Value::Option(Some(value))) if name.ends_with("netuid") => {
            one(value).into_iter().collect()
        }
        (name, value) if name.ends_with("netuid") => one(value).into_iter().collect(),
        _ => Vec::new(),
    }
}
