//! Keyfiles from bytes: never a panic, and a key that was read survives being written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tensor_core::wallet::Keyfile;

fuzz_target!(|content: &[u8]| {
    if let Ok(keyfile) = Keyfile::read(content) {
        let written = keyfile.to_json();
        let again = Keyfile::read(written.as_bytes()).expect("a keyfile that was written reads");
        assert_eq!(again.account_id(), keyfile.account_id());
    }
});
