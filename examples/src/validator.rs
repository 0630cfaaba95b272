//! The program `validator`: asks, scores, and sets weights, by the chain's blocks.

mod args;
mod failure;
mod grade;
mod judgement;
mod round;
mod state;
mod tasks;

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::StreamExt as _;
use serde::Serialize;
use serde_json::json;
use tensor_chain::Subtensor;
use tensor_chain::client::WeightsOutcome;
use tensor_chain::client::weights::keeper::Keeper;
use tensor_core::chain::{At, Chain, ChainError, Header};
use tensor_core::score::ScoreBook;
use tensor_core::{BlockNumber, Hotkey, Keypair, NetUid};
use tensor_net::Client;
use tensor_net::wire::Identity;
use tensor_net::wire::epistula::EpistulaDialect;
use tensor_net::wire::synapse::SynapseDialect;

use crate::cause::line_of;
use crate::prometheus::Endpoint;
use crate::query::Protocol;
use crate::stop::Stop;
use grade::Exam;
use judgement::{Judgement, Waits};
use round::Rules;
use state::State;
use tasks::Tasks;

pub use args::Args;
pub use failure::Failure;
pub use state::StateError;
pub use tasks::TasksError;

/// Validates until it is interrupted or terminated, or has played its rounds.
///
/// # Errors
/// [`Failure`] when it cannot begin, or cannot keep what it learned.
pub async fn run(args: &Args) -> Result<(), Failure> {
    let mut validator = Validator::begin(args).await?;
    let metrics = match args.metrics {
        Some(address) => {
            let bound = Endpoint::bind(address).await;
            Some(bound.map_err(|source| Failure::Listen { address, source })?)
        }
        None => None,
    };
    let mut stop = Stop::listen().map_err(Failure::Signal)?;
    let counts = Arc::clone(&validator.counts);
    print(&format_args!("ready {}", validator.me))?;
    let measure = async {
        match &metrics {
            Some(metrics) => metrics.serve(|| counts.to_prometheus()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        outcome = validator.run(&mut stop) => outcome,
        () = measure => Ok(()),
    }
}

struct Validator<'a> {
    args: &'a Args,
    key: Keypair,
    me: Hotkey,
    netuid: NetUid,
    chain: Subtensor,
    client: Client,
    tasks: Tasks,
    state: State,
    keeper: Keeper,
    counts: Arc<Counts>,
    waits: Option<Waits>,
    /// The epoch for which a dry run said last what it would set.
    told: Option<BlockNumber>,
}

impl<'a> Validator<'a> {
    async fn begin(args: &'a Args) -> Result<Self, Failure> {
        let key = args.key.open()?;
        let me = Hotkey::new(key.account_id());
        let tasks = Tasks::open(&args.tasks)?;
        let netuid = args.network.subnet()?;
        let chain = args.network.connect().await?;
        let graph = chain.metagraph(netuid).await.map_err(Failure::Chain)?;
        if graph.uid_of(&me).is_none() {
            return Err(Failure::Unregistered { hotkey: me, netuid });
        }
        // Taken first: it says whether another validator runs on the same files.
        let keeper = Keeper::open(args.state.with_extension("weights.json"))?;
        let state = State::open(&args.state, netuid, me, ScoreBook::new(args.rate)?)?;
        let client = client(args, &key);
        let counts = Arc::default();
        Ok(Self {
            args,
            key,
            me,
            netuid,
            chain,
            client,
            tasks,
            state,
            keeper,
            counts,
            waits: None,
            told: None,
        })
    }

    async fn run(&mut self, stop: &mut Stop) -> Result<(), Failure> {
        let mut headers = Chain::headers(&self.chain);
        let mut is_lost = false;
        let mut left = self.args.rounds.unwrap_or(u64::MAX);
        while left > 0 {
            let header = tokio::select! {
                header = headers.next() => header,
                () = stop.asked() => break,
            };
            let outcome = match header {
                None => break,
                // A step is not broken off: what miners were asked for is entered.
                Some(Ok(header)) => match self.step(&header).await {
                    Err(Step::Chain(error)) => Err(error),
                    Err(Step::Failure(failure)) => return Err(failure),
                    Ok(played) => {
                        left -= u64::from(played);
                        Ok(())
                    }
                },
                Some(Err(gap)) => Err(gap),
            };
            match outcome {
                Ok(()) => is_lost = false,
                Err(error) if !is_lost => {
                    is_lost = true;
                    eprintln!("validator: waiting for the chain: {}", line_of(&error));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    /// Does one block's work, and says whether a round was played.
    async fn step(&mut self, header: &Header) -> Result<bool, Step> {
        self.counts.block.store(header.number.value(), Ordering::Relaxed);
        let number = header.number.value() / self.args.every;
        let is_new = self.state.round.is_none_or(|last| number > last);
        let graph = Chain::metagraph(&self.chain, self.netuid, At::Hash(header.hash)).await?;
        if is_new {
            let questions = self.tasks.draw(self.args.seed, number, self.args.questions.into());
            let exam = Exam::new(self.args.task, questions, self.tasks.labels());
            let rules = Rules {
                me: self.me,
                synapse: self.args.task.synapse(),
                timeout: self.args.timeout,
                speed: self.args.speed,
            };
            let book = &mut self.state.book;
            let played = round::play(&self.client, &graph, &exam, rules, number, book).await;
            let played = played.map_err(Failure::from)?;
            self.state.round = Some(number);
            self.state.save(&self.args.state).map_err(Failure::from)?;
            self.counts.rounds.fetch_add(1, Ordering::Relaxed);
            let good = played.miners.iter().filter(|miner| miner.mark > 0.0).count();
            self.counts.good.fetch_add(good as u64, Ordering::Relaxed);
            self.counts.asked.fetch_add(played.miners.len() as u64, Ordering::Relaxed);
            print_json(&played)?;
        }
        self.weigh(&graph).await?;
        Ok(is_new)
    }

    async fn weigh(&mut self, graph: &tensor_core::Metagraph) -> Result<(), Step> {
        let weighed = if self.args.dry_run { self.told } else { self.state.weighed };
        let power = self.args.power;
        let judgement = Judgement::of(graph, &self.state.book, &self.me, weighed, power);
        let judgement = match judgement {
            Ok(judgement) => judgement,
            Err(waits) => {
                if waits == Waits::Permit && self.waits != Some(waits) {
                    eprintln!(
                        "validator: no weights without a validator permit: it takes more stake"
                    );
                }
                self.waits = Some(waits);
                return Ok(());
            }
        };
        let set = match self.args.dry_run {
            true => json!("dry run"),
            false => {
                let set = judgement.set(&mut self.keeper, &self.chain, graph, &self.key).await;
                match set {
                    Ok(WeightsOutcome::Set { receipt, .. }) => json!({ "set": receipt.block }),
                    Ok(WeightsOutcome::Committed { receipt, reveal_block, .. }) => {
                        json!({ "committed": receipt.block, "revealed": reveal_block })
                    }
                    // The next block is another chance.
                    Ok(_) => return Ok(()),
                    Err(error) => {
                        eprintln!("validator: weights are not set: {}", line_of(&error));
                        return Ok(());
                    }
                }
            }
        };
        if self.args.dry_run {
            self.told = Some(graph.last_epoch());
        } else {
            self.state.weighed = Some(graph.last_epoch());
            self.state.save(&self.args.state).map_err(Failure::from)?;
            self.counts.weighed.store(graph.block().value(), Ordering::Relaxed);
        }
        print_json(&json!({ "outcome": set, "judgement": judgement }))?;
        Ok(())
    }
}

/// Why a step came to nothing.
enum Step {
    /// The chain could not be read; the next block is another chance.
    Chain(ChainError),
    /// There is no going on.
    Failure(Failure),
}

impl From<ChainError> for Step {
    fn from(error: ChainError) -> Self {
        Self::Chain(error)
    }
}

impl From<Failure> for Step {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// What is told to Prometheus.
#[derive(Debug, Default)]
struct Counts {
    block: AtomicU64,
    rounds: AtomicU64,
    asked: AtomicU64,
    good: AtomicU64,
    weighed: AtomicU64,
}

impl Counts {
    fn to_prometheus(&self) -> String {
        let all = [
            ("chain_block", "gauge", &self.block),
            ("rounds_total", "counter", &self.rounds),
            ("asked_total", "counter", &self.asked),
            ("good_answers_total", "counter", &self.good),
            ("weights_block", "gauge", &self.weighed),
        ];
        let line = |(name, kind, count): (&str, &str, &AtomicU64)| {
            let value = count.load(Ordering::Relaxed);
            format!("# TYPE validator_{name} {kind}\nvalidator_{name} {value}\n")
        };
        all.map(line).concat()
    }
}

fn client(args: &Args, key: &Keypair) -> Client {
    let builder = Client::builder(Identity::new(key.clone()));
    let builder = if args.allow_private { builder.allow_private_addresses() } else { builder };
    match args.protocol {
        Protocol::Btauth => builder.build(),
        Protocol::Epistula => builder.with_dialect(EpistulaDialect::default()).build(),
        Protocol::Synapse => {
            let seed = format!("validator {} {}", key.account_id(), std::process::id());
            let dialect = SynapseDialect::new(&seed).with_synapse(args.task.spec());
            builder.with_dialect(dialect).build()
        }
    }
}

fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(value).map_err(|error| Failure::Output(error.into()))?;
    print(&line)
}

fn print(line: &impl std::fmt::Display) -> Result<(), Failure> {
    writeln!(io::stdout(), "{line}").map_err(Failure::Output)
}
