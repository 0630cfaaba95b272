//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use tensor_yuma::epoch::Parameters;
use tensor_yuma::sim::variants::{Settings, Variant};
use tensor_yuma::sim::{Rules, Scenario};

/// What pays on a subnet: validators that measure, copy, deal for themselves or collude, over many
/// epochs of the chain's own arithmetic.
///
/// A scenario is one of `simulate list` or a JSON file (`simulate show NAME` prints one to start from).
#[derive(Debug, Parser)]
#[command(name = "simulate", version, max_term_width = 100)]
pub struct Args {
    /// Print one JSON document instead of tables
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// List the scenarios that have a name
    List,
    /// Print a scenario as JSON, to change and run
    Show {
        /// Its name or file
        scenario: String,
    },
    /// Play scenarios and print what each validator and miner earned
    Run {
        /// Names or files
        #[arg(required = true, value_name = "NAME|FILE")]
        scenarios: Vec<String>,
        /// Compute epochs by this rule instead of the scenario's
        #[arg(long)]
        rule: Option<Rule>,
        /// Files to write
        #[command(flatten)]
        outputs: Outputs,
        /// Changes to the scenarios
        #[command(flatten)]
        changes: Changes,
    },
    /// Play a scenario with longer and longer commit-reveal, to see from which reveal period on copying
    /// earns less than measuring
    Sweep {
        /// Name or file
        scenario: String,
        /// Longest concealment, in epochs
        #[arg(long, default_value_t = 10)]
        up_to: usize,
        /// Files to write
        #[command(flatten)]
        outputs: Outputs,
        /// Changes to the scenario
        #[command(flatten)]
        changes: Changes,
    },
    /// Continue a snapshot of a real subnet with and without changes of stake, weights, miners or
    /// parameters
    WhatIf {
        /// JSON with `parameters`, `snapshot` and `changes`
        file: PathBuf,
        /// Epochs to continue
        #[arg(long, default_value_t = 1)]
        epochs: usize,
        /// What the change costs, in alpha units, to say in how many days it is earned back
        #[arg(long, value_name = "ALPHA_UNITS")]
        cost: Option<u64>,
        /// Only these neurons, comma-separated
        #[arg(long, value_delimiter = ',')]
        uid: Option<Vec<u16>>,
    },
}

/// Files to write. Several scenarios make a file each, in the folder given.
#[derive(Debug, Default, clap::Args)]
pub struct Outputs {
    /// A line per epoch and neuron
    #[arg(long, value_name = "FILE|FOLDER")]
    pub csv: Option<PathBuf>,
    /// Everything that happened, as JSON
    #[arg(long, value_name = "FILE|FOLDER")]
    pub history: Option<PathBuf>,
    /// A plot (SVG) of each quantity, into this folder
    #[arg(long, value_name = "FOLDER")]
    pub plots: Option<PathBuf>,
}

/// Changes to a scenario.
#[derive(Debug, Default, clap::Args)]
pub struct Changes {
    /// Number of epochs
    #[arg(long)]
    pub epochs: Option<usize>,
    /// Seed of all randomness
    #[arg(long)]
    pub seed: Option<u64>,
    /// Epochs for which commit-reveal hides weights
    #[arg(long, value_name = "EPOCHS")]
    pub conceal: Option<usize>,
}

impl Changes {
    pub(super) fn apply(&self, scenario: &mut Scenario) {
        scenario.epochs = self.epochs.unwrap_or(scenario.epochs);
        scenario.seed = self.seed.unwrap_or(scenario.seed);
        scenario.concealment = self.conceal.unwrap_or(scenario.concealment);
    }
}

/// A rule for epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Rule {
    /// The chain's arithmetic, bit for bit, with absolute bonds (Yuma 3)
    Exact,
    /// The chain's arithmetic with relative bonds
    ExactRelative,
    /// Floating point: relative bonds without memory
    Yuma1,
    /// Floating point: relative bonds with a moving average
    Yuma2,
    /// Floating point: as Yuma 2, clipping the weights of the epoch before
    Yuma2b,
    /// Floating point: bonds are bought from a capacity and decay
    Yuma2c,
    /// Floating point: absolute bonds
    Yuma3,
}

impl Rule {
    pub(super) fn rules(self) -> Rules {
        let float = |variant| Rules::Float(variant, Settings::default());
        let exact = |yuma3| {
            let bonds_moving_average = if yuma3 { 975_000 } else { 900_000 };
            let mut parameters = Parameters::default();
            parameters.yuma3 = yuma3;
            parameters.bonds_moving_average = bonds_moving_average;
            Rules::Exact(Box::new(parameters))
        };
        match self {
            Self::Exact => exact(true),
            Self::ExactRelative => exact(false),
            Self::Yuma1 => float(Variant::Yuma1),
            Self::Yuma2 => float(Variant::Yuma2),
            Self::Yuma2b => float(Variant::Yuma2B),
            Self::Yuma2c => float(Variant::Yuma2C),
            Self::Yuma3 => float(Variant::Yuma3),
        }
    }
}
