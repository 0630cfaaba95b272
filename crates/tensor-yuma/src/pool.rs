//! A subnet's pool: what alpha costs, what a trade gives, and who owns the stake behind a hotkey.
//!
//! | item | what it is |
//! | --- | --- |
//! | [`Curve`] | a pricing rule over two reserves; object-safe, so that another rule can be put in |
//! | [`Balancer`] | the weighted curve of spec versions 425 and 461 |
//! | [`Stable`] | mechanism 0 (root among them): one to one, no fee |
//! | [`Swap`], [`Quote`] | the Swap pallet's procedure over a curve: fee, limit price, partial fill, errors |
//! | [`share`] | share pools: how a hotkey's stake is divided between coldkeys |
//!
//! Amounts are rao and alpha units (1e-9); prices are TAO per alpha as [`U64F64`](crate::fixed::U64F64). Source:
//! `pallets/swap/src/pallet/` of opentensor/subtensor at spec version 425; chain rules 4.

mod balancer;
mod curve;
mod power;
pub mod share;
mod swap;

pub use balancer::{Balancer, MIN_WEIGHT, WEIGHT_ONE, WeightOutOfRange};
pub use curve::{Curve, Reserves, Stable};
pub use power::{PowerArguments, power_scaled};
pub use swap::{
    DEFAULT_FEE_RATE, MAX_FEE_RATE, MAX_PRICE, MIN_PRICE, MINIMUM_RESERVE, Order, Quote, Side,
    Swap, SwapError,
};
