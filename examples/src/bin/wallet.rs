//! `cargo run --release --features wallet --bin wallet -- --help`

use std::process::ExitCode;

use clap::Parser;
use tensor_examples::wallet::{Args, Terminal, run};

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args, &mut Terminal::default()) {
        Ok(report) if args.json => println!("{}", report.json),
        Ok(report) => print!("{}", report.text),
        Err(failure) => {
            let reasons = failure.reasons();
            if args.json {
                let code = failure.exit_code();
                eprintln!("{}", serde_json::json!({ "error": reasons.join(": "), "code": code }));
            } else {
                eprintln!("wallet: {}", reasons.join(": "));
            }
            return ExitCode::from(failure.exit_code());
        }
    }
    ExitCode::SUCCESS
}
