//! A protocol that this crate does not know, added from outside as a third party would: fiber's plain
//! mode. Held against recorded requests, and spoken both ways over the service beside the others.

use std::borrow::Cow;
use std::time::Duration;

use futures::executor::block_on;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use tensor_core::key::Scheme;
use tensor_core::miner::Synapse as _;
use tensor_core::transport::{Endpoint, Request, Response, Transport};
use tensor_core::{BoxError, Hotkey};
use tensor_net::Network;
use tensor_net::replay::{NonceWindow, WindowLimits};
use tensor_net::server::AxonService;
use tensor_net::wire::btauth::Btauth;
use tensor_net::wire::{
    AuthError, Claim, Dialect, Draft, Exchange, Found, Head, Malformed, Outgoing, Protocol,
    Refusal, Reply, verify,
};

use super::{Shout, VECTORS, hotkey, key, shouter};

const SENDER: &str = "validator-hotkey";
const RECEIVER: &str = "miner-hotkey";
const NONCE: &str = "nonce";
const SIGNATURE: &str = "signature";
const WINDOW: Duration = Duration::from_secs(120);

/// The receiving side.
struct Fiber {
    me: Hotkey,
}

impl Protocol for Fiber {
    fn name(&self) -> &'static str {
        "fiber"
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.headers.find(SENDER) != Found::Nothing
    }

    fn claim(&self, head: &Head<'_>, _: u64) -> Result<Claim, Refusal> {
        let hotkey = text(head, SENDER)?.parse().map_err(|_| Malformed::Encoding)?;
        let (time, suffix) =
            text(head, NONCE)?.split_once('_').ok_or(Malformed::NotInteger(NONCE))?;
        let nonce: u64 = time.parse().map_err(|_| Malformed::NotInteger(NONCE))?;
        let mut signature = [0; 64];
        let digits = text(head, SIGNATURE)?.trim_start_matches("0x");
        hex::decode_to_slice(digits, &mut signature).map_err(|_| Malformed::NotHex(SIGNATURE))?;
        let expires = nonce.saturating_add(u64::try_from(WINDOW.as_nanos()).unwrap());
        // Ten letters fit, and tell requests of one nanosecond apart.
        let token = suffix.bytes().take(16).fold(0, |token, byte| token << 8 | u128::from(byte));
        Ok(Claim::new(hotkey, Scheme::Sr25519, signature, nonce, expires).with_token(token))
    }

    fn check(&self, claim: &Claim, head: &Head<'_>, now: u64) -> Result<(), Refusal> {
        // The original does not look whom a request is for; without that it can be passed on.
        if text(head, RECEIVER)? != self.me.to_string() {
            return Err(AuthError::WrongReceiver.into());
        }
        let (age, ahead) = (now.saturating_sub(claim.nonce), claim.nonce.saturating_sub(now));
        if u128::from(age) > WINDOW.as_nanos() {
            return Err(AuthError::TooOld { age, window: WINDOW }.into());
        }
        if u128::from(ahead) > WINDOW.as_nanos() {
            return Err(AuthError::TooNew { ahead, window: WINDOW }.into());
        }
        Ok(())
    }

    fn message(&self, _: &Claim, head: &Head<'_>, body: &[u8]) -> Vec<u8> {
        let text = |name| text(head, name).unwrap_or_default();
        message(text(NONCE), text(RECEIVER), body).into_bytes()
    }

    fn reply(&self, _: &Exchange<'_>, outcome: Result<Response, Refusal>) -> Reply {
        let refusal = match outcome {
            Ok(response) => return Reply::new(response),
            Err(refusal) => refusal,
        };
        let (status, detail) = match &refusal {
            Refusal::Auth(AuthError::BadSignature) => {
                (401, "Oi, invalid signature, you're not who you said you were!".into())
            }
            Refusal::Auth(AuthError::Malformed(Malformed::Missing(_))) => (422, "missing".into()),
            Refusal::Auth(_) => (401, "Oi, that nonce is not valid!".into()),
            other => (other.status(), other.to_string()),
        };
        Reply::new(Response::new(status, json!({ "detail": detail }).to_string()))
    }
}

/// The sending side.
struct FiberDialect;

impl Dialect for FiberDialect {
    fn name(&self) -> &'static str {
        "fiber"
    }

    fn draft(&self, outgoing: &Outgoing<'_>) -> Result<Draft, BoxError> {
        let nonce = format!("{}_{:010}", outgoing.nonce, outgoing.nonce % 9_999_999_967);
        let receiver = outgoing.receiver.to_string();
        let header = |name: &'static str, value: String| (Cow::from(name), Cow::from(value));
        Ok(Draft {
            method: outgoing.method,
            target: outgoing.target.to_owned(),
            signatures: vec![(SIGNATURE, message(&nonce, &receiver, outgoing.body).into_bytes())],
            headers: vec![
                header(SENDER, outgoing.sender.to_string()),
                header(RECEIVER, receiver),
                header(NONCE, nonce),
                header("content-type", outgoing.content_type.to_owned()),
            ],
            body: outgoing.body.clone(),
            nonce: outgoing.nonce,
        })
    }
}

fn message(nonce: &str, receiver: &str, body: &[u8]) -> String {
    format!("{nonce}:{receiver}:{}", hex::encode(Sha256::digest(body)))
}

fn text<'a>(head: &Head<'a>, name: &'static str) -> Result<&'a str, Malformed> {
    match head.headers.find(name) {
        Found::One(value) => core::str::from_utf8(value).map_err(|_| Malformed::Encoding),
        Found::Nothing => Err(Malformed::Missing(name)),
        Found::Many => Err(Malformed::Repeated(name)),
    }
}

#[test]
fn recorded_requests_verify() {
    let vectors: Json = serde_json::from_str(VECTORS).unwrap();
    let cases = vectors["others"]["fiber"]["plain"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let headers: Vec<(String, String)> = case["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let body = hex::decode(case["body_hex"].as_str().unwrap()).unwrap();
        let head = Head::new("POST", "/x", &headers);
        let me: Hotkey = text(&head, RECEIVER).unwrap().parse().unwrap();
        let fiber = Fiber { me };
        let claim = fiber.claim(&head, 0).unwrap();
        assert_eq!(
            fiber.message(&claim, &head, &body),
            case["message"].as_str().unwrap().as_bytes()
        );
        let now = claim.nonce + 1_000_000;
        let mut window = NonceWindow::new(WindowLimits::default(), 0);
        let caller = verify(&fiber, &head, &body, now, &mut window).unwrap();
        assert_eq!(caller.hotkey.to_string(), text(&head, SENDER).unwrap());
        let again = verify(&fiber, &head, &body, now, &mut window).unwrap_err();
        assert_eq!(again.class(), "ReplayedRequest");
        let other = Fiber { me: hotkey("//Eve") };
        let refused = verify(&other, &head, &body, now, &mut window).unwrap_err();
        assert_eq!(refused.class(), "WrongReceiver");
    }
}

#[test]
fn it_is_spoken_beside_the_others() {
    let bob = hotkey("//Bob");
    let service = AxonService::signed_by(key("//Bob"))
        .with_protocol(Btauth::new(bob))
        .with_protocol(Fiber { me: bob });
    let network = Network::new();
    let axon = network.bind(service.build(shouter()));
    let btauth = network.client(key("//Alice"));
    let fiber = btauth.clone().with_dialect(FiberDialect);
    let ask = |client: &dyn Transport, to: &Endpoint, text: &str| {
        let request = Request::synapse(Shout::NAME, json!({ "text": text }).to_string());
        block_on(async {
            let response = client.send(to, request).await.unwrap();
            let status = response.status;
            let body = response.body.bytes(1_000).await.unwrap();
            (status, serde_json::from_slice::<Json>(&body).unwrap())
        })
    };
    let shouted = json!({ "text": "HEY", "caller": hotkey("//Alice").to_string() });
    assert_eq!(ask(&fiber, &axon, "hey"), (200, shouted.clone()));
    assert_eq!(ask(&btauth, &axon, "hey"), (200, shouted));
    assert_eq!(ask(&fiber, &axon, "").0, 400);
    // Signed for somebody else.
    let eve = Endpoint { hotkey: hotkey("//Eve"), ..axon };
    let refused = (401, json!({ "detail": "Oi, that nonce is not valid!" }));
    assert_eq!(ask(&fiber, &eve, "hey"), refused);
}
