//! One round: all miners are asked the same at once, and what they answer is marked.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tensor_core::score::{ScoreBook, ScoreError};
use tensor_core::transport::{Authenticity, Body, Endpoint, Request, Transport};
use tensor_core::{BlockNumber, Hotkey, Metagraph, Uid};
use tensor_net::client::{Answer, FanOut, fan_out};

use super::grade::Exam;

/// What came of a round, as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct Round {
    pub(super) round: u64,
    pub(super) block: BlockNumber,
    pub(super) miners: Vec<Marked>,
}

/// One miner's part in it.
#[derive(Debug, Serialize)]
pub(super) struct Marked {
    uid: Uid,
    hotkey: Hotkey,
    /// The round's mark with what speed takes from it.
    pub(super) mark: f64,
    /// The moving score after it.
    score: f64,
    milliseconds: u64,
    /// `verified`, `unsigned`, or nothing without an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'static str>,
    /// Why there is no answer, which is the miner's fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// How a round is run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) me: Hotkey,
    pub(super) synapse: &'a str,
    pub(super) timeout: Duration,
    /// The share of a mark that goes to speed.
    pub(super) speed: f64,
}

/// Asks all miners of the subnet and enters their marks into the book.
pub(super) async fn play(
    transport: &dyn Transport,
    graph: &Metagraph,
    exam: &Exam,
    rules: Rules<'_>,
    round: u64,
    book: &mut ScoreBook,
) -> Result<Round, ScoreError> {
    book.sync(graph);
    let miners: BTreeMap<Hotkey, (Uid, Endpoint)> = graph
        .endpoints()
        .filter(|(_, to)| to.hotkey != rules.me)
        .map(|(uid, to)| (to.hotkey, (uid, to)))
        .collect();
    // Who serves no more earns no more.
    let gone: Vec<Hotkey> = book
        .entries()
        .map(|(hotkey, _)| *hotkey)
        .filter(|hotkey| !miners.contains_key(hotkey))
        .collect();
    for hotkey in gone {
        book.record(graph, &hotkey, 0.0)?;
    }
    let endpoints: Vec<Endpoint> = miners.values().map(|(_, to)| *to).collect();
    let body = exam.body();
    let request =
        |_: &Endpoint| Request::synapse(rules.synapse, body.clone()).with_timeout(rules.timeout);
    let answers = fan_out(transport, &endpoints, &FanOut::default(), request).await;
    let mut marked = Vec::with_capacity(endpoints.len());
    for answer in answers {
        let hotkey = answer.endpoint.hotkey;
        let Some((uid, _)) = miners.get(&hotkey) else { continue };
        let took = answer.ended.saturating_sub(answer.started);
        let mark = mark(exam, &answer) * (1.0 - rules.speed * late(took, rules.timeout));
        book.record(graph, &hotkey, mark)?;
        let response = answer.outcome.as_ref().and_then(|outcome| outcome.as_ref().ok());
        marked.push(Marked {
            uid: *uid,
            hotkey,
            mark,
            score: book.entry(&hotkey).map_or(0.0, |entry| entry.score),
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            signature: response.map(|response| match response.authenticity {
                Authenticity::Verified => "verified",
                _ => "unsigned",
            }),
            error: fault(&answer),
        });
    }
    marked.sort_unstable_by_key(|marked| marked.uid);
    Ok(Round { round, block: graph.block(), miners: marked })
}

fn mark(exam: &Exam, answer: &Answer) -> f64 {
    match answer.success().map(|response| &response.body) {
        Some(Body::Full(body)) => exam.mark(body),
        _ => 0.0,
    }
}

/// The part of the time that was used up.
fn late(took: Duration, timeout: Duration) -> f64 {
    (took.as_secs_f64() / timeout.as_secs_f64()).clamp(0.0, 1.0)
}

fn fault(answer: &Answer) -> Option<String> {
    match &answer.outcome {
        Some(Ok(response)) if response.is_success() => None,
        Some(Ok(response)) => Some(format!("status {}", response.status)),
        Some(Err(error)) => Some(crate::cause::line_of(error)),
        None => Some("not waited for".to_owned()),
    }
}
