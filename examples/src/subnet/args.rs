//! The command line of `subnet`.

use std::path::PathBuf;

use clap::Parser;

/// A whole Bittensor subnet in one process: an embedded chain, an owner, validators and miners with a
/// real model over real signed HTTP, and a customer who pays TAO to have feedback analysed.
///
/// The chain runs in virtual time: its next block comes when everybody has finished with the last one.
/// The run ends by itself, shows who earned what, and fails if a ledger does not close or a cheat
/// earned as much as an honest miner.
#[derive(Clone, Debug, Parser)]
#[command(name = "subnet", version)]
pub struct Args {
    /// How many epochs to run; the first has no weights yet, since permits come with it.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u64).range(3..=1000))]
    pub epochs: u64,
    /// How many miners; from four on, the last two are cheats.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub miners: u16,
    /// Seeds keys, the split of the feedback and every draw.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The customer's feedback: a CSV file with a column `text` (and perhaps `label`), or plain lines.
    /// Without it, half of the bundled feedback is the customer's.
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Write the customer's answers as CSV: line, label, scores, miner_hotkey, request_id.
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Write the outcome as JSON, read back from the chain.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Let the honest miners use this model folder (model.onnx, tokenizer.json, config.json) instead
    /// of the bundled ones.
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Stop a miner's server for good in the given epoch, as if its machine died: `3` or `3@5`
    /// (miner 3 in epoch 5). May be given several times.
    #[arg(long, value_name = "MINER[@EPOCH]", value_parser = Kill::parse)]
    pub kill: Vec<Kill>,
    /// Keep the chain's websocket open on this port while the story plays, and after it until SIGINT or
    /// SIGTERM; 0 takes a free one. Needs feature `localnet`.
    #[arg(long, value_name = "PORT")]
    pub serve: Option<u16>,
    /// Plain lines even on a terminal.
    #[arg(long)]
    pub plain: bool,
    /// Print the outcome as JSON on standard output, and nothing else.
    #[arg(long)]
    pub json: bool,
}

/// A miner to stop, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// The miner, counted from 0.
    pub miner: u16,
    /// The epoch in which it stops.
    pub epoch: u64,
}

impl Kill {
    fn parse(text: &str) -> Result<Self, String> {
        let (miner, epoch) = text.split_once('@').unwrap_or((text, "4"));
        let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number"));
        let miner = number(miner)?;
        Ok(Self {
            miner: u16::try_from(miner).map_err(|_| "no such miner".to_owned())?,
            epoch: number(epoch)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_read() {
        assert_eq!(Kill::parse("3@5"), Ok(Kill { miner: 3, epoch: 5 }));
        assert_eq!(Kill::parse("0"), Ok(Kill { miner: 0, epoch: 4 }));
        assert!(Kill::parse("x").is_err());
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
        assert!(Args::try_parse_from(["subnet", "--epochs", "2"]).is_err());
        assert_eq!(Args::try_parse_from(["subnet"]).unwrap().miners, 8);
    }
}
