//! btauth/1 against requests that the official SDK 11.3.0 signed and verified.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tensor_core::key::{Keypair, Scheme};
use tensor_core::transport::Method;
use tensor_core::{AccountId, Hotkey};
use tensor_net::replay::{NonceWindow, WindowLimits};
use tensor_net::wire::btauth::{self, Btauth, BtauthDialect, Payload};
use tensor_net::wire::{Dialect, Head, Outgoing, Refusal, verify};

use super::VECTORS;

fn vectors<T: for<'de> Deserialize<'de>>(part: &str, list: &str) -> Vec<T> {
    let all: Value = serde_json::from_str(VECTORS).unwrap();
    serde_json::from_value(all[part][list].clone()).unwrap()
}

#[derive(Deserialize)]
struct SignCase {
    name: String,
    scheme: String,
    sender_uri: String,
    receiver_ss58: Option<String>,
    method: String,
    target: String,
    nonce: String,
    body_hex: Option<String>,
    body_sha256: String,
    payload: String,
    headers: Map<String, Value>,
    deterministic_signature: bool,
}

impl SignCase {
    fn body(&self) -> Vec<u8> {
        match &self.body_hex {
            Some(digits) => hex::decode(digits).unwrap(),
            None => (0..65_536u32).map(|i| (i % 251) as u8).collect(),
        }
    }
}

fn list(headers: &Map<String, Value>) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().into())).collect()
}

#[test]
fn every_signed_request_is_rebuilt() {
    let cases: Vec<SignCase> = vectors("btauth1", "sign");
    assert_eq!(cases.len(), 16);
    for case in cases {
        let scheme = Scheme::from_name(&case.scheme).unwrap();
        let pair = Keypair::from_uri(&case.sender_uri, scheme).unwrap();
        let sender = pair.account_id().to_string();
        let body = case.body();
        let message = btauth::payload(&Payload {
            scheme,
            method: &case.method,
            target: &case.target,
            body_sha256: Sha256::digest(&body).into(),
            nonce: case.nonce.parse().unwrap(),
            sender: &sender,
            receiver: case.receiver_ss58.as_deref(),
        });
        assert_eq!(hex::encode(Sha256::digest(&body)), case.body_sha256, "{}", case.name);
        assert_eq!(String::from_utf8(message.clone()).unwrap(), case.payload, "{}", case.name);

        let stored = case.headers["X-Bittensor-Signature"].as_str().unwrap();
        let stored: [u8; 64] = hex::decode(&stored[2..]).unwrap().try_into().unwrap();
        let account: AccountId = pair.account_id();
        let signature = tensor_core::key::Signature { scheme, bytes: stored };
        assert!(tensor_core::key::verify(&account, &message, &signature), "{}", case.name);
        if case.deterministic_signature {
            assert_eq!(pair.sign(&message).bytes, stored, "{}", case.name);
        }

        // The dialect writes the same headers, wherever the method is one that it can send.
        let method = match case.method.to_uppercase().as_str() {
            "GET" => Method::Get,
            "PUT" => Method::Put,
            "DELETE" => Method::Delete,
            _ => Method::Post,
        };
        let receiver = case.receiver_ss58.as_ref().map(|text| text.parse().unwrap());
        let dialect = match receiver {
            Some(_) => BtauthDialect::new(),
            None => BtauthDialect::new().unbound(),
        };
        let draft = dialect
            .draft(&Outgoing {
                sender: &Hotkey::new(account),
                scheme,
                receiver: &receiver.unwrap_or_else(|| Hotkey::new(account)),
                address: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
                method,
                target: &case.target,
                content_type: "application/json",
                body: &body.into(),
                timeout: Duration::from_secs(12),
                nonce: case.nonce.parse().unwrap(),
            })
            .unwrap();
        assert_eq!(draft.signatures, [(btauth::SIGNATURE, message)], "{}", case.name);
        let mut expected = list(&case.headers);
        expected.retain(|(name, _)| name != btauth::SIGNATURE);
        expected.sort();
        let mut written: Vec<(String, String)> = draft.headers[1..]
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        written.sort();
        assert_eq!(written, expected, "{}", case.name);
    }
}

#[derive(Deserialize)]
struct VerifyCase {
    name: String,
    headers: Map<String, Value>,
    body_hex: String,
    method: String,
    target: String,
    self_hotkey: String,
    now_ns: String,
    max_age_s: f64,
    allowed_skew_s: f64,
    require_receiver: bool,
    accepted_before: Vec<Earlier>,
    expect: Value,
    tolerance: String,
}

#[derive(Deserialize)]
struct Earlier {
    headers: Map<String, Value>,
    body_hex: String,
}

#[test]
fn every_verification_ends_as_the_official_one() {
    let cases: Vec<VerifyCase> = vectors("btauth1", "verify");
    assert_eq!(cases.len(), 53);
    let mut strictly = 0;
    for case in cases {
        // The case whose own hotkey is `-` has no account; a server of ours always has one.
        let me = case.self_hotkey.parse().unwrap_or(Hotkey::from_bytes([0; 32]));
        let mut protocol = Btauth::new(me)
            .with_max_age(Duration::from_secs_f64(case.max_age_s))
            .with_skew(Duration::from_secs_f64(case.allowed_skew_s));
        if !case.require_receiver {
            protocol = protocol.allow_unbound();
        }
        let now = case.now_ns.parse().unwrap();
        let mut window = NonceWindow::new(WindowLimits::default(), 0);
        let mut ask = |headers: &Map<String, Value>, body: &str| {
            let headers = list(headers);
            let head = Head::new(&case.method, &case.target, &headers);
            verify(&protocol, &head, &hex::decode(body).unwrap(), now, &mut window)
        };
        for earlier in &case.accepted_before {
            let _ = ask(&earlier.headers, &earlier.body_hex);
        }
        let outcome = ask(&case.headers, &case.body_hex);

        let lenient = case.tolerance.starts_with("either");
        let expect = &case.expect;
        match outcome {
            Ok(caller) => {
                assert_eq!(expect["ok"], true, "{}: accepted", case.name);
                assert_eq!(expect["hotkey"], caller.hotkey.to_string(), "{}", case.name);
                assert_eq!(expect["nonce"], caller.nonce.to_string(), "{}", case.name);
                let kind = u8::from(caller.scheme == Scheme::Sr25519);
                assert_eq!(expect["crypto_type"], kind, "{}", case.name);
            }
            Err(_) if lenient => {}
            Err(Refusal::Auth(error)) => {
                assert_eq!(expect["ok"], false, "{}: {error}", case.name);
                assert_eq!(expect["error"], error.class(), "{}", case.name);
                assert_eq!(expect["message"], error.to_string(), "{}", case.name);
            }
            Err(other) => panic!("{}: {other}", case.name),
        }
        strictly += usize::from(!lenient);
    }
    assert_eq!(strictly, 39);
}
