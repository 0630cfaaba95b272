//! What was paid, from the events of a block.

use async_trait::async_trait;
use tensor_chain::Subtensor;
use tensor_core::call::Value;
use tensor_core::chain::At;
use tensor_core::{AccountId, BoxError, Tao};

use super::super::front::Payments;

/// Looks for transfers in a block's events.
pub(super) struct OnChain(pub(super) Subtensor);

#[async_trait]
impl Payments for OnChain {
    async fn paid(&self, block: [u8; 32], from: AccountId, to: AccountId) -> Result<Tao, BoxError> {
        let events = self.0.at(At::Hash(block)).events().await?;
        let transfers = events.iter().map(|record| &record.event).filter(|event| {
            let account = |at: usize| event.fields.get(at).and_then(|(_, v)| v.as_account());
            (event.pallet.as_str(), event.name.as_str()) == ("Balances", "Transfer")
                && account(0) == Some(from)
                && account(1) == Some(to)
        });
        let amounts = transfers
            .filter_map(|event| event.fields.get(2).map(|(_, v)| v).and_then(Value::as_u64));
        Ok(Tao::from_rao(amounts.sum()))
    }
}
