//! The two ledgers: where all TAO and all alpha came from and where they are (chain rules 15.4).
//!
//! The chain itself keeps no record of what it destroys or strands: truncation dust, miner incentive withheld from owners, the root share of a network
//! that does not sell. This file counts those under a prefix of its own, in the same state, so that the counters follow rollbacks, history and
//! snapshots; [`Runtime::tao_ledger`] and [`Runtime::alpha_ledger`] then recompute every total from storage and must close to the unit.

use parity_scale_codec::{Decode, Encode};

use super::Runtime;
use super::ctx::Ctx;
use crate::local::state::State;

/// Pallet name under which the counters live; the real chain has no such pallet.
const PREFIX: &[u8] = b"LocalLedger";

/// TAO: what exists, who has it, and where it came from. All in rao.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaoLedger {
    /// `Balances.TotalIssuance`.
    pub issuance: u64,
    /// Free and reserved balances of all accounts, subnet accounts and the burn account included.
    pub accounts: u128,
    /// Of `accounts`: what lies on the burn account, out of reach but still issued.
    pub burned: u64,
    /// Of `accounts`: what lies on the subnets' accounts.
    pub subnet_accounts: u128,
    /// Minted since and in genesis: endowments, block emission, forced balances.
    pub minted: u128,
    /// Destroyed so that it can be minted again: emission that no subnet took, recycled payments, fees without an author.
    pub recycled: u128,
    /// Destroyed with reaped accounts.
    pub dust: u128,
    /// `SubtensorModule.TotalIssuance`, the pallet's copy, from which halvings follow. It begins at the genesis parameter, not at the sum of balances.
    pub pallet_issuance: u64,
}

impl TaoLedger {
    /// Whether every rao is accounted for: accounts hold exactly the issuance, and the issuance is what was minted less what was destroyed.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.accounts == u128::from(self.issuance)
            && u128::from(self.issuance) + self.recycled + self.dust == self.minted
    }
}

/// Alpha of one subnet: what is outstanding and whose it is. All in the smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlphaLedger {
    /// The subnet.
    pub netuid: u16,
    /// `SubnetAlphaOut`.
    pub outstanding: u64,
    /// `SubnetAlphaIn`: the pool's reserve, not part of the outstanding.
    pub in_pool: u64,
    /// Stake of all hotkeys.
    pub staked: u128,
    /// Waiting for the next epoch: servers, validators, root and owner cut.
    pub pending: u128,
    /// Bought by the protocol with excess TAO.
    pub protocol: u64,
    /// Outstanding alpha that belongs to nobody, by reason.
    pub stranded: Stranded,
}

impl AlphaLedger {
    /// Whether every unit is accounted for.
    #[must_use]
    pub fn closes(&self) -> bool {
        u128::from(self.outstanding) + u128::from(self.stranded.unbacked)
            == self.staked + self.pending + u128::from(self.protocol) + self.stranded.total()
    }
}

/// Alpha that is outstanding but in nobody's stake (chain rules 17.7), counted as it happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub struct Stranded {
    /// Units lost to truncation when a block's emission is split.
    pub emission_dust: u64,
    /// Server emission that the epoch did not hand out: half of the unsold root share, and truncation.
    pub server_rest: u64,
    /// Miner incentive withheld from the owner's hotkeys under `Burn`.
    pub withheld: u64,
    /// Units lost to truncation when dividends are shared out.
    pub dividend_dust: u64,
    /// Root dividends that no payout takes up: the root baskets of 461 are not modelled, and claims have a threshold.
    pub root_unclaimed: u64,
    /// Burnt by its owner (`burn_alpha` and the like) or for want of a block author.
    pub burned: u64,
    /// The opposite: alpha that somebody has although as much was destroyed or never drained (`CKBurn`, miners paid beyond the pot).
    pub unbacked: u64,
}

impl Stranded {
    /// All reasons together, without `unbacked`.
    #[must_use]
    pub fn total(&self) -> u128 {
        [
            self.emission_dust,
            self.server_rest,
            self.withheld,
            self.dividend_dust,
            self.root_unclaimed,
            self.burned,
        ]
        .into_iter()
        .map(u128::from)
        .sum()
    }
}

impl Runtime {
    /// The TAO ledger, recomputed from storage.
    #[must_use]
    pub fn tao_ledger(&self, state: &State) -> TaoLedger {
        let mut ledger = TaoLedger {
            issuance: self.items.balances_issuance.get(state),
            burned: self.items.account.get(state, Self::burn_account()).total(),
            minted: read(state, &counter(b"Minted")),
            recycled: read(state, &counter(b"Recycled")),
            dust: read(state, &counter(b"Dust")),
            pallet_issuance: self.items.total_issuance.get(state),
            ..TaoLedger::default()
        };
        for (who, account) in self.items.account.entries(state) {
            ledger.accounts += u128::from(account.total());
            if self.is_subnet_account(state, &who) {
                ledger.subnet_accounts += u128::from(account.total());
            }
        }
        ledger
    }

    /// One subnet's alpha ledger, recomputed from storage.
    #[must_use]
    pub fn alpha_ledger(&self, state: &State, netuid: u16) -> AlphaLedger {
        let items = &self.items;
        let staked = items.total_hotkey_alpha.entries(state);
        let pending = [
            &items.pending_server_emission,
            &items.pending_validator_emission,
            &items.pending_root_alpha,
            &items.pending_owner_cut,
        ];
        AlphaLedger {
            netuid,
            outstanding: items.subnet_alpha_out.get(state, netuid),
            in_pool: items.subnet_alpha_in.get(state, netuid),
            staked: staked
                .into_iter()
                .filter(|((_, on), _)| *on == netuid)
                .map(|(_, alpha)| u128::from(alpha))
                .sum(),
            pending: pending.iter().map(|map| u128::from(map.get(state, netuid))).sum(),
            protocol: items.subnet_protocol_alpha.get(state, netuid),
            stranded: read(state, &stranded_key(netuid)),
        }
    }

    /// Every subnet's alpha ledger, root included.
    #[must_use]
    pub fn alpha_ledgers(&self, state: &State) -> Vec<AlphaLedger> {
        let networks = self.items.networks_added.entries(state);
        networks.into_iter().map(|(netuid, _)| self.alpha_ledger(state, netuid)).collect()
    }

    /// Whether new subnets emit from the start, which only our own genesis can ask for.
    pub(crate) fn emission_on_registration(&self, state: &State) -> bool {
        read(state, &counter(b"EmissionOnRegistration"))
    }

    pub(crate) fn set_emission_on_registration(&self, cx: &mut Ctx<'_>, on: bool) {
        on.using_encoded(|bytes| cx.state.put(&counter(b"EmissionOnRegistration"), bytes));
    }

    /// Whether root sells its part of every subnet's alpha whatever the prices say, which no rule does.
    pub(crate) fn root_always_sells(&self, state: &State) -> bool {
        read(state, &counter(b"RootAlwaysSells"))
    }

    pub(crate) fn set_root_always_sells(&self, cx: &mut Ctx<'_>, on: bool) {
        on.using_encoded(|bytes| cx.state.put(&counter(b"RootAlwaysSells"), bytes));
    }

    /// The newest block that a hotkey registered with work on; the newer runtime's item for it is not known.
    pub(crate) fn last_work(&self, state: &State, hotkey: &[u8; 32]) -> Option<u64> {
        state.get(&work_key(hotkey)).and_then(|mut bytes| u64::decode(&mut bytes).ok())
    }

    pub(crate) fn note_work(&self, cx: &mut Ctx<'_>, hotkey: &[u8; 32], block: u64) {
        block.using_encoded(|bytes| cx.state.put(&work_key(hotkey), bytes));
    }

    pub(crate) fn count_minted(&self, cx: &mut Ctx<'_>, amount: u64) {
        count(cx, b"Minted", amount);
    }

    pub(crate) fn count_recycled(&self, cx: &mut Ctx<'_>, amount: u64) {
        count(cx, b"Recycled", amount);
    }

    pub(crate) fn count_dust(&self, cx: &mut Ctx<'_>, amount: u64) {
        count(cx, b"Dust", amount);
    }

    /// Notes alpha that stays outstanding without an owner.
    pub(crate) fn strand(&self, cx: &mut Ctx<'_>, netuid: u16, note: impl FnOnce(&mut Stranded)) {
        let key = stranded_key(netuid);
        let mut stranded: Stranded = read(cx.state, &key);
        note(&mut stranded);
        stranded.using_encoded(|bytes| cx.state.put(&key, bytes));
    }

    /// Forgets a dissolved subnet's stranded alpha.
    pub(crate) fn clear_stranded(&self, cx: &mut Ctx<'_>, netuid: u16) {
        cx.state.remove(&stranded_key(netuid));
    }
}

fn count(cx: &mut Ctx<'_>, name: &[u8], amount: u64) {
    if amount == 0 {
        return;
    }
    let key = counter(name);
    let total: u128 = read(cx.state, &key);
    (total + u128::from(amount)).using_encoded(|bytes| cx.state.put(&key, bytes));
}

fn read<T: Decode + Default>(state: &State, key: &[u8]) -> T {
    state.get(key).and_then(|mut bytes| T::decode(&mut bytes).ok()).unwrap_or_default()
}

fn counter(name: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(&sp_crypto_hashing::twox_128(PREFIX));
    key[16..].copy_from_slice(&sp_crypto_hashing::twox_128(name));
    key
}

fn work_key(hotkey: &[u8; 32]) -> [u8; 64] {
    let mut key = [0; 64];
    key[..32].copy_from_slice(&counter(b"LastWork"));
    key[32..].copy_from_slice(hotkey);
    key
}

fn stranded_key(netuid: u16) -> [u8; 34] {
    let mut key = [0; 34];
    key[..32].copy_from_slice(&counter(b"Stranded"));
    key[32..].copy_from_slice(&netuid.to_le_bytes());
    key
}
