//! The replay window under a list of operations, against what it promises: nothing is accepted twice, no
//! live nonce is forgotten, no limit is passed.
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tensor_core::Hotkey;
use tensor_core::key::Scheme;
use tensor_net::replay::{NonceWindow, ReplayError, WindowLimits};
use tensor_net::wire::Claim;

#[derive(Arbitrary, Debug)]
struct Session {
    capacity: u8,
    reserved: u8,
    share: u8,
    operations: Vec<Operation>,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    /// A request by one of a few keys, signed so many milliseconds before or after now.
    Record { key: u8, ahead: i16, token: bool, is_known: bool },
    /// The time changes by milliseconds, backwards too.
    Wait(i16),
}

const MILLISECOND: u64 = 1_000_000;
/// For how long a nonce stays fresh.
const FRESH: u64 = 10_000 * MILLISECOND;

fuzz_target!(|session: Session| {
    let (capacity, reserved) = (usize::from(session.capacity % 32), usize::from(session.reserved % 32));
    let share = usize::from(session.share % 16);
    let limits = WindowLimits::default()
        .with_capacity(capacity)
        .with_reserved(reserved)
        .with_share(share);
    let started = 1_000_000 * MILLISECOND;
    let mut window = NonceWindow::new(limits, started);
    // All that was ever accepted, with when it expires.
    let mut accepted: BTreeMap<(u8, u64, bool), u64> = BTreeMap::new();
    let (mut now, mut latest) = (started, started);
    for operation in session.operations.into_iter().take(512) {
        let (key, ahead, token, is_known) = match operation {
            Operation::Wait(milliseconds) => {
                now = now.saturating_add_signed(i64::from(milliseconds) * MILLISECOND as i64);
                continue;
            }
            Operation::Record { key, ahead, token, is_known } => (key % 4, ahead, token, is_known),
        };
        latest = latest.max(now);
        let nonce = now.saturating_add_signed(i64::from(ahead) * MILLISECOND as i64);
        let expires = nonce.saturating_add(FRESH);
        let claim = Claim::new(Hotkey::from_bytes([key; 32]), Scheme::Sr25519, [0; 64], nonce, expires)
            .with_token(token.into());
        let before = window.len();
        let outcome = window.record(&claim, is_known, now);
        let name = (key, nonce, token);
        // What must be remembered still, and what may be: a window forgets whole slices of time.
        let live = |until: u64| accepted.values().filter(|expires| **expires >= until).count();
        let (at_least, at_most) = (live(latest), live(latest.saturating_sub(250 * MILLISECOND)));
        assert!(window.len() <= capacity.max(before), "too many are held");
        match outcome {
            Ok(()) => {
                assert!(nonce >= started, "from before the start");
                assert!(at_least < capacity.saturating_sub(if is_known { 0 } else { reserved }));
                assert!(accepted.insert(name, expires).is_none(), "accepted twice");
                let own = accepted.iter().filter(|((of, ..), expires)| *of == key && **expires >= latest);
                assert!(own.count() <= share, "more than its share");
            }
            Err(ReplayError::Replayed) => assert!(accepted.contains_key(&name), "never accepted"),
            Err(ReplayError::Forgotten) => {
                assert!(nonce < started || expires < latest, "fresh and said to be forgotten");
            }
            Err(ReplayError::Full) => {
                assert!(at_most >= capacity.saturating_sub(if is_known { 0 } else { reserved }));
            }
            Err(ReplayError::ShareFull) => {
                let until = latest.saturating_sub(250 * MILLISECOND);
                let own = accepted.iter().filter(|((of, ..), expires)| *of == key && **expires >= until);
                assert!(own.count() >= share, "its share is not used up");
            }
            Err(other) => panic!("{other}"),
        }
        if accepted.get(&name).is_some_and(|expires| *expires >= latest) {
            let again = window.record(&claim, true, now);
            assert!(matches!(again, Err(ReplayError::Replayed)), "a live nonce is forgotten: {again:?}");
        }
    }
});
