//! Servers with OpenAI's interface: vLLM, TGI, llama.cpp's server and many more.

use std::io::{BufRead, BufReader, Read};

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use serde_json::{Map, Value, json};

use super::{Http, RemoteOptions};
use crate::{
    control::RunControl,
    embed::Embedder,
    error::Error,
    text::{
        FinishReason, GenerateJob, GenerateRequest, Generated, Prompt, TextEvent, TextGenerator,
        TextStream,
    },
    worker::{Task, Worker},
};

/// Longest line of a stream, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// A model on an OpenAI-compatible server. Clones share its connections.
///
/// What differs from a model in this process: tokens have no ids, since the interface does not tell them, so
/// [`Generated::tokens`] is empty; and [`FinishReason::Ended`] also stands for a stop string. `top_k`, `min_p`,
/// `repetition_penalty` and `min_tokens` are sent only where they are set, since not every server knows them.
#[derive(Clone, Debug)]
pub struct OpenAi {
    answers: Worker<Answers>,
    vectors: Worker<Vectors>,
}

impl OpenAi {
    /// The model of this name on a server; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Argument`] for no connection or no queue, [`Error::Io`] when the system gives no thread.
    pub fn new(options: RemoteOptions, model: impl Into<String>) -> Result<Self, Error> {
        let (threads, queue) = (options.connections, options.queue);
        let (http, model) = (Http::new(options), model.into());
        let answers = Answers { http: http.clone(), model: model.clone() };
        let vectors = Vectors { http, model };
        Ok(Self {
            answers: Worker::pool(vec![answers; threads], queue)?,
            vectors: Worker::pool(vec![vectors; threads], queue)?,
        })
    }
}

#[async_trait]
impl TextGenerator for OpenAi {
    async fn generate(&self, request: GenerateRequest) -> Result<Generated, Error> {
        self.answers.call(GenerateJob::new(request)).await
    }

    fn stream(
        &self,
        request: GenerateRequest,
    ) -> Result<BoxStream<'static, Result<TextEvent, Error>>, Error> {
        let (job, events) = GenerateJob::streaming(request);
        Ok(TextStream::new(events, self.answers.submit(job)?).boxed())
    }
}

#[async_trait]
impl Embedder for OpenAi {
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Error> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        self.vectors.call(texts).await
    }
}

#[derive(Clone, Debug)]
struct Answers {
    http: Http,
    model: String,
}

impl Task for Answers {
    type Request = GenerateJob;
    type Answer = Generated;

    fn run(&mut self, job: GenerateJob, control: &RunControl) -> Result<Generated, Error> {
        let request = job.request();
        if let Some(sampling) = &request.sampling {
            sampling.check()?;
        }
        let path = match &request.prompt {
            Prompt::Chat(_) => "/chat/completions",
            _ => "/completions",
        };
        let streams = job.is_streaming();
        let body = self.body(request, streams);
        let mut answer = Generated {
            text: String::new(),
            tokens: Vec::new(),
            prompt_tokens: 0,
            finish: FinishReason::Length,
        };
        let mut is_finished = false;
        if !streams {
            let value = self.http.json(path, Some(&body), control)?;
            self.take(&value, &mut answer, &mut is_finished)?;
        } else {
            let response = self.http.send(path, Some(&body), control)?;
            let reader = response.into_body().into_reader().take(self.http.options.max_answer);
            let mut lines = BufReader::new(reader);
            while let Some(data) = self.event(&mut lines)? {
                control.check()?;
                if data == "[DONE]" {
                    break;
                }
                let value: Value = serde_json::from_str(&data)
                    .map_err(|error| self.http.error(None, error.to_string()))?;
                let text = self.take(&value, &mut answer, &mut is_finished)?;
                if !text.is_empty() {
                    job.tell(None, &text);
                }
            }
        }
        if !is_finished {
            return Err(self.http.error(None, "the answer broke off".into()));
        }
        Ok(answer)
    }
}

impl Answers {
    fn body(&self, request: &GenerateRequest, streams: bool) -> Value {
        let mut body = Map::new();
        body.insert("model".into(), json!(self.model));
        match &request.prompt {
            Prompt::Chat(messages) => body.insert("messages".into(), json!(messages)),
            Prompt::Text(text) => body.insert("prompt".into(), json!(text)),
            Prompt::Tokens(ids) => body.insert("prompt".into(), json!(ids)),
        };
        if let Some(max_tokens) = request.max_tokens {
            body.insert("max_tokens".into(), json!(max_tokens));
        }
        if request.min_tokens > 0 {
            body.insert("min_tokens".into(), json!(request.min_tokens));
        }
        if !request.stop.is_empty() {
            body.insert("stop".into(), json!(request.stop));
        }
        if let Some(sampling) = &request.sampling {
            body.insert("temperature".into(), json!(sampling.temperature));
            body.insert("top_p".into(), json!(sampling.top_p));
            body.insert("seed".into(), json!(sampling.seed));
            if sampling.top_k > 0 {
                body.insert("top_k".into(), json!(sampling.top_k));
            }
            if sampling.min_p > 0.0 {
                body.insert("min_p".into(), json!(sampling.min_p));
            }
            if sampling.repetition_penalty != 1.0 {
                body.insert("repetition_penalty".into(), json!(sampling.repetition_penalty));
            }
        }
        if streams {
            body.insert("stream".into(), json!(true));
            body.insert("stream_options".into(), json!({"include_usage": true}));
        }
        Value::Object(body)
    }

    /// Takes over what an answer or a piece of one says, and gives its text.
    fn take(
        &self,
        value: &Value,
        answer: &mut Generated,
        is_finished: &mut bool,
    ) -> Result<String, Error> {
        if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
            let told = error.get("message").and_then(Value::as_str);
            let told = told.map_or_else(|| error.to_string(), str::to_owned);
            return Err(self.http.error(None, told));
        }
        if let Some(tokens) = value.pointer("/usage/prompt_tokens").and_then(Value::as_u64) {
            answer.prompt_tokens = usize::try_from(tokens).unwrap_or(usize::MAX);
        }
        let Some(choice) = value.pointer("/choices/0") else { return Ok(String::new()) };
        let places = ["/message/content", "/delta/content", "/text"];
        let text = places.iter().find_map(|place| choice.pointer(place)?.as_str());
        let text = text.unwrap_or_default().to_owned();
        answer.text.push_str(&text);
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            *is_finished = true;
            answer.finish =
                if reason == "length" { FinishReason::Length } else { FinishReason::Ended };
        }
        Ok(text)
    }

    /// The data of the next event; nothing at the end of the stream. Data of several lines is joined.
    fn event(&self, lines: &mut impl BufRead) -> Result<Option<String>, Error> {
        let mut data: Option<String> = None;
        loop {
            let mut line = Vec::new();
            let read = lines.take(MAX_LINE).read_until(b'\n', &mut line);
            let broken = |error: std::io::Error| self.http.error(None, error.to_string());
            if read.map_err(broken)? == 0 {
                return Ok(data);
            }
            if line.len() as u64 == MAX_LINE && !line.ends_with(b"\n") {
                return Err(self.http.error(None, "a line of the stream is too long".into()));
            }
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                if data.is_some() {
                    return Ok(data);
                }
            } else if let Some(rest) = line.strip_prefix("data:") {
                let rest = rest.strip_prefix(' ').unwrap_or(rest);
                match &mut data {
                    None => data = Some(rest.to_owned()),
                    Some(data) => {
                        data.push('\n');
                        data.push_str(rest);
                    }
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Vectors {
    http: Http,
    model: String,
}

impl Task for Vectors {
    type Request = Vec<String>;
    type Answer = Vec<Vec<f32>>;

    fn run(&mut self, texts: Vec<String>, control: &RunControl) -> Result<Vec<Vec<f32>>, Error> {
        let body = json!({"model": self.model, "input": texts, "encoding_format": "float"});
        let value = self.http.json("/embeddings", Some(&body), control)?;
        let wrong = || self.http.error(None, "not one vector of numbers for each text".into());
        let mut vectors = vec![Vec::new(); texts.len()];
        let entries = value.get("data").and_then(Value::as_array).ok_or_else(wrong)?;
        for (place, entry) in entries.iter().enumerate() {
            let index = entry.get("index").and_then(Value::as_u64);
            let index = index.map_or(Ok(place), usize::try_from).map_err(|_| wrong())?;
            let numbers = entry.get("embedding").and_then(Value::as_array).ok_or_else(wrong)?;
            let numbers: Option<Vec<f32>> =
                numbers.iter().map(|number| Some(number.as_f64()? as f32)).collect();
            *vectors.get_mut(index).ok_or_else(wrong)? = numbers.ok_or_else(wrong)?;
        }
        let width = vectors.first().map_or(0, Vec::len);
        if width == 0 || vectors.iter().any(|vector| vector.len() != width) {
            return Err(wrong());
        }
        Ok(vectors)
    }
}
