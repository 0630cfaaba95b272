//! What changed between two metagraphs of one subnet: [`diff`].

use super::{AxonInfo, Metagraph};
use crate::account::Hotkey;
use crate::network::Uid;

/// Something that changed between two blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A hotkey took a slot that did not exist before.
    Registered {
        /// The slot.
        uid: Uid,
        /// Who took it.
        hotkey: Hotkey,
    },
    /// A hotkey took another's slot: what was known of the uid is void.
    Replaced {
        /// The slot.
        uid: Uid,
        /// Who had it.
        before: Hotkey,
        /// Who has it.
        after: Hotkey,
    },
    /// The slot does not exist any more: the subnet was trimmed.
    Removed {
        /// The slot.
        uid: Uid,
        /// Who had it.
        hotkey: Hotkey,
    },
    /// The same hotkey serves elsewhere.
    Moved {
        /// The slot.
        uid: Uid,
        /// Where it served.
        before: Option<AxonInfo>,
        /// Where it serves.
        after: Option<AxonInfo>,
    },
    /// The neuron set or committed weights in between.
    WeightsUpdated {
        /// The slot.
        uid: Uid,
    },
}

/// The changes from `before` to `after`, by uid.
pub fn diff(before: &Metagraph, after: &Metagraph) -> Vec<Change> {
    let mut changes = Vec::new();
    for new in after.neurons() {
        let uid = new.uid;
        let Some(old) = before.neuron(uid) else {
            changes.push(Change::Registered { uid, hotkey: new.hotkey });
            continue;
        };
        if old.hotkey != new.hotkey {
            changes.push(Change::Replaced { uid, before: old.hotkey, after: new.hotkey });
            continue;
        }
        if old.axon.and_then(|axon| axon.address()) != new.axon.and_then(|axon| axon.address()) {
            changes.push(Change::Moved { uid, before: old.axon, after: new.axon });
        }
        if old.last_update != new.last_update {
            changes.push(Change::WeightsUpdated { uid });
        }
    }
    let gone = before.neurons().skip(after.len());
    changes.extend(gone.map(|old| Change::Removed { uid: old.uid, hotkey: old.hotkey }));
    changes
}

#[cfg(test)]
mod tests {
    use super::super::tests::{graph, neurons};
    use super::*;
    use crate::network::BlockNumber;

    #[test]
    fn every_kind_of_change_is_seen() {
        let before = graph(1, neurons(&[1, 2, 3]));
        let mut later = neurons(&[1, 9]);
        later[0].last_update = BlockNumber::new(7);
        later[0].axon = Some(AxonInfo::new("10.0.0.1:1".parse().unwrap(), 1));
        let after = graph(8, later);
        let hotkey = |key| Hotkey::from_bytes([key; 32]);
        let uid = Uid::new;
        assert_eq!(
            diff(&before, &after),
            [
                Change::Moved { uid: uid(0), before: None, after: after.axon()[0] },
                Change::WeightsUpdated { uid: uid(0) },
                Change::Replaced { uid: uid(1), before: hotkey(2), after: hotkey(9) },
                Change::Removed { uid: uid(2), hotkey: hotkey(3) },
            ]
        );
        assert!(
            diff(&after, &before).contains(&Change::Registered { uid: uid(2), hotkey: hotkey(3) })
        );
    }
}
