//! `cargo run --release --features network --bin validator -- --help`
//!
//! Exit codes: 0 when it was told to stop or has played its rounds, 2 when it cannot begin or go on.

use std::process::ExitCode;

use clap::Parser;
use tensor_examples::cause::line_of;
use tensor_examples::validator::{Args, run};

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("validator: {}", line_of(&failure));
            ExitCode::from(2)
        }
    }
}
