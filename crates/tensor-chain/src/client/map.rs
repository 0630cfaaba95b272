//! Whole storage maps, page by page: [`StorageStream`].

use futures::stream::{self, BoxStream, StreamExt};
use tensor_core::call::Value;
use tensor_core::chain::At;

use super::Subtensor;
use super::rpc::Hash;
use crate::error::Error;

/// Entries per page: two requests each.
const PAGE: u32 = 512;

/// The entries of a storage map: the keys that lead to each, and its value.
pub type StorageStream = BoxStream<'static, Result<(Vec<Value>, Value), Error>>;

struct Cursor {
    chain: Subtensor,
    pallet: String,
    item: String,
    keys: Vec<Value>,
    at: Option<Hash>,
    last: Option<Vec<u8>>,
    done: bool,
}

pub(super) fn stream(chain: Subtensor, pallet: &str, item: &str, keys: &[Value]) -> StorageStream {
    let cursor = Cursor {
        chain,
        pallet: pallet.to_owned(),
        item: item.to_owned(),
        keys: keys.to_vec(),
        at: None,
        last: None,
        done: false,
    };
    stream::unfold(cursor, |mut cursor| async move {
        if cursor.done {
            return None;
        }
        let page = match cursor.page().await {
            Ok(page) => page.into_iter().map(Ok).collect(),
            Err(error) => {
                cursor.done = true;
                vec![Err(error)]
            }
        };
        Some((stream::iter(page), cursor))
    })
    .flatten()
    .boxed()
}

impl Cursor {
    /// The next entries, all at the block that was current on the first page.
    async fn page(&mut self) -> Result<Vec<(Vec<Value>, Value)>, Error> {
        let at = match self.at {
            Some(at) => at,
            None => self.chain.block_hash().await?,
        };
        self.at = Some(at);
        let runtime = self.chain.at(At::Hash(at)).runtime().await?;
        let entry = runtime.metadata.storage(&self.pallet, &self.item)?;
        let prefix = entry.key(&self.keys)?;
        let rpc = &self.chain.inner.rpc;
        let found = rpc.keys_paged(&prefix, PAGE, self.last.as_deref(), Some(at)).await?;
        self.done = found.len() < PAGE as usize;
        // A node that does not advance would keep us here for ever.
        if let (Some(last), Some(first)) = (&self.last, found.first())
            && first <= last
        {
            return Err(super::rpc::answer("state_getKeysPaged", "the node repeats its keys"));
        }
        self.last = found.last().cloned();
        let values = rpc.storage_many(&found, Some(at)).await?;
        let mut page = Vec::with_capacity(found.len());
        for (key, bytes) in found.iter().zip(values) {
            let Some(bytes) = bytes else { continue };
            let decode = |error| Error::decode(entry.name(), error);
            page.push((
                entry.decode_key(key).map_err(decode)?,
                entry.decode(&bytes).map_err(decode)?,
            ));
        }
        Ok(page)
    }
}
