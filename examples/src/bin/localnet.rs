//! `cargo run --release --features localnet --bin localnet -- --fast`
//!
//! A local chain on a websocket. Exit codes: 0 when it was asked to stop, 2 when it could not run.

use std::process::ExitCode;

use clap::Parser;
use tensor_examples::localnet::{args::Args, node};

#[tokio::main]
async fn main() -> ExitCode {
    match node::run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("localnet: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::from(2)
        }
    }
}
