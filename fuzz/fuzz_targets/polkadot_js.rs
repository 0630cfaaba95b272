//! polkadot-js exports from bytes: never a panic, whatever was sealed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tensor_core::wallet::{Password, polkadot_js};

fuzz_target!(|json: &[u8]| {
    // The costly password function is the library's business; what it guards is read without it, too.
    if !json.windows(6).any(|word| word == b"scrypt") {
        let _ = polkadot_js::import(json, &Password::new("pw"));
    }
});
