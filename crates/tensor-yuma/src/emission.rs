//! Where new TAO and alpha come from and how one block's emission is divided, exactly as the runtime computes it.
//!
//! | question | module |
//! | --- | --- |
//! | how much a block mints, when it halves | [`issuance`] |
//! | how a subnet's price average moves | [`price`] |
//! | which subnet gets how much TAO | [`shares`] (with the emission gate of spec 461 in [`gate`]) |
//! | what enters a pool and what neurons get | [`terms`] |
//! | what registering a neuron or a subnet costs | [`burn`], [`lock`] |
//! | what a hotkey's stake counts for | [`inherit`] |
//! | who is paid what after an epoch | [`dividends`], [`root_claim`] |
//!
//! Everything takes and gives plain `u64` amounts (rao, or alpha units of 1e-9) and the fixed-point types of
//! [`crate::fixed`]. Source: opentensor/subtensor 14bc6f9f (spec version 425), `pallets/subtensor/src/coinbase/`.

pub mod burn;
pub mod dividends;
pub mod gate;
pub mod inherit;
pub mod issuance;
pub mod lock;
pub mod price;
pub mod root_claim;
pub mod shares;
pub mod terms;
