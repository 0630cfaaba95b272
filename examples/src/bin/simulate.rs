//! `cargo run --release --features simulate --bin simulate -- --help`

use std::process::ExitCode;

use clap::Parser;
use tensor_examples::cause::line_of;
use tensor_examples::simulate::{Args, run};

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(report) if args.json => println!("{}", report.json),
        Ok(report) => print!("{}", report.text),
        Err(error) => {
            let reasons = line_of(&error);
            if args.json {
                eprintln!("{}", serde_json::json!({ "error": reasons }));
            } else {
                eprintln!("simulate: {reasons}");
            }
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
