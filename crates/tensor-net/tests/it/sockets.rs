//! Client and server over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use serde_json::json;
use tensor_core::miner::{Caller, Miner, Reject};
use tensor_core::transport::{Body, Endpoint, Request, Response, Transport, TransportError};
use tensor_net::client::{Client, ClientLimits, FanOut, fan_out};
use tensor_net::server::{AxonService, Limits, ListenLimits, Server};
use tensor_net::wire::Identity;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{hotkey, key, shouter};

struct Running {
    axon: Endpoint,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        let _ = self.stop.send(());
        self.ended.await.unwrap();
    }
}

async fn start(service: AxonService) -> Running {
    start_with(service, ListenLimits::default()).await
}

async fn start_with(service: AxonService, limits: ListenLimits) -> Running {
    let hotkey = service.hotkey();
    let server = Server::bind("127.0.0.2:0", service).await.unwrap().with_limits(limits);
    let axon = Endpoint { hotkey, address: server.local_addr().unwrap() };
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(server.serve_until(async move {
        let _ = stopped.await;
    }));
    Running { axon, stop, ended }
}

fn client() -> Client {
    Client::builder(Identity::new(key("//Alice"))).allow_private_addresses().build()
}

fn ask(text: &str) -> Request {
    Request::synapse("Shout", json!({ "text": text }).to_string())
}

async fn text_of(response: Response) -> String {
    String::from_utf8(response.body.bytes(1 << 20).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn a_question_travels() {
    let running = start(AxonService::new(hotkey("//Bob"), shouter())).await;
    let client = client();
    for _ in 0..3 {
        let response = client.send(&running.axon, ask("hello")).await.unwrap();
        assert_eq!(response.status, 200);
        assert!(text_of(response).await.contains("HELLO"));
    }
    let elsewhere = Endpoint { hotkey: hotkey("//Carol"), ..running.axon };
    let response = client.send(&elsewhere, ask("hello")).await.unwrap();
    assert_eq!(response.status, 401);
    assert!(text_of(response).await.contains("different receiving hotkey"));
    running.stop().await;
}

#[tokio::test]
async fn parallel_requests_of_one_key_all_pass() {
    let running = start(AxonService::new(hotkey("//Bob"), shouter())).await;
    let client = client();
    let asks = (0..200).map(|_| client.send(&running.axon, ask("hello")));
    for response in futures::future::join_all(asks).await {
        assert_eq!(response.unwrap().status, 200);
    }
    running.stop().await;
}

#[tokio::test]
async fn private_addresses_are_not_dialled_unasked() {
    let client = Client::new(key("//Alice"));
    for address in ["127.0.0.2:80", "10.0.0.1:80", "169.254.169.254:80", "[::1]:80"] {
        let to = Endpoint { hotkey: hotkey("//Bob"), address: address.parse().unwrap() };
        let error = client.send(&to, ask("hello")).await.unwrap_err();
        assert!(matches!(error, TransportError::NoEndpoint(bob) if bob == to.hotkey));
    }
}

#[tokio::test]
async fn a_killed_server_is_unreachable() {
    let running = start(AxonService::new(hotkey("//Bob"), shouter())).await;
    let client = client();
    let axon = running.axon;
    assert!(client.send(&axon, ask("hello")).await.is_ok());
    running.ended.abort();
    let _ = running.ended.await;
    // The kept connection is closed, and a new one is refused.
    let error = client.send(&axon, ask("hello")).await.unwrap_err();
    assert!(
        matches!(error, TransportError::Unreachable { address, .. } if address == axon.address)
    );
}

#[tokio::test]
async fn a_restarted_server_is_found_again() {
    let running = start(AxonService::new(hotkey("//Bob"), shouter())).await;
    let client = client();
    let axon = running.axon;
    assert_eq!(client.send(&axon, ask("hello")).await.unwrap().status, 200);
    running.ended.abort();
    let _ = running.ended.await;
    let service = AxonService::new(hotkey("//Bob"), shouter());
    let server = Server::bind(axon.address, service).await.unwrap();
    let again = tokio::spawn(server.serve());
    // The connection that the client kept is dead; the request goes over a new one.
    assert_eq!(client.send(&axon, ask("hello")).await.unwrap().status, 200);
    again.abort();
}

struct Slow;

#[async_trait]
impl Miner for Slow {
    async fn handle(&self, _: &Caller, request: Request) -> Result<Response, Reject> {
        if request.name() == "Drip" {
            let drops = futures::stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok(Bytes::from("drop")), ()))
            });
            return Ok(Response::ok(Body::Stream(drops.boxed())));
        }
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        Ok(Response::ok("{}"))
    }
}

#[tokio::test]
async fn deadlines_cover_head_and_body() {
    let running = start(AxonService::new(hotkey("//Bob"), Slow)).await;
    let client = client();
    let soon = Duration::from_millis(200);
    let never = Request::synapse("Never", "").with_timeout(soon);
    let error = client.send(&running.axon, never).await.unwrap_err();
    assert!(matches!(error, TransportError::Timeout(limit) if limit == soon));

    let drip = || Request::synapse("Drip", "").with_timeout(soon);
    let response = client.send(&running.axon, drip()).await.unwrap();
    let error = response.body.bytes(1 << 20).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().downcast_ref::<TransportError>();
    assert!(matches!(source, Some(TransportError::Timeout(_))));

    let answers = fan_out(&client, &[running.axon], &FanOut::default(), |_| drip()).await;
    assert!(matches!(answers[0].outcome, Some(Err(TransportError::Timeout(_)))));
    running.ended.abort();
}

#[tokio::test]
async fn the_server_gives_up_on_slow_miners_and_slow_bodies() {
    let limits = Limits::default()
        .with_handle_time(Duration::from_millis(50))
        .with_body_time(Duration::from_millis(50));
    let service = AxonService::builder(hotkey("//Bob")).with_limits(limits).build(Slow);
    let running = start(service).await;
    let response = client().send(&running.axon, Request::synapse("Never", "")).await.unwrap();
    assert_eq!(response.status, 504);

    // A head that announces a body which never comes.
    let mut stream = TcpStream::connect(running.axon.address).await.unwrap();
    let head = signed_head(&running.axon, 10).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 408 "), "{reply}");
    running.ended.abort();
}

/// The head of a signed request whose body is `length` bytes of `x`.
async fn signed_head(axon: &Endpoint, length: usize) -> String {
    use tensor_net::wire::{Message, btauth::BtauthDialect};
    let request = Request::synapse("Never", "x".repeat(length));
    let message = Message::collect(request, length).await.unwrap();
    let identity = Identity::new(key("//Alice"));
    let attempt = identity.attempt(&BtauthDialect::new(), axon, &message).await.unwrap();
    let mut head = format!("POST /Never HTTP/1.1\r\nhost: axon\r\ncontent-length: {length}\r\n");
    for (name, value) in attempt.request.headers() {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    head + "\r\n"
}

#[tokio::test]
async fn oversized_requests_are_refused_early() {
    let running = start(AxonService::new(hotkey("//Bob"), shouter())).await;
    // A body announced as 1 GB is refused before a byte of it is read.
    let mut stream = TcpStream::connect(running.axon.address).await.unwrap();
    let head = signed_head(&running.axon, 10).await.replace("length: 10", "length: 1000000000");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 413 "), "{reply}");

    // A head without end is cut off.
    let mut stream = TcpStream::connect(running.axon.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let line = format!("x-{}: y\r\n", "a".repeat(1_000));
    for _ in 0..100 {
        if stream.write_all(line.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await;
    let reply = String::from_utf8_lossy(&reply);
    assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 431 "), "{reply}");
    running.stop().await;
}

#[tokio::test]
async fn silent_connections_are_closed() {
    let limits = ListenLimits::default().with_head_time(Duration::from_millis(50));
    let service = AxonService::new(hotkey("//Bob"), shouter());
    let running = start_with(service, limits).await;
    let mut silent = TcpStream::connect(running.axon.address).await.unwrap();
    silent.write_all(b"POST /Shout HTTP/1.1\r\nhost:").await.unwrap();
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest).await;
    running.stop().await;
}

#[tokio::test]
async fn peers_that_do_not_read_lose_their_slot() {
    /// Has more to say than any socket buffers.
    struct Talks;
    #[async_trait]
    impl Miner for Talks {
        async fn handle(&self, _: &Caller, _: Request) -> Result<Response, Reject> {
            let words = futures::stream::repeat_with(|| Ok(Bytes::from(vec![b'x'; 1 << 16])));
            Ok(Response::ok(Body::Stream(words.boxed())))
        }
    }
    let service = AxonService::builder(hotkey("//Bob"))
        .with_limits(Limits::default().with_running(1))
        .build(Talks);
    let limits = ListenLimits::default().with_stall_time(Duration::from_millis(100));
    let running = start_with(service.clone(), limits).await;
    let mut silent = TcpStream::connect(running.axon.address).await.unwrap();
    let head = signed_head(&running.axon, 1).await;
    silent.write_all(head.as_bytes()).await.unwrap();
    silent.write_all(b"x").await.unwrap();
    while service.metrics().running == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // It never reads. The slot comes back all the same.
    while service.metrics().running > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(silent);
    running.ended.abort();
}

#[tokio::test]
async fn one_address_does_not_get_all_connections() {
    let limits = ListenLimits::default().with_connections_per_address(2);
    let service = AxonService::new(hotkey("//Bob"), shouter());
    let running = start_with(service, limits).await;
    let mut kept = Vec::new();
    for _ in 0..2 {
        kept.push(TcpStream::connect(running.axon.address).await.unwrap());
    }
    // Accepted by the system, closed by the server.
    let mut third = TcpStream::connect(running.axon.address).await.unwrap();
    let mut rest = Vec::new();
    let read = third.read_to_end(&mut rest).await;
    assert!(read.is_err() || rest.is_empty());
    drop(kept);
    running.stop().await;
}

#[tokio::test]
async fn shutdown_lets_requests_in_work_end() {
    struct Gate(Arc<tokio::sync::Notify>, Arc<tokio::sync::Notify>);
    #[async_trait]
    impl Miner for Gate {
        async fn handle(&self, _: &Caller, _: Request) -> Result<Response, Reject> {
            self.0.notify_one();
            self.1.notified().await;
            Ok(Response::ok("{}"))
        }
    }
    let (entered, open) =
        (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let service = AxonService::new(hotkey("//Bob"), Gate(Arc::clone(&entered), Arc::clone(&open)));
    let running = start(service).await;
    let axon = running.axon;
    let asked = tokio::spawn(async move { client().send(&axon, ask("hello")).await });
    entered.notified().await;
    let _ = running.stop.send(());
    open.notify_one();
    assert_eq!(asked.await.unwrap().unwrap().status, 200);
    running.ended.await.unwrap();
    assert!(TcpStream::connect(axon.address).await.is_err());
}

/// Serves one scripted answer to each connection.
async fn scripted(answer: &'static [u8]) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer).await;
        }
    });
    Endpoint { hotkey: hotkey("//Bob"), address }
}

#[tokio::test]
async fn bad_answers_are_typed_errors() {
    let client = client();
    for answer in [
        &b"SSH-2.0-OpenSSH_9.2\r\n"[..],
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5000000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\nx",
    ] {
        let error = client.send(&scripted(answer).await, ask("hello")).await.unwrap_err();
        let text = String::from_utf8_lossy(answer);
        assert!(matches!(error, TransportError::Malformed(_)), "{text}: {error:?}");
    }
    let error = client.send(&scripted(b"").await, ask("hello")).await.unwrap_err();
    assert!(matches!(error, TransportError::Unreachable { .. }), "{error:?}");

    // A body that breaks off, or is longer than allowed, fails when it is read.
    let short = scripted(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await;
    let response = client.send(&short, ask("hello")).await.unwrap();
    assert!(response.body.bytes(100).await.is_err());
    let limits = ClientLimits::default().with_response_bytes(8);
    let client = Client::builder(Identity::new(key("//Alice")))
        .allow_private_addresses()
        .with_limits(limits)
        .build();
    let endless =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n5\r\nefghi\r\n";
    let response = client.send(&scripted(endless).await, ask("hello")).await.unwrap();
    assert!(response.body.bytes(100).await.is_err());

    // A redirect is an answer; nobody follows it.
    let moved = b"HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(client.send(&scripted(moved).await, ask("hello")).await.unwrap().status, 302);
}

#[tokio::test]
async fn a_broken_request_body_is_never_sent() {
    let running = start(AxonService::new(hotkey("//Bob"), shouter())).await;
    let parts: [Result<Bytes, tensor_core::BoxError>; 2] =
        [Ok(Bytes::from("{")), Err("lost".into())];
    let body = Body::Stream(futures::stream::iter(parts).boxed());
    let error = client().send(&running.axon, Request::synapse("Shout", body)).await.unwrap_err();
    assert!(matches!(error, TransportError::Unsendable(_)));
    running.stop().await;
}
