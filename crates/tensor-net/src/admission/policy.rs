//! Admission by hotkey: [`Policy`].

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tensor_core::miner::{Caller, Miner, Priority, Reject};
use tensor_core::transport::{Request, Response};
use tensor_core::{Alpha, Hotkey, Metagraph};

/// Who is welcome: by registration, validator permit and stake as the metagraph has them, and by lists.
///
/// Everybody is, until something is asked for. The deny list comes first, then the allow list, then
/// what is asked for. A caller's priority is its stake in rao. Cheap to clone; clones share the
/// metagraph, so that the program can [`update`](Self::update) it while the server runs.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    standing: Arc<RwLock<HashMap<Hotkey, Standing>>>,
    allowed: HashSet<Hotkey>,
    denied: HashSet<Hotkey>,
    registered: bool,
    permit: bool,
    min_stake: Option<Alpha>,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    stake: Alpha,
    permit: bool,
}

impl Policy {
    /// Everybody is welcome.
    pub fn new() -> Self {
        Self::default()
    }

    /// Welcomes hotkeys that are registered on the subnet only.
    #[must_use]
    pub const fn require_registered(mut self) -> Self {
        self.registered = true;
        self
    }

    /// Welcomes hotkeys with a validator permit only.
    #[must_use]
    pub const fn require_permit(mut self) -> Self {
        self.permit = true;
        self
    }

    /// Welcomes hotkeys with at least this stake only.
    #[must_use]
    pub const fn with_min_stake(mut self, stake: Alpha) -> Self {
        self.min_stake = Some(stake);
        self
    }

    /// Welcomes this hotkey whatever else is asked for.
    #[must_use]
    pub fn allow(mut self, hotkey: Hotkey) -> Self {
        self.allowed.insert(hotkey);
        self
    }

    /// Turns this hotkey away.
    #[must_use]
    pub fn deny(mut self, hotkey: Hotkey) -> Self {
        self.denied.insert(hotkey);
        self
    }

    /// Takes registrations, permits and stakes from this metagraph. Until the first call nobody is
    /// registered.
    pub fn update(&self, graph: &Metagraph) {
        let standing = graph.neurons().map(|neuron| {
            let standing = Standing { stake: neuron.total_stake, permit: neuron.validator_permit };
            (neuron.hotkey, standing)
        });
        let standing = standing.collect();
        *self.standing.write().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    /// Whether the caller is welcome, and how urgent it is.
    ///
    /// # Errors
    /// [`Reject::Forbidden`] with the reason.
    pub fn admit(&self, caller: &Caller) -> Result<Priority, Reject> {
        let forbidden = |reason: &str| Err(Reject::Forbidden(reason.to_owned()));
        if self.denied.contains(&caller.hotkey) {
            return forbidden("listed key");
        }
        let standing = self.standing.read().unwrap_or_else(PoisonError::into_inner);
        let standing = standing.get(&caller.hotkey).copied();
        let priority = Priority(standing.map_or(0, |standing| standing.stake.rao()));
        if self.allowed.contains(&caller.hotkey) {
            // Known, whatever its stake.
            return Ok(priority.max(Priority(1)));
        }
        let Some(standing) = standing else {
            return match self.registered || self.permit || self.min_stake.is_some() {
                true => forbidden("not registered on this subnet"),
                false => Ok(priority),
            };
        };
        if self.permit && !standing.permit {
            return forbidden("no validator permit");
        }
        if self.min_stake.is_some_and(|least| standing.stake < least) {
            return forbidden("not enough stake");
        }
        Ok(priority)
    }
}

/// A miner behind a [`Policy`]. The miner's own `admit` is asked as well; the higher priority counts.
#[derive(Clone, Debug)]
pub struct Gated<M> {
    miner: M,
    policy: Policy,
}

impl<M: Miner> Gated<M> {
    /// Puts the policy before the miner.
    pub const fn new(miner: M, policy: Policy) -> Self {
        Self { miner, policy }
    }
}

#[async_trait]
impl<M: Miner> Miner for Gated<M> {
    async fn handle(&self, caller: &Caller, request: Request) -> Result<Response, Reject> {
        self.miner.handle(caller, request).await
    }

    fn admit(&self, caller: &Caller) -> Result<Priority, Reject> {
        let ours = self.policy.admit(caller)?;
        Ok(ours.max(self.miner.admit(caller)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tensor_core::key::Scheme;
    use tensor_core::metagraph::Neuron;
    use tensor_core::{BlockNumber, Coldkey, NetUid, Tempo, Uid};

    fn hotkey(byte: u8) -> Hotkey {
        Hotkey::from_bytes([byte; 32])
    }

    fn graph() -> Metagraph {
        let neurons = [(100, true), (5, false), (50, false)].into_iter().enumerate();
        let neurons = neurons.map(|(uid, (stake, permit))| {
            let uid = uid as u8;
            let coldkey = Coldkey::from_bytes([9; 32]);
            let mut neuron = Neuron::new(Uid::new(uid.into()), hotkey(uid), coldkey);
            neuron.total_stake = Alpha::from_rao(stake);
            neuron.validator_permit = permit;
            neuron
        });
        Metagraph::new(NetUid::new(1), BlockNumber::new(1), Tempo::new(360), neurons).unwrap()
    }

    fn admitted(policy: &Policy) -> Vec<Option<u64>> {
        let caller = |byte| Caller::new(hotkey(byte), Scheme::Sr25519, "test");
        (0..4).map(|byte| policy.admit(&caller(byte)).ok().map(|priority| priority.0)).collect()
    }

    #[test]
    fn every_requirement_counts() {
        let open = Policy::new();
        assert_eq!(admitted(&open), [Some(0), Some(0), Some(0), Some(0)]);
        assert_eq!(admitted(&open.clone().require_registered()), [None; 4]);
        open.update(&graph());
        assert_eq!(admitted(&open), [Some(100), Some(5), Some(50), Some(0)]);
        let registered = open.clone().require_registered();
        assert_eq!(admitted(&registered), [Some(100), Some(5), Some(50), None]);
        assert_eq!(admitted(&open.clone().require_permit()), [Some(100), None, None, None]);
        let staked = open.clone().with_min_stake(Alpha::from_rao(50));
        assert_eq!(admitted(&staked), [Some(100), None, Some(50), None]);
        let listed = staked.allow(hotkey(3)).deny(hotkey(0)).allow(hotkey(0));
        assert_eq!(admitted(&listed), [None, None, Some(50), Some(1)]);
    }
}
