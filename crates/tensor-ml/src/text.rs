//! Text generation: prompts in, tokens out, one at a time or all at once.

mod answer;
mod chat;
mod continuous;
mod decoder;
mod detokenize;
mod generate;
mod request;
mod sample;
mod stream;
mod verify;

pub use self::{
    chat::{ChatTemplate, Message},
    continuous::{ContinuousPolicy, ContinuousWorker},
    generate::{GenerateOptions, TextGeneration},
    request::{FinishReason, GenerateRequest, Generated, Prompt, Token},
    sample::{Sampling, draw, log_probabilities, rank_of, uniform},
    stream::{GenerateJob, TextEvent, TextGenerator, TextStream},
    verify::{Claim, TokenCheck, Verification},
};
