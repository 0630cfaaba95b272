//! Delegates: their takes, stakers, registrations and returns.

use std::collections::BTreeMap;

use parity_scale_codec::{Compact, Encode};
use tensor_yuma::fixed::U64F64;

use super::super::Account;
use super::View;

/// Stakers of a delegate: coldkey, and alpha by subnet.
/// Alpha on a subnet.
type Position = (Compact<u16>, Compact<u64>);

type Nominators = Vec<(Account, Vec<Position>)>;

/// `DelegateInfo`, field for field.
type Delegate = (
    Account,
    Compact<u16>,
    Nominators,
    Account,
    Vec<Compact<u16>>,
    Vec<Compact<u16>>,
    Compact<u64>,
    Compact<u64>,
);

impl View<'_> {
    pub(super) fn delegates(&self) -> Vec<u8> {
        let delegates = self.runtime.items.delegates.entries(self.state);
        let all: Vec<Delegate> = delegates
            .iter()
            .map(|(hotkey, take)| self.delegate_info(hotkey, *take, true))
            .collect();
        all.encode()
    }

    pub(super) fn delegate(&self, hotkey: &Account) -> Vec<u8> {
        let take = self.runtime.items.delegates.try_get(self.state, *hotkey);
        take.map(|take| self.delegate_info(hotkey, take, true)).encode()
    }

    pub(super) fn delegated(&self, coldkey: &Account) -> Vec<u8> {
        let mut all: Vec<(Delegate, Position)> = Vec::new();
        for (hotkey, take) in self.runtime.items.delegates.entries(self.state) {
            for netuid in self.runtime.netuids(self.state) {
                let stake = self.runtime.stake(self.state, &hotkey, coldkey, netuid);
                if stake > 0 {
                    let info = self.delegate_info(&hotkey, take, false);
                    all.push((info, (Compact(netuid), Compact(stake))));
                }
            }
        }
        all.encode()
    }

    fn delegate_info(&self, hotkey: &Account, take: u16, nominators: bool) -> Delegate {
        let items = &self.runtime.items;
        let registrations: Vec<u16> = items
            .is_network_member
            .under(self.state, *hotkey)
            .into_iter()
            .filter(|(_, member)| *member)
            .map(|(netuid, _)| netuid)
            .collect();
        let mut permits = Vec::new();
        let mut per_day = U64F64::ZERO;
        for netuid in &registrations {
            let Some(uid) = self.runtime.uid_of(self.state, *netuid, hotkey) else { continue };
            let at = usize::from(uid);
            if items.validator_permit.get(self.state, *netuid).get(at).copied().unwrap_or(false) {
                permits.push(Compact(*netuid));
            }
            let emission = items.emission.get(self.state, *netuid).get(at).copied().unwrap_or(0);
            let tempo = items.tempo.get(self.state, *netuid);
            let epochs = U64F64::from_int(7_200).safe_div(U64F64::from_int(tempo.into()));
            per_day = per_day.saturating_add(U64F64::from_int(emission).saturating_mul(epochs));
        }
        let root = U64F64::from_int(self.runtime.hotkey_stake(self.state, hotkey, 0));
        let kept = U64F64::from_int(take.into()).safe_div(U64F64::from_int(u16::MAX.into()));
        let per_thousand = per_day
            .saturating_mul(U64F64::ONE.saturating_sub(kept))
            .safe_div(root.safe_div(U64F64::from_int(1_000_000_000_000)));
        (
            *hotkey,
            Compact(take),
            if nominators { self.nominators(hotkey) } else { Vec::new() },
            self.runtime.owner_of(self.state, hotkey),
            registrations.into_iter().map(Compact).collect(),
            permits,
            Compact(per_thousand.to_u64()),
            Compact(per_day.to_u64()),
        )
    }

    fn nominators(&self, hotkey: &Account) -> Nominators {
        let mut by_coldkey: BTreeMap<Account, Vec<Position>> = BTreeMap::new();
        for ((coldkey, netuid), _) in
            self.runtime.items.alpha_shares.under_first(self.state, *hotkey)
        {
            let stake = self.runtime.stake(self.state, hotkey, &coldkey, netuid);
            by_coldkey.entry(coldkey).or_default().push((Compact(netuid), Compact(stake)));
        }
        by_coldkey.into_iter().collect()
    }
}
