//! Addresses, secret URIs and mnemonics from text: never a panic, and what is read is written back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tensor_core::key::{Keypair, Mnemonic, Scheme};
use tensor_core::{AccountId, Tao};

fuzz_target!(|text: &str| {
    if let Ok((account, prefix)) = AccountId::from_ss58_any(text) {
        let written = account.to_ss58(prefix).expect("a prefix that was read can be written");
        assert_eq!(AccountId::from_ss58_any(&written), Ok((account, prefix)));
    }
    for scheme in [Scheme::Sr25519, Scheme::Ed25519] {
        let _ = Keypair::from_uri(text, scheme);
    }
    if let Ok(mnemonic) = Mnemonic::parse(text) {
        assert!(Mnemonic::parse(&mnemonic.phrase()).is_ok());
    }
    if let Ok(amount) = text.parse::<Tao>() {
        assert_eq!(amount.to_string().parse(), Ok(amount));
    }
});
