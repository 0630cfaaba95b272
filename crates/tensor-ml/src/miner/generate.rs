//! Text generation as a miner: whole answers, or tokens as they come.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};
use serde::{Deserialize, Serialize};
use tensor_core::{
    miner::{Caller, Miner, Reject, Synapse},
    transport::{Body, BodyError, Request, Response},
};

use super::{MAX_ANSWER, MAX_TEXTS, reject};
use crate::{
    BatchPolicy, BatchWorker, Device, Error,
    text::{
        ContinuousPolicy, ContinuousWorker, FinishReason, GenerateRequest, Generated, Message,
        Prompt, Sampling, TextEvent, TextGeneration, TextGenerator,
    },
};

/// Bytes of a request.
const MAX_BODY: usize = 1 << 20;

/// Asks for text after a prompt, or as the answer to a conversation; exactly one of the two.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Generate {
    /// What to go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// Most tokens of the answer, at most [`MAX_ANSWER`]; 256 when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<usize>,
    /// 0 for the likeliest token, which it is when not given.
    #[serde(default)]
    pub temperature: f64,
    /// Share of the probability to choose from; all of it when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Most tokens to choose from; 0 for no limit.
    #[serde(default)]
    pub top_k: usize,
    /// Chooses the random numbers.
    #[serde(default)]
    pub seed: u64,
    /// Texts that end the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Whether the answer comes as it is written: `text/event-stream`, a [`Piece`] an event, instead of one JSON value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
}

impl Synapse for Generate {
    const NAME: &'static str = "Generate";
    type Answer = Written;
}

/// The answer to [`Generate`]; with the ids a validator can check it (`TextGeneration::verify`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// The text.
    pub text: String,
    /// Ids of its tokens; empty when the engine does not tell them.
    pub ids: Vec<u32>,
    /// Whether the model ended it, rather than the most tokens.
    pub is_complete: bool,
}

/// An event of a streamed answer, as JSON after `data: `. The last one has [`done`](Self::done) or
/// [`error`](Self::error).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// Text that became certain.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The token it came with, if it came with one that the engine tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// The whole answer, at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Written>,
    /// Why it ended before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A miner that answers [`Generate`] by any engine.
pub fn generate_miner<E: TextGenerator + 'static>(engine: E) -> GenerateMiner<E> {
    GenerateMiner { engine: Arc::new(engine) }
}

/// The miner that [`generate_miner`] makes. Dropping a streamed answer ends the work.
#[derive(Debug)]
pub struct GenerateMiner<E> {
    engine: Arc<E>,
}

#[async_trait]
impl<E: TextGenerator + 'static> Miner for GenerateMiner<E> {
    async fn handle(&self, _: &Caller, asked: Request) -> Result<Response, Reject> {
        if asked.name() != Generate::NAME {
            return Err(Reject::UnknownSynapse(asked.name().to_owned()));
        }
        let body = asked.body.bytes(MAX_BODY).await.map_err(|error| match error {
            BodyError::TooLarge { limit } => Reject::TooLarge { limit },
            broken => Reject::BadRequest(broken.to_string()),
        })?;
        let ask: Generate =
            serde_json::from_slice(&body).map_err(|error| Reject::BadRequest(error.to_string()))?;
        let streams = ask.stream;
        let request = request(ask)?;
        if streams {
            let events = self.engine.stream(request).map_err(reject)?;
            let body = Body::Stream(pieces(events));
            return Ok(Response::ok(body).with_content_type("text/event-stream"));
        }
        let answer = self.engine.generate(request).await.map_err(reject)?;
        let body =
            serde_json::to_vec(&written(answer)).map_err(|error| Reject::Internal(error.into()))?;
        Ok(Response::ok(body))
    }
}

impl TextGeneration {
    /// This pipeline as a miner that answers [`Generate`], on a thread of its own: in a running batch on the processor, in
    /// batches one after the other on other devices.
    ///
    /// # Errors
    /// [`Error::Io`] when the system gives no thread.
    pub fn into_miner(self) -> Result<impl Miner + 'static, Error> {
        let engine: Box<dyn TextGenerator> = match self.placement().device {
            Device::Cpu => Box::new(ContinuousWorker::spawn(self, ContinuousPolicy::default())?),
            _ => Box::new(BatchWorker::spawn(self, BatchPolicy::default())?),
        };
        Ok(generate_miner(engine))
    }
}

fn written(answer: Generated) -> Written {
    Written {
        ids: answer.ids(),
        is_complete: answer.finish != FinishReason::Length,
        text: answer.text,
    }
}

/// Events as they go over the wire. A fault in the middle is told in an event, since the status has been sent.
fn pieces(
    events: BoxStream<'static, Result<TextEvent, Error>>,
) -> BoxStream<'static, Result<Bytes, tensor_core::BoxError>> {
    let line = |event: Result<TextEvent, Error>| {
        let piece = match event {
            Ok(TextEvent::Token { token, text }) => {
                Piece { text, id: token.map(|token| token.id), ..Piece::default() }
            }
            Ok(TextEvent::Done(answer)) => {
                Piece { done: Some(written(answer)), ..Piece::default() }
            }
            Err(error) => Piece { error: Some(reject(error).to_string()), ..Piece::default() },
        };
        let json = serde_json::to_string(&piece)?;
        Ok(Bytes::from(format!("data: {json}\n\n")))
    };
    events.map(line).boxed()
}

fn request(ask: Generate) -> Result<GenerateRequest, Reject> {
    let bad = |reason: &str| Reject::BadRequest(reason.into());
    let prompt = match (ask.prompt, ask.messages.is_empty()) {
        (Some(prompt), true) => Prompt::Text(prompt),
        (None, false) => Prompt::Chat(ask.messages),
        _ => return Err(bad("exactly one of prompt and messages is taken")),
    };
    if ask.max_tokens.is_some_and(|tokens| tokens > MAX_ANSWER) || ask.stop.len() > MAX_TEXTS {
        return Err(bad("too many tokens or stop texts asked for"));
    }
    let sampling = Sampling::greedy()
        .with_temperature(ask.temperature)
        .with_top_p(ask.top_p.unwrap_or(1.0))
        .with_top_k(ask.top_k)
        .with_seed(ask.seed);
    let mut request = GenerateRequest::new(prompt).with_sampling(sampling);
    request.max_tokens = ask.max_tokens;
    request.stop = ask.stop;
    Ok(request)
}
