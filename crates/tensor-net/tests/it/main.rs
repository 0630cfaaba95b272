//! What the crate does as seen from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing test should say where")]

mod answers;
mod btauth_vectors;
mod decorators;
mod epistula_vectors;
mod hostile;
mod interop;
#[cfg(feature = "tracing")]
mod log;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod sockets;
mod synapse_vectors;
mod tensors;
mod third_party;
#[cfg(feature = "tls")]
mod tls;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use tensor_core::key::{Keypair, Scheme};
use tensor_core::miner::{Caller, Miner, Reject, Synapse, miner_fn};
use tensor_core::{Clock, Hotkey};

/// What the official packages signed, verified and answered.
const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/wire/wire-vectors.json"));

/// A synapse for tests: the text comes back in capitals, with the caller's address.
#[derive(Serialize, Deserialize)]
struct Shout {
    text: String,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Shouted {
    text: String,
    caller: String,
}

impl Synapse for Shout {
    const NAME: &'static str = "Shout";
    type Answer = Shouted;
}

fn shouter() -> impl Miner + 'static {
    miner_fn(|caller: Caller, ask: Shout| async move {
        if ask.text.is_empty() {
            return Err(Reject::BadRequest("nothing to shout".into()));
        }
        Ok(Shouted { text: ask.text.to_uppercase(), caller: caller.hotkey.to_string() })
    })
}

fn key(uri: &str) -> Keypair {
    // Deriving from a phrase is slow on purpose, and some tests ask thousands of times.
    static KEYS: Mutex<BTreeMap<String, Keypair>> = Mutex::new(BTreeMap::new());
    let mut keys = KEYS.lock().unwrap();
    let make = || Keypair::from_uri(uri, Scheme::Sr25519).unwrap();
    keys.entry(uri.to_owned()).or_insert_with(make).clone()
}

fn hotkey(uri: &str) -> Hotkey {
    Hotkey::new(key(uri).account_id())
}

/// A clock that goes only when it is told to.
#[derive(Clone)]
struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    fn new(unix_nanos: u64) -> Self {
        Self(Arc::new(AtomicU64::new(unix_nanos)))
    }

    fn advance_seconds(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1_000_000_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn unix_nanos(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// 2026-01-01, in unix nanoseconds.
const NEW_YEAR: u64 = 1_767_225_600_000_000_000;
