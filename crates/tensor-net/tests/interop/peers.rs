//! The official packages as peers: their scripts run as processes, and what their clients must have
//! got. Part of the tests of this crate and of those of the programs; whoever takes it in says in
//! `SCRIPTS` where the scripts are.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value as Json, json};

use super::SCRIPTS;

/// The interpreter with that SDK, or nothing if interop was not asked for.
pub(crate) fn python(variable: &str) -> Option<PathBuf> {
    if std::env::var("TENSOR_INTEROP").as_deref() != Ok("1") {
        println!("interop was not asked for: TENSOR_INTEROP is not 1");
        return None;
    }
    match std::env::var_os(variable) {
        Some(path) => Some(PathBuf::from(path)),
        None => panic!("TENSOR_INTEROP=1 asks for interop, but {variable} names no Python"),
    }
}

/// One of the scripts with its arguments.
pub(crate) fn script(python: &Path, name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(python);
    // The test's home keeps the SDK from touching the user's.
    command
        .arg(format!("{SCRIPTS}/{name}.py"))
        .args(arguments)
        .env("HOME", std::env::temp_dir())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONWARNINGS", "ignore")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Runs a client's script to its end and reads its lines of JSON.
pub(crate) async fn cases(mut command: Command) -> Vec<Json> {
    let output = tokio::task::spawn_blocking(move || {
        command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().unwrap()
    });
    let output = output.await.unwrap();
    assert!(output.status.success(), "the script failed");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A server's script, killed when dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Starts it and reads lines until `ready` makes something of one.
    pub(crate) fn start<T>(mut command: Command, ready: impl Fn(&str) -> Option<T>) -> (Self, T) {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let found = lines.find_map(|line| ready(line.trim()));
        // What it says later must go somewhere, or it fails to say it.
        std::thread::spawn(move || lines.for_each(drop));
        let running = Self(child);
        (running, found.unwrap_or_else(|| panic!("the server script ended")))
    }

    /// The official axon of `//Bob` with the interop synapses: where it listens.
    pub(crate) fn sdk10_axon(python: &Path) -> (Self, std::net::SocketAddr) {
        // The axon must be told its port. One that was free a moment ago nearly always still is.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let command = script(python, "sdk10_axon", &[&free.port().to_string()]);
        let (axon, ()) = Self::start(command, |line| (line == "ready").then_some(()));
        (axon, free)
    }

    /// A server that verifies by SDK 11 for this hotkey: where it listens.
    pub(crate) fn sdk11_server(python: &Path, hotkey: &str) -> (Self, std::net::SocketAddr) {
        let command = script(python, "sdk11_server", &[hotkey]);
        let (server, port) = Self::start(command, |line| line.parse::<u16>().ok());
        (server, ([127, 0, 0, 2], port).into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn case<'a>(cases: &'a [Json], name: &str) -> &'a Json {
    cases.iter().find(|case| case["case"] == name).unwrap_or_else(|| panic!("no case {name}"))
}

/// What `sdk11_client.py` must have got as `alice`.
pub(crate) fn check_sdk11_client(cases: &[Json], alice: &str) {
    for (name, status, part) in [
        ("sr25519", 200, r#"{"completion":"HELLO WORLD"}"#),
        ("ed25519", 200, "HELLO WORLD"),
        ("get", 200, &*format!(r#"{{"hotkey":"{alice}","bytes":0}}"#)),
        ("empty query", 200, r#""bytes":1"#),
        ("first", 200, "HELLO"),
        ("again", 401, "this nonce was already accepted from this hotkey"),
        ("changed body", 401, "signature does not verify against the claimed hotkey"),
        ("changed target", 401, "BadSignature"),
        ("changed method", 401, "BadSignature"),
        ("for another", 401, "request was signed for a different receiving hotkey"),
        ("for nobody", 401, "missing X-Bittensor-Receiver"),
        ("old", 401, "nonce is older than the 10s freshness window"),
        ("future", 401, "nonce is more than 2s in the future"),
        ("unsigned", 401, "missing or unsupported X-Bittensor-Version"),
    ] {
        check(case(cases, name), status, part);
    }
}

/// What `epistula_client.py` must have got as `alice`.
pub(crate) fn check_epistula_client(cases: &[Json], alice: &str) {
    for (name, status, part) in [
        ("generate", 200, r#"{"completion":"HELLO WORLD"}"#),
        ("any path", 200, &*format!(r#"{{"hotkey":"{alice}","bytes":2}}"#)),
        ("first", 200, "HELLO WORLD"),
        ("again", 400, "Request was already accepted"),
        ("changed body", 400, "Signature Mismatch"),
        ("for another", 400, "Bad Request, message is not intended for self"),
        ("old", 400, "Request is too stale"),
        ("future", 400, "Request is from the future"),
        ("version", 400, "Unknown Epistula version"),
        ("unsigned", 400, "Invalid Signature"),
    ] {
        check(case(cases, name), status, part);
    }
}

fn check(case: &Json, status: u16, part: &str) {
    assert_eq!(case["status"], status, "{case}");
    assert!(case["body"].as_str().unwrap().contains(part), "{case}");
}

/// What `sdk10_dendrite.py` must have got from `bob`, who denies //Eve.
pub(crate) fn check_sdk10_dendrite(cases: &[Json], bob: &str) {
    let ok = |name: &str| {
        let case = case(cases, name);
        assert_eq!(case["status"], 200, "{case}");
        assert_eq!(case["success"], true, "{case}");
        assert_eq!(case["axon_status"], 200, "{case}");
        assert_eq!(case["axon_hotkey"], bob, "{case}");
        case
    };
    assert_eq!(ok("prompt")["completion"], "HELLO WORLD");
    assert_eq!(ok("prompt")["message"], "Success");
    assert_eq!(ok("unicode")["completion"], "漢字😀 \"IT'S\"\n\u{200b}");
    assert_eq!(ok("unhashed")["completion"], "X");
    // What nobody hashes may be changed on the way, here as with the original.
    assert_eq!(ok("changed unhashed")["completion"], "CHANGED");
    let mixed = r#"it's|-3|2.0|True|[1, 2]|{'k': [None, 'v', 1.5], 'é': {'q': '"\''}}|None"#;
    assert_eq!(ok("mixed")["reply"], mixed);
    ok("ping");
    assert_eq!(ok("slow enough")["reply"], "done");
    assert_eq!(ok("many")["all"], json!([200]));
    assert_eq!(ok("stream")["chunks"], "A BB CCC ");
    assert_eq!(ok("stream")["completion"], "A BB CCC ");

    let not_verified = |text: &str| format!("Not Verified with error: {text}");
    for (name, status, part) in [
        ("boom", 500, "Internal Server Error #".to_owned()),
        ("late", 408, "Response timeout after: 12.0s".to_owned()),
        ("slow", 408, "Request timeout after 0.5 seconds".to_owned()),
        ("denied", 403, "Forbidden. Key is blacklisted: listed key.".to_owned()),
        ("for another", 401, not_verified("Signature mismatch with ")),
        ("changed nonce", 401, not_verified("Signature mismatch with ")),
        ("old", 401, not_verified("Nonce is too old: acceptable delta is 16.00 seconds")),
        ("future", 401, not_verified("nonce is more than 10s in the future")),
        ("unsigned", 401, not_verified("Missing Signature")),
        ("changed field", 401, not_verified("Signature mismatch with ")),
    ] {
        let case = case(cases, name);
        assert_eq!(case["status"], status, "{case}");
        assert_eq!(case["success"], false, "{case}");
        let message = case["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(&part), "{case}");
    }
    // Signed as sent, but not what the body says: 400, where the original says 500.
    let body = case(cases, "changed body");
    assert_eq!((&body["status"], &body["success"]), (&json!(400), &json!(false)), "{body}");
    let teapot = case(cases, "teapot");
    assert_eq!(teapot["status"], 418, "{teapot}");
    assert_eq!(teapot["axon_status"], 418, "{teapot}");
    let stream = case(cases, "changed stream");
    assert_eq!((&stream["status"], &stream["success"]), (&json!(401), &json!(false)), "{stream}");
}
