//! The command line of `miner`.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args as ClapArgs, Parser, ValueEnum};
use tensor_core::{Alpha, Hotkey};
use tensor_ml::{BackendChoice, Device};

use super::model::Task;
use crate::hotkey::HotkeyArgs;
use crate::network::NetworkArgs;
use crate::query::Protocol;

/// Serves a model to the validators of a subnet, over every protocol they speak.
///
/// Prints `ready ADDR HOTKEY` on standard output once it listens, and what happens on standard error. It
/// needs the hotkey alone, never registers, and publishes its address with the hotkey's signature. SIGTERM
/// and SIGINT let requests in work end.
#[derive(Debug, Parser)]
#[command(name = "miner", version)]
#[command(after_help = "\
Examples:
  miner --uri //Bob --offline                      the interop synapses, to any signed caller
  miner --uri //Bob --offline --model models/MiniLM
  miner --wallet w --hotkey h --network finney --netuid 1 --model models/MiniLM \\
      --listen 0.0.0.0:8091 --external-ip 203.0.113.7 --metrics 127.0.0.1:9100

A model answers Embed or Classify {\"texts\": […]}, Entities {\"texts\": […]}, Generate {\"prompt\": …} or
{\"messages\": […]}, or ClassifyPictures {\"pictures\": [base64…]}. Over the protocol of SDK 10 these fields are
hashed (required_hash_fields), and an answer that is a list comes in the field `answer`.

Exit codes: 0 when told to stop and drained, 2 when it cannot begin.")]
pub struct Args {
    /// Whose axon it is.
    #[command(flatten)]
    pub key: HotkeyArgs,
    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8091")]
    pub listen: SocketAddr,
    /// What it serves.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Which protocols are served.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "btauth,synapse")]
    pub protocols: Vec<Protocol>,
    /// No chain: any signed caller is served that is not denied.
    #[arg(long, conflicts_with_all = ["network", "netuid", "admit", "min_stake", "external_ip"])]
    pub offline: bool,
    /// The chain that says who is welcome.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Who is welcome, and where the chain says this axon is.
    #[command(flatten)]
    pub presence: PresenceArgs,
    /// Refuse this hotkey. May be given several times.
    #[arg(long, value_name = "SS58")]
    pub deny: Vec<Hotkey>,
    /// Serve metrics in Prometheus' format there, as GET /metrics.
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<SocketAddr>,
}

/// What is served, and where it runs.
#[derive(Clone, Debug, ClapArgs)]
pub struct ModelArgs {
    /// A model's folder, or `interop` for the fixed synapses of interop work.
    #[arg(long, value_name = "FOLDER|interop", default_value = "interop")]
    pub model: Model,
    /// What the model does; found from its folder when not given.
    #[arg(long, value_enum)]
    pub task: Option<Task>,
    /// The runtime: rten (pure Rust), ort (native ONNX Runtime, with feature `ml`), or auto.
    #[arg(long, default_value = "auto")]
    pub backend: BackendChoice,
    /// Where to run: auto, cpu, cuda, cuda:N, tensorrt, tensorrt:N.
    #[arg(long, default_value = "auto")]
    pub device: Device,
    /// Threads within one run.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// Who is welcome, and where the chain says this axon is.
#[derive(Clone, Debug, ClapArgs)]
pub struct PresenceArgs {
    /// Whose requests are served.
    #[arg(long, value_enum, default_value_t = Admit::Permit)]
    pub admit: Admit,
    /// The least stake of a caller, in alpha.
    #[arg(long, value_name = "ALPHA")]
    pub min_stake: Option<Alpha>,
    /// Serve this hotkey whatever its standing. May be given several times.
    #[arg(long, value_name = "SS58")]
    pub allow: Vec<Hotkey>,
    /// The address at which others reach this axon; published when the chain says another. Without it,
    /// --listen is, if that is a public address.
    #[arg(long, value_name = "IP")]
    pub external_ip: Option<IpAddr>,
    /// The port at which others reach this axon; that of --listen unless said.
    #[arg(long, value_name = "PORT", requires = "external_ip")]
    pub external_port: Option<u16>,
    /// Look at the chain every so many blocks.
    #[arg(long, value_name = "BLOCKS", default_value_t = 5)]
    pub refresh: u64,
}

/// Whose requests are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Admit {
    /// Everybody's who signs.
    Anyone,
    /// Those of the subnet's neurons.
    Registered,
    /// Those of neurons with a validator permit.
    Permit,
}

/// What is served.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Model {
    /// The interop synapses.
    Interop,
    /// The model in this folder.
    Folder(PathBuf),
}

impl FromStr for Model {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "interop" { Self::Interop } else { Self::Folder(text.into()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
        let parse =
            |more: &[&str]| Args::try_parse_from([&["miner", "--uri", "//Bob"], more].concat());
        let args = parse(&["--offline"]).unwrap();
        assert_eq!((args.model.model, args.presence.admit), (Model::Interop, Admit::Permit));
        let args = parse(&["--netuid", "2", "--model", "x/interop", "--min-stake", "1.5"]).unwrap();
        assert_eq!(args.model.model, Model::Folder("x/interop".into()));
        assert_eq!(args.presence.min_stake, Some(Alpha::from_rao(1_500_000_000)));
        assert_eq!(args.network.urls(), ["ws://127.0.0.1:9944"]);
        for wrong in [
            &["--offline", "--network", "finney"][..],
            &["--netuid", "2", "--external-port", "1"],
            &["--netuid", "70000"],
            &["--offline", "--protocols", "carrier-pigeon"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
