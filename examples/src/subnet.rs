//! A whole subnet in one process: the library behind the program `subnet`.
//!
//! [`story`] plays it; the files beside it are its parts, each of which a program of your own may take
//! as it is: a validator's policy ([`judge`]), miners ([`worker`]), a paid front door ([`front`]).

pub mod args;
pub mod board;
pub mod cast;
pub mod customer;
pub mod front;
pub mod input;
pub mod judge;
pub mod ledger;
pub mod ranking;
pub mod report;
pub mod sentiment;
pub mod serve;
pub mod stage;
pub mod story;
pub mod view;
pub mod worker;
