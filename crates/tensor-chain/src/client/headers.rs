//! The chain's heads as a stream without gaps: the clock of everything that runs by blocks.

use std::collections::VecDeque;

use futures::stream::{self, BoxStream, StreamExt};
use subxt::rpcs::client::RawRpcSubscription;
use tensor_core::BlockNumber;
use tensor_core::chain::Header;

use super::Subtensor;
use super::rpc::{RawHeader, Rpc, answer};
use crate::error::Error;

/// How many missed heads are fetched after a break; of a longer one only the newest are.
const MOST_MISSED: u64 = 256;

struct Heads {
    rpc: Rpc,
    subscription: Option<RawRpcSubscription>,
    last: Option<BlockNumber>,
    ready: VecDeque<Header>,
}

impl Subtensor {
    /// The heads from now on, starting with the newest block: each height once, rising. Heights that a
    /// lost connection hid are filled in, up to 256 of them. An error item is such a break, not the
    /// end; the stream then subscribes anew.
    pub fn headers(&self) -> BoxStream<'static, Result<Header, Error>> {
        let heads = Heads {
            rpc: self.inner.rpc.clone(),
            subscription: None,
            last: None,
            ready: VecDeque::new(),
        };
        stream::unfold(heads, |mut heads| async move {
            let head = heads.next().await;
            Some((head, heads))
        })
        .boxed()
    }
}

impl Heads {
    async fn next(&mut self) -> Result<Header, Error> {
        loop {
            if let Some(header) = self.ready.pop_front() {
                self.last = Some(header.number);
                return Ok(header);
            }
            let subscription = match &mut self.subscription {
                Some(subscription) => subscription,
                None => self.subscription.insert(self.rpc.subscribe_heads().await?),
            };
            match subscription.stream.next().await {
                Some(Ok(json)) => {
                    const METHOD: &str = "chain_subscribeNewHeads";
                    let raw: RawHeader = serde_json::from_str(json.get())
                        .map_err(|source| answer(METHOD, source))?;
                    self.arrived(raw.read()?).await?;
                }
                Some(Err(error)) => {
                    self.subscription = None;
                    return Err(Error::Disconnected(error.into()));
                }
                None => {
                    self.subscription = None;
                    return Err(Error::Disconnected("the subscription ended".into()));
                }
            }
        }
    }

    /// Queues the head and what lies between it and the last one.
    async fn arrived(&mut self, head: Header) -> Result<(), Error> {
        let newest = head.number.value();
        let first = match self.last {
            // A fork's head of a height that was told already.
            Some(last) if newest <= last.value() => return Ok(()),
            Some(last) => (last.value() + 1).max(newest.saturating_sub(MOST_MISSED)),
            None => newest,
        };
        for number in first..newest {
            let hash = self.rpc.block_hash(Some(BlockNumber::new(number))).await?;
            self.ready.push_back(self.rpc.header(Some(hash)).await?);
        }
        self.ready.push_back(head);
        Ok(())
    }
}
