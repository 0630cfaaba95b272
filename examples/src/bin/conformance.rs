//! `cargo run --release --bin conformance -- yuma testdata/yuma/yuma_vectors.json`, or
//! `… -- scenario testdata/scenarios` for the stories on the local chain.
//!
//! Checks a vector file, prints `N passed, M failed`, and exits with 1 if any case failed.

use std::error::Error;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use tensor_examples::atomic;
use tensor_examples::cause::line_of;
use tensor_examples::conformance::{self, Suite, VectorError, Vectors, report::Report};

/// Holds this implementation against vectors of the chain and the official packages.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    /// Which family of vectors the file holds.
    suite: Suite,
    /// The vector file, or a folder whose files are all checked.
    path: PathBuf,
    /// The runtime metadata that `chain` encodes against: SCALE bytes, their hexadecimal, or a vector file
    /// that carries it [default: the vector file's own, else that of spec version 461].
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
    /// Write the file again with every expected value replaced by what was computed.
    #[arg(long, value_name = "OUT")]
    emit: Option<PathBuf>,
    /// Name the cases and stop.
    #[arg(long)]
    list: bool,
    /// Check only the case of this name.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {}", line_of(&*error));
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<bool, Box<dyn Error>> {
    let files = files(args)?;
    if args.emit.is_some() && files.len() != 1 {
        return Err("--emit writes one file: give one vector file".into());
    }
    let mut total = Report::default();
    for file in &files {
        let mut vectors = match load(args, file) {
            // One bad story among many fails alone.
            Err(error) if args.suite == Suite::Scenario && files.len() > 1 => {
                Vectors::unusable(file, line_of(&error))
            }
            loaded => loaded?,
        };
        if let Some(name) = &args.only {
            match vectors.retain(name) {
                // It may be another file's.
                Err(_) if files.len() > 1 => continue,
                retained => retained?,
            }
        }
        if args.list {
            // Whoever reads may have enough before the end.
            let mut out = std::io::stdout().lock();
            let told = vectors.names().iter().try_for_each(|name| writeln!(out, "{name}"));
            match told {
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(true),
                told => told?,
            }
            continue;
        }
        let bar = bar(vectors.names().len());
        if let Some(out) = &args.emit {
            let (document, report) = conformance::emit(&vectors, |_| bar.inc(1))?;
            atomic::write(out, conformance::numbers::to_text(&document).as_bytes())?;
            total.merge(report);
        } else {
            total.merge(conformance::check(&vectors, |_| bar.inc(1)));
        }
        bar.finish_and_clear();
    }
    if args.list {
        return Ok(true);
    }
    if let (Some(name), true) = (&args.only, total.passed().is_empty() && total.failed().is_empty())
    {
        return Err(VectorError::NoSuchCase(name.clone()).into());
    }
    println!("{total}");
    Ok(total.is_success())
}

fn load(args: &Args, file: &Path) -> Result<Vectors, VectorError> {
    conformance::load_against(args.suite, file, args.metadata.as_deref())
}

/// The file itself, or for a folder all JSON files in it, by name.
fn files(args: &Args) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    if !args.path.is_dir() || args.suite == Suite::Wallet {
        return Ok(vec![args.path.clone()]);
    }
    let json = |path: &Path| path.extension().is_some_and(|extension| extension == "json");
    let mut files: Vec<_> = std::fs::read_dir(&args.path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| json(path));
    files.sort();
    match files.is_empty() {
        true => Err(format!("no .json file in {}", args.path.display()).into()),
        false => Ok(files),
    }
}

fn bar(cases: usize) -> indicatif::ProgressBar {
    if std::io::stderr().is_terminal() {
        indicatif::ProgressBar::new(cases as u64)
    } else {
        indicatif::ProgressBar::hidden()
    }
}
