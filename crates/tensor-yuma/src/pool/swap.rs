//! The swap procedure over a curve: fee, limit price, partial fill and the pallet's errors.

use super::curve::{Curve, Reserves};
use crate::fixed::U64F64;

/// `FeeRate` of a subnet unless root changed it: 33 of 65535, about 0.05 %.
pub const DEFAULT_FEE_RATE: u16 = 33;

/// Highest `FeeRate` root may set.
pub const MAX_FEE_RATE: u16 = 10_000;

/// Limit price of an unlimited buy, in rao per alpha: a million TAO.
pub const MAX_PRICE: u64 = 1_000_000_000_000_000;

/// Limit price of an unlimited sale, in rao per alpha: 0.000001 TAO.
pub const MIN_PRICE: u64 = 1_000;

/// Least the pool must hold of what it pays out.
pub const MINIMUM_RESERVE: u64 = 1_000_000;

/// An order may put in at most this many times what the pool holds of the input.
const MAX_INPUT_MULTIPLE: u64 = 1_000;

/// Direction of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Side {
    /// TAO in, alpha out.
    Buy,
    /// Alpha in, TAO out.
    Sell,
}

/// What is asked of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Order {
    /// Direction.
    pub side: Side,
    /// Amount the trader gives, fee included: rao for a buy, alpha units for a sale.
    pub amount: u64,
    /// Worst acceptable price after the trade, in TAO per alpha.
    pub limit: U64F64,
    /// Charge no fee (protocol buys, fee sales, the second leg of a move).
    pub drop_fees: bool,
}

impl Order {
    /// Buy alpha for `tao` rao, fee included, at any price.
    #[must_use]
    pub const fn buy(tao: u64) -> Self {
        Self {
            side: Side::Buy,
            amount: tao,
            limit: U64F64::from_rao_price(MAX_PRICE),
            drop_fees: false,
        }
    }

    /// Sell `alpha` units, fee included, at any price.
    #[must_use]
    pub const fn sell(alpha: u64) -> Self {
        Self {
            side: Side::Sell,
            amount: alpha,
            limit: U64F64::from_rao_price(MIN_PRICE),
            drop_fees: false,
        }
    }

    /// The same order with a limit in rao per alpha, as the limit extrinsics give it.
    #[must_use]
    pub const fn with_limit(self, rao_per_alpha: u64) -> Self {
        Self { limit: U64F64::from_rao_price(rao_per_alpha), ..self }
    }

    /// The same order without fee.
    #[must_use]
    pub const fn without_fee(self) -> Self {
        Self { drop_fees: true, ..self }
    }
}

/// What a swap does, before or after it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Quote {
    /// Enters the pool (`amount_paid_in`); the fee is not part of it.
    pub paid_in: u64,
    /// Leaves the pool to the trader (`amount_paid_out`).
    pub paid_out: u64,
    /// Fee, in the input's unit; never enters the pool.
    pub fee: u64,
    /// Part of the fee that goes to the block author: all of it, or nothing when nothing was traded.
    pub fee_to_block_author: u64,
    /// Spot price before.
    pub price_before: U64F64,
    /// Spot price after.
    pub price_after: U64F64,
    /// Reserves after.
    pub reserves_after: Reserves,
}

impl Quote {
    /// What the trader gives in all: input and fee.
    #[must_use]
    pub const fn total_in(&self) -> u64 {
        self.paid_in.saturating_add(self.fee)
    }

    /// Output lost to the moving price and the fee, as a fraction of the output at the spot price; for display.
    #[must_use]
    pub fn slippage_lossy(&self, side: Side) -> f64 {
        let given = self.total_in() as f64;
        let ideal = match side {
            Side::Buy => given / self.price_before.to_f64_lossy(),
            Side::Sell => given * self.price_before.to_f64_lossy(),
        };
        if ideal > 0.0 { 1.0 - self.paid_out as f64 / ideal } else { 0.0 }
    }
}

/// Why a pool refuses an order. The names are those of the Swap pallet's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SwapError {
    /// `Swap.SwapInputTooLarge`.
    #[error("input of {input} is more than {MAX_INPUT_MULTIPLE} times the reserve of {reserve}")]
    SwapInputTooLarge {
        /// Amount after fee.
        input: u64,
        /// Reserve of the input side.
        reserve: u64,
    },
    /// `Swap.ReservesTooLow`: the output side is nearly empty, or the trade would pay nothing.
    #[error("reserve of {reserve} is too low to pay out")]
    ReservesTooLow {
        /// Reserve of the output side.
        reserve: u64,
    },
    /// `Swap.PriceLimitExceeded`: the price is at or beyond the limit already.
    #[error("price {price} is not better than the limit {limit}")]
    PriceLimitExceeded {
        /// Spot price.
        price: U64F64,
        /// Limit of the order.
        limit: U64F64,
    },
    /// `Swap.InsufficientLiquidity`.
    #[error("would pay out {output} from a reserve of {reserve}")]
    InsufficientLiquidity {
        /// Amount the curve gives.
        output: u64,
        /// Reserve of the output side.
        reserve: u64,
    },
}

impl SwapError {
    /// Name of the error in the Swap pallet's metadata.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SwapInputTooLarge { .. } => "SwapInputTooLarge",
            Self::ReservesTooLow { .. } => "ReservesTooLow",
            Self::PriceLimitExceeded { .. } => "PriceLimitExceeded",
            Self::InsufficientLiquidity { .. } => "InsufficientLiquidity",
        }
    }
}

/// A curve with a fee rate: quotes orders against given reserves.
///
/// ```
/// use tensor_yuma::pool::{Balancer, Order, Reserves, Swap};
/// let reserves = Reserves { tao: 1_000_000_000_000, alpha: 1_000_000_000_000 };
/// let quote = Swap::new(Balancer::default()).quote(reserves, &Order::buy(100_000_000_000))?;
/// assert_eq!((quote.paid_in, quote.fee, quote.paid_out), (99_949_645_228, 50_354_772, 90_867_473_489));
/// # Ok::<(), tensor_yuma::pool::SwapError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap<C> {
    curve: C,
    fee_rate: u16,
}

impl<C: Curve> Swap<C> {
    /// A pool on `curve` with the default fee rate.
    #[must_use]
    pub const fn new(curve: C) -> Self {
        Self { curve, fee_rate: DEFAULT_FEE_RATE }
    }

    /// The same pool with another fee rate, a proportion of 65535.
    #[must_use]
    pub fn with_fee_rate(self, fee_rate: u16) -> Self {
        Self { fee_rate, ..self }
    }

    /// The curve.
    #[must_use]
    pub const fn curve(&self) -> &C {
        &self.curve
    }

    /// Fee on `amount`: `floor(amount * (rate / 65535))`, the quotient truncated first, so that 65,535 at a rate of 33 pays
    /// 32. Zero on a curve without fee.
    #[must_use]
    pub fn fee(&self, amount: u64) -> u64 {
        if !self.curve.charges_fee() {
            return 0;
        }
        let rate = U64F64::from_int(u64::from(self.fee_rate)).safe_div(U64F64::from_int(65_535));
        U64F64::from_int(amount).saturating_mul(rate).to_u64()
    }

    /// What `order` does to a pool holding `reserves`; executing it means taking [`Quote::reserves_after`].
    ///
    /// Source: `pallets/swap/src/pallet/impls.rs` and `swap_step.rs`; chain rules 4.3.
    ///
    /// # Errors
    /// In this order: [`SwapError::SwapInputTooLarge`], [`SwapError::ReservesTooLow`], [`SwapError::PriceLimitExceeded`],
    /// `ReservesTooLow` again when something would be paid in for nothing, [`SwapError::InsufficientLiquidity`].
    pub fn quote(&self, reserves: Reserves, order: &Order) -> Result<Quote, SwapError> {
        let side = order.side;
        let (reserve_in, reserve_out) = sides(reserves, side);
        let mut fee = if order.drop_fees { 0 } else { self.fee(order.amount) };
        let net = order.amount.saturating_sub(fee);
        let price = self.curve.price(reserves);
        if self.curve.charges_fee() {
            self.admit(order, net, reserve_in, reserve_out, price)?;
        }

        let mut paid_in = net;
        let mut paid_out = self.output(reserves, side, net);
        let target = self.curve.price(moved(reserves, side, net, paid_out));
        if !within_limit(side, target, order.limit) {
            paid_in = match side {
                Side::Buy => self.curve.tao_to_price(reserves, order.limit),
                Side::Sell => self.curve.alpha_to_price(reserves, order.limit),
            };
            fee = if order.drop_fees { 0 } else { self.fee_on_net(paid_in) };
            paid_out = self.output(reserves, side, paid_in);
        }
        if paid_in > 0 && paid_out == 0 {
            return Err(SwapError::ReservesTooLow { reserve: reserve_out });
        }
        if self.curve.charges_fee() && paid_out > reserve_out {
            return Err(SwapError::InsufficientLiquidity {
                output: paid_out,
                reserve: reserve_out,
            });
        }
        let reserves_after = moved(reserves, side, paid_in, paid_out);
        Ok(Quote {
            paid_in,
            paid_out,
            fee,
            fee_to_block_author: if paid_in == 0 { 0 } else { fee },
            price_before: price,
            price_after: self.curve.price(reserves_after),
            reserves_after,
        })
    }

    /// Most that can be given, fee included, before the price reaches `limit`: the simulation of an order of 1,000 times the
    /// input reserve.
    ///
    /// # Errors
    /// As [`Self::quote`]; [`SwapError::PriceLimitExceeded`] when the price is at the limit already.
    pub fn max_amount(
        &self,
        reserves: Reserves,
        side: Side,
        limit: U64F64,
    ) -> Result<u64, SwapError> {
        let amount = sides(reserves, side).0.saturating_mul(MAX_INPUT_MULTIPLE);
        let quote = self.quote(reserves, &Order { side, amount, limit, drop_fees: false })?;
        Ok(quote.total_in())
    }

    /// Least amount, fee included, of which at least `net` is charged a fee on top: `net + fee(net)`, the chain's stake
    /// minimum for `net` = 2,000,000 rao.
    #[must_use]
    pub fn with_fee(&self, net: u64) -> u64 {
        net.saturating_add(self.fee(net))
    }

    fn admit(
        &self,
        order: &Order,
        net: u64,
        reserve_in: u64,
        reserve_out: u64,
        price: U64F64,
    ) -> Result<(), SwapError> {
        if net > reserve_in.saturating_mul(MAX_INPUT_MULTIPLE) {
            return Err(SwapError::SwapInputTooLarge { input: net, reserve: reserve_in });
        }
        if reserve_out < MINIMUM_RESERVE {
            return Err(SwapError::ReservesTooLow { reserve: reserve_out });
        }
        let beyond = match order.side {
            Side::Buy => price < order.limit,
            Side::Sell => price > order.limit,
        };
        if beyond {
            Ok(())
        } else {
            Err(SwapError::PriceLimitExceeded { price, limit: order.limit })
        }
    }

    fn output(&self, reserves: Reserves, side: Side, amount: u64) -> u64 {
        match side {
            Side::Buy => self.curve.alpha_for_tao(reserves, amount),
            Side::Sell => self.curve.tao_for_alpha(reserves, amount),
        }
    }

    /// Fee of a partial fill, from what enters the pool: `floor(in * (rate / (65535 - rate)))`, quotient first.
    fn fee_on_net(&self, paid_in: u64) -> u64 {
        if !self.curve.charges_fee() {
            return 0;
        }
        let fixed = U64F64::from_int;
        let rate =
            fixed(u64::from(self.fee_rate)).safe_div(fixed(65_535 - u64::from(self.fee_rate)));
        fixed(paid_in).saturating_mul(rate).to_u64()
    }
}

const fn sides(reserves: Reserves, side: Side) -> (u64, u64) {
    match side {
        Side::Buy => (reserves.tao, reserves.alpha),
        Side::Sell => (reserves.alpha, reserves.tao),
    }
}

const fn moved(reserves: Reserves, side: Side, paid_in: u64, paid_out: u64) -> Reserves {
    match side {
        Side::Buy => Reserves {
            tao: reserves.tao.saturating_add(paid_in),
            alpha: reserves.alpha.saturating_sub(paid_out),
        },
        Side::Sell => Reserves {
            tao: reserves.tao.saturating_sub(paid_out),
            alpha: reserves.alpha.saturating_add(paid_in),
        },
    }
}

fn within_limit(side: Side, price: U64F64, limit: U64F64) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}

#[cfg(test)]
mod tests;
