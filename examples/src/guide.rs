//! The guides of `examples/guide`, so that their code is compiled and run with the tests.

#[doc = include_str!("../guide/miner.md")]
pub mod miner {}
#[doc = include_str!("../guide/validator.md")]
pub mod validator {}
#[doc = include_str!("../guide/owner.md")]
pub mod owner {}
#[doc = include_str!("../guide/app.md")]
pub mod app {}
#[doc = include_str!("../guide/python.md")]
pub mod python {}
