//! Alpha prices and what a swap would give.

use parity_scale_codec::Encode;
use tensor_yuma::fixed::U64F64;
use tensor_yuma::pool::Order;

use super::View;

/// `SimSwapResult`: TAO and alpha, the fees in each, what the price's movement costs in each.
type Simulation = (u64, u64, u64, u64, u64, u64);

impl View<'_> {
    /// Rao per alpha, floored.
    pub(super) fn rao_price(&self, netuid: u16) -> u64 {
        let price = self.runtime.alpha_price(self.state, netuid);
        price.saturating_mul(U64F64::from_int(1_000_000_000)).to_u64()
    }

    pub(super) fn rao_prices(&self) -> Vec<u8> {
        let netuids = self.runtime.netuids(self.state);
        let prices: Vec<(u16, u64)> =
            netuids.into_iter().map(|netuid| (netuid, self.rao_price(netuid))).collect();
        prices.encode()
    }

    /// Buying alpha for `tao` rao; zeros if the pool refuses.
    pub(super) fn simulate_buy(&self, netuid: u16, tao: u64) -> Vec<u8> {
        let pool = self.runtime.pool(self.state, netuid);
        let ideal = U64F64::from_int(tao).safe_div(pool.price()).to_u64();
        let result: Simulation = pool.quote(&Order::buy(tao)).map_or_else(
            |_| Simulation::default(),
            |quote| {
                let lost = ideal.saturating_sub(quote.paid_out);
                (quote.paid_in, quote.paid_out, quote.fee, 0, 0, lost)
            },
        );
        result.encode()
    }

    /// Selling `alpha`; zeros if the pool refuses.
    pub(super) fn simulate_sale(&self, netuid: u16, alpha: u64) -> Vec<u8> {
        let pool = self.runtime.pool(self.state, netuid);
        let ideal = pool.price().saturating_mul(U64F64::from_int(alpha)).to_u64();
        let result: Simulation = pool.quote(&Order::sell(alpha)).map_or_else(
            |_| Simulation::default(),
            |quote| {
                let lost = ideal.saturating_sub(quote.paid_out);
                (quote.paid_out, quote.paid_in, 0, quote.fee, lost, 0)
            },
        );
        result.encode()
    }
}
