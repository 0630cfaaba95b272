//! The protocol of SDK 10 against what the official packages computed, sent and answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value as Json};
use tensor_core::Hotkey;
use tensor_core::key::{Keypair, PublicKey, Scheme};
use tensor_core::transport::Method;
use tensor_net::replay::{NonceWindow, WindowLimits};
use tensor_net::wire::synapse::official::{self, classes};
use tensor_net::wire::synapse::{
    SynapseDialect, SynapseProtocol, SynapseSpec, Value, hash, hash_texts, python,
};
use tensor_net::wire::{Dialect, Head, Outgoing, Protocol, verify};

use super::{VECTORS, hotkey};

fn cases(list: &str) -> Vec<Json> {
    let all: Json = serde_json::from_str(VECTORS).unwrap();
    let cases = all["v10"][list].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn class(name: &str) -> SynapseSpec {
    official::class(name).unwrap()
}

#[test]
fn values_are_written_as_python_writes_them() {
    for case in cases("python_str") {
        let note = case["note"].as_str().unwrap();
        let value = match note.strip_prefix("non-finite float ") {
            Some(word) => Value::Float(word.parse().unwrap()),
            None => Value::from(&case["json"]),
        };
        let text = python::str(&value);
        assert_eq!(case["str"], text);
        assert_eq!(case["sha3_256_of_str"], hash(&text));
        assert_eq!(case["body_hash_single_field"], hash_texts(&[text]));
        // The same out of the text, as it comes in a body.
        if !note.starts_with("non-finite") {
            assert_eq!(Value::parse(&case["json"].to_string()).unwrap(), value);
        }
    }
}

#[test]
fn bodies_hash_to_the_official_hash() {
    for case in cases("body_hash") {
        let spec = class(case["class"].as_str().unwrap());
        let body = Value::from(&case["fields"]);
        let texts: Vec<String> = serde_json::from_value(case["strs"].clone()).unwrap();
        assert_eq!(spec.hashed_texts(&body).unwrap(), texts);
        assert_eq!(case["body_hash"], spec.body_hash(&body).unwrap());
        assert_eq!(case["body_hash"], hash_texts(&texts));
    }
}

fn list(headers: &Json) -> Vec<(String, String)> {
    let headers = headers.as_object().unwrap();
    headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().into())).collect()
}

#[test]
fn a_dendrites_requests_are_rebuilt_and_accepted() {
    for case in cases("dendrite_requests") {
        let headers = list(&case["headers"]);
        let of = |name: &str| case["headers"][name].as_str().unwrap().to_owned();
        let name = case["class"].as_str().unwrap();
        let pair = Keypair::from_uri(case["key_uri"].as_str().unwrap(), Scheme::Sr25519).unwrap();

        // Our dendrite, given the class's own fields, signs the same message.
        let base = ["name", "timeout", "total_size", "header_size", "dendrite", "axon"];
        let mut own = case["body"].as_object().unwrap().clone();
        own.retain(|key, _| !base.contains(&key.as_str()) && key != "computed_body_hash");
        let dialect = SynapseDialect::new("")
            .with_synapse(class(name))
            .with_uuids([of("bt_header_dendrite_uuid")])
            .with_ip(of("bt_header_dendrite_ip").parse().unwrap());
        let axon = format!("{}:{}", of("bt_header_axon_ip"), of("bt_header_axon_port"));
        let draft = dialect
            .draft(&Outgoing {
                sender: &Hotkey::new(pair.account_id()),
                scheme: Scheme::Sr25519,
                receiver: &of("bt_header_axon_hotkey").parse().unwrap(),
                address: axon.parse::<SocketAddr>().unwrap(),
                method: Method::Post,
                target: case["route"].as_str().unwrap(),
                content_type: "application/json",
                body: &Bytes::from(Json::from(own).to_string()),
                timeout: Duration::from_secs_f64(of("timeout").parse().unwrap()),
                nonce: of("bt_header_dendrite_nonce").parse().unwrap(),
            })
            .unwrap();
        let message = case["signed_message"].as_str().unwrap();
        assert_eq!(draft.signatures[0].0, "bt_header_dendrite_signature");
        assert_eq!(String::from_utf8(draft.signatures[0].1.clone()).unwrap(), message);
        let varying = ["header_size", "total_size", "bt_header_dendrite_signature"];
        let ours: BTreeMap<String, String> = draft
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .filter(|(name, _)| !varying.contains(&name.as_str()) && name != "content-type")
            .collect();
        let theirs: BTreeMap<String, String> =
            headers.iter().filter(|(name, _)| !varying.contains(&name.as_str())).cloned().collect();
        assert_eq!(ours, theirs);
        let mut body: Json = serde_json::from_slice(&draft.body).unwrap();
        let mut theirs = case["body"].clone();
        for body in [&mut body, &mut theirs] {
            body["total_size"] = Json::Null;
            body["dendrite"]["signature"] = Json::Null;
        }
        assert_eq!(body, theirs);

        // Their request passes our axon, and its body is the one that was signed.
        let mut protocol = SynapseProtocol::new(hotkey("//Bob"));
        for spec in classes() {
            protocol = protocol.with_synapse(spec);
        }
        let mut headers = headers;
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        let head = Head::new("POST", case["route"].as_str().unwrap(), &headers);
        let mut window = NonceWindow::new(WindowLimits::default(), 0);
        let now = of("bt_header_dendrite_nonce").parse::<u64>().unwrap() + 1_000_000;
        let caller = verify(&protocol, &head, b"", now, &mut window).unwrap();
        assert_eq!(caller.hotkey, Hotkey::new(pair.account_id()));
        assert!(verify(&protocol, &head, b"", now, &mut window).is_err());
        let body = Bytes::from(case["body"].to_string());
        assert!(protocol.open(&head, body).is_ok());
        if name == "Prompt" {
            let mut changed = case["body"].clone();
            changed["prompt"] = Json::from("something else");
            assert!(protocol.open(&head, Bytes::from(changed.to_string())).is_err());
        }
    }
}

#[test]
fn a_request_as_it_left_aiohttp_is_accepted() {
    let all: Json = serde_json::from_str(VECTORS).unwrap();
    let captured = &all["v10"]["captured_http_request"];
    let headers: Vec<(String, String)> =
        serde_json::from_value(captured["headers"].clone()).unwrap();
    let protocol = SynapseProtocol::new(hotkey("//Bob")).with_synapse(class("Prompt"));
    let head = Head::new("POST", "/Prompt", &headers);
    assert!(protocol.recognises(&head));
    let mut window = NonceWindow::new(WindowLimits::default(), 0);
    verify(&protocol, &head, b"", 1_795_392_580_864_285_964 + 1, &mut window).unwrap();
    let request = protocol.open(&head, captured["body"].as_str().unwrap().to_owned().into());
    assert_eq!(request.unwrap().timeout, Duration::from_secs(5));
}

#[test]
fn the_official_verification_is_known_to_the_letter() {
    for case in cases("axon_verify") {
        let headers = list(&case["headers"]);
        let nonces = |part: &str| -> official::Nonces {
            let part = case[part].as_object().unwrap();
            let number = |text: &Json| text.as_str().unwrap().parse().unwrap();
            part.iter().map(|(key, nonce)| (key.clone(), number(nonce))).collect()
        };
        let me = case["axon_hotkey"].as_str().unwrap().parse().unwrap();
        let now = case["now_ns"].as_str().unwrap().parse().unwrap();
        let mut table = nonces("nonces_before");
        let head = Head::new("POST", "/Prompt", &headers);
        let outcome = official::default_verify(&head, &me, now, &mut table);
        if case["tolerance"].as_str().unwrap().starts_with("either") && outcome.is_err() {
            continue;
        }
        match outcome {
            Ok(()) => assert_eq!(case["expect"]["ok"], true, "{}", case["name"]),
            Err(message) => {
                assert_eq!(case["expect"]["ok"], false, "{}: {message}", case["name"]);
                assert_eq!(case["expect"]["message"], message, "{}", case["name"]);
            }
        }
        assert_eq!(table, nonces("nonces_after"), "{}", case["name"]);
    }
}

/// Our axon accepts what the original accepts of honest dendrites, and refuses what it refuses.
#[test]
fn our_verification_is_stricter_only_where_it_says_so() {
    let stricter = ["stored smaller nonce, request ancient", "version 7001999 ancient"];
    for case in cases("axon_verify") {
        let name = case["name"].as_str().unwrap();
        if case["tolerance"] != "must match" || name == "stored larger nonce" {
            continue;
        }
        let headers = list(&case["headers"]);
        let protocol = SynapseProtocol::new(case["axon_hotkey"].as_str().unwrap().parse().unwrap());
        let head = Head::new("POST", "/Prompt", &headers);
        let now = case["now_ns"].as_str().unwrap().parse().unwrap();
        let mut window = NonceWindow::new(WindowLimits::default(), 0);
        let accepted = verify(&protocol, &head, b"", now, &mut window).is_ok();
        let expected = case["expect"]["ok"] == true && !stricter.contains(&name);
        assert_eq!(accepted, expected, "{name}");
    }
}

#[test]
fn an_axons_signature_verifies() {
    let all: Json = serde_json::from_str(VECTORS).unwrap();
    let case: Map<String, Json> = all["v10"]["axon_signature"].as_object().unwrap().clone();
    let signer: Hotkey = case["signer"].as_str().unwrap().parse().unwrap();
    let signature = hex::decode(&case["signature"].as_str().unwrap()[2..]).unwrap();
    let key = PublicKey::new(&signer.account(), Scheme::Sr25519).unwrap();
    let message = case["message"].as_str().unwrap();
    assert!(key.verify(message.as_bytes(), &signature.try_into().unwrap()));
}
