//! The client against the official SDKs, in one run: the same reads of the same chain on the same
//! websocket, and the same search for a registration's nonce.
//!
//! `TENSOR_PY_V11=python TENSOR_PY_V10=python cargo bench -p tensor-chain --features ws-server --bench
//! peers --profile release`; each variable names a Python with that SDK, and without one its column is
//! left out. `-- --test` runs each once.

#![allow(clippy::unwrap_used, reason = "a bench that cannot set up its chain has nothing to say")]

#[path = "parts/subnet.rs"]
mod subnet;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use tensor_chain::local::LocalChain;
use tensor_chain::pow::{Progress, Puzzle};
use tensor_chain::{Config, Subtensor};
use tensor_core::{BlockNumber, Coldkey, Hotkey, NetUid};

use subnet::{Coldkeys, set_up_subnet};

/// How many subnets there are; the first has 256 neurons, the others 16.
const SUBNETS: u16 = 64;
/// How many nonces are tried.
const NONCES: u64 = 200_000;

/// Seconds by what was done: the median, and the best.
type Times = BTreeMap<String, (f64, f64)>;

fn main() {
    let once = std::env::args().any(|argument| argument == "--test");
    let rounds: u32 = if once { 1 } else { 21 };
    let chain = LocalChain::builder().build().unwrap();
    for netuid in 1..=SUBNETS {
        let (neurons, coldkeys) = match netuid {
            1 => (256, Coldkeys::OneEach),
            _ => (16, Coldkeys::OneForAll),
        };
        set_up_subnet(&chain, netuid, neurons, 360, coldkeys);
    }
    chain.advance(3);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (server, own) = runtime.block_on(async {
        let server = chain.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let own = reads_and_work(&server.url(), rounds).await;
        (server, own)
    });
    let mut columns = vec![("this crate", own)];
    for (name, variable) in [("SDK 11", "TENSOR_PY_V11"), ("SDK 10", "TENSOR_PY_V10")] {
        match std::env::var_os(variable) {
            Some(python) => {
                let mut command = Command::new(python);
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers.py");
                command.args([script, &server.url(), &rounds.to_string(), &NONCES.to_string()]);
                let output = command.env("HOME", std::env::temp_dir()).output().unwrap();
                let errors = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{name}: {errors}");
                let text = String::from_utf8(output.stdout).unwrap();
                let last = text.lines().last().unwrap_or_default();
                columns.push((name, serde_json::from_str(last).unwrap()));
            }
            None => println!("{variable} names no Python: {name} is left out"),
        }
    }
    // Again, since a busy machine may have been busier before.
    let again = runtime.block_on(reads_and_work(&server.url(), rounds));
    columns.push(("this crate, after them", again));
    print(&columns);
    cold_connect(&chain, rounds);
}

/// Reads over the websocket, and work.
async fn reads_and_work(url: &str, rounds: u32) -> Times {
    let client = Subtensor::connect(url).await.unwrap();
    let netuid = NetUid::new(1);
    assert_eq!(client.metagraph(netuid).await.unwrap().len(), 256);
    let mut times = Times::new();
    macro_rules! measure {
        ($what:literal, $work:expr) => {{
            let mut taken = Vec::new();
            for _ in 0..rounds {
                let start = Instant::now();
                $work;
                taken.push(start.elapsed().as_secs_f64());
            }
            times.insert($what.to_owned(), summary(taken));
        }};
    }
    measure!("metagraph of 256 neurons", client.metagraph(netuid).await.unwrap());
    measure!("all subnets", client.subnets().await.unwrap());
    measure!("all subnets with their pools", client.subnet_infos().await.unwrap());
    let keys = (Hotkey::from_bytes([0x22; 32]), Coldkey::from_bytes([0x33; 32]));
    let block = BlockNumber::new(1);
    // So hard that nothing is found.
    let puzzle = Puzzle::new(netuid, block, &[0x11; 32], keys.0, &keys.1, u64::MAX);
    measure!("nonces tried, one thread", {
        for nonce in 0..NONCES {
            assert!(!puzzle.is_solved_by(&puzzle.seal(nonce)));
        }
    });
    measure!("nonces tried, two threads", {
        let progress = Progress::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while progress.tried() < NONCES {
                    std::thread::sleep(Duration::from_micros(200));
                }
                progress.stop();
            });
            puzzle.solve(0, 2, &progress);
        });
    });
    times
}

/// What it costs to make a client when the metadata is known: as text decoded before, and from bytes as a
/// file would hold them.
fn cold_connect(chain: &LocalChain, rounds: u32) {
    let config = Config::default();
    let first = block_on(Subtensor::from_rpc_with(chain.rpc(), config.clone())).unwrap();
    let bytes = block_on(first.runtime()).unwrap().metadata.as_bytes().to_vec();
    let version = chain.interface().version().spec_version;
    // The system tells a thread's time in steps of milliseconds: many together, not each.
    let many = rounds * 50;
    let (clock, start) = (Instant::now(), cpu_time());
    for _ in 0..many {
        let config = Config::default();
        let cache = &config.cache;
        cache.insert(chain.genesis_hash(), "node-subtensor", version, 1, bytes.clone()).unwrap();
        block_on(Subtensor::from_rpc_with(chain.rpc(), config)).unwrap();
    }
    let each = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(many);
    println!(
        "a client with cached metadata, bytes decoded, {many} in a row: {:.2} ms on the processor each, \
         {:.2} ms by the clock",
        each(cpu_time() - start),
        each(clock.elapsed())
    );
}

fn summary(mut seconds: Vec<f64>) -> (f64, f64) {
    seconds.sort_unstable_by(f64::total_cmp);
    (seconds[seconds.len() / 2], seconds[0])
}

fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    nanos.map(Duration::from_nanos).unwrap_or_default()
}

fn print(columns: &[(&str, Times)]) {
    let mut names: Vec<&String> = columns.iter().flat_map(|(_, times)| times.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for what in names {
        println!("{what}:");
        let own = columns[0].1.get(what);
        for (column, times) in columns {
            let Some((median, best)) = times.get(what) else { continue };
            let ratio = own.map(|(own, own_best)| (median / own, best / own_best));
            let (by_median, by_best) = ratio.unwrap_or_default();
            println!(
                "    {column:<24} {:>10.3} ms ({:>10.3} at best)  {by_median:>7.1}x ({by_best:.1}x)",
                median * 1e3,
                best * 1e3
            );
        }
    }
}
