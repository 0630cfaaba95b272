//! Ciphertexts, envelopes and signatures from strangers: none makes the decoder behind allocate what it
//! claims, or panic; only what was sealed opens.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tensor_chain::timelock::{Beacon, Envelope, open, seal, verify};

static KNOWN: LazyLock<([u8; 96], [u8; 48], Vec<u8>)> = LazyLock::new(|| {
    let beacon = Beacon::new(&[3; 32]);
    let sealed = seal(b"weights", 5, &beacon.public_key(), &[1; 32]).unwrap();
    (beacon.public_key(), beacon.signature(5), sealed)
});

fuzz_target!(|data: &[u8]| {
    let (key, signature, sealed) = &*KNOWN;
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 4 {
        0 => {
            if let Ok(envelope) = Envelope::parse(data) {
                assert_eq!(envelope.to_bytes().len(), data.len());
                let _ = envelope.open(signature, key);
            }
        }
        // A true header with something else behind it.
        1 => {
            let mut bytes = sealed[..176].to_vec();
            bytes.extend(data);
            let opened = open(&bytes, signature);
            assert!(opened.is_none() || bytes == *sealed);
        }
        // A true one with some bytes written over.
        2 => {
            let mut bytes = sealed.clone();
            for change in data.chunks_exact(3) {
                let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
                bytes[at] = change[2];
            }
            let opened = open(&bytes, signature);
            assert!(opened.is_none() || bytes == *sealed);
        }
        _ => {
            assert!(!verify(5, data, key) || data == signature);
        }
    }
});
