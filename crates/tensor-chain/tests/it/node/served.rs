//! The chain on a websocket: several at once on ports of their own, batches, ids, limits.

use serde_json::{Value, json};
use tensor_chain::{
    local::LocalChain,
    serve::{ServeConfig, Server},
};

mod socket;

use socket::Socket;

async fn served() -> (LocalChain, Server) {
    let chain = LocalChain::builder().build().unwrap();
    let server = chain.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
    (chain, server)
}

#[tokio::test]
async fn ids_are_echoed_as_they_came() {
    let (_chain, server) = served().await;
    let mut socket = Socket::connect(&server).await;
    for id in [json!(7), json!("fi1"), json!("7")] {
        let answer = socket
            .ask(json!({
                "jsonrpc": "2.0", "id": id, "method": "system_chainType", "params": [],
            }))
            .await;
        assert_eq!(answer["id"], id);
        assert_eq!(answer["result"], "Local");
    }
    let answer = socket.ask(json!({ "jsonrpc": "2.0", "id": 1, "method": "nonsense" })).await;
    assert_eq!(answer["error"]["code"], -32_601);
}

#[tokio::test]
async fn chains_do_not_see_one_another() {
    let (one, first) = served().await;
    let (_two, second) = served().await;
    assert_ne!(first.local_addr(), second.local_addr());
    one.advance(3);
    let number = |answer: Value| answer["result"]["number"].clone();
    let ask = json!({ "jsonrpc": "2.0", "id": 1, "method": "chain_getHeader", "params": [] });
    assert_eq!(number(Socket::connect(&first).await.ask(ask.clone()).await), "0x3");
    assert_eq!(number(Socket::connect(&second).await.ask(ask).await), "0x0");
}

#[tokio::test]
async fn batches_are_answered_together() {
    let (_chain, server) = served().await;
    let mut socket = Socket::connect(&server).await;
    let one = |id: u32| json!({ "jsonrpc": "2.0", "id": id, "method": "system_chain" });
    let answer = socket.ask(json!([one(1), one(2), one(3)])).await;
    let ids: Vec<_> = answer.as_array().unwrap().iter().map(|a| a["id"].clone()).collect();
    assert_eq!(ids, [1, 2, 3]);
}

#[tokio::test]
async fn a_subscription_is_answered_before_it_notifies() {
    let (chain, server) = served().await;
    let mut socket = Socket::connect(&server).await;
    let subscribe = |method: &str| json!({ "jsonrpc": "2.0", "id": 1, "method": method });
    let answer = socket.ask(subscribe("chain_subscribeNewHead")).await;
    let id = answer["result"].as_str().expect("a string id").to_owned();
    let first = socket.next().await;
    assert_eq!(first["method"], "chain_newHead");
    assert_eq!(first["params"]["subscription"], id);
    assert_eq!(first["params"]["result"]["number"], "0x0");
    chain.advance(2);
    assert_eq!(socket.next().await["params"]["result"]["number"], "0x1");
    assert_eq!(socket.next().await["params"]["result"]["number"], "0x2");
    // Either name ends it.
    let end = json!({
        "jsonrpc": "2.0", "id": 2, "method": "chain_unsubscribeNewHeads", "params": [id],
    });
    assert_eq!(socket.ask(end).await["result"], true);
}

#[tokio::test]
async fn limits_hold() {
    let chain = LocalChain::builder().build().unwrap();
    let mut config = ServeConfig::default();
    config.max_connections = 2;
    config.max_subscriptions_per_connection = 2;
    config.max_request_bytes = 10_000;
    config.max_batch = 2;
    let server = chain.serve_with(([127, 0, 0, 1], 0).into(), config).await.unwrap();
    let mut socket = Socket::connect(&server).await;
    let _second = Socket::connect(&server).await;
    assert!(Socket::try_connect(&server).await.is_none(), "a third connection");
    let call = |id: u32, method: &str| json!({ "jsonrpc": "2.0", "id": id, "method": method });
    let ids = [call(1, "system_chain"), call(2, "system_chain"), call(3, "system_chain")];
    assert!(socket.ask(json!(ids)).await["error"].is_object());
    for id in 0..2 {
        let answer = socket.ask(call(id, "state_subscribeRuntimeVersion")).await;
        assert!(answer["result"].is_string());
        socket.next().await;
    }
    let third = socket.ask(call(3, "state_subscribeRuntimeVersion")).await;
    assert_eq!(third["error"]["code"], -32_006);
    let long = json!({
        "jsonrpc": "2.0", "id": 4, "method": "author_submitExtrinsic",
        "params": ["0".repeat(20_000)],
    });
    assert!(socket.ask(long).await["error"].is_object());
    server.stop().await;
}
