//! The programs `localnet`, `miner` and `validator` as processes: answers are scored, weights land on
//! chain, and a killed validator goes on where it was.

use std::path::Path;

use serde_json::Value;
use tensor_chain::Subtensor;
use tensor_core::key::{Keypair, Scheme};
use tensor_core::{Hotkey, MechId, NetUid};

use super::miner::MINER;
use super::process::{Process, command};

const LOCALNET: &str = env!("CARGO_BIN_EXE_localnet");
const VALIDATOR: &str = env!("CARGO_BIN_EXE_validator");
const ASSETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets");
/// The scenario's subnet, in which //Bob//default holds a permit.
const NETUID: &str = "2";

fn hotkey(uri: &str) -> Hotkey {
    Hotkey::new(Keypair::from_uri(uri, Scheme::Sr25519).unwrap().account_id())
}

fn miner(url: &str, uri: &str, model: &str) -> Process {
    let args = [
        "--uri",
        uri,
        "--network",
        url,
        "--netuid",
        NETUID,
        "--refresh",
        "1",
        "--model",
        model,
        "--listen",
        "127.0.0.2:0",
        "--external-ip",
        "127.0.0.2",
    ];
    let miner = Process::start(MINER, &args);
    miner.wait_for("the address is published");
    miner
}

fn validator_args<'a>(url: &'a str, state: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let tasks = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/feedback.csv");
    let args = [
        "--uri",
        "//Bob//default",
        "--network",
        url,
        "--netuid",
        NETUID,
        "--tasks",
        tasks,
        "--state",
        state,
        "--allow-private",
        "--every",
        "2",
        "--questions",
        "24",
    ];
    [&args, more].concat()
}

/// The lines of JSON that a validator printed, behind `ready`.
fn lines(validator: &Process) -> Vec<Value> {
    let text = validator.out.text();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn rounds(lines: &[Value]) -> Vec<u64> {
    lines.iter().filter_map(|line| line["round"].as_u64()).collect()
}

/// How many rounds the file says that miner was scored in.
fn scored(state: &Path, miner: &Hotkey) -> u64 {
    let state: Value = serde_json::from_slice(&std::fs::read(state).unwrap()).unwrap();
    state["book"]["entries"][miner.to_string()]["rounds"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_become_weights_and_outlive_a_killed_validator() {
    let scenario = format!("{ASSETS}/scenario.json");
    let node =
        Process::start(LOCALNET, &["--port", "0", "--fast", "--quiet", "--scenario", &scenario]);
    let url = node.ready[0].as_str();
    let chain = Subtensor::connect(url).await.unwrap();
    let (good, bad) = (hotkey("//miner//default"), hotkey("//miner//second"));
    let _good = miner(url, "//miner//default", &format!("{ASSETS}/model/large"));
    // It serves another synapse than the one that is asked for.
    let _bad = miner(url, "//miner//second", "interop");
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("validator.json");
    let path = state.to_str().unwrap();
    let row = async || {
        let rows = chain.weights(NetUid::new(2), MechId::new(0)).await.unwrap();
        let graph = chain.metagraph(NetUid::new(2)).await.unwrap();
        let of = |hotkey: &Hotkey| graph.uid_of(hotkey).unwrap();
        let me = of(&hotkey("//Bob//default"));
        let row = rows.into_iter().find(|row| row.uid == me).unwrap().values;
        let to = |uid| row.iter().find(|(to, _)| *to == uid).map_or(0, |(_, weight)| *weight);
        (to(of(&good)), to(of(&bad)))
    };
    let before = row().await;
    assert!(before.1 > 0, "the scenario weighs both");

    // A dry run says what it would do, and does nothing.
    let mut dry =
        Process::start(VALIDATOR, &validator_args(url, path, &["--dry-run", "--rounds", "8"]));
    assert_eq!(dry.end().0, Some(0), "{}", dry.err.text());
    let said = lines(&dry);
    assert_eq!(rounds(&said).len(), 8);
    let judged = said.iter().rfind(|line| line["outcome"] == "dry run").unwrap();
    let weights = judged["judgement"]["weights"].as_array().unwrap();
    let of = |hotkey: &Hotkey| weights.iter().find(|w| w["hotkey"] == hotkey.to_string()).unwrap();
    assert!(of(&good)["score"].as_f64().unwrap() > 0.3, "{judged}");
    assert_eq!((of(&good)["share"].as_f64(), of(&bad)["share"].as_f64()), (Some(1.0), Some(0.0)));
    assert_eq!(row().await, before);
    let mut all = rounds(&said);

    let validator = Process::start(VALIDATOR, &validator_args(url, path, &[]));
    let set = validator.out.line("\"outcome\":{\"set\"").unwrap();
    assert_eq!(row().await, (u16::MAX, 0), "{set}");
    // A second one on the same file does not start.
    let second = command(VALIDATOR, &validator_args(url, path, &[])).output().unwrap();
    let second = (second.status.code(), String::from_utf8(second.stderr).unwrap());
    assert!(second.0 == Some(2) && second.1.contains("in use"), "{second:?}");
    let killed = rounds(&lines(&validator));
    // SIGKILL.
    drop(validator);
    all.extend(killed);

    let validator = Process::start(VALIDATOR, &validator_args(url, path, &[]));
    validator.out.line("\"round\"").unwrap();
    validator.out.line("\"outcome\":{\"set\"").unwrap();
    all.extend(rounds(&lines(&validator)));
    validator.stop("TERM");
    // No round is played twice, and each counts once; the last ones may not have been printed.
    assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
    let counted = scored(&state, &good);
    assert!((all.len() as u64..=all.len() as u64 + 3).contains(&counted), "{counted}: {all:?}");
    node.stop("TERM");
}

#[test]
fn what_cannot_begin_says_why() {
    let node = Process::start(LOCALNET, &["--port", "0", "--instant", "--quiet"]);
    let url = node.ready[0].as_str();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("v.json");
    let args = validator_args(url, state.to_str().unwrap(), &[]);
    let with = |change: &dyn Fn(&str) -> Option<&'static str>| {
        let args: Vec<_> = args.iter().map(|arg| change(arg).unwrap_or(arg)).collect();
        let output = command(VALIDATOR, &args).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = with(&|arg| (arg == "2").then_some("1"));
    assert!(said.contains("btcli subnets register --netuid 1"), "{said}");
    let said = with(&|arg| arg.ends_with(".csv").then_some("/nowhere.csv"));
    assert!(said.contains("/nowhere.csv cannot be read"), "{said}");
    node.stop("TERM");
}
