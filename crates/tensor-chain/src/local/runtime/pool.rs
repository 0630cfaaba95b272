//! A subnet's pool in the state: prices, quotes, and the accounting of purchases and sales (chain rules 4).

use tensor_yuma::fixed::{U64F64, U96F32};
use tensor_yuma::pool::{
    Balancer, Curve, MAX_FEE_RATE, MAX_PRICE, MIN_PRICE, Order, Quote, Reserves, Side, Stable,
    Swap, SwapError,
};

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::{Account, Ruleset, Runtime};
use crate::local::state::State;

/// Mechanism of a subnet whose alpha is one to one with TAO.
pub(crate) const STABLE: u16 = 0;
/// Mechanism of a subnet with a pool.
pub(crate) const DYNAMIC: u16 = 1;

/// Any price is fine for the buyer, in rao per alpha.
pub(crate) const ANY_BUY: u64 = MAX_PRICE;
/// Any price is fine for the seller, in rao per alpha.
pub(crate) const ANY_SALE: u64 = MIN_PRICE;

/// A pool as it stands: its rule and what it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    rule: Rule,
    fee_rate: u16,
    pub(crate) reserves: Reserves,
}

#[derive(Clone, Copy, Debug)]
enum Rule {
    Stable,
    Balancer(Balancer),
}

impl Pool {
    /// Spot price, TAO per alpha.
    pub(crate) fn price(&self) -> U64F64 {
        match self.rule {
            Rule::Stable => Stable.price(self.reserves),
            Rule::Balancer(balancer) => balancer.price(self.reserves),
        }
    }

    /// What an order would do.
    pub(crate) fn quote(&self, order: &Order) -> Result<Quote, SwapError> {
        match self.rule {
            Rule::Stable => Swap::new(Stable).quote(self.reserves, order),
            Rule::Balancer(balancer) => {
                Swap::new(balancer).with_fee_rate(self.fee_rate).quote(self.reserves, order)
            }
        }
    }

    /// The fee on an amount given in.
    pub(crate) fn fee(&self, amount: u64) -> u64 {
        match self.rule {
            Rule::Stable => Swap::new(Stable).fee(amount),
            Rule::Balancer(balancer) => {
                Swap::new(balancer).with_fee_rate(self.fee_rate).fee(amount)
            }
        }
    }

    /// Most that can be given, fee included, before the price reaches `limit` (rao per alpha).
    pub(crate) fn max_amount(&self, side: Side, limit: u64) -> Result<u64, SwapError> {
        let limit = U64F64::from_rao_price(limit);
        match self.rule {
            Rule::Stable => Swap::new(Stable).max_amount(self.reserves, side, limit),
            Rule::Balancer(balancer) => Swap::new(balancer)
                .with_fee_rate(self.fee_rate)
                .max_amount(self.reserves, side, limit),
        }
    }

    /// Whether this is a pool with a curve.
    pub(crate) fn is_dynamic(&self) -> bool {
        matches!(self.rule, Rule::Balancer(_))
    }
}

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "Swap":
        PAID set_fee_rate(netuid: u16, rate: u16) => set_fee_rate;
        PAID add_liquidity(hotkey: Account, netuid: u16, tick_low: u32, tick_high: u32, liquidity: u64) => no_add_liquidity;
        PAID remove_liquidity(hotkey: Account, netuid: u16, position_id: u128) => no_remove_liquidity;
        PAID modify_position(hotkey: Account, netuid: u16, position_id: u128, liquidity_delta: i64) => no_modify_position;
        PAID toggle_user_liquidity(netuid: u16, enable: bool) => no_toggle_user_liquidity;
        PAID disable_lp() => no_disable_lp;
    );
}

impl Runtime {
    /// The pool of a subnet.
    pub(crate) fn pool(&self, state: &State, netuid: u16) -> Pool {
        let items = &self.items;
        let rule = if items.subnet_mechanism.get(state, netuid) == DYNAMIC {
            // A weight out of range can only have been planted; the pool then behaves as a new one.
            Rule::Balancer(
                Balancer::new(items.swap_balancer.get(state, netuid)).unwrap_or_default(),
            )
        } else {
            Rule::Stable
        };
        Pool {
            rule,
            fee_rate: items.fee_rate.get(state, netuid),
            reserves: Reserves {
                tao: items.subnet_tao.get(state, netuid),
                alpha: items.subnet_alpha_in.get(state, netuid),
            },
        }
    }

    /// Spot price of a subnet's alpha, TAO per alpha; 1 on stable subnets.
    pub(crate) fn alpha_price(&self, state: &State, netuid: u16) -> U64F64 {
        self.pool(state, netuid).price()
    }

    /// Rao that `alpha` is worth at the spot price, floored.
    pub(crate) fn alpha_value(&self, state: &State, netuid: u16, alpha: u64) -> u64 {
        self.alpha_price(state, netuid).saturating_mul(U64F64::from_int(alpha)).to_u64()
    }

    /// Alpha in the pool and outstanding: what the halving of a subnet follows.
    pub(crate) fn alpha_issuance(&self, state: &State, netuid: u16) -> u64 {
        let items = &self.items;
        items
            .subnet_alpha_in
            .get(state, netuid)
            .saturating_add(items.subnet_alpha_out.get(state, netuid))
    }

    /// Buys alpha for `tao` rao that already lie on the subnet's account. The bought alpha becomes outstanding; giving it to somebody is the caller's.
    pub(crate) fn buy_alpha(
        &self,
        cx: &mut Ctx<'_>,
        netuid: u16,
        tao: u64,
        limit: u64,
        drop_fees: bool,
    ) -> Result<Quote, DispatchError> {
        let pool = self.pool(cx.state, netuid);
        let order = Order { drop_fees, ..Order::buy(tao).with_limit(limit) };
        let quote = pool.quote(&order).map_err(|error| swap_error(&error))?;
        self.mark_initialized(cx, netuid, &pool);
        let items = &self.items;
        items.subnet_alpha_in.sub(cx.state, netuid, quote.paid_out);
        items.subnet_alpha_out.add(cx.state, netuid, quote.paid_out);
        items.subnet_tao.add(cx.state, netuid, quote.paid_in);
        // The whole amount, although the fee leaves the pool: TotalStake is reported so.
        items.total_stake.add(cx.state, tao);
        self.add_volume(cx, netuid, tao);
        Ok(quote)
    }

    /// Sells outstanding `alpha`, which the caller has taken from its owner. The rao stay on the subnet's account.
    pub(crate) fn sell_alpha(
        &self,
        cx: &mut Ctx<'_>,
        netuid: u16,
        alpha: u64,
        limit: u64,
        drop_fees: bool,
    ) -> Result<Quote, DispatchError> {
        let pool = self.pool(cx.state, netuid);
        let order = Order { drop_fees, ..Order::sell(alpha).with_limit(limit) };
        let quote = pool.quote(&order).map_err(|error| swap_error(&error))?;
        self.mark_initialized(cx, netuid, &pool);
        let items = &self.items;
        items.subnet_alpha_in.add(cx.state, netuid, quote.paid_in);
        items.subnet_alpha_out.sub(cx.state, netuid, quote.paid_in);
        items.subnet_tao.sub(cx.state, netuid, quote.paid_out);
        items.total_stake.sub(cx.state, quote.paid_out);
        self.add_volume(cx, netuid, quote.paid_out);
        Ok(quote)
    }

    /// Takes protocol liquidity into a pool without moving its price; returns what became part of the reserves' price.
    ///
    /// 425 drops what the weights cannot take. 461 keeps it in reservoirs and offers it again with a later injection. Which parts of reservoir and
    /// injection it offers together is not published; here everything is offered first, then only the injection, then each side of it alone, TAO
    /// first: the recorded cases (a thousandfold excess of either side) come out as recorded.
    pub(crate) fn adjust_liquidity(
        &self,
        cx: &mut Ctx<'_>,
        netuid: u16,
        tao: u64,
        alpha: u64,
    ) -> (u64, u64) {
        let pool = self.pool(cx.state, netuid);
        let Rule::Balancer(balancer) = pool.rule else { return (0, 0) };
        self.mark_initialized(cx, netuid, &pool);
        let items = &self.items;
        if self.ruleset == Ruleset::V425 {
            return match balancer.inject(pool.reserves, tao, alpha) {
                Ok(next) => {
                    items.swap_balancer.set(cx.state, netuid, &next.quote_weight());
                    (tao, alpha)
                }
                Err(_) => (0, 0),
            };
        }
        let held_tao = items.tao_reservoir.get(cx.state, netuid);
        let held_alpha = items.alpha_reservoir.get(cx.state, netuid);
        let (all_tao, all_alpha) = (held_tao.saturating_add(tao), held_alpha.saturating_add(alpha));
        let offers = [
            (all_tao, all_alpha),
            (tao, alpha),
            (all_tao, 0),
            (0, all_alpha),
            (tao, 0),
            (0, alpha),
        ];
        for (offer_tao, offer_alpha) in offers {
            let Ok(next) = balancer.inject(pool.reserves, offer_tao, offer_alpha) else { continue };
            if next != balancer {
                items.swap_balancer.set(cx.state, netuid, &next.quote_weight());
            }
            set_or_clear(cx.state, &items.tao_reservoir, netuid, all_tao - offer_tao);
            set_or_clear(cx.state, &items.alpha_reservoir, netuid, all_alpha - offer_alpha);
            return (offer_tao, offer_alpha);
        }
        set_or_clear(cx.state, &items.tao_reservoir, netuid, all_tao);
        set_or_clear(cx.state, &items.alpha_reservoir, netuid, all_alpha);
        (0, 0)
    }

    /// Root's part of a subnet's emission, from the issuance at this moment.
    pub(crate) fn root_proportion(&self, state: &State, netuid: u16) -> U96F32 {
        tensor_yuma::emission::terms::root_proportion(
            self.items.subnet_tao.get(state, 0),
            self.alpha_issuance(state, netuid),
            self.items.tao_weight.get(state),
        )
    }

    /// Notes TAO that entered through stakers.
    pub(crate) fn record_inflow(&self, cx: &mut Ctx<'_>, netuid: u16, tao: u64) {
        let tao = i64::try_from(tao).unwrap_or(i64::MAX);
        self.items.subnet_tao_flow.mutate(cx.state, netuid, |flow| {
            *flow = flow.saturating_add(tao);
        });
    }

    /// Notes TAO that left through stakers.
    pub(crate) fn record_outflow(&self, cx: &mut Ctx<'_>, netuid: u16, tao: u64) {
        let tao = i64::try_from(tao).unwrap_or(i64::MAX);
        self.items.subnet_tao_flow.mutate(cx.state, netuid, |flow| {
            *flow = flow.saturating_sub(tao);
        });
    }

    fn add_volume(&self, cx: &mut Ctx<'_>, netuid: u16, tao: u64) {
        self.items.subnet_volume.mutate(cx.state, netuid, |volume| {
            *volume = volume.saturating_add(u128::from(tao));
        });
    }

    fn mark_initialized(&self, cx: &mut Ctx<'_>, netuid: u16, pool: &Pool) {
        if pool.is_dynamic() && !self.items.swap_initialized.get(cx.state, netuid) {
            let quote = self.items.swap_balancer.get(cx.state, netuid);
            self.items.swap_balancer.set(cx.state, netuid, &quote);
            self.items.swap_initialized.set(cx.state, netuid, &true);
        }
    }
}

/// The Swap calls.
impl Runtime {
    fn set_fee_rate(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        rate: u16,
    ) -> DispatchResult {
        self.ensure_owner_or_root(cx.state, origin, netuid)?;
        if !self.items.networks_added.get(cx.state, netuid) {
            return Err(errors::Swap::MechanismDoesNotExist);
        }
        if rate > MAX_FEE_RATE {
            return Err(errors::Swap::FeeRateTooHigh);
        }
        self.items.fee_rate.set(cx.state, netuid, &rate);
        cx.emit(self.events.fee_rate_set, (netuid, rate));
        DONE
    }

    fn no_add_liquidity(
        &self,
        _: &mut Ctx<'_>,
        _: Origin,
        _hotkey: Account,
        _netuid: u16,
        _low: u32,
        _high: u32,
        _liquidity: u64,
    ) -> DispatchResult {
        Err(errors::Swap::Deprecated)
    }

    fn no_remove_liquidity(
        &self,
        _: &mut Ctx<'_>,
        _: Origin,
        _hotkey: Account,
        _netuid: u16,
        _position: u128,
    ) -> DispatchResult {
        Err(errors::Swap::Deprecated)
    }

    fn no_modify_position(
        &self,
        _: &mut Ctx<'_>,
        _: Origin,
        _hotkey: Account,
        _netuid: u16,
        _position: u128,
        _delta: i64,
    ) -> DispatchResult {
        Err(errors::Swap::Deprecated)
    }

    fn no_toggle_user_liquidity(
        &self,
        _: &mut Ctx<'_>,
        _: Origin,
        _netuid: u16,
        _enable: bool,
    ) -> DispatchResult {
        Err(errors::Swap::Deprecated)
    }

    fn no_disable_lp(&self, _: &mut Ctx<'_>, _: Origin) -> DispatchResult {
        Err(errors::Swap::Deprecated)
    }
}

/// The pallet's error for a refusal of the pool.
pub(crate) fn swap_error(error: &SwapError) -> DispatchError {
    match error {
        SwapError::SwapInputTooLarge { .. } => errors::Swap::SwapInputTooLarge,
        SwapError::ReservesTooLow { .. } => errors::Swap::ReservesTooLow,
        SwapError::PriceLimitExceeded { .. } => errors::Swap::PriceLimitExceeded,
        _ => errors::Swap::InsufficientLiquidity,
    }
}

fn set_or_clear(
    state: &mut State,
    map: &crate::local::storage::Map<u16, u64>,
    netuid: u16,
    value: u64,
) {
    if value == 0 {
        map.remove(state, netuid);
    } else {
        map.set(state, netuid, &value);
    }
}
