//! Root baskets: what validators' root stake is invested in, and whose it is.

use serde::{Deserialize, Serialize};
use tensor_core::call::Value;
use tensor_core::{Alpha, Coldkey, Hotkey, NetUid, Tao};

use super::super::Subtensor;
use super::fixed::Fixed;
use crate::error::Error;

/// A coldkey's part of a validator's basket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BasketPosition {
    /// The validator.
    pub hotkey: Hotkey,
    /// The coldkey's shares.
    pub beta: u64,
    /// All shares.
    pub beta_total: u64,
    /// What the whole basket would fetch.
    pub nav_tao: Tao,
    /// What the coldkey's part would fetch.
    pub value_tao: Tao,
    /// What the part is worth at the prices of the moment.
    pub spot_value_tao: Tao,
}

/// One holding of a basket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BasketHolding {
    /// The subnet.
    pub netuid: NetUid,
    /// How much of its alpha.
    pub alpha: Alpha,
    /// What it is worth at the price of the moment.
    pub spot_tao: Tao,
    /// What it would fetch.
    pub realizable_tao: Tao,
}

/// A validator's basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BasketSummary {
    /// The validator.
    pub hotkey: Hotkey,
    /// What it would fetch.
    pub nav_tao: Tao,
    /// What it is worth at the prices of the moment.
    pub spot_nav_tao: Tao,
    /// All shares.
    pub shares: u64,
    /// All that ever was put in.
    pub deposited_tao: Tao,
    /// All that ever was taken out.
    pub redeemed_tao: Tao,
    /// What it holds.
    pub holdings: Vec<BasketHolding>,
}

/// One holding in the short form: the alpha and what it would fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BasketValue {
    /// The subnet.
    pub netuid: NetUid,
    /// How much of its alpha.
    pub alpha: Alpha,
    /// What it would fetch.
    pub value: Tao,
}

/// How a basket's shares are priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BetaPricing {
    /// The validator.
    pub hotkey: Hotkey,
    /// A share's price at the prices of the moment.
    pub spot_price: Fixed<64>,
    /// A staker's price.
    pub stake_price: Fixed<64>,
    /// What a staker earned.
    pub staker_yield: Fixed<64>,
    /// What a staker earned, weighted by time.
    pub staker_twr: Fixed<64>,
    /// Whether too little is known yet.
    pub provisional: bool,
    /// What the basket is worth.
    pub spot_nav_tao: Tao,
    /// All shares.
    pub shares: u64,
}

/// A validator's basket with what its accumulator has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidatorBasket {
    /// The basket.
    pub summary: BasketSummary,
    /// Shares ever made per rao of root stake.
    pub rate: Fixed<32>,
    /// How its shares are priced, where they are.
    pub pricing: Option<BetaPricing>,
}

/// How much of a basket may be traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BasketTradingStatus {
    /// Whether baskets may be traded at all.
    pub enabled: bool,
    /// Whether this one is stopped.
    pub frozen: bool,
    /// How many blocks the budget takes to refill.
    pub refill_blocks: u64,
    /// What may be traded now.
    pub tao_available: Tao,
    /// What may be traded with a full budget.
    pub budget_tao: Tao,
}

const API: &str = "BetaBasketRuntimeApi";

/// How many prices one request asks for.
const PAGE: u32 = 256;

impl Subtensor {
    /// What all of a coldkey's parts of baskets would fetch.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn root_basket_owed(&self, coldkey: &Coldkey) -> Result<Tao, Error> {
        self.runtime_call_as(API, "get_root_basket_owed", &[(*coldkey).into()]).await
    }

    /// The same by validator: shares, and what they would fetch.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn root_basket_owed_breakdown(
        &self,
        coldkey: &Coldkey,
    ) -> Result<Vec<(Hotkey, u64, Tao)>, Error> {
        self.runtime_call_as(API, "get_root_basket_positions", &[(*coldkey).into()]).await
    }

    /// A coldkey's parts of all baskets.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn root_basket_portfolio(
        &self,
        coldkey: &Coldkey,
    ) -> Result<Vec<BasketPosition>, Error> {
        self.runtime_call_as(API, "get_root_basket_portfolio", &[(*coldkey).into()]).await
    }

    /// What all baskets together would fetch.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn root_basket_total_nav(&self) -> Result<Tao, Error> {
        self.runtime_call_as(API, "get_root_basket_total_nav", &[]).await
    }

    /// All baskets, the largest first.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn root_baskets(&self) -> Result<Vec<ValidatorBasket>, Error> {
        let chain = self.pinned().await?;
        let summaries: Vec<BasketSummary> =
            chain.runtime_call_as(API, "get_all_validator_baskets", &[]).await?;
        let keys: Vec<_> = summaries.iter().map(|basket| vec![basket.hotkey.into()]).collect();
        let (rates, pricing) = futures::try_join!(
            chain.storage_many("SubtensorModule", "BasketRate", &keys),
            chain.all_beta_pricing()
        )?;
        let mut baskets = Vec::with_capacity(summaries.len());
        for (summary, rate) in summaries.into_iter().zip(rates) {
            let rate = super::super::raw::typed("SubtensorModule", "BasketRate", rate)?;
            let pricing = pricing.iter().find(|one| one.hotkey == summary.hotkey).copied();
            baskets.push(ValidatorBasket { summary, rate, pricing });
        }
        baskets.sort_by_key(|basket| std::cmp::Reverse(basket.summary.nav_tao));
        Ok(baskets)
    }

    async fn all_beta_pricing(&self) -> Result<Vec<BetaPricing>, Error> {
        #[derive(Deserialize)]
        struct Page {
            pricing: Vec<BetaPricing>,
            next: Option<Hotkey>,
        }
        let mut all = Vec::new();
        let mut after: Option<Hotkey> = None;
        loop {
            let args = [after.into(), PAGE.into()];
            let page: Page = self.runtime_call_as(API, "get_all_beta_pricing", &args).await?;
            all.extend(page.pricing);
            match page.next {
                Some(next) if Some(next) != after => after = Some(next),
                _ => return Ok(all),
            }
        }
    }

    /// A coldkey's part of one basket.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn basket_position(
        &self,
        hotkey: &Hotkey,
        coldkey: &Coldkey,
    ) -> Result<Option<BasketPosition>, Error> {
        let args = [(*hotkey).into(), (*coldkey).into()];
        self.runtime_call_as(API, "get_basket_position", &args).await
    }

    /// How much of a validator's basket may be traded now.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn basket_trading_status(
        &self,
        hotkey: &Hotkey,
    ) -> Result<BasketTradingStatus, Error> {
        self.runtime_call_as(API, "get_basket_trading_status", &[(*hotkey).into()]).await
    }

    /// What a validator's basket holds.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn validator_basket(&self, hotkey: &Hotkey) -> Result<Vec<BasketValue>, Error> {
        let all: Vec<(NetUid, Alpha, Tao)> =
            self.runtime_call_as(API, "get_validator_basket", &[(*hotkey).into()]).await?;
        let one = |(netuid, alpha, value)| BasketValue { netuid, alpha, value };
        Ok(all.into_iter().map(one).collect())
    }

    /// What a validator's basket would fetch.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn validator_basket_nav(&self, hotkey: &Hotkey) -> Result<Tao, Error> {
        self.runtime_call_as(API, "get_validator_basket_nav", &[(*hotkey).into()]).await
    }

    /// A validator's basket with its accumulator and prices.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn validator_basket_summary(
        &self,
        hotkey: &Hotkey,
    ) -> Result<ValidatorBasket, Error> {
        let args = [Value::from(*hotkey)];
        let chain = self.pinned().await?;
        let (summary, rate, pricing) = futures::try_join!(
            chain.runtime_call_as(API, "get_validator_basket_summary", &args),
            chain.storage_as("SubtensorModule", "BasketRate", &args),
            chain.runtime_call_as(API, "get_beta_pricing", &args)
        )?;
        Ok(ValidatorBasket { summary, rate, pricing })
    }

    /// From how much on root dividends of a subnet are claimed.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn root_claim_threshold(&self, netuid: NetUid) -> Result<Fixed<32>, Error> {
        self.storage_as("SubtensorModule", "RootClaimableThreshold", &[netuid.into()]).await
    }
}
