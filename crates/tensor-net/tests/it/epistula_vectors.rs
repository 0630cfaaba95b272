//! Epistula against requests built from its sources.

use bytes::Bytes;
use serde_json::{Map, Value as Json};
use tensor_core::key::Scheme;
use tensor_core::transport::Method;
use tensor_net::replay::{NonceWindow, WindowLimits};
use tensor_net::wire::epistula::{self, Epistula, EpistulaDialect};
use tensor_net::wire::{AuthError, Dialect, Exchange, Head, Outgoing, Protocol, Refusal, verify};

use super::{NEW_YEAR, VECTORS, hotkey};

fn cases() -> Vec<Map<String, Json>> {
    let all: Json = serde_json::from_str(VECTORS).unwrap();
    serde_json::from_value(all["others"]["epistula_v2"].clone()).unwrap()
}

#[test]
fn every_request_verifies_once_and_in_time() {
    for case in cases() {
        let headers: Vec<(String, String)> = case["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().into()))
            .collect();
        let body = hex::decode(case["body_hex"].as_str().unwrap()).unwrap();
        let header = |name: &str| {
            headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        };
        let signed_for = header("Epistula-Signed-For");
        let me = signed_for.map_or_else(|| hotkey("//Bob"), |text| text.parse().unwrap());
        let mut protocol = Epistula::new(me);
        if signed_for.is_none() {
            protocol = protocol.allow_unbound();
        }
        let now = header("Epistula-Timestamp").unwrap().parse::<u64>().unwrap() * 1_000_000;
        let head = Head::new("POST", "/v1/chat/completions", &headers);
        assert!(protocol.recognises(&head));
        let claim = protocol.claim(&head, now).unwrap();
        let message = protocol.message(&claim, &head, &body);
        assert_eq!(case["message"], String::from_utf8(message).unwrap());

        let ask = |now: u64, body: &[u8], window: &mut NonceWindow| {
            verify(&protocol, &head, body, now, window)
        };
        let mut window = NonceWindow::new(WindowLimits::default(), 0);
        let late = now + 8_001_000_000;
        assert!(matches!(
            ask(late, &body, &mut window),
            Err(Refusal::Auth(AuthError::TooOld { .. }))
        ));
        assert!(ask(now - 3_000_000_000, &body, &mut window).is_err());
        assert!(matches!(
            ask(now, b"another", &mut window),
            Err(Refusal::Auth(AuthError::BadSignature))
        ));
        assert_eq!(ask(now, &body, &mut window).unwrap().hotkey, hotkey("//Alice"));
        let again = ask(now + 8_000_000_000, &body, &mut window).unwrap_err();
        assert!(matches!(again, Refusal::Auth(AuthError::Replayed)));

        let wrong = Epistula::new(hotkey("//Eve"));
        let claim = wrong.claim(&head, now).unwrap();
        let refusal = wrong.check(&claim, &head, now).unwrap_err();
        let reply = wrong.reply(&Exchange::new(&head, &Bytes::new(), now), Err(refusal));
        assert_eq!(reply.response.status, 400);
    }
}

#[test]
fn the_dialect_signs_what_the_vectors_sign() {
    let case = cases().into_iter().find(|case| case["name"] == "bound").unwrap();
    let body = Bytes::from(hex::decode(case["body_hex"].as_str().unwrap()).unwrap());
    let draft = EpistulaDialect::new()
        .draft(&Outgoing {
            sender: &hotkey("//Alice"),
            scheme: Scheme::Sr25519,
            receiver: &hotkey("//Bob"),
            address: ([127, 0, 0, 1], 1).into(),
            method: Method::Post,
            target: "/",
            content_type: "application/json",
            body: &body,
            timeout: std::time::Duration::from_secs(1),
            nonce: 1_752_076_800_123_000_000,
        })
        .unwrap();
    let texts: Vec<String> = draft
        .signatures
        .iter()
        .map(|(_, message)| String::from_utf8(message.clone()).unwrap())
        .collect();
    // Uuids are made up on each side.
    let without_uuid = |text: &str| {
        let parts: Vec<&str> = text.split('.').collect();
        [parts[0], parts[2], parts[3]].map(str::to_owned)
    };
    assert_eq!(without_uuid(&texts[0]), without_uuid(case["message"].as_str().unwrap()));
    assert_eq!(serde_json::json!(texts[1..]), case["secret_messages"]);
    let names: Vec<&str> = draft.signatures[1..].iter().map(|(name, _)| *name).collect();
    assert_eq!(names, epistula::SECRETS);
}

#[test]
fn malformed_requests_are_told_apart() {
    let protocol = Epistula::new(hotkey("//Bob"));
    for (version, detail) in [("1", "Unknown Epistula version"), ("2", "Invalid Sender key")] {
        let headers = [("Epistula-Version", version)].to_vec();
        let head = Head::new("POST", "/", &headers);
        let refusal = protocol.claim(&head, NEW_YEAR).unwrap_err();
        let reply = protocol.reply(&Exchange::new(&head, &Bytes::new(), NEW_YEAR), Err(refusal));
        assert_eq!(reply.response.status, 400);
        let body = futures::executor::block_on(reply.response.body.bytes(1_000)).unwrap();
        assert_eq!(serde_json::from_slice::<Json>(&body).unwrap()["detail"], detail);
    }
}
