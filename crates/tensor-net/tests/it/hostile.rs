//! Whatever strangers send, nothing panics and nothing is believed.

use proptest::prelude::*;
use tensor_net::replay::{NonceWindow, WindowLimits};
use tensor_net::wire::btauth::{self, Btauth};
use tensor_net::wire::{Head, verify};

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
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_headers_panic_or_pass(
        headers in proptest::collection::vec((name(), value()), 0..9),
        method in "\\PC{0,8}",
        target in "\\PC{0,20}",
        body: Vec<u8>,
        now: u64,
    ) {
        let protocol = Btauth::new(hotkey("//Bob")).allow_unbound();
        let mut window = NonceWindow::new(WindowLimits::default(), 0);
        let head = Head::new(&method, &target, &headers);
        for now in [now, NEW_YEAR] {
            prop_assert!(verify(&protocol, &head, &body, now, &mut window).is_err());
        }
        prop_assert!(window.is_empty());
    }
}
