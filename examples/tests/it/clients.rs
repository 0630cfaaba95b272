//! The official clients, unmodified, against the program `localnet`: both SDKs and the
//! JavaScript API. Runs where `TENSOR_INTEROP=1`, with each client where its variable says; then a
//! missing one is a failure. The stories are in `tests/clients`.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value as Json;
use tensor_chain::local::{Build, LocalChain};

use super::process::{Process, command};

const LOCALNET: &str = env!("CARGO_BIN_EXE_localnet");
const SUBNET: &str = env!("CARGO_BIN_EXE_subnet");
const STORIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");
const VECTORS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../testdata/chain/chain-crypto-vectors.json"
));
/// Seconds after which a story that hangs is ended, so that it fails instead.
const PATIENCE: &str = "400";

/// What the variable names, or nothing if interop was not asked for.
fn client(variable: &str) -> Option<PathBuf> {
    if std::env::var("TENSOR_INTEROP").as_deref() != Ok("1") {
        println!("interop was not asked for: TENSOR_INTEROP is not 1");
        return None;
    }
    match std::env::var_os(variable) {
        Some(path) => Some(PathBuf::from(path)),
        None => panic!("TENSOR_INTEROP=1 asks for interop, but {variable} is not set"),
    }
}

/// A program that plays a story, in a home of its own, ended if it hangs.
fn story(program: impl Into<PathBuf>, name: &str, args: &[&str]) -> (Command, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new("timeout");
    command
        .arg(PATIENCE)
        .arg(program.into())
        .arg(format!("{STORIES}/{name}"))
        .args(args)
        .env("HOME", home.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONWARNINGS", "ignore")
        .stdin(Stdio::null());
    (command, home)
}

/// Plays it to its end, which must be a good one.
fn play(mut command: Command) {
    let output = command.output().unwrap();
    let (said, complaints) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{said}\n{complaints}", output.status);
    assert_eq!(said.lines().last(), Some("ok"), "{said}\n{complaints}");
}

/// Plays a story against a fresh `localnet --fast`, which must then end as it should.
fn against_localnet(program: PathBuf, name: &str, more: &[&str]) {
    let node = Process::start(LOCALNET, &["--fast", "--port", "0"]);
    let url = node.ready[0].clone();
    let args: Vec<&str> = [url.as_str()].into_iter().chain(more.iter().copied()).collect();
    let (command, _home) = story(program, name, &args);
    play(command);
    node.stop("TERM");
}

#[test]
fn sdk_11() {
    let Some(python) = client("TENSOR_PY_V11") else { return };
    against_localnet(python, "sdk11.py", &[]);
}

#[test]
fn sdk_10() {
    let Some(python) = client("TENSOR_PY_V10") else { return };
    against_localnet(python, "sdk10.py", &[]);
}

#[test]
fn polkadot_js() {
    let Some(folder) = client("TENSOR_NPM") else { return };
    against_localnet("node".into(), "polkadot.mjs", &[folder.to_str().unwrap()]);
}

/// What the program `subnet` reports is what the SDK reads on the chain that it serves.
#[test]
fn sdk_11_reads_what_subnet_reports() {
    let Some(python) = client("TENSOR_PY_V11") else { return };
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let report = report.to_str().unwrap();
    let args = ["--serve", "0", "--epochs", "3", "--miners", "4", "--plain", "--report", report];
    let mut running = Ended(command(SUBNET, &args).spawn().unwrap());
    let mut said = BufReader::new(running.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    // The second time it says so the story is over.
    let url = |line: String| Some(line.strip_prefix("serving on ")?.split(": ").next()?.to_owned());
    let url = said.find_map(url).expect("it serves on");
    let (command, _home) = story(python, "sdk11_report.py", &[&url, report]);
    play(command);
    let pid = running.0.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
}

/// A process that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A commit of the unmodified SDK 11 opens when its round is published: the one round of quicknet whose
/// signature is recorded, at whose time the SDK is made to believe itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_timelocked_commit_of_sdk_11_is_revealed() {
    let Some(python) = client("TENSOR_PY_V11") else { return };
    let Some(library) = client("TENSOR_FAKETIME") else { return };
    let vectors: Json = serde_json::from_str(VECTORS).unwrap();
    let vector = &vectors["timelock_envelope_round_1000"];
    let round = vector["reveal_round"].as_u64().unwrap();
    let signature = hex::decode(vector["round_signature"].as_str().unwrap()).unwrap();
    // The chain counts 50 ms for a block: two epochs of 40 blocks fit twice into the 3 s of a round.
    let chain = LocalChain::builder()
        .runtime_build(Build::Fast)
        .block_time_ms(50)
        .finality_lag(1)
        .shield(true)
        .history(100_000)
        .build()
        .unwrap();
    let server = chain.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
    let blocks = chain.clone();
    let ticking = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            blocks.advance(1);
        }
    });
    let publish = move || chain.store_pulse(round, &[0; 32], &signature);
    let story = tokio::task::spawn_blocking(move || {
        let args = [server.url(), round.to_string()];
        let (mut command, _home) = story(python, "sdk11_timelock.py", &[&args[0], &args[1]]);
        command
            .env("LD_PRELOAD", library)
            // When the round is published: the clock stands still there.
            .env("FAKETIME", "2023-08-23 15:59:27")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert_eq!(lines.next().as_deref(), Some("committed"));
        publish();
        child.stdin.take().unwrap().write_all(b"published\n").unwrap();
        assert_eq!(lines.next().as_deref(), Some("ok"));
        assert!(child.wait().unwrap().success());
    });
    let told = story.await;
    ticking.abort();
    told.unwrap();
}
