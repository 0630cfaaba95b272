//! Starting those who play: miners, validators, the front door and its customer.

use std::sync::Arc;

use futures::StreamExt;
use tensor_core::NetUid;
use tensor_core::chain::{Chain, ChainError};
use tensor_core::drive::{Driver, Options, Presence, Step};
use tensor_core::transport::{Endpoint, Transport};
use tensor_net::AxonService;
use tokio::task::JoinHandle;

use super::super::board::Board;
use super::super::cast::Person;
use super::super::customer::{Answers, Customer};
use super::super::front::FrontDoor;
use super::super::input::Feedback;
use super::super::judge::{Judge, Material};
use super::super::ledger::{self};
use super::super::ranking::Ranking;
use super::super::stage::Stage;
use super::super::worker;
use super::payments::OnChain;
use super::sockets::{bind, client};
use super::{Play, StoryError, bundled};
use crate::cause::line_of;

/// Validators act on blocks that are multiples of this, twice in an epoch of ten blocks.
const ROUND: u64 = 5;

/// Miners look after their presence as often.
const PRESENCE: u64 = 5;

impl Play<'_> {
    /// Starts the miners: model, server, presence on chain.
    pub(super) async fn miners(&self, netuid: NetUid) -> Result<Vec<Task>, StoryError> {
        let mut servers = Vec::new();
        for (at, (person, kind)) in self.cast.miners.iter().enumerate() {
            let folder = match &self.args.model {
                Some(folder) if kind.is_honest() => folder.clone(),
                _ => bundled("model").join(kind.model()),
            };
            let seed = self.args.seed.wrapping_add(at as u64);
            let miner = worker::miner(*kind, &folder, seed)
                .map_err(|error| StoryError::Model(folder, error))?;
            let (server, address) = bind(AxonService::new(person.hot(), miner)).await?;
            let chain = Arc::new(self.pace.join(self.subtensor.clone()));
            let signer = Arc::new(person.hotkey.clone());
            let mut presence = Presence::new(chain, signer, netuid, address, PRESENCE);
            let (board, name) = (self.board.clone(), person.name.clone());
            let presence = tokio::spawn(async move {
                presence
                    .run(|step| match step.map(|step| step.published) {
                        Ok(None) => {}
                        Ok(Some(Ok(done))) => {
                            board.say(format!("block {}: {name} serves at {address}", done.block));
                        }
                        Ok(Some(Err(error))) | Err(error) => {
                            board.say(format!("{name}: {}", line_of(&error)));
                        }
                    })
                    .await;
            });
            servers.push(Task(vec![tokio::spawn(server.serve()), presence]));
        }
        Ok(servers)
    }

    /// Starts the validators; the first one's ranking is the front door's.
    pub(super) fn validators(
        &self,
        netuid: NetUid,
        material: Material,
        ranking: &Ranking,
    ) -> Result<Task, StoryError> {
        let mut tasks = Vec::new();
        for (at, person) in self.cast.validators.iter().enumerate() {
            let ranking = if at == 0 { ranking.clone() } else { Ranking::default() };
            let seed = self.args.seed.wrapping_mul(1000).wrapping_add(at as u64);
            let Ok(judge) = Judge::new(person.hot(), material.clone(), ranking, seed) else {
                continue;
            };
            let chain = Arc::new(self.pace.join(self.subtensor.clone()));
            let signer = Arc::new(person.hotkey.clone());
            let transport = self.clients[at].clone();
            let options = Options::default().with_every(ROUND);
            let mut driver =
                Driver::new(chain, transport, signer, netuid, judge).with_options(options);
            let (board, name) = (self.board.clone(), person.name.clone());
            tasks.push(tokio::spawn(async move {
                driver.run(|step| note(&board, &name, step)).await;
            }));
        }
        Ok(Task(tasks))
    }

    /// Opens the first validator's front door and sends the customer there, halfway through.
    pub(super) async fn customer(
        &self,
        netuid: NetUid,
        ranking: &Ranking,
        lines: Vec<Feedback>,
    ) -> Result<Purchase, StoryError> {
        let validator = &self.cast.validators[0];
        let transport: Arc<dyn Transport> = self.clients[0].clone();
        let payments = Arc::new(OnChain(self.subtensor.clone()));
        let door = FrontDoor::new(
            &*validator.name,
            validator.cold(),
            payments,
            transport,
            ranking.clone(),
        );
        let (server, address) = bind(AxonService::new(validator.hot(), door)).await?;
        let server = tokio::spawn(server.serve());

        let person: Person = self.cast.customer.clone();
        let seat = self.pace.join(self.subtensor.clone());
        let customer = Customer {
            transport: Arc::new(client(&person.hotkey)),
            person,
            door: Endpoint { hotkey: validator.hot(), address },
            stage: Stage::new(Arc::new(seat.clone()), self.board.clone()),
            board: self.board.clone(),
        };
        let arrival = self.args.epochs / 2 + 1;
        let subtensor = self.subtensor.clone();
        let visit = tokio::spawn(async move {
            let mut headers = seat.headers();
            while headers.next().await.is_some() {
                if ledger::epochs_since_start(&subtensor, netuid).await? >= arrival {
                    break;
                }
            }
            Ok(customer.buy(lines).await?)
        });
        Ok(Purchase { visit, _door: Task(vec![server]) })
    }
}

/// Tasks that end with the story.
pub(super) struct Task(Vec<JoinHandle<()>>);

impl Task {
    pub(super) fn stop(&mut self) {
        self.0.drain(..).for_each(|task| task.abort());
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(super) struct Purchase {
    visit: JoinHandle<Result<Answers, StoryError>>,
    _door: Task,
}

impl Purchase {
    pub(super) async fn join(self) -> Result<Answers, StoryError> {
        self.visit.await?
    }
}

fn note(board: &Board, name: &str, step: Result<Step, ChainError>) {
    match step {
        Err(error) => board.say(format!("{name}: {}", line_of(&error))),
        Ok(step) => {
            board.update(|board| {
                board.requests.sent += step.sent;
                board.requests.ok += step.ok;
                board.requests.failed += step.sent - step.ok;
            });
            match step.weights {
                Some(Ok(receipt)) => {
                    board.say(format!("block {}: {name} sets weights", receipt.block));
                }
                Some(Err(error)) => {
                    board.say(format!("{name}: weights were not set: {}", line_of(&error)));
                }
                None => {}
            }
        }
    }
}
