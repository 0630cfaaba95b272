//! From a submission to what became of it: nothing counts before the block's events say so.
//!
//! The node's own updates are followed while they come. When they stop (a lost connection, a node that
//! dropped the extrinsic), the chain itself is searched block by block, until the extrinsic is found,
//! its nonce is finally used by another one, or its era is over. Only the last two prove that it is
//! in no block.

use futures::StreamExt;
use futures::future::{Either, select};
use serde_json::Value as Json;
use sp_crypto_hashing::blake2_256;
use subxt::rpcs::client::RawRpcSubscription;
use tensor_core::account::AccountId;
use tensor_core::call::Value;
use tensor_core::chain::At;
use tensor_core::receipt::{Event, Receipt, Stage};
use tensor_core::{BlockNumber, Tao};

use super::Subtensor;
use super::rpc::{Hash, Hex};
use super::sign::Signed;
use crate::codec::{DispatchFailure, Phase};
use crate::error::{Error, FailedDispatch, Reason, Rejection};

/// How many breaks in a row end the search.
const MOST_BREAKS: u32 = 32;

/// A submission under way.
pub(crate) struct Sent {
    pub(crate) call: String,
    pub(crate) account: AccountId,
    pub(crate) signed: Signed,
}

/// The node's updates on a submission; `None` when the connection broke while it was sent.
pub(crate) type Updates = Option<RawRpcSubscription>;

impl Sent {
    fn hash(&self) -> Hash {
        blake2_256(&self.signed.bytes)
    }

    fn unknown(&self, source: Option<Error>) -> Error {
        let source = source.map(Into::into);
        Error::FateUnknown { extrinsic_hash: self.hash(), source }
    }
}

enum Update {
    Waiting,
    InBlock(Hash),
    Finalized(Hash),
    Gone(Reason),
    Unclear,
}

impl Subtensor {
    /// Follows a submission to its end.
    pub(crate) async fn follow(&self, sent: Sent, updates: Updates) -> Result<Receipt, Error> {
        let wait_for = self.config.wait_for;
        let Some(mut updates) = updates else {
            return self.search(&sent, None).await;
        };
        // The chain's own heads tell when a node that says nothing has said it for too long; when they
        // break, so has what it says of the submission, even if its socket does not know yet.
        let mut heads = self.headers();
        loop {
            let update = match select(updates.stream.next(), heads.next()).await {
                Either::Left((update, _)) => update,
                Either::Right((Some(Ok(head)), _)) if head.number.value() <= sent.signed.until => {
                    continue;
                }
                Either::Right(_) => break,
            };
            let Some(Ok(json)) = update else { break };
            match read_update(json.get()) {
                Update::Waiting => {}
                Update::InBlock(_) if wait_for > Stage::InBlock => {}
                Update::InBlock(block) => match self.inclusion(&sent, block).await {
                    Ok(Some(receipt)) => return Ok(receipt),
                    Err(error @ Error::Dispatch(_)) => return Err(error),
                    // Gone again, or not what the node said: what it says next is worth no more.
                    Ok(None) | Err(_) => break,
                },
                Update::Finalized(block) => match self.inclusion(&sent, block).await {
                    Ok(Some(mut receipt)) => {
                        receipt.stage = Stage::Finalized;
                        return Ok(receipt);
                    }
                    Err(Error::Dispatch(mut failed)) => {
                        failed.receipt.stage = Stage::Finalized;
                        return Err(Error::Dispatch(failed));
                    }
                    Ok(None) | Err(_) => break,
                },
                Update::Gone(reason) => return self.search(&sent, Some(reason)).await,
                Update::Unclear => break,
            }
        }
        drop(updates);
        self.search(&sent, None).await
    }

    /// Searches the chain for a submission that nobody tells of any more.
    async fn search(&self, sent: &Sent, reason: Option<Reason>) -> Result<Receipt, Error> {
        let mut heads = self.headers();
        let mut scanned = sent.signed.anchor;
        let mut breaks = 0;
        let mut last = None;
        while breaks < MOST_BREAKS {
            match heads.next().await {
                Some(Ok(head)) => match self.look(sent, &mut scanned, head.number.value()).await {
                    Ok(Look::Found(receipt)) => return Ok(receipt),
                    Ok(Look::Nowhere) => {
                        let reason = reason.unwrap_or(Reason::AncientBirthBlock);
                        let rejection = Rejection::new(reason, 0, "it is in no block");
                        return Err(Error::Rejected { call: sent.call.clone(), rejection });
                    }
                    Ok(Look::NotYet) => breaks = 0,
                    Err(error @ Error::Dispatch(_)) => return Err(error),
                    Err(error) => {
                        breaks += 1;
                        last = Some(error);
                    }
                },
                Some(Err(error)) => {
                    breaks += 1;
                    last = Some(error);
                }
                None => break,
            }
        }
        Err(sent.unknown(last))
    }

    /// Looks through the blocks up to `head` that were not looked through yet.
    async fn look(&self, sent: &Sent, scanned: &mut u64, head: u64) -> Result<Look, Error> {
        let rpc = &self.inner.rpc;
        let finalized_hash = rpc.finalized_head().await?;
        let finalized = rpc.header(Some(finalized_hash)).await?.number.value();
        let until = sent.signed.until;
        let end = if self.config.wait_for == Stage::Finalized { finalized } else { head };
        for number in *scanned + 1..=end.min(until) {
            if let Some(receipt) = self.look_in(sent, number, finalized).await? {
                return Ok(Look::Found(receipt));
            }
            *scanned = number;
        }
        // Proof that it never landed: its time is over or its nonce used, and the final blocks, which
        // may differ from those seen as heads, have it not.
        let nonce = self.at(At::Hash(finalized_hash)).account(&sent.account).await?.nonce;
        if finalized > until || nonce > sent.signed.nonce {
            for number in sent.signed.anchor + 1..=finalized.min(until) {
                if let Some(receipt) = self.look_in(sent, number, finalized).await? {
                    return Ok(Look::Found(receipt));
                }
            }
            return Ok(Look::Nowhere);
        }
        Ok(Look::NotYet)
    }

    async fn look_in(
        &self,
        sent: &Sent,
        number: u64,
        finalized: u64,
    ) -> Result<Option<Receipt>, Error> {
        let hash = self.inner.rpc.block_hash(Some(BlockNumber::new(number))).await?;
        let stage = if number <= finalized { Stage::Finalized } else { Stage::InBlock };
        match self.inclusion(sent, hash).await {
            Ok(Some(mut receipt)) => {
                receipt.stage = stage;
                Ok(Some(receipt))
            }
            Err(Error::Dispatch(mut failed)) => {
                failed.receipt.stage = stage;
                Err(Error::Dispatch(failed))
            }
            other => other,
        }
    }

    /// What the block says of the submission; `None` when it is not in it.
    async fn inclusion(&self, sent: &Sent, block: Hash) -> Result<Option<Receipt>, Error> {
        let rpc = &self.inner.rpc;
        let (header, body) = futures::try_join!(rpc.header(Some(block)), rpc.body(block))?;
        let Some(index) = body.iter().position(|bytes| *bytes == sent.signed.bytes) else {
            return Ok(None);
        };
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let records = self.at(At::Hash(block)).events().await?;
        let events: Vec<Event> = records
            .into_iter()
            .filter(|record| record.phase == Phase::ApplyExtrinsic(index))
            .map(|record| record.event)
            .collect();
        let told = |name| events.iter().any(|e| e.pallet == "System" && e.name == name);
        if !told("ExtrinsicSuccess") && !told("ExtrinsicFailed") {
            return Err(Error::decode("System.Events", "no event tells of the extrinsic"));
        }
        let runtime = self.runtime_at(Some(header.parent)).await?;
        let failure = DispatchFailure::find(&runtime.metadata, &events);
        let mut receipt = Receipt::new(Stage::InBlock, header.number, block);
        receipt.extrinsic_hash = sent.hash();
        receipt.fee = fee_paid(&events);
        receipt.events = events;
        match failure {
            None => Ok(Some(receipt)),
            Some(failure) => {
                let call = sent.call.clone();
                Err(Error::Dispatch(Box::new(FailedDispatch { call, failure, receipt })))
            }
        }
    }
}

enum Look {
    Found(Receipt),
    NotYet,
    Nowhere,
}

fn read_update(json: &str) -> Update {
    let hash = |value: &Json| {
        let hex = serde_json::from_value::<Hex>(value.clone()).ok()?;
        hex.hash("author_extrinsicUpdate").ok()
    };
    match serde_json::from_str(json) {
        Ok(Json::String(status)) => match status.as_str() {
            "dropped" => Update::Gone(Reason::Dropped),
            "invalid" => Update::Gone(Reason::Invalid),
            _ => Update::Waiting,
        },
        Ok(Json::Object(status)) => match status.iter().next() {
            Some((name, value)) => match (name.as_str(), hash(value)) {
                ("inBlock", Some(block)) => Update::InBlock(block),
                ("finalized", Some(block)) => Update::Finalized(block),
                ("usurped", _) => Update::Gone(Reason::Usurped),
                ("finalityTimeout", _) => Update::Unclear,
                // `retracted` undoes an `inBlock`: it is in the pool again.
                _ => Update::Waiting,
            },
            None => Update::Waiting,
        },
        _ => Update::Waiting,
    }
}

fn fee_paid(events: &[Event]) -> Option<Tao> {
    let paid =
        |event: &&Event| event.pallet == "TransactionPayment" && event.name == "TransactionFeePaid";
    let fee = events.iter().find(paid)?.field("actual_fee").and_then(Value::as_u64)?;
    (fee > 0).then(|| Tao::from_rao(fee))
}
