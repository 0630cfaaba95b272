//! Signed requests from strangers: a list of them against one verifier. Nothing panics, nothing is
//! accepted twice, and the window stays within its limits.
#![no_main]

use std::collections::HashSet;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tensor_core::key::{Keypair, Scheme};
use tensor_core::Hotkey;
use tensor_net::replay::{NonceWindow, WindowLimits};
use tensor_net::wire::btauth::{self, Btauth};
use tensor_net::wire::{Head, verify};

#[derive(Arbitrary, Debug)]
struct Session {
    now: u64,
    requests: Vec<Ask>,
}

#[derive(Arbitrary, Debug)]
enum Ask {
    /// Headers and all from the fuzzer.
    Raw { method: String, target: String, headers: Vec<(String, Vec<u8>)>, body: Vec<u8> },
    /// Well-formed and truly signed, by one of a few keys, with the fuzzer's nonce.
    Signed { key: u8, ahead: i8, body: Vec<u8> },
    /// Time goes on by milliseconds.
    Wait(u16),
}

fuzz_target!(|session: Session| {
    let me = Hotkey::from_bytes([7; 32]);
    let protocol = Btauth::new(me);
    let mut window = NonceWindow::new(WindowLimits::default(), 0);
    let mut now = session.now;
    let mut accepted = HashSet::new();
    for ask in session.requests.into_iter().take(32) {
        let (method, target, headers, body) = match ask {
            Ask::Wait(milliseconds) => {
                now = now.saturating_add(u64::from(milliseconds) * 1_000_000);
                continue;
            }
            Ask::Raw { method, target, headers, body } => (method, target, headers, body),
            Ask::Signed { key, ahead, body } => signed(&me, now, key, ahead, body),
        };
        let head = Head::new(&method, &target, &headers);
        if let Ok(caller) = verify(&protocol, &head, &body, now, &mut window) {
            assert!(accepted.insert((caller.hotkey, caller.nonce)), "accepted twice");
        }
    }
});

type Raw = (String, String, Vec<(String, Vec<u8>)>, Vec<u8>);

fn signed(me: &Hotkey, now: u64, key: u8, ahead: i8, body: Vec<u8>) -> Raw {
    let pair = Keypair::from_seed(&[key % 3; 32], Scheme::Ed25519);
    let nonce = now.saturating_add_signed(i64::from(ahead) * 100_000_000);
    let (sender, receiver) = (pair.account_id().to_string(), me.to_string());
    let message = btauth::payload(&btauth::Payload {
        scheme: Scheme::Ed25519,
        method: "POST",
        target: "/x",
        body_sha256: btauth::body_digest(&body),
        nonce,
        sender: &sender,
        receiver: Some(&receiver),
    });
    let signature = pair.sign(&message).bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let header = |name: &str, value: String| (name.to_owned(), value.into_bytes());
    let headers = vec![
        header(btauth::VERSION, "1".into()),
        header(btauth::HOTKEY, sender),
        header(btauth::RECEIVER, receiver),
        header(btauth::NONCE, nonce.to_string()),
        header(btauth::CRYPTO, "ed25519".into()),
        header(btauth::SIGNATURE, format!("0x{signature}")),
    ];
    ("POST".into(), "/x".into(), headers, body)
}
