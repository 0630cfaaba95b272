//! The running node: a chain, its websocket, a block whenever its time has come, and the end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tensor_chain::local::{DataDir, DurableError, InterfaceError, LocalChain, Sealing};
use tensor_chain::serve::ServeError;
use tokio::time::MissedTickBehavior;

use super::args::Args;
use super::scenario::{Scenario, ScenarioError};
use super::watch;
use crate::stop::Stop;

/// How far before the present a chain with a scenario begins, in blocks: the scenario's blocks are made
/// at once and must not lie in the future.
const HEAD_START: u64 = 10_000;

/// Why the node cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The chain cannot be built.
    #[error("the chain cannot be built")]
    Interface(#[from] InterfaceError),
    /// The folder cannot be used.
    #[error("the chain cannot be kept on disk")]
    Keep(#[from] DurableError),
    /// The folder could not be used any longer.
    #[error("the chain cannot go on")]
    Halted(#[from] Arc<DurableError>),
    /// The websocket cannot be opened.
    #[error("the chain cannot be served; another --port may be free, and 0 always finds one")]
    Serve(#[from] ServeError),
    /// The scenario's file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The scenario cannot be played.
    #[error("the scenario {path} cannot be played")]
    Scenario {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: ScenarioError,
    },
    /// The system does not tell when to stop.
    #[error("signals cannot be listened to")]
    Signals(#[source] std::io::Error),
}

/// Runs a node until it is told to stop by SIGINT or SIGTERM.
///
/// # Errors
/// [`NodeError`] when it cannot start.
pub async fn run(args: &Args) -> Result<(), NodeError> {
    // First of all, so that no signal finds nobody listening.
    let mut stop = Stop::listen().map_err(NodeError::Signals)?;
    let scenario = scenario(args)?;
    let chain = found(args, scenario).await?;
    let watching = (!args.quiet).then(|| tokio::spawn(watch::blocks(chain.clone(), args.json)));
    let server = chain.serve((args.host, args.port).into()).await?;
    announce(&server.url(), &chain, args.json);
    match chain.config().sealing {
        Sealing::Instant => watch_over(&chain, &mut stop).await,
        _ => produce(&chain, &mut stop).await,
    }
    eprintln!("stopping after block {}", chain.block_number());
    server.stop().await;
    chain.close_subscriptions();
    if let Some(watching) = watching {
        // The closed subscription ends it, after the blocks that it has still to tell of.
        let _ = watching.await;
    }
    chain.failure().map_or(Ok(()), |failure| Err(failure.into()))
}

/// The chain in the folder that the arguments name, or a new one, with the scenario played.
async fn found(args: &Args, scenario: Option<(&Path, Scenario)>) -> Result<LocalChain, NodeError> {
    let now = now_ms();
    let dir = args.data_dir.as_deref().map(DataDir::open).transpose()?;
    let mut config = args.config(now);
    if scenario.is_some() {
        config.genesis_ms = now.saturating_sub(HEAD_START.saturating_mul(config.block_ms()));
    }
    let mut builder = LocalChain::builder().config(config);
    for fund in &args.fund {
        builder = builder.fund(fund.account, fund.amount.rao());
    }
    let dir = match dir {
        Some(dir) if !dir.is_new() => {
            let chain = builder.open(dir)?;
            eprintln!("going on after block {}", chain.block_number());
            return Ok(chain);
        }
        dir => dir,
    };
    let chain = builder.build()?;
    if let Some((path, scenario)) = scenario {
        let played = scenario.play(&chain).await;
        played.map_err(|source| NodeError::Scenario { path: path.to_owned(), source })?;
        chain.set_time(now_ms());
    }
    // All of the scenario or nothing of it.
    if let Some(dir) = dir {
        chain.keep_in(dir)?;
    }
    Ok(chain)
}

/// The scenario that the arguments name, and its file.
fn scenario(args: &Args) -> Result<Option<(&Path, Scenario)>, NodeError> {
    let Some(path) = args.scenario.as_deref() else { return Ok(None) };
    let text = std::fs::read_to_string(path)
        .map_err(|source| NodeError::Read { path: path.to_owned(), source })?;
    let scenario = Scenario::parse(&text)
        .map_err(|source| NodeError::Scenario { path: path.to_owned(), source })?;
    Ok(Some((path, scenario)))
}

/// Says where the chain is, for whoever started the program.
fn announce(url: &str, chain: &LocalChain, json: bool) {
    let genesis = hex::encode(chain.genesis_hash());
    if json {
        println!("{}", serde_json::json!({ "ready": url, "genesis": format!("0x{genesis}") }));
    } else {
        println!("ready {url} 0x{genesis}");
    }
}

/// Waits until asked to stop, or until the chain's folder fails.
async fn watch_over(chain: &LocalChain, stop: &mut Stop) {
    let mut looks = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            () = stop.asked() => return,
            _ = looks.tick() => if chain.failure().is_some() { return },
        }
    }
}

/// Makes a block whenever its time has come, until asked to stop or until the chain's folder fails.
async fn produce(chain: &LocalChain, stop: &mut Stop) {
    let mut ticks = tokio::time::interval(Duration::from_millis(chain.config().block_ms()));
    // After a pause there is one late block, not a burst.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            () = stop.asked() => return,
            _ = ticks.tick() => {
                chain.set_time(now_ms());
                chain.advance(1);
                if chain.failure().is_some() {
                    return;
                }
            }
        }
    }
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
