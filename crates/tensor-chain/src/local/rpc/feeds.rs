//! Who wants to hear of what: the chain's ends of all subscriptions.

use std::collections::HashSet;

use serde_json::json;

use super::{
    json,
    subscription::{Feed, Item},
};
use crate::local::{
    block::{Hash, Header},
    state::{Key, State},
};

/// All subscriptions of a chain, by kind.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    pub(crate) new_heads: Vec<Feed>,
    pub(crate) finalized_heads: Vec<Feed>,
    pub(crate) runtime_version: Vec<Feed>,
    pub(crate) storage: Vec<StorageFeed>,
    pub(crate) next_id: u64,
}

/// A subscription on the values under some keys.
#[derive(Debug)]
pub(crate) struct StorageFeed {
    pub(crate) keys: HashSet<Vec<u8>>,
    pub(crate) feed: Feed,
}

impl Feeds {
    /// Most subscriptions of one chain at a time.
    pub(crate) const MAX: usize = 16_384;

    pub(crate) fn new_head(&mut self, header: &Header) {
        self.new_heads.retain(|feed| feed.send(Item::Head(header.clone())));
    }

    pub(crate) fn finalized_head(&mut self, header: &Header) {
        self.finalized_heads.retain(|feed| feed.send(Item::Head(header.clone())));
    }

    pub(crate) fn version(&mut self, version: &str) {
        self.runtime_version.retain(|feed| feed.send(Item::Json(version.into())));
    }

    /// Ends every subscription.
    pub(crate) fn close_all(&mut self) {
        for list in [&mut self.new_heads, &mut self.finalized_heads, &mut self.runtime_version] {
            list.drain(..).for_each(|feed| feed.close());
        }
        self.storage.drain(..).for_each(|subscriber| subscriber.feed.close());
    }

    /// Tells the values that the newest block changed to whom they concern.
    pub(crate) fn storage<'a, I: Iterator<Item = &'a Key>>(
        &mut self,
        state: &State,
        block: Hash,
        changed: impl Fn() -> I,
    ) {
        self.storage.retain(|subscriber| {
            let hits = changed().filter(|key| subscriber.keys.contains(&***key));
            let changes: Vec<_> = hits.map(|key| (json::hex(key), value(state, key))).collect();
            if changes.is_empty() {
                return subscriber.feed.is_live();
            }
            let set = json!({ "block": json::hex(&block), "changes": changes });
            subscriber.feed.send(Item::Json(set.to_string().into()))
        });
    }

    /// Number of live subscriptions, after forgetting those which nobody reads.
    pub(crate) fn count(&mut self) -> usize {
        for list in [&mut self.new_heads, &mut self.finalized_heads, &mut self.runtime_version] {
            list.retain(Feed::is_live);
        }
        self.storage.retain(|s| s.feed.is_live());
        self.new_heads
            .len()
            .saturating_add(self.finalized_heads.len())
            .saturating_add(self.runtime_version.len())
            .saturating_add(self.storage.len())
    }
}

/// The value under a key as clients read it.
pub(crate) fn value(state: &State, key: &[u8]) -> Option<String> {
    state.get(key).map(json::hex)
}
