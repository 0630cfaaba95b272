//! `cargo run --release --bin miner -- --help`
//!
//! Exit codes: 0 when it was told to stop and has drained, 2 when it could not begin.

use std::process::ExitCode;

use clap::Parser;
use tensor_examples::cause::line_of;
use tensor_examples::miner::{Args, run};

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("miner: {}", line_of(&failure));
            ExitCode::from(2)
        }
    }
}
