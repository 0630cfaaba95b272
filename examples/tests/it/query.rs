//! The program `query` against scripted axons that answer as no honest one does: every answer is
//! judged, typed and blamed, and none hangs it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener};

use clap::Parser as _;
use serde_json::Value;
use tensor_examples::query::{Args, run};

const BOB: &str = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

/// A server that says `reply` to whoever asks, whatever is asked, and then keeps silent or hangs up.
fn scripted(reply: Vec<u8>, hangs_up: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        let mut asked = [0; 16 << 10];
        let _ = stream.read(&mut asked);
        let _ = stream.write_all(&reply);
        if hangs_up {
            let _ = stream.shutdown(Shutdown::Write);
        }
        // Until the asker has had enough: what is not read would take the reply back.
        while stream.read(&mut asked).is_ok_and(|read| read > 0) {}
    });
    address
}

/// Has //Alice ask Bob's axon for a prompt.
async fn query(address: SocketAddr, protocol: &str, more: &[&str]) -> (bool, Value) {
    ask(address, "//Alice", "Prompt", protocol, more).await
}

/// Asks Bob's axon at this address, and gives the outcome and the line.
pub(crate) async fn ask(
    address: SocketAddr,
    uri: &str,
    synapse: &str,
    protocol: &str,
    more: &[&str],
) -> (bool, Value) {
    let address = address.to_string();
    let args = [
        "query",
        "--uri",
        uri,
        "--axon",
        &address,
        "--to",
        BOB,
        "--synapse",
        synapse,
        "--json",
        r#"{"prompt": "x"}"#,
        "--protocol",
        protocol,
        "--timeout",
        "4",
        "--limit",
        "4096",
    ];
    let args = Args::try_parse_from([&args, more].concat()).unwrap();
    let mut lines = Vec::new();
    let good = run(&args, |line| {
        lines.push(serde_json::from_str(line).unwrap());
        Ok(())
    });
    let good = good.await.unwrap();
    assert_eq!(lines.len(), 1);
    (good, lines.remove(0))
}

/// An answer with these header lines and body.
fn answer(head: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

fn json(body: &str) -> Vec<u8> {
    answer("200 OK\r\ncontent-type: application/json", body)
}

#[tokio::test]
async fn bad_answers_are_typed_and_blamed() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let endless = |head: &str| [head.as_bytes(), &b"x: y\r\n".repeat(40_000)].concat();
    let cases: Vec<(&str, Vec<u8>, bool, &str)> = vec![
        ("nothing", vec![], true, "unreachable"),
        ("silence", vec![], false, "timeout"),
        ("half a head", b"HTTP/1.1 200 OK\r\nconte".to_vec(), true, "unreachable"),
        ("a stalled head", b"HTTP/1.1 200 OK\r\nconte".to_vec(), false, "timeout"),
        ("no HTTP", b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec(), true, "malformed"),
        ("HTTP/9", b"HTTP/9.9 200 OK\r\n\r\n".to_vec(), true, "malformed"),
        ("binary", (0..=255).collect(), true, "malformed"),
        ("status 99", b"HTTP/1.1 99 No\r\n\r\n".to_vec(), true, "malformed"),
        ("status 99999", b"HTTP/1.1 99999 No\r\n\r\n".to_vec(), true, "malformed"),
        ("endless head", endless("HTTP/1.1 200 OK\r\n"), false, "malformed"),
        ("NUL in a head", b"HTTP/1.1 200 OK\r\na: \0\r\n\r\n".to_vec(), true, "malformed"),
        ("a negative length", answer("200 OK\r\ncontent-length: -1", "{}"), true, "malformed"),
        ("two lengths", answer("200 OK\r\ncontent-length: 9", "{}"), true, "malformed"),
        (
            "announced too long",
            b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n".to_vec(),
            false,
            "malformed",
        ),
        (
            "too long",
            format!("{chunked}2000\r\n{}\r\n0\r\n\r\n", "x".repeat(0x2000)).into(),
            true,
            "broken",
        ),
        ("cut short", b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{".to_vec(), true, "broken"),
        ("stalled", b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{".to_vec(), false, "timeout"),
        ("a broken chunk", format!("{chunked}zz\r\n{{}}\r\n").into(), true, "broken"),
        ("a huge chunk", format!("{chunked}ffffffffffffffffff\r\n").into(), true, "broken"),
        ("a stalled chunk", format!("{chunked}2\r\n{{").into(), false, "timeout"),
        ("gzip", answer("200 OK\r\ncontent-encoding: gzip", "\u{1f}"), true, "malformed"),
        (
            "a coding unheard of",
            answer("200 OK\r\ncontent-encoding: bomb", "{}"),
            true,
            "malformed",
        ),
        (
            "a redirect",
            answer("302 Found\r\nlocation: http://169.254.169.254/", ""),
            true,
            "redirected",
        ),
        ("a permanent redirect", answer("308 Moved\r\nlocation: /x", "{}"), true, "redirected"),
        ("not modified", answer("304 Not Modified", ""), true, "redirected"),
        ("refused", answer("403 Forbidden", r#"{"message": "no"}"#), true, "refused"),
        ("refused in HTML", answer("429 Slow", "<h1>no</h1>"), true, "refused"),
        ("a teapot", answer("418 x", "{}"), true, "refused"),
        ("failed", answer("500 x", r#"{"detail": [1, {"a": "b"}]}"#), true, "failed"),
        ("status 999", answer("999 x", "{}"), true, "failed"),
        ("created", answer("201 x", "{}"), true, "failed"),
        ("no content", b"HTTP/1.1 204 x\r\n\r\n".to_vec(), true, "failed"),
        ("an empty body", json(""), true, "not_json"),
        ("half JSON", json(r#"{"completion": "X""#), true, "not_json"),
        ("a list", json("[]"), true, "not_json"),
        ("null", json("null"), true, "not_json"),
        ("a text", json("\"X\""), true, "not_json"),
        ("deep JSON", json(&"[".repeat(4_000)), true, "not_json"),
        ("huge number", json(r#"{"a": 1e999}"#), true, "not_json"),
        ("HTML", answer("200 OK\r\ncontent-type: text/html", "<html>"), true, "not_json"),
        (
            "a null dendrite",
            json(r#"{"completion": "X", "dendrite": null}"#),
            true,
            "null_terminal",
        ),
        ("a null axon", json(r#"{"axon": null}"#), true, "null_terminal"),
        ("a numeric axon", json(r#"{"axon": 7}"#), true, "null_terminal"),
        (
            "an inner status",
            answer("200 OK\r\nbt_header_axon_status_code: 500", "{}"),
            true,
            "failed",
        ),
        (
            "a wild status",
            answer("200 OK\r\nbt_header_axon_status_code: ok", "{}"),
            true,
            "malformed",
        ),
        (
            "a huge status",
            answer("200 OK\r\nbt_header_axon_status_code: 99999999", "{}"),
            true,
            "malformed",
        ),
        (
            "two statuses",
            answer(
                "200 OK\r\nbt_header_axon_status_code: 200\r\nbt_header_axon_status_code: 500",
                "{}",
            ),
            true,
            "malformed",
        ),
    ];
    let asks = cases.into_iter().map(|(name, reply, hangs_up, kind)| async move {
        let (good, line) = query(scripted(reply, hangs_up), "synapse", &[]).await;
        let error = &line["error"];
        let as_expected = !good
            && line["ok"] == false
            && error["kind"] == kind
            && error["blame"] == "peer"
            && error["hotkey"] == BOB;
        (!as_expected).then(|| format!("{name}: {kind} expected, got {line}"))
    });
    let wrong: Vec<_> = futures::future::join_all(asks).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn good_answers_are_good_and_signatures_may_be_asked_for() {
    for protocol in ["btauth", "synapse", "epistula"] {
        let reply = json(r#"{"completion": "X"}"#);
        let (good, line) = query(scripted(reply.clone(), true), protocol, &[]).await;
        assert!(good, "{line}");
        assert_eq!((&line["status"], &line["signature"]), (&200.into(), &"unsigned".into()));
        assert_eq!(line["body"]["completion"], "X");
        let (good, line) = query(scripted(reply, true), protocol, &["--require-signature"]).await;
        assert!(!good);
        assert_eq!(line["error"]["kind"], "forged", "{line}");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_dialled_is_our_own_fault() {
    let (good, line) = query("127.0.0.1:0".parse().unwrap(), "btauth", &[]).await;
    assert!(!good);
    assert_eq!(
        (&line["error"]["kind"], &line["error"]["blame"]),
        (&"no_endpoint".into(), &"us".into())
    );
}
