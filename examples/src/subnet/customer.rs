//! The customer: orders, pays on chain, sends feedback in, keeps the answers.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tensor_core::chain::ChainError;
use tensor_core::miner::Synapse;
use tensor_core::transport::{BodyError, Endpoint, Request, Transport, TransportError};
use tensor_core::{Call, Tao};

use super::board::Board;
use super::cast::Person;
use super::front::{Analyse, CHUNK, Invoice, Order, Verdict};
use super::input::Feedback;
use super::stage::Stage;
use crate::atomic;

/// The most bytes of feedback in one request.
const CHUNK_BYTES: usize = 128 * 1024;
/// The longest answer that is read.
const REPLY_LIMIT: usize = 1 << 20;
/// How often a chunk is sent before it is given up.
const ATTEMPTS: usize = 3;

/// What the customer has at the end.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// The verdict on each line that was analysed, in the order of the file.
    pub verdicts: Vec<(Feedback, Verdict)>,
    /// How many lines were wanted.
    pub wanted: usize,
}

impl Answers {
    /// The share of right labels among lines whose label the file knows; `None` if it knows none.
    pub fn accuracy(&self) -> Option<f64> {
        let judged = self.verdicts.iter().filter_map(|(line, said)| Some((line.label?, said)));
        let (right, all) = judged.fold((0u32, 0u32), |(right, all), (label, said)| {
            (right + u32::from(label == said.label), all + 1)
        });
        (all > 0).then(|| f64::from(right) / f64::from(all))
    }

    /// Writes `line,label,scores,miner_hotkey,request_id`, one row for each analysed line. The scores
    /// are a JSON object.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut table = String::from("line,label,scores,miner_hotkey,request_id\n");
        for (line, said) in &self.verdicts {
            let scores = serde_json::to_string(&said.scores).map_err(std::io::Error::other)?;
            let scores = scores.replace('"', "\"\"");
            let _ = writeln!(
                table,
                "{},{},\"{scores}\",{},{}",
                line.line, said.label, said.miner, said.request
            );
        }
        atomic::write(path, table.as_bytes())
    }
}

/// Why the customer left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CustomerError {
    /// The front door did not answer.
    #[error("the front door did not answer")]
    Transport(#[from] TransportError),
    /// The front door refused.
    #[error("the front door refused with status {status}: {text}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        text: String,
    },
    /// The answer broke off or is too long.
    #[error("the front door's answer cannot be read")]
    Body(#[from] BodyError),
    /// The answer is no answer.
    #[error("the front door's answer makes no sense")]
    Answer(#[from] serde_json::Error),
    /// The payment did not go through.
    #[error("the payment did not go through")]
    Payment(#[from] ChainError),
}

/// Somebody with feedback and TAO.
pub struct Customer {
    /// Who it is; its hotkey signs requests, and is the account that pays.
    pub person: Person,
    /// Carries its requests.
    pub transport: Arc<dyn Transport>,
    /// The front door it goes to.
    pub door: Endpoint,
    /// Where it pays.
    pub stage: Stage,
    /// Where it says so.
    pub board: Board,
}

impl Customer {
    /// Has all lines analysed.
    ///
    /// # Errors
    /// [`CustomerError`] when the order or the payment fails. Lines that could not be analysed are
    /// missing in the answers, they are no error.
    pub async fn buy(&self, lines: Vec<Feedback>) -> Result<Answers, CustomerError> {
        let wanted = lines.len();
        let count = u32::try_from(wanted).unwrap_or(u32::MAX);
        self.board.update(|board| board.customer = (0, wanted as u64));
        let invoice: Invoice = self.ask(&Order { lines: count }).await?;
        let what = format!("the customer pays {} for {wanted} lines", invoice.amount);
        let paid_in = self.pay(&what, &invoice).await?;
        let mut answers = Answers { verdicts: Vec::with_capacity(wanted), wanted };
        for chunk in chunks(lines) {
            let texts = chunk.iter().map(|line| line.text.clone()).collect();
            let ask = Analyse { order: invoice.order, paid_in: paid_in.clone(), lines: texts };
            match self.ask_again(&ask).await {
                Ok(verdicts) => answers.verdicts.extend(chunk.into_iter().zip(verdicts)),
                Err(error) => self.board.say(format!("lines were not analysed: {error}")),
            }
            let done = answers.verdicts.len() as u64;
            self.board.update(|board| board.customer.0 = done);
        }
        Ok(answers)
    }

    async fn pay(&self, what: &str, invoice: &Invoice) -> Result<String, CustomerError> {
        let transfer = Call::new("Balances", "transfer_keep_alive")
            .arg("dest", invoice.to)
            .arg("value", Tao::from_rao(invoice.amount.rao()));
        let receipt = self.stage.act(&self.person.hotkey, what, transfer).await?;
        Ok(hex::encode(receipt.block_hash))
    }

    async fn ask_again(&self, ask: &Analyse) -> Result<Vec<Verdict>, CustomerError> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match self.ask(ask).await {
                Err(CustomerError::Refused { status: 503, text }) => {
                    last = Some(CustomerError::Refused { status: 503, text });
                }
                outcome => return outcome,
            }
        }
        Err(last.unwrap_or(CustomerError::Refused { status: 503, text: String::new() }))
    }

    async fn ask<S: Synapse>(&self, ask: &S) -> Result<S::Answer, CustomerError>
    where
        S::Answer: DeserializeOwned,
    {
        let request = Request::synapse(S::NAME, serde_json::to_vec(ask)?);
        let response = self.transport.send(&self.door, request).await?;
        let (status, body) = (response.status, response.body.bytes(REPLY_LIMIT).await?);
        if status != 200 {
            let text = String::from_utf8_lossy(&body).into_owned();
            return Err(CustomerError::Refused { status, text });
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

impl std::fmt::Debug for Customer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Customer").field("door", &self.door).finish_non_exhaustive()
    }
}

/// Cuts lines into requests of at most [`CHUNK`] lines and [`CHUNK_BYTES`] bytes.
fn chunks(lines: Vec<Feedback>) -> Vec<Vec<Feedback>> {
    let mut chunks: Vec<Vec<Feedback>> = Vec::new();
    let mut bytes = 0;
    for line in lines {
        let fits = bytes + line.text.len() <= CHUNK_BYTES;
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK && fits => {
                bytes += line.text.len();
                chunk.push(line);
            }
            _ => {
                bytes = line.text.len();
                chunks.push(vec![line]);
            }
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::super::sentiment::{Label, Scores};
    use super::*;
    use tensor_core::Hotkey;

    fn line(number: usize, bytes: usize) -> Feedback {
        Feedback { line: number, text: "x".repeat(bytes), label: Some(Label::Positive) }
    }

    #[test]
    fn requests_stay_small_and_nothing_is_lost() {
        let lines: Vec<_> = (0..200).map(|at| line(at, at * 40)).collect();
        let chunks = chunks(lines.clone());
        assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK));
        let bytes = |chunk: &Vec<Feedback>| chunk.iter().map(|line| line.text.len()).sum::<usize>();
        assert!(chunks.iter().all(|chunk| bytes(chunk) <= CHUNK_BYTES));
        assert_eq!(chunks.concat(), lines);
    }

    #[test]
    fn answers_are_written_as_csv() {
        let said = Verdict {
            label: Label::Negative,
            scores: Scores::new([0.5, 0.25, 0.25]),
            miner: Hotkey::from_bytes([1; 32]),
            request: "v-1-0-0".into(),
        };
        let answers = Answers { verdicts: vec![(line(3, 1), said)], wanted: 1 };
        assert_eq!(answers.accuracy(), Some(0.0));
        let path = std::env::temp_dir().join(format!("answers-{}.csv", std::process::id()));
        answers.write(&path).unwrap();
        let mut reader = csv::Reader::from_path(&path).unwrap();
        let row = reader.records().next().unwrap().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((&row[0], &row[1]), ("3", "negative"));
        assert_eq!(serde_json::from_str::<Scores>(&row[2]).unwrap().negative, 0.5);
        assert_eq!(&row[4], "v-1-0-0");
    }
}
