//! Requests a second and CPU a request: our server with signatures, the same without, and the Python
//! axon, from one load generator in one run.
//!
//! ```text
//! cargo bench -p tensor-net --bench load                 # our servers
//! TENSOR_PY_V10=…/python cargo bench -p tensor-net --bench load   # and the Python axon (SDK 10.5.0)
//! ```
//!
//! Servers run in processes of their own, so that their CPU time is theirs alone. Requests are signed
//! before the clock starts; the generator only writes and reads.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a bench may fail loudly"
)]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use tensor_core::key::{Keypair, PublicKey, Scheme};
use tensor_core::miner::{Caller, Reject, Synapse, miner_fn};
use tensor_core::transport::{Endpoint, Request};
use tensor_core::{Hotkey, Miner};
use tensor_net::replay::WindowLimits;
use tensor_net::server::{AxonService, Server};
use tensor_net::wire::btauth::{Btauth, BtauthDialect};
use tensor_net::wire::synapse::{Kind, SynapseDialect, SynapseProtocol, SynapseSpec, Value};
use tensor_net::wire::{Dialect, Identity, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(serde::Serialize, serde::Deserialize)]
struct Prompt {
    prompt: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Completion {
    completion: String,
}

impl Synapse for Prompt {
    const NAME: &'static str = "Prompt";
    type Answer = Completion;
}

const BODY: &str = r#"{"prompt":"hello world"}"#;

fn miner() -> impl Miner + 'static {
    miner_fn(|_: Caller, ask: Prompt| async move {
        Ok::<_, Reject>(Completion { completion: ask.prompt.to_uppercase() })
    })
}

fn spec() -> SynapseSpec {
    SynapseSpec::new("Prompt")
        .with_field("prompt", Kind::Str)
        .with_default("completion", Kind::Str.optional(), Value::None)
        .with_hashed(["prompt"])
}

fn key(uri: &str) -> Keypair {
    Keypair::from_uri(uri, Scheme::Sr25519).unwrap()
}

fn bob() -> Hotkey {
    Hotkey::new(key("//Bob").account_id())
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(if arguments.iter().any(|argument| argument == "serve") { 1 } else { 2 })
        .enable_all()
        .build()
        .unwrap();
    if let Some(at) = arguments.iter().position(|argument| argument == "serve") {
        return runtime.block_on(serve(&arguments[at + 1]));
    }
    // `cargo test` runs benches with this; then a short run shows that everything works.
    let quick = arguments.iter().any(|argument| argument == "--test");
    runtime.block_on(compare(quick));
}

/// A server process: prints its port and serves until it is killed.
async fn serve(kind: &str) {
    if kind == "signed" {
        let window =
            WindowLimits::default().with_capacity(1 << 21).with_reserved(0).with_share(1 << 21);
        let service = AxonService::builder(bob())
            .with_protocol(Btauth::new(bob()))
            .with_protocol(SynapseProtocol::new(bob()).with_synapse(spec()))
            .with_replay_limits(window)
            .build(miner());
        let server = Server::bind("127.0.0.1:0", service).await.unwrap();
        println!("{}", server.local_addr().unwrap().port());
        return server.serve().await;
    }
    // The same HTTP server and miner, with nothing between them.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let miner: Arc<dyn Miner> = Arc::new(miner());
    let caller = Caller::new(bob(), Scheme::Sr25519, "plain");
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (miner, caller) = (Arc::clone(&miner), caller.clone());
        let service =
            hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let (miner, caller) = (Arc::clone(&miner), caller.clone());
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await?.to_bytes();
                    let target = head.uri.path_and_query().unwrap().as_str();
                    let request = Request::new(Default::default(), target, body);
                    let answer = miner.handle(&caller, request).await.unwrap();
                    let body = answer.body.bytes(1 << 20).await.unwrap();
                    let response = hyper::Response::builder()
                        .status(answer.status)
                        .header("content-type", answer.content_type);
                    Ok::<_, hyper::Error>(response.body(Full::new(body)).unwrap())
                }
            });
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(hyper_util::rt::TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}

struct Process(Child, SocketAddr);

impl Process {
    fn start(mut command: Command, port: Option<u16>) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the server");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let found = lines.find_map(|line| match port {
            Some(port) => (line == "ready").then_some(port),
            None => line.trim().parse().ok(),
        });
        std::thread::spawn(move || lines.for_each(drop));
        Self(child, ([127, 0, 0, 1], found.expect("the server's port")).into())
    }

    fn ours(kind: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["serve", kind]);
        Self::start(command, None)
    }

    fn python(python: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(python);
        command
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/sdk10_axon.py"))
            .arg(port.to_string())
            .env("HOME", std::env::temp_dir())
            .stderr(Stdio::null());
        Self::start(command, Some(port))
    }

    /// CPU time used so far, user and system.
    fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Measured {
    per_second: f64,
    p50: Duration,
    p99: Duration,
    cpu: Duration,
}

/// Requests as bytes, one queue for each connection, since the Python axon wants each uuid's nonces in
/// order.
async fn signed(
    dialects: &[Box<dyn Dialect>],
    address: SocketAddr,
    count: usize,
) -> Vec<VecDeque<Vec<u8>>> {
    let identity = Identity::new(key("//Alice"));
    let to = Endpoint { hotkey: bob(), address };
    let message = Message::collect(Request::synapse("Prompt", BODY), 1 << 20).await.unwrap();
    let mut queues = Vec::new();
    for dialect in dialects {
        let mut queue = VecDeque::new();
        for _ in 0..count / dialects.len() {
            let attempt = identity.attempt(dialect.as_ref(), &to, &message).await.unwrap();
            queue.push_back(bytes_of(&attempt.request));
        }
        queues.push(queue);
    }
    queues
}

fn bytes_of(request: &http::Request<bytes::Bytes>) -> Vec<u8> {
    let mut out = format!("{} {} HTTP/1.1\r\nhost: axon\r\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        out += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    out += &format!("content-length: {}\r\n\r\n", request.body().len());
    let mut out = out.into_bytes();
    out.extend_from_slice(request.body());
    out
}

/// Sends each queue over its own connection as fast as answers come, or at `rate` a second in all.
async fn run(server: &Process, queues: Vec<VecDeque<Vec<u8>>>, rate: Option<f64>) -> Measured {
    let count: usize = queues.iter().map(VecDeque::len).sum();
    let times = Arc::new(Mutex::new(Vec::with_capacity(count)));
    let connections = queues.len();
    let before = server.cpu();
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for (index, queue) in queues.into_iter().enumerate() {
        let (times, address) = (Arc::clone(&times), server.1);
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut buffer = vec![0; 64 << 10];
            let mut taken = Vec::new();
            for (turn, request) in queue.into_iter().enumerate() {
                // Measured from when it was due, so that a slow server cannot hide its queue.
                let due = rate.map(|rate| {
                    let number = (turn * connections + index) as f64;
                    begin + Duration::from_secs_f64(number / rate)
                });
                if let Some(due) = due {
                    tokio::time::sleep_until(due.into()).await;
                }
                let sent = due.unwrap_or_else(Instant::now);
                stream.write_all(&request).await.unwrap();
                let status = read_answer(&mut stream, &mut buffer).await;
                assert_eq!(status, 200);
                taken.push(sent.elapsed());
            }
            times.lock().unwrap().extend(taken);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let took = begin.elapsed();
    let cpu = server.cpu() - before;
    let mut times = core::mem::take(&mut *times.lock().unwrap());
    times.sort_unstable();
    Measured {
        per_second: count as f64 / took.as_secs_f64(),
        p50: times[times.len() / 2],
        p99: times[times.len() * 99 / 100],
        cpu: cpu / count as u32,
    }
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> u16 {
    let mut have = 0;
    loop {
        let read = stream.read(&mut buffer[have..]).await.unwrap();
        assert!(read > 0, "the server closed the connection");
        have += read;
        let Some(end) = buffer[..have].windows(4).position(|part| part == b"\r\n\r\n") else {
            continue;
        };
        let head = core::str::from_utf8(&buffer[..end]).unwrap();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
        });
        let length: usize = length.expect("a length");
        let status = head[9..12].parse().unwrap();
        while have < end + 4 + length {
            have += stream.read(&mut buffer[have..]).await.unwrap();
        }
        return status;
    }
}

fn btauth(connections: usize) -> Vec<Box<dyn Dialect>> {
    (0..connections).map(|_| Box::new(BtauthDialect::new()) as Box<dyn Dialect>).collect()
}

fn synapse(connections: usize) -> Vec<Box<dyn Dialect>> {
    let dialect = |index: usize| {
        let uuid = format!("00000000-0000-11ee-8000-{index:012}");
        SynapseDialect::new("").with_synapse(spec()).with_uuids([uuid])
    };
    (0..connections).map(|index| Box::new(dialect(index)) as Box<dyn Dialect>).collect()
}

async fn compare(quick: bool) {
    let count = if quick { 320 } else { 60_000 };
    let bare = bare_verification(if quick { 100 } else { 20_000 });
    println!("one bare sr25519 verification, 220 bytes: {bare:?}\n");
    println!("{:<34} {:>10} {:>10} {:>10} {:>12}", "", "requests/s", "p50", "p99", "server CPU");
    let show = |name: &str, measured: &Measured| {
        println!(
            "{name:<34} {:>10.0} {:>10.2?} {:>10.2?} {:>12.1?}",
            measured.per_second, measured.p50, measured.p99, measured.cpu
        );
    };

    let plain = Process::ours("plain");
    let requests = signed(&btauth(32), plain.1, count).await;
    let without = run(&plain, requests, None).await;
    show("without signatures, 32 conn.", &without);
    drop(plain);

    let server = Process::ours("signed");
    let idle = server.memory_kib();
    let requests = signed(&btauth(32), server.1, count).await;
    let with = run(&server, requests, None).await;
    show("btauth/1, 32 conn.", &with);
    let rate = with.per_second / 2.0;
    let half = (rate * 3.0) as usize / 32 * 32;
    let requests = signed(&btauth(32), server.1, half.min(count)).await;
    show("btauth/1 at half the peak", &run(&server, requests, Some(rate)).await);
    let requests = signed(&synapse(32), server.1, count / 2).await;
    let v10 = run(&server, requests, None).await;
    show("synapse/10, 32 conn.", &v10);
    println!("server memory: idle {idle} KiB, after {} KiB", server.memory_kib());
    drop(server);

    let allowed = (without.cpu + bare).mul_f64(1.25);
    println!(
        "\nCPU with signatures / (without + bare verification): {:.2} (at most 1.25, {allowed:.1?})",
        with.cpu.as_secs_f64() / (without.cpu + bare).as_secs_f64(),
    );
    let Ok(python) = std::env::var("TENSOR_PY_V10") else {
        println!("the Python axon was not asked for: TENSOR_PY_V10 names no Python");
        return;
    };
    let axon = Process::python(&python);
    for connections in [1, 32] {
        let count = if quick { 32 } else { 1_600 };
        let requests = signed(&synapse(connections), axon.1, count).await;
        let measured = run(&axon, requests, None).await;
        show(&format!("Python axon 10.5.0, {connections} conn."), &measured);
        if connections == 32 {
            println!(
                "\nours / Python: synapse/10 {:.0}x, btauth/1 {:.0}x (at least 50x)",
                v10.per_second / measured.per_second,
                with.per_second / measured.per_second,
            );
        }
    }
}

fn bare_verification(count: u32) -> Duration {
    let pair = key("//Alice");
    let message = [7; 220];
    let signature = pair.sign(&message);
    let key = PublicKey::new(&pair.account_id(), Scheme::Sr25519).unwrap();
    let begin = Instant::now();
    for _ in 0..count {
        assert!(core::hint::black_box(&key).verify(&message, &signature.bytes));
    }
    begin.elapsed() / count
}
