//! The outcome in numbers, as `--report` writes it. Amounts are integers: rao, or alpha units.

use serde::Serialize;

use super::cast::Kind;

/// Everything that came of a run, read back from the chain.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The subnet.
    pub netuid: u16,
    /// Epochs that the subnet ran.
    pub epochs: u64,
    /// The height of the chain.
    pub blocks: u64,
    /// Where all TAO is.
    pub tao: TaoLedger,
    /// Where all of the subnet's alpha is.
    pub alpha: AlphaLedger,
    /// Who did the work.
    pub miners: Vec<Neuron>,
    /// Who judged it.
    pub validators: Vec<Neuron>,
    /// Who owns the subnet.
    pub owner: Owner,
    /// Signed requests of validators and front door.
    pub requests: Requests,
    /// Who paid for it.
    pub customer: Customer,
}

/// TAO in rao.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct TaoLedger {
    /// `Balances.TotalIssuance`.
    pub issuance: u64,
    /// What all accounts hold, subnet accounts included, the burn account not.
    pub accounts: u64,
    /// What the burn account holds: still issued, out of reach.
    pub burned: u64,
    /// Minted since genesis.
    pub minted: u64,
    /// Destroyed since genesis, to be minted again.
    pub recycled: u64,
    /// The issuance of genesis.
    pub genesis: u64,
}

impl TaoLedger {
    /// Whether every rao is where it should be.
    pub fn closes(&self) -> bool {
        let held = u128::from(self.accounts) + u128::from(self.burned);
        held == u128::from(self.issuance)
            && u128::from(self.genesis) + u128::from(self.minted)
                == u128::from(self.issuance) + u128::from(self.recycled)
    }
}

/// Alpha of the subnet, in its smallest unit.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AlphaLedger {
    /// `SubnetAlphaOut`: all that is outstanding.
    pub out: u64,
    /// Staked to hotkeys.
    pub held: u64,
    /// Waiting for the next epoch.
    pub pending: u64,
    /// Bought by the protocol with excess TAO.
    pub protocol: u64,
    /// Outstanding and nobody's: truncation, withheld owner incentive, unsold root share.
    pub leaked: u64,
}

impl AlphaLedger {
    /// Whether every unit is where it should be.
    pub fn closes(&self) -> bool {
        let parts = [self.held, self.pending, self.protocol, self.leaked].map(u128::from);
        parts.iter().sum::<u128>() == u128::from(self.out)
    }
}

/// One miner or validator.
#[derive(Clone, Debug, Serialize)]
pub struct Neuron {
    /// Its slot.
    pub uid: u16,
    /// Its hotkey, SS58.
    pub hotkey: String,
    /// What it is: a [`Kind`], or `validator`.
    pub kind: String,
    /// The last epoch's incentive, 65,535 being all of it.
    pub incentive_u16: u16,
    /// Alpha earned, which is stake that was not bought.
    pub earned_alpha: u64,
    /// What that is worth at the pool's price, in rao.
    pub value_rao: u64,
}

impl Neuron {
    /// Whether it was a miner that did its work.
    pub fn is_honest_miner(&self) -> bool {
        let honest = [Kind::Large, Kind::Medium, Kind::Small];
        honest.iter().any(|kind| kind.to_string() == self.kind)
    }
}

/// The subnet's owner.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Owner {
    /// Alpha earned as the owner's cut.
    pub earned_alpha: u64,
    /// What that is worth at the pool's price, in rao.
    pub value_rao: u64,
}

/// Signed requests.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Requests {
    /// Sent by validators to miners.
    pub sent: u64,
    /// Answered with success.
    pub ok: u64,
    /// Refused, too late, or never answered.
    pub failed: u64,
}

/// The customer.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Customer {
    /// What it transferred to the validator, in rao.
    pub paid_rao: u64,
    /// Lines it wanted analysed.
    pub lines: u64,
    /// Lines that were.
    pub labelled: u64,
}

/// A promise of the run that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// TAO appeared or vanished.
    #[error("the TAO ledger does not close")]
    Tao,
    /// Alpha appeared or vanished.
    #[error("the alpha ledger does not close")]
    Alpha,
    /// Cheating paid.
    #[error("{cheat} earned {earned} alpha units, as much as an honest miner's {least}")]
    CheatPaid {
        /// The kind of cheat.
        cheat: String,
        /// What it earned.
        earned: u64,
        /// What the least honest miner earned.
        least: u64,
    },
    /// Lines were paid for and not analysed.
    #[error("{labelled} of {lines} lines were analysed")]
    Unserved {
        /// Analysed.
        labelled: u64,
        /// Wanted.
        lines: u64,
    },
}

impl Report {
    /// What does not hold. Miners in `excused` were stopped by the user and do not count as honest.
    pub fn broken(&self, excused: &[String]) -> Vec<Broken> {
        let mut broken = Vec::new();
        if !self.tao.closes() {
            broken.push(Broken::Tao);
        }
        if !self.alpha.closes() {
            broken.push(Broken::Alpha);
        }
        let honest = self.miners.iter().filter(|miner| miner.is_honest_miner());
        let honest = honest.filter(|miner| !excused.contains(&miner.hotkey));
        if let Some(least) = honest.map(|miner| miner.earned_alpha).min() {
            let cheats = self.miners.iter().filter(|miner| !miner.is_honest_miner());
            let paid = cheats.filter(|cheat| cheat.earned_alpha >= least);
            broken.extend(paid.map(|cheat| Broken::CheatPaid {
                cheat: cheat.kind.clone(),
                earned: cheat.earned_alpha,
                least,
            }));
        }
        let Customer { lines, labelled, .. } = self.customer;
        if labelled < lines {
            broken.push(Broken::Unserved { labelled, lines });
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neuron(kind: &str, earned: u64) -> Neuron {
        Neuron {
            uid: 0,
            hotkey: format!("key of {kind}"),
            kind: kind.into(),
            incentive_u16: 0,
            earned_alpha: earned,
            value_rao: 0,
        }
    }

    fn report() -> Report {
        Report {
            netuid: 1,
            epochs: 3,
            blocks: 40,
            tao: TaoLedger {
                issuance: 12,
                accounts: 10,
                burned: 2,
                minted: 5,
                recycled: 3,
                genesis: 10,
            },
            alpha: AlphaLedger { out: 10, held: 4, pending: 3, protocol: 2, leaked: 1 },
            miners: vec![neuron("large", 5), neuron("small", 3), neuron("random", 2)],
            validators: Vec::new(),
            owner: Owner { earned_alpha: 0, value_rao: 0 },
            requests: Requests::default(),
            customer: Customer { paid_rao: 1, lines: 2, labelled: 2 },
        }
    }

    #[test]
    fn a_good_run_breaks_nothing() {
        assert_eq!(report().broken(&[]), []);
    }

    #[test]
    fn every_promise_is_checked() {
        let mut bad = report();
        bad.tao.accounts += 1;
        bad.alpha.leaked += 1;
        bad.miners[2].earned_alpha = 3;
        bad.customer.labelled = 1;
        let cheat = Broken::CheatPaid { cheat: "random".into(), earned: 3, least: 3 };
        let unserved = Broken::Unserved { labelled: 1, lines: 2 };
        assert_eq!(bad.broken(&[]), [Broken::Tao, Broken::Alpha, cheat, unserved]);
        let mut minted = report();
        minted.tao.minted += 1;
        assert_eq!(minted.broken(&[]), [Broken::Tao]);
    }

    #[test]
    fn a_stopped_miner_is_excused() {
        let mut stopped = report();
        stopped.miners[1].earned_alpha = 1;
        assert_eq!(stopped.broken(&["key of small".into()]), []);
        assert_eq!(stopped.broken(&[]).len(), 1);
    }
}
