//! A validator's front door: customers order, pay on chain, and get their feedback analysed by the
//! best miners.
//!
//! Two synapses over the same signed HTTP: [`Order`] answers with an invoice, [`Analyse`] presents the
//! payment (a block that holds the transfer) and the lines.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tensor_core::miner::{Caller, Miner, Reject, Synapse};
use tensor_core::transport::{Endpoint, Request, Response, Transport};
use tensor_core::{AccountId, BoxError, Coldkey, Hotkey, Tao};

use super::ranking::Ranking;
use super::sentiment::{Label, Scores, Sentiment};

/// What one line costs.
pub const PRICE: Tao = Tao::from_rao(1_000_000);
/// The most lines of one order.
pub const MAX_ORDER: u32 = 1_000_000;
/// The most lines of one [`Analyse`], and of the requests that are made of it.
pub const CHUNK: usize = 64;
/// Orders that are open at once; more are refused until some are done.
const MAX_OPEN: usize = 1024;
const BODY_LIMIT: usize = 4 << 20;

/// Asks for an invoice.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// How many lines shall be analysed.
    pub lines: u32,
}

/// What to pay, to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// Names the order.
    pub order: u64,
    /// The coldkey to pay.
    pub to: Coldkey,
    /// The price of all lines, in rao.
    pub amount: Tao,
}

impl Synapse for Order {
    const NAME: &'static str = "Order";
    type Answer = Invoice;
}

/// Presents the payment and asks for work; an order may be used up in several requests.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Analyse {
    /// The order.
    pub order: u64,
    /// The hash of the block that holds the transfer, in hex.
    pub paid_in: String,
    /// At most [`CHUNK`] lines.
    pub lines: Vec<String>,
}

impl Synapse for Analyse {
    const NAME: &'static str = "Analyse";
    type Answer = Vec<Verdict>;
}

/// What came out for one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The likeliest label.
    pub label: Label,
    /// How likely each label is.
    pub scores: Scores,
    /// Who analysed it.
    pub miner: Hotkey,
    /// The request in which it was analysed.
    pub request: String,
}

/// Looks at the chain for payments.
#[async_trait]
pub trait Payments: Send + Sync {
    /// What `from` transferred to `to` in that block.
    ///
    /// # Errors
    /// When the block cannot be read.
    async fn paid(&self, block: [u8; 32], from: AccountId, to: AccountId) -> Result<Tao, BoxError>;
}

/// The front door of one validator.
pub struct FrontDoor {
    name: String,
    coldkey: Coldkey,
    payments: Arc<dyn Payments>,
    transport: Arc<dyn Transport>,
    ranking: Ranking,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    next: u64,
    open: HashMap<u64, Open>,
    /// Blocks whose payment by that account went into an order already.
    used: HashMap<([u8; 32], AccountId), u64>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    customer: AccountId,
    lines_left: u32,
    amount: Tao,
}

impl FrontDoor {
    /// A front door that charges for `coldkey` and asks miners by `ranking`.
    pub fn new(
        name: impl Into<String>,
        coldkey: Coldkey,
        payments: Arc<dyn Payments>,
        transport: Arc<dyn Transport>,
        ranking: Ranking,
    ) -> Self {
        let books = Mutex::default();
        Self { name: name.into(), coldkey, payments, transport, ranking, books }
    }

    fn order(&self, customer: AccountId, order: &Order) -> Result<Invoice, Reject> {
        if order.lines == 0 || order.lines > MAX_ORDER {
            return Err(Reject::BadRequest(format!("an order has 1 to {MAX_ORDER} lines")));
        }
        let amount = PRICE.rao().checked_mul(order.lines.into()).map(Tao::from_rao);
        let amount = amount.ok_or_else(|| Reject::BadRequest("the price overflows".into()))?;
        let mut books = self.books();
        if books.open.len() >= MAX_OPEN {
            return Err(Reject::Busy { retry_after: std::time::Duration::from_secs(10) });
        }
        books.next += 1;
        let id = books.next;
        books.open.insert(id, Open { customer, lines_left: order.lines, amount });
        Ok(Invoice { order: id, to: self.coldkey, amount })
    }

    async fn analyse(&self, customer: AccountId, ask: Analyse) -> Result<Vec<Verdict>, Reject> {
        let count = u32::try_from(ask.lines.len()).unwrap_or(u32::MAX);
        if ask.lines.is_empty() || ask.lines.len() > CHUNK {
            return Err(Reject::BadRequest(format!("1 to {CHUNK} lines at once")));
        }
        let open = self.books().open.get(&ask.order).copied();
        let Some(open) = open.filter(|open| open.customer == customer) else {
            return Err(Reject::Forbidden("no such order of yours".into()));
        };
        let Some(lines_left) = open.lines_left.checked_sub(count) else {
            return Err(Reject::Forbidden("the order is used up".into()));
        };
        self.check_payment(customer, &ask, open.amount).await?;
        let verdicts = self.label(ask.order, lines_left, &ask.lines).await?;
        // Charged only now: lines that nobody could analyse stay the customer's.
        let mut books = self.books();
        match lines_left {
            0 => drop(books.open.remove(&ask.order)),
            _ => drop(books.open.insert(ask.order, Open { lines_left, ..open })),
        }
        Ok(verdicts)
    }

    async fn check_payment(
        &self,
        customer: AccountId,
        ask: &Analyse,
        amount: Tao,
    ) -> Result<(), Reject> {
        let mut block = [0; 32];
        hex::decode_to_slice(ask.paid_in.trim_start_matches("0x"), &mut block)
            .map_err(|_| Reject::BadRequest("paid_in is no block hash".into()))?;
        if let Some(order) = self.books().used.get(&(block, customer)) {
            return match *order == ask.order {
                true => Ok(()),
                false => Err(Reject::Forbidden("that payment was for another order".into())),
            };
        }
        let to = self.coldkey.account();
        let paid = self.payments.paid(block, customer, to).await.map_err(Reject::Internal)?;
        if paid < amount {
            return Err(Reject::Forbidden(format!("{amount} are due, {paid} were paid there")));
        }
        let mut books = self.books();
        match *books.used.entry((block, customer)).or_insert(ask.order) == ask.order {
            true => Ok(()),
            false => Err(Reject::Forbidden("that payment was for another order".into())),
        }
    }

    /// Asks the miners, best first, until one answers soundly.
    async fn label(
        &self,
        order: u64,
        lines_left: u32,
        lines: &[String],
    ) -> Result<Vec<Verdict>, Reject> {
        let ask = Sentiment { lines: lines.to_vec() };
        let body = serde_json::to_vec(&ask).map_err(|error| Reject::Internal(error.into()))?;
        for (attempt, miner) in self.ranking.best_first().into_iter().enumerate() {
            let request = format!("{}-{order}-{lines_left}-{attempt}", self.name);
            if let Some(scores) = self.ask(&miner.endpoint, body.clone(), lines.len()).await {
                let verdict = |scores: Scores| Verdict {
                    label: scores.label(),
                    scores,
                    miner: miner.endpoint.hotkey,
                    request: request.clone(),
                };
                return Ok(scores.into_iter().map(verdict).collect());
            }
        }
        Err(Reject::Busy { retry_after: std::time::Duration::from_secs(1) })
    }

    async fn ask(&self, to: &Endpoint, body: Vec<u8>, count: usize) -> Option<Vec<Scores>> {
        let request =
            Request::synapse(Sentiment::NAME, body).with_timeout(std::time::Duration::from_secs(4));
        let response = self.transport.send(to, request).await.ok()?;
        if !response.is_success() {
            return None;
        }
        let body = response.body.bytes(BODY_LIMIT).await.ok()?;
        let scores: Vec<Scores> = serde_json::from_slice(&body).ok()?;
        (scores.len() == count && scores.iter().all(Scores::is_sound)).then_some(scores)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for FrontDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrontDoor").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl Miner for FrontDoor {
    async fn handle(&self, caller: &Caller, request: Request) -> Result<Response, Reject> {
        let customer = caller.hotkey.account();
        match request.name() {
            Order::NAME => respond(&self.order(customer, &read(request).await?)?),
            Analyse::NAME => respond(&self.analyse(customer, read(request).await?).await?),
            other => Err(Reject::UnknownSynapse(other.to_owned())),
        }
    }
}

async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Reject> {
    let body = request.body.bytes(BODY_LIMIT).await;
    let body = body.map_err(|error| Reject::BadRequest(error.to_string()))?;
    serde_json::from_slice(&body).map_err(|error| Reject::BadRequest(error.to_string()))
}

fn respond(answer: &impl Serialize) -> Result<Response, Reject> {
    serde_json::to_vec(answer).map(Response::ok).map_err(|error| Reject::Internal(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use tensor_core::key::Scheme;
    use tensor_core::testing::LoopbackTransport;

    /// A chain on which one account paid once.
    struct Paid([u8; 32], AccountId, Tao);

    #[async_trait]
    impl Payments for Paid {
        async fn paid(
            &self,
            block: [u8; 32],
            from: AccountId,
            _: AccountId,
        ) -> Result<Tao, BoxError> {
            Ok(if (block, from) == (self.0, self.1) { self.2 } else { Tao::ZERO })
        }
    }

    fn customer() -> Caller {
        Caller::new(Hotkey::from_bytes([1; 32]), Scheme::Sr25519, "test")
    }

    fn door() -> FrontDoor {
        let paid = Paid([5; 32], customer().hotkey.account(), Tao::from_rao(2 * PRICE.rao()));
        let transport = LoopbackTransport::new(Hotkey::from_bytes([9; 32]), Scheme::Sr25519);
        let coldkey = Coldkey::from_bytes([8; 32]);
        FrontDoor::new("v", coldkey, Arc::new(paid), Arc::new(transport), Ranking::default())
    }

    fn call<S: Synapse>(door: &FrontDoor, ask: &S) -> Result<Response, Reject> {
        let request = Request::synapse(S::NAME, serde_json::to_vec(ask).unwrap());
        block_on(door.handle(&customer(), request))
    }

    fn analyse(order: u64, block: u8, lines: usize) -> Analyse {
        Analyse { order, paid_in: hex::encode([block; 32]), lines: vec!["x".into(); lines] }
    }

    #[test]
    fn nothing_is_analysed_unpaid() {
        let door = door();
        call(&door, &Order { lines: 2 }).unwrap();
        let refused = |ask| call(&door, &ask).unwrap_err().status();
        assert_eq!(refused(analyse(1, 4, 1)), 403);
        assert_eq!(refused(analyse(2, 5, 1)), 403);
        assert_eq!(refused(analyse(1, 5, 3)), 403);
        // Paid, but nobody is there to do it: that is not the customer's fault.
        assert_eq!(refused(analyse(1, 5, 2)), 503);
    }

    #[test]
    fn a_payment_counts_once() {
        let door = door();
        call(&door, &Order { lines: 1 }).unwrap();
        call(&door, &Order { lines: 1 }).unwrap();
        assert_eq!(call(&door, &analyse(1, 5, 1)).unwrap_err().status(), 503);
        assert_eq!(call(&door, &analyse(2, 5, 1)).unwrap_err().status(), 403);
    }

    #[test]
    fn orders_are_bounded() {
        let door = door();
        assert_eq!(call(&door, &Order { lines: 0 }).unwrap_err().status(), 400);
        for _ in 0..MAX_OPEN {
            call(&door, &Order { lines: 1 }).unwrap();
        }
        assert_eq!(call(&door, &Order { lines: 1 }).unwrap_err().status(), 503);
    }
}
