//! Timelocks and work, both ways against the official packages. Runs where `TENSOR_INTEROP=1`, with the
//! interpreters that have the packages in `TENSOR_PY_V11` and `TENSOR_PY_V10`; then a missing one is a
//! failure.

use serde_json::{Value as Json, json};
use tensor_chain::pow::{Progress, Puzzle};
use tensor_chain::timelock::{Envelope, QUICKNET};
use tensor_core::{BlockNumber, Coldkey, Hotkey, NetUid};

use official::official;

#[path = "../../clients/official.rs"]
mod official;

/// Quicknet's signature of round 1,000.
const ROUND_1000: &str = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39";

#[test]
fn timelocks_open_both_ways() {
    let messages: [&[u8]; 3] = [b"the answer is 42", b"x", &[7; 5_000]];
    for variable in ["TENSOR_PY_V11", "TENSOR_PY_V10"] {
        let mut tasks = Vec::new();
        for (message, entropy) in messages.iter().zip(1..) {
            tasks.push(json!({ "do": "seal", "message": hex::encode(message), "round": 1_000 }));
            let own = Envelope::seal(message, 1_000, &QUICKNET, &[entropy; 32]).unwrap();
            let sealed = hex::encode(own.to_bytes());
            tasks.push(json!({ "do": "open", "sealed": sealed, "signature": ROUND_1000 }));
        }
        let Some(answers) = official(variable, &tasks) else { return };
        let signature = hex::decode(ROUND_1000).unwrap();
        for (message, answers) in messages.iter().zip(answers.chunks(2)) {
            let bytes = |answer: &Json| hex::decode(answer.as_str().unwrap()).unwrap();
            let theirs = Envelope::parse(&bytes(&answers[0])).unwrap();
            assert_eq!(theirs.round, 1_000);
            let own = Envelope::seal(message, 1_000, &QUICKNET, &[1; 32]).unwrap();
            assert_eq!(theirs.sealed.len(), own.sealed.len());
            assert_eq!(theirs.open(&signature, &QUICKNET).unwrap(), *message);
            assert_eq!(bytes(&answers[1]), *message);
        }
    }
}

#[test]
fn work_counts_both_ways() {
    let (hotkey, coldkey) = (Hotkey::from_bytes([0x22; 32]), Coldkey::from_bytes([0x33; 32]));
    let (netuid, block, difficulty) = (NetUid::new(7), [0x11; 32], 5_000);
    let puzzle = Puzzle::new(netuid, BlockNumber::new(10), &block, hotkey, &coldkey, difficulty);
    let own = puzzle.solve(1 << 40, 2, &Progress::new()).unwrap();
    let task = |name: &str, nonce: u64| {
        json!({
            "do": name, "netuid": 7, "block": hex::encode(block), "hotkey": hotkey.to_string(),
            "coldkey": coldkey.to_string(), "difficulty": difficulty, "nonce": nonce,
        })
    };
    let nonces = [0, 1, u64::MAX, own.nonce];
    let mut tasks: Vec<_> = nonces.iter().map(|nonce| task("work", *nonce)).collect();
    tasks.push(task("mine", 0));
    let Some(answers) = official("TENSOR_PY_V11", &tasks) else { return };
    for (nonce, seal) in nonces.iter().zip(&answers) {
        assert_eq!(hex::encode(puzzle.seal(*nonce)), seal.as_str().unwrap(), "{nonce}");
    }
    // What they find is what we find first from there, and each is good enough for the other.
    let mined = &answers[4];
    let first = (0..).find(|nonce| puzzle.is_solved_by(&puzzle.seal(*nonce))).unwrap();
    assert_eq!(mined[0].as_u64().unwrap(), first);
    assert_eq!(mined[1].as_str().unwrap(), hex::encode(puzzle.seal(first)));
}
