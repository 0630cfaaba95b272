//! Creating subnets: the lock, the defaults, the start (chain rules 6.1 to 6.4, 6.6).

use tensor_yuma::emission::issuance::block_emission;
use tensor_yuma::emission::lock::LockState;
use tensor_yuma::emission::price::median_price;
use tensor_yuma::fixed::U64F64;

use super::accounts::Keep;
use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::limits::Limit;
use super::pool::DYNAMIC;
use super::{Account, Ruleset, Runtime};
use crate::local::state::State;
use crate::local::storage::record::{ChainIdentity, RateLimitKey, SubnetIdentity};

/// Burn of a new subnet's first registration: one TAO.
const FIRST_BURN: u64 = 1_000_000_000;

/// The symbols that subnets may carry and the names that go with a netuid: one line each, separated by a tab.
const SYMBOLS: &str = include_str!("../../../assets/symbols.txt");

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        PAID register_network(hotkey: Account) => register_network if check_register_network;
        PAID register_network_with_identity(hotkey: Account, identity: Option<SubnetIdentity>) => register_network_with_identity;
        PAID start_call(netuid: u16) => start_call;
        PAID set_subnet_identity(netuid: u16, subnet_name: Vec<u8>, github_repo: Vec<u8>, subnet_contact: Vec<u8>, subnet_url: Vec<u8>, discord: Vec<u8>, description: Vec<u8>, logo_url: Vec<u8>, additional: Vec<u8>) => set_subnet_identity;
        PAID set_identity(name: Vec<u8>, url: Vec<u8>, github_repo: Vec<u8>, image: Vec<u8>, discord: Vec<u8>, description: Vec<u8>, additional: Vec<u8>) => set_identity;
        PAID update_symbol(netuid: u16, symbol: Vec<u8>) => update_symbol;
    );
    calls!(calls, "AdminUtils":
        PAID sudo_set_sn_owner_hotkey(netuid: u16, hotkey: Account) => set_owner_hotkey;
    );
}

impl Runtime {
    fn register_network(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
    ) -> DispatchResult {
        self.register_network_with_identity(cx, origin, hotkey, None)
    }

    fn check_register_network(
        &self,
        cx: &mut Ctx<'_>,
        _who: &Account,
        _hotkey: &Account,
    ) -> Result<(), DispatchError> {
        self.ensure_network_rate(cx.state, cx.block)
    }

    fn register_network_with_identity(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        identity: Option<SubnetIdentity>,
    ) -> DispatchResult {
        let items = &self.items;
        let coldkey = origin.signed()?;
        if self.hotkey_exists(cx.state, &hotkey) && !self.owns(cx.state, &coldkey, &hotkey) {
            return Err(errors::SubtensorModule::NonAssociatedColdKey);
        }
        if self.is_subnet_account(cx.state, &hotkey) {
            return Err(errors::SubtensorModule::CannotUseSystemAccount);
        }
        if self.ruleset == Ruleset::V461
            && let Some(identity) = &identity
        {
            ensure_valid_identity(identity)?;
        }
        if cx.block < items.network_registration_start_block.get(cx.state) {
            return Err(errors::SubtensorModule::SubNetRegistrationDisabled);
        }
        self.ensure_network_rate(cx.state, cx.block)?;
        let count = self.netuids(cx.state).into_iter().filter(|netuid| *netuid != 0).count();
        let full = count >= usize::from(items.subnet_limit.get(cx.state));
        let pruned = if full {
            let pruned = self.subnet_to_prune(cx.state, cx.block);
            Some(pruned.ok_or(errors::SubtensorModule::SubnetLimitReached)?)
        } else {
            None
        };
        let lock = self.network_lock_cost(cx.state, cx.block);
        if self.reducible(cx.state, &coldkey, Keep::MayDie) < lock {
            return Err(errors::SubtensorModule::CannotAffordLockCost);
        }
        // 461 spreads a dissolution over blocks and queues the registration; here both happen at once.
        if let Some(netuid) = pruned {
            self.dissolve(cx, netuid)?;
        }
        let netuid = match pruned {
            Some(netuid) => netuid,
            None => self.free_netuid(cx.state),
        };
        self.create_subnet(cx, &coldkey, &hotkey, netuid, lock)?;
        if let Some(identity) = identity {
            ensure_valid_identity(&identity)?;
            items.subnet_identities.set(cx.state, netuid, &identity);
            cx.emit(self.events.subnet_identity_set, netuid);
        }
        self.parent_root_validators(cx, netuid, &hotkey);
        cx.emit(self.events.network_added, (netuid, DYNAMIC));
        let emits = self.emission_on_registration(cx.state);
        items.subnet_emission_enabled.set(cx.state, netuid, &emits);
        DONE
    }

    fn create_subnet(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: &Account,
        hotkey: &Account,
        netuid: u16,
        lock: u64,
    ) -> Result<(), DispatchError> {
        let items = &self.items;
        let mut prices: Vec<U64F64> = self
            .netuids(cx.state)
            .into_iter()
            .filter(|other| *other != 0)
            .map(|other| self.alpha_price(cx.state, other))
            .collect();
        let price = median_price(&mut prices);
        self.init_subnet(cx, netuid, self.default_tempo());
        let paid = self.transfer_to_subnet(cx, netuid, coldkey, lock)?;
        items.network_last_lock_cost.set(cx.state, &paid);
        items.last_rate_limited_block.set(cx.state, RateLimitKey::NetworkLastRegistered, &cx.block);
        self.create_hotkey(cx, coldkey, hotkey)?;
        self.append_neuron(cx, netuid, hotkey);
        items.subnet_mechanism.set(cx.state, netuid, &DYNAMIC);
        items.network_registered_at.set(cx.state, netuid, &cx.block);
        items.registered_subnet_counter.add(cx.state, netuid, 1);
        let symbol = self.next_symbol(cx.state, netuid);
        items.token_symbol.set(cx.state, netuid, &symbol);
        let tao = paid.max(items.network_min_lock_cost.get(cx.state));
        let alpha = U64F64::from_int(tao).safe_div(price).to_u64();
        items.subnet_tao.set(cx.state, netuid, &tao);
        items.subnet_alpha_in.set(cx.state, netuid, &alpha);
        items.total_alpha_issuance.set(cx.state, netuid, &alpha);
        items.subnet_owner.set(cx.state, netuid, coldkey);
        self.put_owner_hotkey(cx, netuid, hotkey);
        items.subnet_locked.set(cx.state, netuid, &paid);
        items.subnet_alpha_out.set(cx.state, netuid, &0);
        items.subnet_volume.set(cx.state, netuid, &0);
        items.rao_recycled.set(cx.state, netuid, &0);
        items.total_stake.add(cx.state, tao);
        Ok(())
    }

    /// The explicit defaults of a new subnet (chain rules 6.4).
    pub(crate) fn init_subnet(&self, cx: &mut Ctx<'_>, netuid: u16, tempo: u16) {
        let items = &self.items;
        items.subnetwork_n.set(cx.state, netuid, &0);
        items.networks_added.set(cx.state, netuid, &true);
        items.tempo.set(cx.state, netuid, &tempo);
        let stagger = u64::from(netuid) % u64::from(tempo).max(1);
        items.last_epoch_block.set(cx.state, netuid, &cx.block.saturating_sub(stagger));
        let networks = items.total_networks.get(cx.state).saturating_add(1);
        items.total_networks.set(cx.state, &networks);
        items.network_registration_allowed.set(cx.state, netuid, &true);
        items.max_allowed_uids.set(cx.state, netuid, &256);
        items.max_allowed_validators.set(cx.state, netuid, &64);
        items.min_allowed_weights.set(cx.state, netuid, &1);
        items.immunity_period.set(cx.state, netuid, &5_000);
        items.yuma3_on.set(cx.state, netuid, &true);
        items.burn.set(cx.state, netuid, &FIRST_BURN);
        items.subnet_emission_enabled.set(cx.state, netuid, &true);
        let kappa = items.kappa.get(cx.state, netuid);
        items.kappa.set(cx.state, netuid, &kappa);
        let cutoff = items.activity_cutoff.get(cx.state, netuid);
        items.activity_cutoff.set(cx.state, netuid, &cutoff);
        items.registrations_this_interval.set(cx.state, netuid, &0);
    }

    fn start_call(&self, cx: &mut Ctx<'_>, origin: Origin, netuid: u16) -> DispatchResult {
        let items = &self.items;
        self.ensure_exists(cx.state, netuid)?;
        self.ensure_owner(cx.state, origin, netuid)?;
        if items.first_emission_block.contains(cx.state, netuid) {
            return Err(errors::SubtensorModule::FirstEmissionBlockNumberAlreadySet);
        }
        let ready = items
            .network_registered_at
            .get(cx.state, netuid)
            .saturating_add(items.start_call_delay.get(cx.state));
        if cx.block < ready {
            return Err(match self.ruleset {
                Ruleset::V425 => errors::SubtensorModule::NeedWaitingMoreBlocksToStarCall,
                Ruleset::V461 => errors::SubtensorModule::StartCallNotReady,
            });
        }
        let first = cx.block.saturating_add(1);
        items.first_emission_block.set(cx.state, netuid, &first);
        items.subtoken_enabled.set(cx.state, netuid, &true);
        cx.emit(self.events.first_emission_block_set, (netuid, first));
        DONE
    }

    fn set_owner_hotkey(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        hotkey: Account,
    ) -> DispatchResult {
        self.ensure_owner_or_root(cx.state, origin, netuid)?;
        self.ensure_exists(cx.state, netuid)?;
        self.ensure_limit(cx, Limit::OwnerHotkey, &hotkey, netuid)?;
        if self.is_subnet_account(cx.state, &hotkey) {
            return Err(errors::SubtensorModule::CannotUseSystemAccount);
        }
        self.record_limit(cx, Limit::OwnerHotkey, &hotkey, netuid);
        self.put_owner_hotkey(cx, netuid, &hotkey);
        DONE
    }

    pub(crate) fn put_owner_hotkey(&self, cx: &mut Ctx<'_>, netuid: u16, hotkey: &Account) {
        self.items.subnet_owner_hotkey.set(cx.state, netuid, hotkey);
        cx.emit(self.events.subnet_owner_hotkey_set, (netuid, *hotkey));
    }

    fn set_subnet_identity(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        subnet_name: Vec<u8>,
        github_repo: Vec<u8>,
        subnet_contact: Vec<u8>,
        subnet_url: Vec<u8>,
        discord: Vec<u8>,
        description: Vec<u8>,
        logo_url: Vec<u8>,
        additional: Vec<u8>,
    ) -> DispatchResult {
        let who = origin.signed()?;
        if self.items.subnet_owner.try_get(cx.state, netuid) != Some(who) {
            return Err(errors::SubtensorModule::NotSubnetOwner);
        }
        let identity = SubnetIdentity {
            subnet_name,
            github_repo,
            subnet_contact,
            subnet_url,
            discord,
            description,
            logo_url,
            additional,
        };
        ensure_valid_identity(&identity)?;
        self.items.subnet_identities.set(cx.state, netuid, &identity);
        cx.emit(self.events.subnet_identity_set, netuid);
        DONE
    }

    fn set_identity(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        name: Vec<u8>,
        url: Vec<u8>,
        github_repo: Vec<u8>,
        image: Vec<u8>,
        discord: Vec<u8>,
        description: Vec<u8>,
        additional: Vec<u8>,
    ) -> DispatchResult {
        let who = origin.signed()?;
        let registered = self.items.owned_hotkeys.get(cx.state, who).into_iter().any(|hotkey| {
            self.items.is_network_member.under(cx.state, hotkey).into_iter().any(|(_, on)| on)
        });
        if !registered {
            return Err(errors::SubtensorModule::HotKeyNotRegisteredInNetwork);
        }
        let short = [&name, &url, &github_repo, &discord];
        let long = [&image, &description, &additional];
        if short.iter().any(|text| text.len() > 256) || long.iter().any(|text| text.len() > 1_024) {
            return Err(errors::SubtensorModule::InvalidIdentity);
        }
        let identity =
            ChainIdentity { name, url, github_repo, image, discord, description, additional };
        self.items.identities.set(cx.state, who, &identity);
        cx.emit(self.events.chain_identity_set, who);
        DONE
    }

    fn update_symbol(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        symbol: Vec<u8>,
    ) -> DispatchResult {
        self.ensure_owner_or_root(cx.state, origin, netuid)?;
        if !symbols().skip(1).any(|known| known.as_bytes() == symbol) {
            return Err(errors::SubtensorModule::SymbolDoesNotExist);
        }
        let used = self.items.token_symbol.entries(cx.state);
        if used.iter().any(|(_, other)| *other == symbol) {
            return Err(errors::SubtensorModule::SymbolAlreadyInUse);
        }
        self.items.token_symbol.set(cx.state, netuid, &symbol);
        cx.emit(self.events.symbol_updated, (netuid, symbol));
        DONE
    }
}

impl Runtime {
    /// Price of registering a subnet now, in rao.
    #[must_use]
    pub fn network_lock_cost(&self, state: &State, block: u64) -> u64 {
        let items = &self.items;
        let lock = LockState {
            last_lock: items.network_last_lock_cost.get(state),
            last_block: items
                .last_rate_limited_block
                .get(state, RateLimitKey::NetworkLastRegistered),
            min_lock: items.network_min_lock_cost.get(state),
            reduction_interval: items.network_lock_reduction_interval.get(state),
        };
        lock.cost(block, block_emission(items.total_issuance.get(state)))
    }

    /// The symbol of a netuid in the table; the first one for a netuid beyond it.
    pub(crate) fn symbol_of(netuid: u16) -> Vec<u8> {
        let first = symbols().next().unwrap_or_default();
        symbols().nth(usize::from(netuid)).unwrap_or(first).as_bytes().to_vec()
    }

    /// What a subnet is called: by its identity, or else by the table.
    pub(crate) fn subnet_name(&self, state: &State, netuid: u16) -> Vec<u8> {
        match self.items.subnet_identities.try_get(state, netuid) {
            Some(identity) if !identity.subnet_name.is_empty() => identity.subnet_name,
            _ => {
                let line = SYMBOLS.lines().nth(usize::from(netuid));
                let name = line.and_then(|line| line.split_once('\t')).map(|(_, name)| name);
                name.unwrap_or("unknown").as_bytes().to_vec()
            }
        }
    }

    pub(crate) fn next_symbol(&self, state: &State, netuid: u16) -> Vec<u8> {
        let used: Vec<Vec<u8>> =
            self.items.token_symbol.entries(state).into_iter().map(|(_, symbol)| symbol).collect();
        let own = Self::symbol_of(netuid);
        if !used.contains(&own) {
            return own;
        }
        let free = symbols()
            .skip(1)
            .map(|symbol| symbol.as_bytes().to_vec())
            .find(|symbol| !used.contains(symbol));
        free.unwrap_or_else(|| Self::symbol_of(0))
    }

    fn free_netuid(&self, state: &State) -> u16 {
        (1..u16::MAX)
            .find(|netuid| !self.items.networks_added.contains(state, *netuid))
            .unwrap_or(1)
    }

    fn ensure_network_rate(&self, state: &State, block: u64) -> Result<(), DispatchError> {
        let last =
            self.items.last_rate_limited_block.get(state, RateLimitKey::NetworkLastRegistered);
        let limit = self.items.network_rate_limit.get(state);
        if last == 0 || block.saturating_sub(last) >= limit {
            Ok(())
        } else {
            Err(errors::SubtensorModule::NetworkTxRateLimitExceeded)
        }
    }
}

fn symbols() -> impl Iterator<Item = &'static str> {
    SYMBOLS.lines().filter_map(|line| line.split_once('\t')).map(|(symbol, _)| symbol)
}

fn ensure_valid_identity(identity: &SubnetIdentity) -> Result<(), DispatchError> {
    let bounds = [
        (&identity.subnet_name, 256),
        (&identity.github_repo, 1_024),
        (&identity.subnet_contact, 1_024),
        (&identity.subnet_url, 1_024),
        (&identity.discord, 256),
        (&identity.description, 1_024),
        (&identity.logo_url, 1_024),
        (&identity.additional, 1_024),
    ];
    if bounds.iter().any(|(text, bound)| text.len() > *bound) {
        return Err(errors::SubtensorModule::InvalidIdentity);
    }
    Ok(())
}
