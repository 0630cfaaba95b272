//! Text generation: prompts in, tokens out, one at a time or all at once.

mod chat;
mod decoder;
mod detokenize;
mod generate;
mod sample;
mod stream;
mod verify;

pub use self::{
    chat::{ChatTemplate, Message},
    generate::{
        FinishReason, GenerateOptions, GenerateRequest, Generated, Prompt, TextGeneration, Token,
    },
    sample::{Sampling, draw, log_probabilities, rank_of, uniform},
    stream::{GenerateJob, TextEvent, TextGenerator, TextStream},
    verify::{Claim, TokenCheck, Verification},
};
