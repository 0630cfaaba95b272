//! `cargo run --release --features ml --bin ml -- --help`
//!
//! Exit codes: 0 when it was done, 1 when it was not, 2 for arguments that cannot be.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::Parser;
use tensor_examples::ml::{Args, Failure, run};

fn main() -> ExitCode {
    let args = Args::parse();
    let result = run(&args, &mut io::stdin().lock(), &mut io::stdout().lock());
    let failure = match result.and_then(|()| io::stdout().flush().map_err(Failure::Output)) {
        Ok(()) => return ExitCode::SUCCESS,
        // Whoever read the output has enough of it.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            return ExitCode::SUCCESS;
        }
        Err(failure) => failure,
    };
    if args.json {
        eprintln!("{}", serde_json::json!({ "error": failure.to_line() }));
    } else if io::stderr().is_terminal() {
        eprintln!("\u{1b}[31mml:\u{1b}[0m {}", failure.to_line());
    } else {
        eprintln!("ml: {}", failure.to_line());
    }
    ExitCode::from(failure.exit_code())
}
