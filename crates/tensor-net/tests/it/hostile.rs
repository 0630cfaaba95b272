//! Whatever strangers send, nothing panics and nothing is believed.

use proptest::prelude::*;
use tensor_net::replay::{NonceWindow, WindowLimits};
use tensor_net::wire::btauth::{self, Btauth};
use tensor_net::wire::epistula::{self, Epistula};
use tensor_net::wire::response::{self, Answered};
use tensor_net::wire::synapse::{self, Kind, SynapseProtocol, SynapseSpec};
use tensor_net::wire::{Exchange, Head, Protocol, Refusal, verify};

use super::{NEW_YEAR, hotkey};

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<Vec<u8>>(),
        "[0-9]{1,40}".prop_map(String::into_bytes),
        "-?[0-9]{1,25}".prop_map(String::into_bytes),
        "(0x)?[0-9a-f]{126,130}".prop_map(String::into_bytes),
        Just(b"1".to_vec()),
        Just(hotkey("//Alice").to_string().into_bytes()),
        Just(hotkey("//Bob").to_string().into_bytes()),
        Just(NEW_YEAR.to_string().into_bytes()),
        Just(b"ed25519".to_vec()),
        Just(b"2".to_vec()),
        Just(b"10005000".to_vec()),
        Just(b"12.0".to_vec()),
        Just(b"application/json".to_vec()),
    ]
}

fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just(btauth::VERSION),
        Just(btauth::HOTKEY),
        Just(btauth::RECEIVER),
        Just(btauth::NONCE),
        Just(btauth::CRYPTO),
        Just(btauth::SIGNATURE),
        Just("Content-Type"),
        Just(synapse::TIMEOUT),
        Just(synapse::VERSION),
        Just(synapse::NONCE),
        Just(synapse::UUID),
        Just(synapse::HOTKEY),
        Just(synapse::SIGNATURE),
        Just(synapse::BODY_HASH),
        Just(epistula::VERSION),
        Just(epistula::TIMESTAMP),
        Just(epistula::UUID),
        Just(epistula::SIGNED_BY),
        Just(epistula::SIGNED_FOR),
        Just(epistula::SIGNATURE),
        Just(response::SIGNATURE),
        Just(response::CRYPTO),
    ]
}

fn protocols() -> Vec<Box<dyn Protocol>> {
    let bob = hotkey("//Bob");
    let spec = SynapseSpec::new("a")
        .with_field("text", Kind::Str)
        .with_field("list", Kind::Float.list())
        .with_field("any", Kind::Any)
        .with_hashed(["text", "list", "any", "timeout"]);
    vec![
        Box::new(Btauth::new(bob).allow_unbound()),
        Box::new(SynapseProtocol::new(bob).with_synapse(spec)),
        Box::new(Epistula::new(bob).allow_unbound()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn no_headers_panic_or_pass(
        headers in proptest::collection::vec((name(), value()), 0..12),
        method in "GET|POST|\\PC{0,8}",
        target in "/a(\\?x)?|\\PC{0,20}",
        body in prop_oneof![
            any::<Vec<u8>>(),
            "\\{\"text\":\"\\PC{0,5}\",\"list\":\\[[0-9.,e]{0,8}\\],\"any\":[\\[\\]{}0-9nul\"]{0,8}\\}"
                .prop_map(String::into_bytes),
        ],
        now: u64,
    ) {
        let head = Head::new(&method, &target, &headers);
        let body = bytes::Bytes::from(body);
        for protocol in protocols() {
            let mut window = NonceWindow::new(WindowLimits::default(), 0);
            let _ = protocol.recognises(&head);
            for now in [now, NEW_YEAR] {
                let refusal = match verify(&*protocol, &head, &body, now, &mut window) {
                    Ok(caller) => return Err(TestCaseError::fail(format!("passed: {caller:?}"))),
                    Err(refusal) => refusal,
                };
                // Whatever was refused, there is an answer to it that HTTP can carry.
                let mut exchange = Exchange::new(&head, &body, now);
                let reply = protocol.reply(&exchange, Err(refusal));
                prop_assert!((400..600).contains(&reply.response.status));
                for (name, value) in &reply.headers {
                    prop_assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{name}");
                }
                exchange.elapsed = std::time::Duration::MAX;
                let opened = protocol.open(&head, body.clone());
                let outcome = opened.map(|_| tensor_core::transport::Response::ok(body.clone()));
                let _ = protocol.reply(&exchange, outcome);
            }
            prop_assert!(window.is_empty());
        }
    }

    #[test]
    fn no_answer_is_proven_by_chance(
        headers in proptest::collection::vec((name(), value()), 0..4),
        status: u16,
        body: Vec<u8>,
    ) {
        let (caller, axon) = (hotkey("//Alice"), hotkey("//Bob"));
        let of = Answered {
            status,
            body: &body,
            nonce: NEW_YEAR,
            request_signature: &[3; 64],
            caller: &caller,
            axon: &axon,
        };
        let signed = response::is_signed(&headers);
        prop_assert_eq!(response::verify(&headers, &of).is_ok(), !signed);
    }
}

#[test]
fn refusals_have_a_class_that_is_counted() {
    for refusal in [Refusal::Method, Refusal::SlowBody, Refusal::Body("x")] {
        assert!(Refusal::CLASSES.contains(&refusal.class()));
    }
}
