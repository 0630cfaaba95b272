//! Which protocol a head is of, and what it claims: nothing panics, the answer is the same twice, and
//! what claims to be of a protocol is recognised as of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tensor_core::Hotkey;
use tensor_fuzz::Text;
use tensor_net::wire::btauth::Btauth;
use tensor_net::wire::epistula::Epistula;
use tensor_net::wire::synapse::SynapseProtocol;
use tensor_net::wire::synapse::official::{Nonces, default_verify};
use tensor_net::wire::{Head, Protocol};

fuzz_target!(|data: &[u8]| {
    let asked = Text::parse(data);
    let (method, target) = (asked.word(0, "POST"), asked.word(1, "/"));
    let head = Head::new(&method, &target, &asked.headers);
    let now = asked.time();
    let me: Hotkey = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty".parse().unwrap();
    let protocols: [&dyn Protocol; 3] =
        [&Btauth::new(me), &SynapseProtocol::new(me), &Epistula::new(me)];
    for protocol in protocols {
        let recognised = protocol.recognises(&head);
        let claim = protocol.claim(&head, now);
        let again = protocol.claim(&head, now);
        assert_eq!(format!("{claim:?}"), format!("{again:?}"));
        let Ok(claim) = claim else { continue };
        assert!(recognised, "{} does not know its own", protocol.name());
        // A claim that is fresh must be remembered for at least as long as it stays fresh.
        if claim.expires < u64::MAX && protocol.check(&claim, &head, now).is_ok() {
            assert!(claim.expires >= now, "forgotten while fresh");
            let later = claim.expires.saturating_add(1);
            assert!(protocol.check(&claim, &head, later).is_err(), "fresh and forgotten");
        }
        let _ = protocol.message(&claim, &head, &asked.body);
        let _ = protocol.open(&head, asked.body.clone().into());
    }
    let _ = default_verify(&head, &me, now, &mut Nonces::new());
});
