//! The story from the first block to the last.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use tensor_chain::Subtensor;
use tensor_chain::local::{InterfaceError, LocalChain, Preset};
use tensor_core::call::Value;
use tensor_core::chain::{At, Chain, ChainError, Header};
use tensor_core::drive::{Driver, Options, Pace, Presence, Step};
use tensor_core::transport::{Endpoint, Transport};
use tensor_core::{AccountId, BoxError, Keypair, NetUid, Tao};
use tensor_net::wire::Identity;
use tensor_net::{AxonService, Client, Server};
use tokio::task::JoinHandle;

use super::args::{Args, Kill};
use super::board::Board;
use super::cast::{Cast, Person};
use super::customer::{Answers, Customer, CustomerError};
use super::front::{FrontDoor, Payments};
use super::input::{self, Feedback, InputError};
use super::judge::{Judge, Material};
use super::ledger::{self, Told};
use super::ranking::Ranking;
use super::report::Report;
use super::stage::Stage;
use super::worker;

/// What everybody starts with, in TAO.
const FUNDS: u64 = 10_000;
/// Validators act on blocks that are multiples of this, twice in an epoch of ten blocks.
const ROUND: u64 = 5;
/// Miners look after their presence as often.
const PRESENCE: u64 = 5;

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
    outcome
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
        Ok(Outcome { report, answers, stopped })
    }

    /// Starts the miners: model, server, presence on chain.
    async fn miners(&self, netuid: NetUid) -> Result<Vec<Task>, StoryError> {
        let mut servers = Vec::new();
        for (at, (person, kind)) in self.cast.miners.iter().enumerate() {
            let folder = match &self.args.model {
                Some(folder) if kind.is_honest() => folder.clone(),
                _ => bundled("model").join(kind.model()),
            };
            let seed = self.args.seed.wrapping_add(at as u64);
            let miner = worker::miner(*kind, &folder, seed)
                .map_err(|error| StoryError::Model(folder, error))?;
            let (server, address) = bind(AxonService::new(person.hot(), miner)).await?;
            let chain = Arc::new(self.pace.join(self.subtensor.clone()));
            let signer = Arc::new(person.hotkey.clone());
            let mut presence = Presence::new(chain, signer, netuid, address, PRESENCE);
            let (board, name) = (self.board.clone(), person.name.clone());
            let presence = tokio::spawn(async move {
                presence
                    .run(|step| match step.map(|step| step.published) {
                        Ok(None) => {}
                        Ok(Some(Ok(done))) => {
                            board.say(format!("block {}: {name} serves at {address}", done.block));
                        }
                        Ok(Some(Err(error))) | Err(error) => {
                            board.say(format!("{name}: {}", chain_of(&error)));
                        }
                    })
                    .await;
            });
            servers.push(Task(vec![tokio::spawn(server.serve()), presence]));
        }
        Ok(servers)
    }

    /// Starts the validators; the first one's ranking is the front door's.
    fn validators(
        &self,
        netuid: NetUid,
        material: Material,
        ranking: &Ranking,
    ) -> Result<Task, StoryError> {
        let mut tasks = Vec::new();
        for (at, person) in self.cast.validators.iter().enumerate() {
            let ranking = if at == 0 { ranking.clone() } else { Ranking::default() };
            let seed = self.args.seed.wrapping_mul(1000).wrapping_add(at as u64);
            let Ok(judge) = Judge::new(person.hot(), material.clone(), ranking, seed) else {
                continue;
            };
            let chain = Arc::new(self.pace.join(self.subtensor.clone()));
            let signer = Arc::new(person.hotkey.clone());
            let transport = self.clients[at].clone();
            let options = Options::default().with_every(ROUND);
            let mut driver =
                Driver::new(chain, transport, signer, netuid, judge).with_options(options);
            let (board, name) = (self.board.clone(), person.name.clone());
            tasks.push(tokio::spawn(async move {
                driver.run(|step| note(&board, &name, step)).await;
            }));
        }
        Ok(Task(tasks))
    }

    /// Opens the first validator's front door and sends the customer there, halfway through.
    async fn customer(
        &self,
        netuid: NetUid,
        ranking: &Ranking,
        lines: Vec<Feedback>,
    ) -> Result<Purchase, StoryError> {
        let validator = &self.cast.validators[0];
        let transport: Arc<dyn Transport> = self.clients[0].clone();
        let payments = Arc::new(OnChain(self.subtensor.clone()));
        let door = FrontDoor::new(
            &*validator.name,
            validator.cold(),
            payments,
            transport,
            ranking.clone(),
        );
        let (server, address) = bind(AxonService::new(validator.hot(), door)).await?;
        let server = tokio::spawn(server.serve());

        let person: Person = self.cast.customer.clone();
        let seat = self.pace.join(self.subtensor.clone());
        let customer = Customer {
            transport: Arc::new(client(&person.hotkey)),
            person,
            door: Endpoint { hotkey: validator.hot(), address },
            stage: Stage::new(Arc::new(seat.clone()), self.board.clone()),
            board: self.board.clone(),
        };
        let arrival = self.args.epochs / 2 + 1;
        let subtensor = self.subtensor.clone();
        let visit = tokio::spawn(async move {
            let mut headers = seat.headers();
            while headers.next().await.is_some() {
                if ledger::epochs_since_start(&subtensor, netuid).await? >= arrival {
                    break;
                }
            }
            Ok(customer.buy(lines).await?)
        });
        Ok(Purchase { visit, _door: Task(vec![server]) })
    }

    /// Follows the epochs, keeps the board, stops miners that shall die, and says when it is over.
    async fn direct(
        &self,
        netuid: NetUid,
        headers: &mut BoxStream<'_, Result<Header, ChainError>>,
        ranking: &Ranking,
        servers: &mut [Task],
    ) -> Result<Vec<String>, StoryError> {
        let mut last = 0;
        let mut stopped = Vec::new();
        while let Some(header) = headers.next().await {
            let header = header?;
            let at = self.subtensor.at(At::Hash(header.hash));
            let epoch = ledger::epochs_since_start(&at, netuid).await?;
            if epoch == last {
                continue;
            }
            last = epoch;
            self.show(&at, netuid, epoch, ranking).await?;
            for kill in self.args.kill.iter().filter(|kill| kill.epoch == epoch) {
                stopped.extend(self.stop(kill, servers));
            }
            if epoch >= self.args.epochs {
                break;
            }
        }
        Ok(stopped)
    }

    async fn show(
        &self,
        at: &Subtensor,
        netuid: NetUid,
        epoch: u64,
        ranking: &Ranking,
    ) -> Result<(), StoryError> {
        let graph = at.metagraph(netuid).await?;
        let ranked = ranking.best_first();
        self.board.show(&graph, |hotkey| {
            ranked.iter().find(|one| one.endpoint.hotkey == *hotkey).map(|one| one.score)
        });
        let price = ledger::price(at, netuid).await?;
        let issuance: u64 = at.storage_as("Balances", "TotalIssuance", &[]).await?;
        let paid: u64 = graph.emission().iter().map(|alpha| alpha.rao()).sum();
        self.board.update(|board| {
            board.epoch.0 = epoch;
            board.price_rao = price;
            board.issuance_rao = issuance;
        });
        self.board.say(format!(
            "block {}: epoch {epoch} paid {:.3}",
            graph.block(),
            tensor_core::Alpha::from_rao(paid)
        ));
        Ok(())
    }

    fn stop(&self, kill: &Kill, servers: &mut [Task]) -> Option<String> {
        let at = usize::from(kill.miner);
        let (person, _) = self.cast.miners.get(at)?;
        servers.get_mut(at)?.stop();
        self.board.stopped(&person.name);
        self.board.say(format!("{} dies", person.name));
        Some(person.hot().to_string())
    }
}

/// Tasks that end with the story.
struct Task(Vec<JoinHandle<()>>);

impl Task {
    fn stop(&mut self) {
        self.0.drain(..).for_each(|task| task.abort());
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Purchase {
    visit: JoinHandle<Result<Answers, StoryError>>,
    _door: Task,
}

impl Purchase {
    async fn join(self) -> Result<Answers, StoryError> {
        self.visit.await?
    }
}

/// Looks for transfers in a block's events.
struct OnChain(Subtensor);

#[async_trait]
impl Payments for OnChain {
    async fn paid(&self, block: [u8; 32], from: AccountId, to: AccountId) -> Result<Tao, BoxError> {
        let events = self.0.at(At::Hash(block)).events().await?;
        let transfers = events.iter().map(|record| &record.event).filter(|event| {
            let account = |at: usize| event.fields.get(at).and_then(|(_, v)| v.as_account());
            (event.pallet.as_str(), event.name.as_str()) == ("Balances", "Transfer")
                && account(0) == Some(from)
                && account(1) == Some(to)
        });
        let amounts = transfers
            .filter_map(|event| event.fields.get(2).map(|(_, v)| v).and_then(Value::as_u64));
        Ok(Tao::from_rao(amounts.sum()))
    }
}

fn note(board: &Board, name: &str, step: Result<Step, ChainError>) {
    match step {
        Err(error) => board.say(format!("{name}: {}", chain_of(&error))),
        Ok(step) => {
            board.update(|board| {
                board.requests.sent += step.sent;
                board.requests.ok += step.ok;
                board.requests.failed += step.sent - step.ok;
            });
            match step.weights {
                Some(Ok(receipt)) => {
                    board.say(format!("block {}: {name} sets weights", receipt.block));
                }
                Some(Err(error)) => {
                    board.say(format!("{name}: weights were not set: {}", chain_of(&error)));
                }
                None => {}
            }
        }
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

/// An HTTP client that signs with this key. The subnet's axons are on this machine, hence private.
fn client(key: &Keypair) -> Client {
    Client::builder(Identity::new(key.clone())).allow_private_addresses().build()
}

/// A server at an address that the chain accepts. It refuses 127.0.0.1, so that is 127.0.0.2; where a
/// system has no such address, all interfaces are bound and the machine's own address is published.
async fn bind(service: AxonService) -> Result<(Server, SocketAddr), StoryError> {
    let loopback = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0));
    if let Ok(server) = Server::bind(loopback, service.clone()).await {
        let address = server.local_addr()?;
        return Ok((server, address));
    }
    let server = Server::bind((Ipv4Addr::UNSPECIFIED, 0), service).await?;
    let port = server.local_addr()?.port();
    Ok((server, SocketAddr::new(own_address()?, port)))
}

/// The address by which others reach this machine: that of the socket that would go out. Nothing is
/// sent; 192.0.2.1 is reserved for documentation.
fn own_address() -> std::io::Result<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
    Ok(socket.local_addr()?.ip())
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

/// An error with its causes in one line.
pub fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
