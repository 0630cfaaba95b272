//! One honest validator against a flood, and what the server's memory does meanwhile.
//!
//! ```text
//! cargo bench -p tensor-net --bench flood
//! ```
//!
//! All at once: valid requests of 100,000 distinct keys, replays, forgeries in the validator's name,
//! garbage, heads without end, bodies announced as 1 GB, and 500 connections that send a byte now and
//! then. The validator asks twenty times a second; each of its requests counts as served if it is
//! answered with 200 within 12 s.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a bench may fail loudly"
)]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tensor_core::key::{Keypair, Scheme};
use tensor_core::miner::{Caller, Priority, Reject};
use tensor_core::transport::{Endpoint, Request, Response, Transport};
use tensor_core::{Hotkey, Miner};
use tensor_net::Client;
use tensor_net::server::{AxonService, Server};
use tensor_net::wire::btauth::{self, BtauthDialect};
use tensor_net::wire::{Identity, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

fn key(uri: &str) -> Keypair {
    Keypair::from_uri(uri, Scheme::Sr25519).unwrap()
}

struct Echo(Hotkey);

#[async_trait]
impl Miner for Echo {
    async fn handle(&self, _: &Caller, request: Request) -> Result<Response, Reject> {
        Ok(Response::ok(request.body))
    }

    fn admit(&self, caller: &Caller) -> Result<Priority, Reject> {
        Ok(Priority(u64::from(caller.hotkey == self.0) * 1_000))
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if arguments.iter().any(|argument| argument == "serve") {
        return runtime.block_on(async {
            let alice = Hotkey::new(key("//Alice").account_id());
            let bob = Hotkey::new(key("//Bob").account_id());
            let service = AxonService::new(bob, Echo(alice));
            let server = Server::bind("127.0.0.1:0", service).await.unwrap();
            println!("{}", server.local_addr().unwrap().port());
            server.serve().await;
        });
    }
    let quick = arguments.iter().any(|argument| argument == "--test");
    runtime.block_on(flood(if quick { 500 } else { 100_000 }));
}

struct Process(Child, SocketAddr);

impl Process {
    fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.arg("serve").stdout(Stdio::piped()).spawn().expect("the server");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self(child, ([127, 0, 0, 1], line.trim().parse().unwrap()).into())
    }

    fn memory_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A connection from another loopback address than the validator's.
async fn connect(from: u8, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, from], 0).into())?;
    socket.connect(to).await
}

fn bytes_of(request: &http::Request<bytes::Bytes>) -> Vec<u8> {
    let mut out = format!("POST {} HTTP/1.1\r\nhost: axon\r\n", request.uri());
    for (name, value) in request.headers() {
        out += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    out += &format!("content-length: {}\r\n\r\n", request.body().len());
    let mut out = out.into_bytes();
    out.extend_from_slice(request.body());
    out
}

async fn signed(identity: &Identity, axon: &Endpoint) -> http::Request<bytes::Bytes> {
    let message = Message::collect(Request::synapse("Echo", "{}"), 100).await.unwrap();
    identity.attempt(&BtauthDialect::new(), axon, &message).await.unwrap().request
}

async fn flood(keys: u64) {
    let server = Process::start();
    let bob = Hotkey::new(key("//Bob").account_id());
    let axon = Endpoint { hotkey: bob, address: server.1 };
    let alice = key("//Alice");
    let client = Client::builder(Identity::new(alice.clone())).allow_private_addresses().build();
    for _ in 0..20 {
        client.send(&axon, Request::synapse("Echo", "{}")).await.unwrap();
    }
    let idle = server.memory_mib();

    let over = Arc::new(AtomicBool::new(false));
    let hostile = Arc::new(AtomicU64::new(0));
    let next_key = Arc::new(AtomicU64::new(0));
    let mut attackers = Vec::new();
    // Valid requests, each of a key of its own, and each twice.
    for from in 10..14 {
        let (next_key, over, hostile) =
            (Arc::clone(&next_key), Arc::clone(&over), Arc::clone(&hostile));
        attackers.push(tokio::spawn(async move {
            let mut buffer = vec![0; 4_096];
            while let Ok(mut stream) = connect(from, axon.address).await {
                loop {
                    let number = next_key.fetch_add(1, Ordering::Relaxed);
                    if number >= keys {
                        over.store(true, Ordering::Relaxed);
                        return;
                    }
                    let mut seed = [0; 32];
                    seed[..8].copy_from_slice(&number.to_le_bytes());
                    let identity = Identity::new(Keypair::from_seed(&seed, Scheme::Sr25519));
                    let request = bytes_of(&signed(&identity, &axon).await);
                    let mut alive = true;
                    for _ in 0..2 {
                        alive = stream.write_all(&request).await.is_ok()
                            && stream.read(&mut buffer).await.is_ok_and(|read| read > 0);
                        hostile.fetch_add(1, Ordering::Relaxed);
                    }
                    if !alive {
                        break;
                    }
                }
            }
        }));
    }
    let attack = |from: u8, payload: Vec<u8>| {
        let (over, hostile) = (Arc::clone(&over), Arc::clone(&hostile));
        tokio::spawn(async move {
            let mut buffer = vec![0; 4_096];
            while !over.load(Ordering::Relaxed) {
                let Ok(mut stream) = connect(from, axon.address).await else {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let _ = stream.write_all(&payload).await;
                let read = stream.read(&mut buffer);
                let _ = tokio::time::timeout(Duration::from_secs(2), read).await;
                hostile.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    // Forgeries in the validator's name, garbage, heads without end, bodies of 1 GB.
    let mut forged = signed(&Identity::new(key("//Eve")), &axon).await;
    let name = alice.account_id().to_string().parse().unwrap();
    forged.headers_mut().insert(btauth::HOTKEY, name);
    attackers.push(attack(20, bytes_of(&forged)));
    attackers.push(attack(21, vec![0x16; 3_000]));
    let bomb = "x-bomb: y\r\n".repeat(20_000);
    attackers.push(attack(22, format!("GET / HTTP/1.1\r\n{bomb}").into_bytes()));
    let huge = bytes_of(&forged);
    let huge = String::from_utf8(huge).unwrap().replace("length: 2", "length: 1000000000");
    attackers.push(attack(23, huge.into_bytes()));
    // Slow ones: 500 connections, a byte a second.
    for number in 0..500u32 {
        let over = Arc::clone(&over);
        attackers.push(tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let Ok(mut stream) = connect(30 + (number % 2) as u8, axon.address).await else {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                for byte in b"POST /Echo HTTP/1.1\r\nhost: axon\r\nx: y".iter().cycle() {
                    let closed = stream.write_all(&[*byte]).await.is_err();
                    if closed || over.load(Ordering::Relaxed) {
                        break;
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }));
    }

    let begin = Instant::now();
    let mut asked = Vec::new();
    let mut peak = idle;
    while !over.load(Ordering::Relaxed) {
        let client = client.clone();
        asked.push(tokio::spawn(async move {
            let begin = Instant::now();
            let outcome = client.send(&axon, Request::synapse("Echo", "{}")).await;
            (outcome.is_ok_and(|response| response.status == 200), begin.elapsed())
        }));
        peak = peak.max(server.memory_mib());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = begin.elapsed();
    let mut times = Vec::new();
    let all = asked.len();
    for ask in asked {
        let (served, time) = ask.await.unwrap();
        if served {
            times.push(time);
        }
    }
    for attacker in attackers {
        attacker.abort();
    }
    times.sort_unstable();
    let share = times.len() as f64 / all as f64;
    println!("{} hostile requests of {keys} keys in {took:.1?}", hostile.load(Ordering::Relaxed));
    println!(
        "honest requests served: {} of {all} ({:.1} %), p50 {:.2?}, p99 {:.2?}",
        times.len(),
        share * 100.0,
        times.get(times.len() / 2).copied().unwrap_or_default(),
        times.get(times.len() * 99 / 100).copied().unwrap_or_default(),
    );
    println!("server memory: idle {idle:.1} MiB, peak {peak:.1} MiB, {:.1} MiB more", peak - idle);
    assert!(share >= 0.9, "honest requests must be served");
    assert!(peak - idle < 64.0, "memory must stay bounded");
}
