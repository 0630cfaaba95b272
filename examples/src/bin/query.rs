//! `cargo run --release --bin query -- --help`
//!
//! Exit codes: 0 when every answer was good, 1 when one was not, 2 for arguments that cannot be.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;
use tensor_examples::cause::line_of;
use tensor_examples::query::{Args, Failure, run};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let print = |line: &str| {
        let mut out = io::stdout().lock();
        writeln!(out, "{line}")?;
        out.flush()
    };
    match run(&args, print).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        // Whoever read the output has enough of it.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("query: {}", line_of(&failure));
            ExitCode::from(2)
        }
    }
}
