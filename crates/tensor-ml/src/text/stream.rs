//! Generation for those who wait: the trait that local and remote engines share, and tokens as a stream.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use async_trait::async_trait;
use futures::{
    channel::mpsc,
    future::Future,
    stream::{BoxStream, Stream, StreamExt},
};

use super::{
    generate::TextGeneration,
    request::{GenerateRequest, Generated, Prompt, Token},
};
use crate::{
    batch::{BatchTask, BatchWorker, Submit},
    control::RunControl,
    error::Error,
    worker::{Pending, Task, Worker},
};

/// Writes text. The local pipeline implements it by way of [`Worker`] and [`BatchWorker`]; remote engines implement it as
/// well.
#[async_trait]
#[diagnostic::on_unimplemented(note = "spawn a `Worker` or `BatchWorker` with a `TextGeneration`")]
pub trait TextGenerator: Send + Sync {
    /// The answer as a whole. Dropping the future ends the work.
    ///
    /// # Errors
    /// Whatever keeps the request from being answered.
    async fn generate(&self, request: GenerateRequest) -> Result<Generated, Error>;

    /// The answer as it comes: pieces of text, and at the end [`TextEvent::Done`] with the whole. Dropping the stream ends
    /// the work.
    ///
    /// # Errors
    /// Whatever keeps the request from being taken; later faults are items of the stream.
    fn stream(
        &self,
        request: GenerateRequest,
    ) -> Result<BoxStream<'static, Result<TextEvent, Error>>, Error>;
}

macro_rules! forward {
    ($($pointer:ty),+) => {$(
        #[async_trait]
        impl<G: TextGenerator + ?Sized> TextGenerator for $pointer {
            async fn generate(&self, request: GenerateRequest) -> Result<Generated, Error> {
                (**self).generate(request).await
            }
            fn stream(
                &self,
                request: GenerateRequest,
            ) -> Result<BoxStream<'static, Result<TextEvent, Error>>, Error> {
                (**self).stream(request)
            }
        }
    )+};
}
forward!(&G, Box<G>, std::sync::Arc<G>);

/// Something that happened while an answer is written.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TextEvent {
    /// A token was chosen, and this text became certain; it may be none. What a stop string might begin with is held back,
    /// and so is an incomplete letter.
    Token {
        /// The token; nothing for text that was held back to the end.
        token: Option<Token>,
        /// Whole letters.
        text: String,
    },
    /// The answer is complete.
    Done(Generated),
}

/// A request, and where its events go if anybody wants them.
#[derive(Debug)]
pub struct GenerateJob {
    pub(super) request: GenerateRequest,
    events: Option<mpsc::UnboundedSender<TextEvent>>,
}

impl GenerateJob {
    /// A request for the answer as a whole.
    pub fn new(request: GenerateRequest) -> Self {
        Self { request, events: None }
    }

    /// A request with its events. There are at most two for each token, so the channel needs no other bound.
    pub(crate) fn streaming(
        request: GenerateRequest,
    ) -> (Self, mpsc::UnboundedReceiver<TextEvent>) {
        let (events, receiver) = mpsc::unbounded();
        (Self { request, events: Some(events) }, receiver)
    }

    /// What is asked.
    #[cfg(feature = "remote")]
    pub(crate) fn request(&self) -> &GenerateRequest {
        &self.request
    }

    /// Whether anybody wants to hear of it piece by piece.
    #[cfg(feature = "remote")]
    pub(crate) fn is_streaming(&self) -> bool {
        self.events.is_some()
    }

    pub(crate) fn tell(&self, token: Option<Token>, text: &str) {
        if let Some(events) = &self.events {
            // Nobody listens any more when the caller has gone; the run then ends by its token.
            let _ = events.unbounded_send(TextEvent::Token { token, text: text.to_owned() });
        }
    }
}

/// One request after the other.
impl Task for TextGeneration {
    type Request = GenerateJob;
    type Answer = Generated;

    fn run(&mut self, job: GenerateJob, control: &RunControl) -> Result<Generated, Error> {
        self.generate_with(&job.request, control, &mut |token, text| job.tell(token, text))
    }
}

/// Requests of several callers in common steps. All of a batch are answered when the longest is.
impl BatchTask for TextGeneration {
    type Request = GenerateJob;
    type Answer = Generated;

    /// Length of the prompt in tokens or, before it is known, in bytes.
    fn cost(job: &GenerateJob) -> usize {
        match &job.request.prompt {
            Prompt::Text(text) => text.len(),
            Prompt::Tokens(ids) => ids.len(),
            Prompt::Chat(messages) => messages
                .iter()
                .fold(0, |sum: usize, message| sum.saturating_add(message.content.len())),
        }
    }

    fn run(
        &mut self,
        jobs: Vec<GenerateJob>,
        control: &RunControl,
    ) -> Vec<Result<Generated, Error>> {
        // Requests that cannot be answered are told so and do not spoil the others.
        let faults: Vec<Option<Error>> =
            jobs.iter().map(|job| self.check(&job.request).err()).collect();
        let good: Vec<usize> = (0..jobs.len()).filter(|place| faults[*place].is_none()).collect();
        let requests: Vec<_> = good.iter().map(|place| jobs[*place].request.clone()).collect();
        let result = self.run_rows(&requests, control, &mut |row, token, text| {
            if let Some(job) = good.get(row).and_then(|place| jobs.get(*place)) {
                job.tell(token, text);
            }
        });
        let (mut answers, mut fault) = match result {
            Ok(answers) => (answers.into_iter(), None),
            Err(error) => (Vec::new().into_iter(), Some(error)),
        };
        faults
            .into_iter()
            .map(|own| match own {
                Some(error) => Err(error),
                None => answers.next().ok_or_else(|| again(&mut fault)),
            })
            .collect()
    }
}

#[async_trait]
impl TextGenerator for Worker<TextGeneration> {
    async fn generate(&self, request: GenerateRequest) -> Result<Generated, Error> {
        self.call(GenerateJob::new(request)).await
    }

    fn stream(
        &self,
        request: GenerateRequest,
    ) -> Result<BoxStream<'static, Result<TextEvent, Error>>, Error> {
        let (job, events) = GenerateJob::streaming(request);
        Ok(TextStream::new(events, self.submit(job)?).boxed())
    }
}

#[async_trait]
impl TextGenerator for BatchWorker<TextGeneration> {
    async fn generate(&self, request: GenerateRequest) -> Result<Generated, Error> {
        self.call(GenerateJob::new(request)).await
    }

    fn stream(
        &self,
        request: GenerateRequest,
    ) -> Result<BoxStream<'static, Result<TextEvent, Error>>, Error> {
        let (job, events) = GenerateJob::streaming(request);
        Ok(TextStream::new(events, self.submit(job, Submit::default())?).boxed())
    }
}

/// Events of one answer, then its end.
pub struct TextStream {
    events: mpsc::UnboundedReceiver<TextEvent>,
    answer: Option<Pending<Generated>>,
}

impl TextStream {
    pub(crate) fn new(
        events: mpsc::UnboundedReceiver<TextEvent>,
        answer: Pending<Generated>,
    ) -> Self {
        Self { events, answer: Some(answer) }
    }
}

impl Stream for TextStream {
    type Item = Result<TextEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // The sender goes when the job is done, so the end of the events comes before that of the answer.
        match self.events.poll_next_unpin(context) {
            Poll::Ready(Some(event)) => return Poll::Ready(Some(Ok(event))),
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => {}
        }
        let Some(answer) = &mut self.answer else { return Poll::Ready(None) };
        let Poll::Ready(result) = Pin::new(answer).poll(context) else { return Poll::Pending };
        self.answer = None;
        Poll::Ready(Some(result.map(TextEvent::Done)))
    }
}

impl fmt::Debug for TextStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextStream").finish_non_exhaustive()
    }
}

/// The fault of a batch for each of its callers: the error itself for the first, its words for the others.
fn again(fault: &mut Option<Error>) -> Error {
    let Some(error) = fault.take() else { return Error::Stopped };
    let copy = match &error {
        Error::Cancelled => Error::Cancelled,
        other => Error::Backend { backend: "batch", source: other.chain().into() },
    };
    *fault = Some(copy);
    error
}
