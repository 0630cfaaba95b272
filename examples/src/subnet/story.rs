//! The story from the first block to the last.

mod director;
mod payments;
mod players;
mod sockets;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use tensor_chain::Subtensor;
use tensor_chain::local::{InterfaceError, LocalChain, Preset};
use tensor_core::Tao;
use tensor_core::chain::{Chain, ChainError};
use tensor_core::drive::Pace;
use tensor_net::Client;

use super::args::Args;
use super::board::Board;
use super::cast::Cast;
use super::customer::{Answers, CustomerError};
use super::input::{self, Feedback, InputError};
use super::judge::Material;
use super::ledger::{self, Told};
use super::ranking::Ranking;
use super::report::Report;
use super::serve::{ServeFailure, Served};
use super::stage::Stage;
use sockets::client;

/// What everybody starts with, in TAO.
const FUNDS: u64 = 10_000;

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoryError {
    /// The customer's feedback cannot be used.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A model folder cannot be used.
    #[error("the model in {} cannot be used", .0.display())]
    Model(PathBuf, #[source] tensor_ml::Error),
    /// The chain could not be set up.
    #[error("the local chain could not be set up")]
    Chain(#[from] InterfaceError),
    /// The chain refused something that the story needs.
    #[error("the chain refused a step of the story")]
    Step(#[from] ChainError),
    /// The outcome could not be read.
    #[error("the outcome could not be read from the chain")]
    Outcome(#[from] tensor_chain::Error),
    /// No socket could be opened.
    #[error("no socket could be opened")]
    Socket(#[from] std::io::Error),
    /// The customer could not buy.
    #[error("the customer could not be served")]
    Customer(#[from] CustomerError),
    /// A key could not be made.
    #[error("a key could not be made")]
    Key(#[from] tensor_core::key::UriError),
    /// A part of the story died.
    #[error("a part of the story died")]
    Died(#[from] tokio::task::JoinError),
    /// The chain could not be served.
    #[error("the chain could not be served")]
    Serve(#[from] ServeFailure),
    /// A miner to stop does not exist.
    #[error("there is no miner {0}; they are counted from 0")]
    NoSuchMiner(u16),
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The numbers, read back from the chain.
    pub report: Report,
    /// The customer's answers.
    pub answers: Answers,
    /// Hotkeys of miners that the user had stopped.
    pub stopped: Vec<String>,
    /// The chain's websocket, if it was asked for: what is read there is what the report says.
    pub served: Option<Served>,
}

/// Plays the story.
///
/// # Errors
/// See [`StoryError`]; bad input is found before anything starts.
pub async fn play(args: &Args, cast: &Cast, board: &Board) -> Result<Outcome, StoryError> {
    if let Some(kill) = args.kill.iter().find(|kill| kill.miner >= args.miners) {
        return Err(StoryError::NoSuchMiner(kill.miner));
    }
    let (material, lines) = feedback(args)?;
    let chain = chain(cast)?;
    let served = match args.serve {
        Some(port) => Some(Served::open(&chain, port).await?),
        None => None,
    };
    if let Some(served) = &served {
        eprintln!("serving {}", served.url());
    }
    let subtensor = Subtensor::local(&chain).await?;
    let play = Play {
        args,
        cast,
        board: board.clone(),
        chain: chain.clone(),
        subtensor,
        pace: Pace::new(),
        clients: cast.validators.iter().map(|one| Arc::new(client(&one.hotkey))).collect(),
    };
    // The stage joins before the clock runs: a clock without participants would not stop.
    let stage = Stage::new(Arc::new(play.pace.join(play.subtensor.clone())), board.clone());
    let over = Arc::new(AtomicBool::new(false));
    let clock = tokio::spawn(clock(play.pace.clone(), chain, board.clone(), over.clone()));
    let outcome = play.on(stage, material, lines).await;
    over.store(true, Ordering::SeqCst);
    clock.abort();
    outcome.map(|outcome| Outcome { served, ..outcome })
}

/// Makes a block whenever everybody waits for one: never by wall time.
async fn clock(pace: Pace, chain: LocalChain, board: Board, over: Arc<AtomicBool>) {
    loop {
        pace.all_rest().await;
        if over.load(Ordering::SeqCst) {
            return;
        }
        pace.next_block(|| chain.advance(1));
        let block = chain.block_number();
        board.update(|board| board.block = block);
        tokio::task::yield_now().await;
    }
}

struct Play<'a> {
    args: &'a Args,
    cast: &'a Cast,
    board: Board,
    chain: LocalChain,
    subtensor: Subtensor,
    pace: Pace,
    /// The validators' HTTP clients: one for each key, so that no nonce is used twice.
    clients: Vec<Arc<Client>>,
}

impl Play<'_> {
    async fn on(
        &self,
        stage: Stage,
        material: Material,
        lines: Vec<Feedback>,
    ) -> Result<Outcome, StoryError> {
        let netuid = stage.set(self.cast).await?;
        let ranking = Ranking::default();
        let mut servers = self.miners(netuid).await?;
        let _validators = self.validators(netuid, material, &ranking)?;
        let customer = self.customer(netuid, &ranking, lines.clone()).await?;
        // Held to the end: the director is busy once it stops following, and the clock stands still.
        let mut headers = self.pace.join(self.subtensor.clone()).headers();
        drop(stage);
        let stopped = self.direct(netuid, &mut headers, &ranking, &mut servers).await?;
        let answers = customer.join().await?;

        let told = Told {
            requests: self.board.update(|board| board.requests),
            lines: lines.len() as u64,
            labelled: answers.verdicts.len() as u64,
        };
        let report = ledger::outcome(&self.subtensor, &self.chain, netuid, self.cast, told).await?;
        Ok(Outcome { report, answers, stopped, served: None })
    }
}

/// The feedback that validators know the labels of, and the customer's.
fn feedback(args: &Args) -> Result<(Material, Vec<Feedback>), InputError> {
    let mut bundled = input::read(&bundled("feedback.csv"))?;
    bundled.shuffle(&mut ChaCha8Rng::seed_from_u64(args.seed));
    let half = bundled.len() / 2;
    let mut rest = bundled.split_off(half);
    let customer = match &args.input {
        Some(path) => input::read(path)?,
        None => {
            rest.sort_by_key(|feedback| feedback.line);
            rest
        }
    };
    let material = Material { known: bundled.into(), unknown: customer.clone().into() };
    Ok((material, customer))
}

/// A chain on which everybody has money.
fn chain(cast: &Cast) -> Result<LocalChain, StoryError> {
    let funds = Tao::from_coins(FUNDS).unwrap_or(Tao::MAX);
    let mut builder = LocalChain::builder().preset(Preset::Dev).history(usize::MAX);
    for person in cast.people() {
        builder = builder.fund(person.coldkey_account(), funds.rao());
    }
    // The customer pays from the key that signs its requests.
    builder = builder.fund(cast.customer.hotkey.account_id(), funds.rao());
    Ok(builder.build()?)
}

/// A file of the bundled assets.
fn bundled(name: &str) -> PathBuf {
    let built_from = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/assets"));
    match built_from.is_dir() {
        true => built_from.join(name),
        // Moved away from the source tree: look where the program is started.
        false => Path::new("examples/assets").join(name),
    }
}
