//! The command line of `localnet`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use tensor_chain::local::{Build, LocalChainConfig, Preset, Sealing};
use tensor_core::key::{Keypair, Scheme};
use tensor_core::{AccountId, Tao};

/// A complete local Bittensor chain on a websocket, which official clients cannot tell from a
/// development node.
///
/// Prints `ready URL GENESIS` on standard output once it listens, and a line per block on standard
/// error. //Alice is sudo; //Alice, //Bob and //Charlie have a million TAO each. SIGINT and SIGTERM end
/// it cleanly.
#[derive(Clone, Debug, Parser)]
#[command(name = "localnet", version)]
pub struct Args {
    /// Where to listen; 0 takes a free port.
    #[arg(long, value_name = "PORT", default_value_t = 9944)]
    pub port: u16,
    /// The address to listen on. Anybody who reaches it can use the chain.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,
    /// The development build: a block every 0.25 s, tempo 10, short cool-downs. Without it, blocks of
    /// 12 s and the constants of the public network.
    #[arg(long)]
    pub fast: bool,
    /// Seconds per block, such as 2 or 0.5.
    #[arg(long, value_name = "SECONDS", value_parser = milliseconds)]
    pub block_time: Option<u64>,
    /// A block for every transaction, and none without.
    #[arg(long, conflicts_with_all = ["fast", "block_time"])]
    pub instant: bool,
    /// Sets apart chains that are otherwise alike: genesis hash and shield key come from it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Gives an account TAO at genesis: an SS58 address, or a development URI such as //Dave. May be
    /// given several times.
    #[arg(long, value_name = "SS58=TAO", value_parser = Fund::parse)]
    pub fund: Vec<Fund>,
    /// Plays a scenario into a new chain: wallets, subnets, neurons, stakes, weights, as JSON (see
    /// `examples/assets/scenario.json`).
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Which genesis: `dev` (root staking on, cheap subnets) or `localnet` (as the reference local
    /// network starts).
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Start::Dev)]
    pub preset: Start,
    /// Keep the chain in this folder: started again with it, the chain goes on where it was, also after
    /// kill -9. The scenario, if any, is played only when the chain begins.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// How many blocks back state can be read; older ones are forgotten, except for their hashes. All
    /// of them unless said.
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u32).range(1..))]
    pub history: Option<u32>,
    /// How many blocks finality lags behind the head: 2 unless said, and none with --instant.
    #[arg(long, value_name = "BLOCKS")]
    pub finality_lag: Option<u32>,
    /// No line per block.
    #[arg(long, short)]
    pub quiet: bool,
    /// Print JSON instead of text: one object per line.
    #[arg(long)]
    pub json: bool,
}

/// A genesis by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Start {
    /// For development: root staking on, no waiting between subnets, a subnet for one TAO.
    Dev,
    /// As the reference local network starts.
    Localnet,
}

/// Who gets TAO at genesis, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fund {
    /// The account.
    pub account: AccountId,
    /// How much.
    pub amount: Tao,
}

impl Args {
    /// The chain's configuration, with its genesis at that time.
    pub fn config(&self, genesis_ms: u64) -> LocalChainConfig {
        let mut config = LocalChainConfig::default();
        config.preset = match self.preset {
            Start::Dev => Preset::Dev,
            Start::Localnet => Preset::Localnet,
        };
        config.build = if self.fast { Build::Fast } else { Build::Production };
        config.block_time_ms = self.block_time;
        config.sealing = if self.instant { Sealing::Instant } else { Sealing::Manual };
        let history = self.history.and_then(|blocks| usize::try_from(blocks).ok());
        config.history = history.unwrap_or(usize::MAX);
        // Clients that act on `inBlock` miss it if `finalized` comes with it.
        config.finality_lag = self.finality_lag.unwrap_or(if self.instant { 0 } else { 2 });
        config.genesis_ms = genesis_ms;
        config.seed = self.seed;
        config.shield = true;
        config
    }
}

impl Fund {
    fn parse(text: &str) -> Result<Self, String> {
        let (account, amount) =
            text.split_once('=').ok_or("say it as SS58=TAO, for example 5Grw…=100")?;
        let amount = amount.parse::<Tao>().map_err(|error| format!("{amount:?}: {error}"))?;
        Ok(Self { account: self::account(account)?, amount })
    }
}

/// An account from an SS58 address or a development URI.
pub(super) fn account(text: &str) -> Result<AccountId, String> {
    if text.starts_with("//") {
        let key = Keypair::from_uri(text, Scheme::Sr25519);
        return Ok(key.map_err(|error| format!("{text:?}: {error}"))?.account_id());
    }
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

/// Seconds in decimal as whole milliseconds, at least one.
fn milliseconds(text: &str) -> Result<u64, String> {
    let refused = || format!("{text:?} is no time between 0.001 and 86400 seconds");
    let seconds: f64 = text.parse().map_err(|_| refused())?;
    let within = (0.001..=86_400.0).contains(&seconds);
    // The range makes the conversion exact.
    if within { Ok((seconds * 1_000.0).round() as u64) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
        assert!(Args::try_parse_from(["localnet", "--instant", "--fast"]).is_err());
        let args = Args::try_parse_from(["localnet", "--block-time", "0.5"]).unwrap();
        assert_eq!((args.port, args.block_time), (9_944, Some(500)));
        assert!(Args::try_parse_from(["localnet", "--block-time", "0"]).is_err());
        assert!(Args::try_parse_from(["localnet", "--block-time", "NaN"]).is_err());
    }

    #[test]
    fn funds_are_read() {
        let dave = Keypair::from_uri("//Dave", Scheme::Sr25519).unwrap().account_id();
        let fund = Fund::parse("//Dave=1.5").unwrap();
        assert_eq!(fund, Fund { account: dave, amount: Tao::from_rao(1_500_000_000) });
        assert_eq!(Fund::parse(&format!("{dave}=1.5")), Ok(fund));
        for wrong in ["", "//Dave", "//Dave=", "//Dave=-1", "5Grw=1", "//Dave=1=2"] {
            assert!(Fund::parse(wrong).is_err(), "{wrong}");
        }
    }
}
