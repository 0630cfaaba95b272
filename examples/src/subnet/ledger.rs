//! Reading the outcome back from the chain. Nothing here is remembered: balances, stakes, issuance and
//! events come from storage, at one block.

use std::collections::HashMap;

use tensor_chain::local::LocalChain;
use tensor_chain::{Error, Subtensor};
use tensor_core::call::Value;
use tensor_core::chain::At;
use tensor_core::{AccountId, BlockNumber, Hotkey, Metagraph, NetUid, Tao};

use super::cast::{Cast, Person};
use super::report::{AlphaLedger, Customer, Neuron, Owner, Report, Requests, TaoLedger};

/// The account to which burned TAO goes.
const BURN_ACCOUNT: &[u8] = b"modlburntnsr";

/// What the story knows and the chain does not.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// Signed requests.
    pub requests: Requests,
    /// Lines the customer wanted analysed.
    pub lines: u64,
    /// Lines that were.
    pub labelled: u64,
}

/// Reads the whole outcome at the newest block.
///
/// # Errors
/// [`Error`] when something cannot be read.
pub async fn outcome(
    subtensor: &Subtensor,
    chain: &LocalChain,
    netuid: NetUid,
    cast: &Cast,
    told: Told,
) -> Result<Report, Error> {
    let subtensor = subtensor.pinned().await?;
    let head = subtensor.block_number().await?;
    let graph = subtensor.metagraph(netuid).await?;
    let history = History::read(&subtensor, head, netuid).await?;
    let price = price(&subtensor, netuid).await?;
    let reader = Reader { subtensor: &subtensor, netuid, graph: &graph, history: &history, price };

    let mut miners = Vec::new();
    for (person, kind) in &cast.miners {
        miners.push(reader.neuron(person, &kind.to_string()).await?);
    }
    let mut validators = Vec::new();
    for person in &cast.validators {
        validators.push(reader.neuron(person, "validator").await?);
    }
    let owner = reader.neuron(&cast.owner, "owner").await?;
    let payer = cast.customer.hotkey.account_id();
    let payees: Vec<_> = cast.validators.iter().map(Person::coldkey_account).collect();
    Ok(Report {
        netuid: netuid.value(),
        epochs: epochs_since_start(&subtensor, netuid).await?,
        blocks: head.value(),
        tao: tao(&subtensor, chain).await?,
        alpha: alpha(&subtensor, chain, netuid).await?,
        miners,
        validators,
        owner: Owner { earned_alpha: owner.earned_alpha, value_rao: owner.value_rao },
        requests: told.requests,
        customer: Customer {
            paid_rao: history.transferred(payer, &payees),
            lines: told.lines,
            labelled: told.labelled,
        },
    })
}

/// Epochs that the subnet ran since it was started.
///
/// # Errors
/// [`Error`] when something cannot be read.
pub async fn epochs_since_start(subtensor: &Subtensor, netuid: NetUid) -> Result<u64, Error> {
    let index = |at: Subtensor| async move {
        at.storage_as::<u64>("SubtensorModule", "SubnetEpochIndex", &[netuid.into()]).await
    };
    let started: Option<u64> = subtensor
        .storage_as("SubtensorModule", "FirstEmissionBlockNumber", &[netuid.into()])
        .await?;
    let Some(started) = started else { return Ok(0) };
    let before = subtensor.at(At::Number(BlockNumber::new(started.saturating_sub(1))));
    Ok(index(subtensor.clone()).await?.saturating_sub(index(before).await?))
}

/// The price of one alpha in rao.
///
/// # Errors
/// [`Error`] when it cannot be read.
pub async fn price(subtensor: &Subtensor, netuid: NetUid) -> Result<u64, Error> {
    subtensor.runtime_call_as("SwapRuntimeApi", "current_alpha_price", &[netuid.into()]).await
}

struct Reader<'a> {
    subtensor: &'a Subtensor,
    netuid: NetUid,
    graph: &'a Metagraph,
    history: &'a History,
    price: u64,
}

impl Reader<'_> {
    async fn neuron(&self, person: &Person, kind: &str) -> Result<Neuron, Error> {
        let hotkey = person.hot();
        let keys = [hotkey.into(), self.netuid.into()];
        let stake: u64 =
            self.subtensor.storage_as("SubtensorModule", "TotalHotkeyAlpha", &keys).await?;
        let earned = stake.saturating_sub(self.history.bought(&hotkey));
        let value = u128::from(earned) * u128::from(self.price) / 1_000_000_000;
        let neuron = self.graph.by_hotkey(&hotkey);
        Ok(Neuron {
            uid: neuron.map_or(u16::MAX, |neuron| neuron.uid.value()),
            hotkey: hotkey.to_string(),
            kind: kind.to_owned(),
            incentive_u16: neuron.map_or(0, |neuron| neuron.incentive.bits()),
            earned_alpha: earned,
            value_rao: u64::try_from(value).unwrap_or(u64::MAX),
        })
    }
}

/// What the events of all blocks say.
#[derive(Debug, Default)]
struct History {
    bought: HashMap<Hotkey, u64>,
    transfers: Vec<(AccountId, AccountId, Tao)>,
}

impl History {
    async fn read(subtensor: &Subtensor, head: BlockNumber, netuid: NetUid) -> Result<Self, Error> {
        let mut history = Self::default();
        for number in 1..=head.value() {
            let at = subtensor.at(At::Number(BlockNumber::new(number)));
            for record in at.events().await? {
                history.note(&record.event, netuid);
            }
        }
        Ok(history)
    }

    fn note(&mut self, event: &tensor_core::receipt::Event, netuid: NetUid) {
        let field = |place: usize| event.fields.get(place).map(|(_, value)| value);
        match (event.pallet.as_str(), event.name.as_str()) {
            // coldkey, hotkey, TAO, alpha, netuid, fee
            ("SubtensorModule", "StakeAdded")
                if field(4).and_then(Value::as_u64) == Some(netuid.value().into()) =>
            {
                let hotkey = field(1).and_then(Value::as_account);
                let alpha = field(3).and_then(Value::as_u64);
                if let (Some(hotkey), Some(alpha)) = (hotkey, alpha) {
                    *self.bought.entry(Hotkey::new(hotkey)).or_default() += alpha;
                }
            }
            // from, to, amount
            ("Balances", "Transfer") => {
                let from = field(0).and_then(Value::as_account);
                let to = field(1).and_then(Value::as_account);
                let amount = field(2).and_then(Value::as_u64);
                if let (Some(from), Some(to), Some(amount)) = (from, to, amount) {
                    self.transfers.push((from, to, Tao::from_rao(amount)));
                }
            }
            _ => {}
        }
    }

    fn bought(&self, hotkey: &Hotkey) -> u64 {
        self.bought.get(hotkey).copied().unwrap_or_default()
    }

    fn transferred(&self, payer: AccountId, payees: &[AccountId]) -> u64 {
        let to =
            self.transfers.iter().filter(|(from, to, _)| *from == payer && payees.contains(to));
        to.map(|(_, _, amount)| amount.rao()).sum()
    }
}

async fn tao(subtensor: &Subtensor, chain: &LocalChain) -> Result<TaoLedger, Error> {
    let issuance =
        |at: Subtensor| async move { at.storage_as::<u64>("Balances", "TotalIssuance", &[]).await };
    let mut burn_account = [0; 32];
    burn_account[..BURN_ACCOUNT.len()].copy_from_slice(BURN_ACCOUNT);
    let (mut accounts, mut burned) = (0, 0);
    for (keys, account) in subtensor.storage_map("System", "Account", &[]).await? {
        let part = |name| account.field("data").and_then(|data| data.field(name)?.as_u64());
        let total = part("free").unwrap_or_default() + part("reserved").unwrap_or_default();
        match keys.first().and_then(Value::as_account) {
            Some(who) if *who.as_bytes() == burn_account => burned += total,
            _ => accounts += total,
        }
    }
    // Storage of the chain has no record of what was minted and destroyed; the local chain counts it
    // in its own state, block by block.
    let genesis = issuance(subtensor.at(At::Number(BlockNumber::new(0)))).await?;
    let counted = chain.tao_ledger();
    let narrow = |amount: u128| u64::try_from(amount).unwrap_or(u64::MAX);
    Ok(TaoLedger {
        issuance: issuance(subtensor.clone()).await?,
        accounts,
        burned,
        minted: narrow(counted.minted.saturating_sub(genesis.into())),
        recycled: narrow(counted.recycled + counted.dust),
        genesis,
    })
}

async fn alpha(
    subtensor: &Subtensor,
    chain: &LocalChain,
    netuid: NetUid,
) -> Result<AlphaLedger, Error> {
    let item = |name: &'static str| async move {
        subtensor.storage_as::<u64>("SubtensorModule", name, &[netuid.into()]).await
    };
    let mut pending = 0;
    for name in [
        "PendingServerEmission",
        "PendingValidatorEmission",
        "PendingRootAlphaDivs",
        "PendingOwnerCut",
    ] {
        pending += item(name).await?;
    }
    let mut held = 0;
    for (keys, stake) in subtensor.storage_map("SubtensorModule", "TotalHotkeyAlpha", &[]).await? {
        if keys.get(1).and_then(Value::as_u64) == Some(netuid.value().into()) {
            held += stake.as_u64().unwrap_or_default();
        }
    }
    let leaked = chain.alpha_ledger(netuid).stranded.total();
    Ok(AlphaLedger {
        out: item("SubnetAlphaOut").await?,
        held,
        pending,
        protocol: item("SubnetProtocolAlpha").await?,
        leaked: u64::try_from(leaked).unwrap_or(u64::MAX),
    })
}
