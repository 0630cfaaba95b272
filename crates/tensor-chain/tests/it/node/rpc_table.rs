//! The table of JSON-RPC methods that clients of the public chain rely on (chain-interface 4): each is listed, answers in
//! its form under every name, and takes hex with and without `0x`.

use futures::{FutureExt, StreamExt};
use parity_scale_codec::Encode;
use serde_json::{Value, json, value::to_raw_value};
use tensor_chain::local::LocalChain;

use super::asking::rpc;
use super::signing::{Transaction, chain, keypair, transfer};

/// What an answer looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Hash,
    Hex,
    Number,
    Text,
    Object,
    List,
}

fn is(form: Form, value: &Value) -> bool {
    let hex = |text: &str| {
        text.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    match form {
        Form::Hash => value.as_str().is_some_and(|text| text.len() == 66 && hex(text)),
        Form::Hex => value.as_str().is_some_and(hex),
        Form::Number => value.is_u64(),
        Form::Text => value.as_str().is_some_and(|text| !text.is_empty()),
        Form::Object => value.is_object(),
        Form::List => value.is_array(),
    }
}

fn methods(chain: &LocalChain) -> Vec<String> {
    let listed = rpc(chain, "rpc_methods", json!([]));
    serde_json::from_value(listed["methods"].clone()).unwrap()
}

#[test]
fn every_request_of_the_table_answers_in_its_form_under_every_name() {
    let chain = chain();
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let unsigned = Transaction::new(&chain, &alice, 0, transfer(&bob, 5)).sign();
    chain.advance(3);
    let head = rpc(&chain, "chain_getBlockHash", json!([]));
    let interface = chain.interface();
    let key = interface.storage("System", "Account").unwrap();
    let account = alice.account_id().to_bytes();
    let (entry, prefix) = (hex::encode(key.key(&[&account])), hex::encode(key.prefix));
    let alice = alice.account_id().to_string();
    let rows: Vec<(&[&str], Value, Form)> = vec![
        (&["chain_getBlockHash", "chain_getHead"], json!([]), Form::Hash),
        (&["chain_getBlockHash", "chain_getHead"], json!([null]), Form::Hash),
        (&["chain_getBlockHash", "chain_getHead"], json!([2]), Form::Hash),
        (&["chain_getBlockHash", "chain_getHead"], json!(["0x2"]), Form::Hash),
        (&["chain_getFinalizedHead", "chain_getFinalisedHead"], json!([]), Form::Hash),
        (&["chain_getHeader"], json!([head]), Form::Object),
        (&["chain_getBlock"], json!([head]), Form::Object),
        (&["state_getRuntimeVersion", "chain_getRuntimeVersion"], json!([head]), Form::Object),
        (&["state_call", "state_callAt"], json!(["Core_version", "", head]), Form::Hex),
        (&["state_getMetadata"], json!([head]), Form::Hex),
        (&["state_getStorage", "state_getStorageAt"], json!([entry, head]), Form::Hex),
        (&["state_getStorageHash", "state_getStorageHashAt"], json!([entry, head]), Form::Hash),
        (&["state_getStorageSize", "state_getStorageSizeAt"], json!([entry, head]), Form::Number),
        (&["state_queryStorageAt"], json!([[entry], head]), Form::List),
        (&["state_queryStorage"], json!([[entry], head]), Form::List),
        (
            &["state_getKeysPaged", "state_getKeysPagedAt"],
            json!([prefix, 2, null, head]),
            Form::List,
        ),
        (&["state_getKeys"], json!([prefix, head]), Form::List),
        (&["account_nextIndex", "system_accountNextIndex"], json!([alice]), Form::Number),
        (&["author_pendingExtrinsics"], json!([]), Form::List),
        (&["rpc_methods"], json!([]), Form::Object),
        (&["system_chain"], json!([]), Form::Text),
        (&["system_chainType"], json!([]), Form::Text),
        (&["system_name"], json!([]), Form::Text),
        (&["system_version"], json!([]), Form::Text),
        (&["system_properties"], json!([]), Form::Object),
        (&["system_health"], json!([]), Form::Object),
        (&["payment_queryInfo"], json!([hex::encode(&unsigned), head]), Form::Object),
        (&["author_submitExtrinsic"], json!([hex::encode(&unsigned)]), Form::Hash),
    ];
    let listed = methods(&chain);
    for (names, params, form) in rows {
        let answers: Vec<Value> =
            names.iter().map(|name| rpc(&chain, name, params.clone())).collect();
        for (name, answer) in names.iter().zip(&answers) {
            assert!(listed.iter().any(|method| method == name), "{name} is not listed");
            assert!(is(form, answer), "{name}{params} answers {answer}, not a {form:?}");
            assert_eq!(*answer, answers[0], "{name} and {} differ", names[0]);
        }
        // The same with `0x` on every hex parameter that lacks it.
        let prefixed = with_prefixes(&params);
        if prefixed != params && names[0] != "author_submitExtrinsic" {
            assert_eq!(rpc(&chain, names[0], prefixed), answers[0], "{}", names[0]);
        }
    }
    // A height to come has no hash.
    assert_eq!(rpc(&chain, "chain_getBlockHash", json!([99])), Value::Null);
}

fn with_prefixes(params: &Value) -> Value {
    match params {
        Value::Array(items) => items.iter().map(with_prefixes).collect(),
        Value::String(text) if text.len() > 40 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            format!("0x{text}").into()
        }
        other => other.clone(),
    }
}

#[test]
fn every_subscription_of_the_table_opens_under_every_name_and_tells_the_present_first() {
    let chain = chain();
    chain.advance(2);
    let (alice, bob) = (keypair("//Alice"), keypair("//Bob"));
    let storage = chain.interface().storage("Timestamp", "Now").unwrap().prefix;
    let listed = methods(&chain);
    let rows: Vec<(&[&str], &[&str], &str, Value)> = vec![
        (
            &["chain_subscribeNewHeads", "chain_subscribeNewHead"],
            &["chain_unsubscribeNewHeads", "chain_unsubscribeNewHead"],
            "chain_newHead",
            json!([]),
        ),
        (
            &["chain_subscribeFinalizedHeads"],
            &["chain_unsubscribeFinalizedHeads"],
            "chain_finalizedHead",
            json!([]),
        ),
        (&["chain_subscribeAllHeads"], &["chain_unsubscribeAllHeads"], "chain_allHead", json!([])),
        (
            &["state_subscribeRuntimeVersion"],
            &["state_unsubscribeRuntimeVersion"],
            "state_runtimeVersion",
            json!([]),
        ),
        (
            &["state_subscribeStorage"],
            &["state_unsubscribeStorage"],
            "state_storage",
            json!([[hex::encode(storage)]]),
        ),
    ];
    for (opens, closes, notification, params) in rows {
        for name in closes.iter().chain(opens) {
            assert!(listed.iter().any(|method| method == name), "{name} is not listed");
        }
        for name in opens {
            let params = to_raw_value(&params).unwrap();
            let mut subscription = chain.rpc().subscribe(name, Some(&params)).unwrap();
            assert_eq!(subscription.notification(), notification);
            assert!(!subscription.id().is_empty());
            let first = subscription.next().now_or_never().flatten().expect("the present");
            assert!(serde_json::from_str::<Value>(first.get()).unwrap().is_object(), "{name}");
            assert!(subscription.next().now_or_never().is_none(), "{name} tells it once");
        }
    }
    for (method, status) in [
        ("author_submitAndWatchExtrinsic", "\"ready\""),
        ("author_submitAndWatchExtrinsic", "\"future\""),
    ] {
        let nonce = if status.contains("ready") { 0 } else { 9 };
        let bytes = Transaction::new(&chain, &alice, nonce, transfer(&bob, 5)).sign();
        let params = to_raw_value(&json!([hex::encode(bytes)])).unwrap();
        let mut watch = chain.rpc().subscribe(method, Some(&params)).unwrap();
        let first = watch.next().now_or_never().flatten().unwrap();
        assert_eq!(first.get(), status);
    }
    assert!(listed.iter().any(|method| method == "author_unwatchExtrinsic"));
}

/// Pool refusals come as the numbers and texts by which clients tell them apart.
#[test]
fn refusals_carry_the_texts_that_clients_look_for() {
    let chain = chain();
    let (alice, bob, poor) = (keypair("//Alice"), keypair("//Bob"), keypair("//poor"));
    let refused = |bytes: &[u8]| {
        let params = to_raw_value(&json!([hex::encode(bytes)])).unwrap();
        let error = chain.rpc().request("author_submitExtrinsic", Some(&params)).unwrap_err();
        (error.code, error.data.unwrap_or_default())
    };
    let unpaid = Transaction::new(&chain, &poor, 0, transfer(&bob, 5)).sign();
    let (code, text) = refused(&unpaid);
    assert_eq!(code, 1_010);
    assert!(text.contains("Inability to pay some fees"), "{text}");
    let good = Transaction::new(&chain, &alice, 0, transfer(&bob, 5)).sign();
    let mut forged = good.clone();
    forged[60] ^= 1;
    assert!(refused(&forged).1.contains("bad signature"));
    chain.submit(&good).unwrap();
    assert_eq!(refused(&good).0, 1_013);
    let rival = Transaction::new(&chain, &alice, 0, transfer(&bob, 6)).sign();
    let (code, text) = refused(&rival);
    assert!(code == 1_014 && text.contains("priority"), "{text}");
    chain.advance(1);
    assert!(refused(&good).1.contains("outdated"));
    let old = Transaction::new(&chain, &alice, 1, transfer(&bob, 5)).mortal(&chain, 4, 0).sign();
    chain.advance(20);
    let (code, text) = refused(&old);
    // An era that is over reads as one of a later birth block, which was not signed.
    assert!(code == 1_010 && !text.is_empty(), "{text}");
}

/// Nobody has a basket here: clients that add them up are told zero, not that there is no such API.
#[test]
fn what_nobody_has_is_none_or_zero() {
    let chain = chain();
    let interface = chain.interface();
    let apis: Vec<&str> = interface
        .apis()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("BetaBasket"))
        .collect();
    assert_eq!(apis.len(), 16);
    for name in apis {
        let method = interface.api(name).unwrap();
        let args: Vec<u8> = match name.rsplit_once('_').map_or("", |(_, last)| last) {
            "pricing" if name.ends_with("all_beta_pricing") => (None::<[u8; 32]>, 5_u32).encode(),
            _ => vec![0; 32 * method.inputs.len()],
        };
        let answer = rpc(&chain, "state_call", json!([name, hex::encode(&args)]));
        let bytes = hex::decode(&answer.as_str().unwrap()[2..]).unwrap();
        assert!(interface.is_value(method.output, &bytes), "{name}: {answer}");
        assert!(bytes.iter().all(|byte| *byte == 0), "{name}: {answer}");
    }
}
