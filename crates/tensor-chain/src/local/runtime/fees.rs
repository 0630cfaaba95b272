//! Who pays a transaction's fee, and with what: TAO, or alpha of the position that the call is about (chain rules 1.7, 1.8).

use parity_scale_codec::Decode;

use super::ctx::Ctx;
use super::dispatch::DecodedCall;
use super::pool::ANY_SALE;
use super::{Account, InvalidTransaction, Runtime};
use crate::local::state::State;

/// A fee that was taken before the call, to be settled after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a fee that is taken must be settled"]
pub struct Charge {
    payer: Account,
    /// Rao withdrawn. A fee in alpha is final when it is taken.
    rao: u64,
}

impl Charge {
    /// Who paid.
    #[must_use]
    pub fn payer(&self) -> Account {
        self.payer
    }
}

impl Runtime {
    /// Takes the fee of a call that `who` signed: from the account that pays for it, in TAO or else in alpha.
    ///
    /// # Errors
    /// [`InvalidTransaction::Payment`] when neither covers it.
    pub fn charge_fee(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        call: &DecodedCall<'_>,
        fee: u64,
    ) -> Result<Charge, InvalidTransaction> {
        let payer = self.fee_payer(cx.state, who, call);
        match self.withdraw_fee(cx, &payer, fee) {
            Ok(()) => Ok(Charge { payer, rao: fee }),
            Err(error) => {
                let (hotkey, netuid) = self.alpha_that_pays(cx.state, who, call).ok_or(error)?;
                cx.transact(|cx| self.charge_alpha(cx, who, &hotkey, netuid, fee))
                    .map_err(|()| error)?;
                Ok(Charge { payer: *who, rao: 0 })
            }
        }
    }

    /// Settles a charge once the call is done: gives back what `actual` does not need, pays the author, and deposits `TransactionFeePaid`.
    pub fn settle_charge(&self, cx: &mut Ctx<'_>, charge: Charge, actual: u64, tip: u64) {
        self.settle_fee(cx, &charge.payer, charge.rao, actual, tip);
    }

    /// Sells as much alpha as is worth the fee; without an author nobody would get it, and nothing is taken.
    fn charge_alpha(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        hotkey: &Account,
        netuid: u16,
        fee: u64,
    ) -> Result<(), ()> {
        let position = self.stake(cx.state, hotkey, who, netuid);
        let price = self.alpha_price(cx.state, netuid).to_bits();
        let alpha = (u128::from(fee) << 64).checked_div(price).unwrap_or(0);
        let alpha = u64::try_from(alpha).map_err(drop)?;
        if alpha > position || position == 0 {
            return Err(());
        }
        let alpha = if alpha == 0 { position } else { alpha };
        let Some(author) = cx.author else { return Ok(()) };
        if !self.decrease_stake(cx, hotkey, who, netuid, alpha) {
            return Err(());
        }
        let quote = self.sell_alpha(cx, netuid, alpha, ANY_SALE, true).map_err(drop)?;
        let unsold = alpha.saturating_sub(quote.total_in());
        if unsold > 0 {
            self.increase_stake(cx, hotkey, who, netuid, unsold);
        }
        self.transfer_from_subnet(cx, netuid, &author, quote.paid_out).map_err(drop)?;
        self.record_outflow(cx, netuid, quote.paid_out);
        cx.emit(self.events.fee_paid_with_alpha, (*who, netuid, alpha, quote.paid_out));
        Ok(())
    }

    /// The one position that a call reduces, whose alpha may pay for it.
    fn alpha_that_pays(
        &self,
        state: &State,
        who: &Account,
        call: &DecodedCall<'_>,
    ) -> Option<(Account, u16)> {
        let mut args = call.args;
        let ("SubtensorModule", name) = self.name_of(call)? else { return None };
        match name {
            "remove_stake"
            | "remove_stake_limit"
            | "remove_stake_full_limit"
            | "swap_stake"
            | "swap_stake_limit" => <(Account, u16)>::decode(&mut args).ok(),
            "recycle_alpha" | "burn_alpha" => {
                let (hotkey, _, netuid) = <(Account, u64, u16)>::decode(&mut args).ok()?;
                Some((hotkey, netuid))
            }
            "move_stake" => {
                let (hotkey, _, netuid) = <(Account, Account, u16)>::decode(&mut args).ok()?;
                Some((hotkey, netuid))
            }
            "transfer_stake" => {
                let (_, hotkey, netuid) = <(Account, Account, u16)>::decode(&mut args).ok()?;
                Some((hotkey, netuid))
            }
            "unstake_all" | "unstake_all_alpha" => {
                let hotkey = Account::decode(&mut args).ok()?;
                let with_root = name == "unstake_all";
                let mut staked = self
                    .netuids(state)
                    .into_iter()
                    .filter(|netuid| with_root || *netuid != 0)
                    .filter(|netuid| self.stake(state, &hotkey, who, *netuid) > 0);
                let only = staked.next()?;
                staked.next().is_none().then_some((hotkey, only))
            }
            _ => None,
        }
    }
}
