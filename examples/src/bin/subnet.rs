//! `cargo run --release --bin subnet`
//!
//! A whole Bittensor subnet in one process. Exit codes: 0 when everything held, 1 when a ledger does
//! not close or a cheat was paid, 2 when it could not run.

use std::process::ExitCode;

use clap::Parser;
use tensor_examples::atomic;
use tensor_examples::cause::line_of;
use tensor_examples::subnet::args::Args;
use tensor_examples::subnet::board::Board;
use tensor_examples::subnet::cast::Cast;
use tensor_examples::subnet::story::{self, Outcome, StoryError};
use tensor_examples::subnet::view::{self, Style};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {}", line_of(&error));
            ExitCode::from(2)
        }
    }
}

async fn run(args: &Args) -> Result<bool, StoryError> {
    let cast = Cast::new(args.seed, args.miners)?;
    let board = Board::new(&cast, args.epochs);
    let style = Style::choose(args.plain, args.json);
    let view = tokio::spawn(view::show(board.clone(), style));
    let outcome = story::play(args, &cast, &board).await;
    board.update(|board| board.over = true);
    view.await?;
    let mut outcome = outcome?;
    let good = conclude(args, &outcome, style)?;
    if let Some(served) = outcome.served.take() {
        eprintln!("serving on {}: SIGINT or SIGTERM ends it", served.url());
        served.until_stopped().await?;
    }
    Ok(good)
}

fn conclude(args: &Args, outcome: &Outcome, style: Style) -> Result<bool, StoryError> {
    let report = serde_json::to_string_pretty(&outcome.report).map_err(std::io::Error::other)?;
    if let Some(path) = &args.answers {
        outcome.answers.write(path)?;
    }
    if let Some(path) = &args.report {
        atomic::write(path, report.as_bytes())?;
    }
    match style {
        Style::Silent => println!("{report}"),
        _ => print!("{}", view::summary(outcome)),
    }
    Ok(outcome.report.broken(&outcome.stopped).is_empty())
}
