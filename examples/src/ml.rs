//! The program `ml`: models from folders on the command line.

pub mod args;
pub mod bench;
mod classify;
mod embed;
mod failure;
mod generate;
mod image;
mod paint;
mod source;

use std::io::{Read, Write};

use serde::Serialize;

pub use self::{args::Args, failure::Failure, source::Ran};
use args::Command;

/// Does what the arguments ask; texts may come from `input`, results go to `output`.
///
/// # Errors
/// [`Failure`], whose line says what to do.
pub fn run(args: &Args, input: &mut dyn Read, output: &mut dyn Write) -> Result<(), Failure> {
    let mut report = Report { json: args.json, input, output };
    match &args.command {
        Command::Embed(embed) => embed::embed(embed, &mut report),
        Command::Classify(classify) => classify::classify(classify, &mut report),
        Command::Generate(generate) => generate::generate(generate, &mut report),
        Command::Image(image) => image::image(image, &mut report),
        Command::Bench(bench) => bench.run(&mut report),
    }
}

/// Where a command reads and writes.
pub struct Report<'a> {
    json: bool,
    input: &'a mut dyn Read,
    output: &'a mut dyn Write,
}

impl Report<'_> {
    /// One JSON value on a line.
    fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(value).map_err(|error| Failure::Output(error.into()))?;
        self.line(&line)
    }

    /// One line of text.
    fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.output, "{text}").map_err(Failure::Output)
    }

    /// Text as it comes.
    fn piece(&mut self, text: &str) -> Result<(), Failure> {
        write!(self.output, "{text}").map_err(Failure::Output)?;
        self.output.flush().map_err(Failure::Output)
    }

    /// Where the model runs, for people; JSON has it in the result.
    fn note(&mut self, ran: &Ran) -> Result<(), Failure> {
        if !self.json {
            eprintln!("{}", ran.to_line());
        }
        Ok(())
    }
}

impl std::fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report").field("json", &self.json).finish_non_exhaustive()
    }
}
