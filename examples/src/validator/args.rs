//! The command line of `validator`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::hotkey::HotkeyArgs;
use crate::miner::Task;
use crate::network::NetworkArgs;
use crate::query::Protocol;

/// Asks a subnet's miners for answers it knows, scores them, and sets weights by the scores.
///
/// Every --every blocks all miners get the same questions at the same moment. What is known of each is
/// kept in --state, which a killed validator takes up where it was. Weights go on chain once an epoch,
/// by whatever way the subnet takes them.
#[derive(Debug, Parser)]
#[command(name = "validator", version)]
#[command(after_help = "\
Tasks are a .csv with the columns `text` and `label` (or `expected`), or .jsonl with such members:
  {\"text\": \"great food\", \"expected\": \"positive\"}       for --task classify: the likeliest class
  {\"text\": \"three plus four\", \"expected\": \"seven.\"}    for --task generate: the text, exactly
  {\"text\": \"a cat\", \"expected\": [0.1, 0.2, …]}         for --task embed: by cosine

Example:
  validator --wallet w --hotkey v --network finney --netuid 1 --task classify --tasks known.csv --dry-run

Exit codes: 0 when told to stop or after --rounds, 2 when it cannot begin.")]
pub struct Args {
    /// Who asks and sets weights.
    #[command(flatten)]
    pub key: HotkeyArgs,
    /// The chain and the subnet.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// What the miners do.
    #[arg(long, value_enum, default_value_t = Task::Classify)]
    pub task: Task,
    /// Questions with known answers.
    #[arg(long, value_name = "FILE")]
    pub tasks: PathBuf,
    /// What is known of the miners, and how far it got; one file for each validator.
    #[arg(long, value_name = "FILE", default_value = "validator.json")]
    pub state: PathBuf,
    /// How requests are signed.
    #[arg(long, value_enum, default_value_t = Protocol::Btauth)]
    pub protocol: Protocol,
    /// Ask every so many blocks.
    #[arg(long, value_name = "BLOCKS", default_value_t = 25, value_parser = clap::value_parser!(u64).range(1..))]
    pub every: u64,
    /// Questions in one round.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub questions: u16,
    /// Seconds for an answer; later ones count nothing.
    #[arg(long, value_name = "SECONDS", default_value = "12", value_parser = seconds)]
    pub timeout: Duration,
    /// The share of a score that goes to speed: nothing of it at the timeout, all of it at once.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub speed: f64,
    /// How much one round counts against what was known.
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share)]
    pub rate: f64,
    /// Weights are scores to this power.
    #[arg(long, value_name = "POWER", default_value_t = 1)]
    pub power: i32,
    /// Chooses the questions.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Print the weights that would be set, and why, and set none.
    #[arg(long)]
    pub dry_run: bool,
    /// End after so many rounds.
    #[arg(long, value_name = "N")]
    pub rounds: Option<u64>,
    /// Ask miners at private addresses too: on a network of one's own.
    #[arg(long)]
    pub allow_private: bool,
    /// Serve metrics in Prometheus' format there, as GET /metrics.
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<SocketAddr>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    let time = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero());
    time.ok_or_else(|| format!("{text:?} is no time above zero"))
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    let within = (0.0..=1.0).contains(&share);
    if within { Ok(share) } else { Err(format!("{text:?} is not between 0 and 1")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
        let parse = |more: &[&str]| {
            Args::try_parse_from(
                [&["validator", "--uri", "//V", "--tasks", "t.csv"], more].concat(),
            )
        };
        let args = parse(&["--netuid", "2", "--timeout", "0.5"]).unwrap();
        assert_eq!((args.timeout.as_millis(), args.every), (500, 25));
        for wrong in [["--timeout", "0"], ["--speed", "2"], ["--every", "0"], ["--rate", "x"]] {
            assert!(parse(&wrong).is_err(), "{wrong:?}");
        }
    }
}
