//! Whether a chain on disk is one: its hashes follow from one another, and so do its states.

use std::path::Path;

use super::error::{DurableError, corrupt};
use super::store::Loaded;
use crate::local::state::{Bytes, Key, State};

/// What was written, with the value before and the one after.
type Writes = Vec<(Key, Option<Bytes>, Option<Bytes>)>;

/// Computes the hash chain of blocks anew, and that of states by going back through what every block
/// overwrote. `genesis` is the state that the chain must have begun with, where it is known.
pub(super) fn verify(
    path: &Path,
    loaded: &Loaded,
    genesis: Option<&State>,
) -> Result<(), DurableError> {
    blocks(loaded).and_then(|()| states(loaded, genesis)).map_err(|what| corrupt(path, what))
}

fn blocks(loaded: &Loaded) -> Result<(), String> {
    let Loaded { head, hashes, first, blocks, .. } = loaded;
    let mut number = *first;
    let mut parent = match number.checked_sub(1) {
        None => Some([0; 32]),
        Some(before) => hashes.get(index(before)).copied(),
    };
    for (record, _) in blocks {
        let hash = record.header.hash();
        let follows = record.header.number == number && Some(record.header.parent_hash) == parent;
        if !follows || hashes.get(index(number)) != Some(&hash) {
            return Err(format!("block {number} does not follow from the one before"));
        }
        parent = Some(hash);
        number = number.saturating_add(1);
    }
    if blocks.is_empty()
        || number.checked_sub(1) != Some(head.number)
        || hashes.len() != index(number)
    {
        return Err(format!("the blocks do not reach up to block {}", head.number));
    }
    Ok(())
}

/// Goes from the newest state back, as far as it is known which writes belong to which block.
fn states(loaded: &Loaded, genesis: Option<&State>) -> Result<(), String> {
    let Loaded { head, base, first, blocks, .. } = loaded;
    let mut state = loaded.state.clone();
    // What block `number + 1` wrote, and the root that this came to.
    let mut later: Option<(Writes, [u8; 32])> = None;
    for (record, amendments) in blocks.iter().rev() {
        let number = record.header.number;
        let mut outside: Vec<Writes> =
            amendments.iter().rev().map(|delta| undo(&mut state, delta)).collect();
        let mut root = if number == base.number { base.root } else { record.header.state_root };
        while let Some(writes) = outside.pop() {
            root = after(&root, &writes);
        }
        let holds = match later.take() {
            None => root == head.root,
            Some((writes, expected)) => after(&root, &writes) == expected,
        };
        if !holds {
            let next = number.saturating_add(1).min(head.number);
            return Err(format!("the state of block {next} does not follow from the one before"));
        }
        if number <= base.number {
            break;
        }
        later = Some((undo(&mut state, &record.delta), record.header.state_root));
    }
    match genesis {
        Some(genesis) if *first == 0 && !state.iter().eq(genesis.iter()) => {
            Err("the state of the genesis block is another one".to_owned())
        }
        _ => Ok(()),
    }
}

/// Takes writes back; says what they were.
fn undo(state: &mut State, delta: &[(Key, Option<Bytes>)]) -> Writes {
    let write = |(key, old): &(Key, Option<Bytes>)| {
        (key.clone(), old.clone(), state.get(key).map(Bytes::from_slice))
    };
    let writes = delta.iter().map(write).collect();
    state.apply_reverse(delta);
    writes
}

fn after(root: &[u8; 32], writes: &Writes) -> [u8; 32] {
    let writes = writes.iter().map(|(key, old, new)| (key, old.as_deref(), new.as_deref()));
    State::root_of(root, writes)
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
