#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod backend;
mod batch;
#[cfg(any(feature = "text", feature = "image"))]
mod classification;
#[cfg(feature = "text")]
mod classify;
mod control;
#[cfg(feature = "datasets")]
pub mod dataset;
mod device;
#[cfg(all(feature = "text", feature = "image"))]
pub mod diffusion;
#[cfg(feature = "text")]
mod embed;
#[cfg(feature = "text")]
mod encoder;
mod engine;
mod error;
mod folder;
#[cfg(feature = "hub")]
pub mod hub;
#[cfg(feature = "image")]
mod image;
mod intake;
#[cfg(any(feature = "text", feature = "image"))]
mod logits;
#[cfg(feature = "miner")]
pub mod miner;
mod model;
pub mod onnx;
#[cfg(any(feature = "text", feature = "image"))]
mod pipeline;
mod pool;
#[cfg(feature = "remote")]
mod remote;
mod session;
mod source;
pub mod spec;
mod tensor;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "text")]
pub mod text;
#[cfg(feature = "text")]
mod token_classify;
#[cfg(feature = "text")]
mod tokenizer;
mod verify;
mod worker;
#[cfg(feature = "text")]
mod zero_shot;

#[cfg(any(feature = "text", feature = "image"))]
pub use self::classification::{Class, Classification};
#[cfg(feature = "image")]
pub use self::image::{
    Filter, ImageClassification, ImageClassifier, ImageOptions, ImageTransform, Picture,
};
#[cfg(feature = "remote")]
pub use self::remote::{OpenAi, RemoteModel, RemoteOptions};
pub use self::{
    batch::{BatchPolicy, BatchTask, BatchWorker, Batcher, Next, Submit, Urgency},
    control::{CancelGuard, CancelToken, RunControl},
    device::{Device, Placement},
    engine::{BackendChoice, Engine, Lookup},
    error::{BoxError, Error, LibraryAttempt, LibraryFault},
    folder::{Config, GraphChoice, HubCache, ModelDigest, ModelFolder},
    intake::Intake,
    model::{Model, SessionModel},
    session::{Backend, Feed, Fetch, Fetched, Kept, Session, SessionOptions, run_all},
    source::{LoadedSource, ModelSource},
    spec::{Dim, TensorSpec},
    tensor::{DType, Element, Tensor, TensorData, Tensors},
    verify::{Closeness, Comparison},
    worker::{Metrics, ModelTask, Pending, Task, TaskFn, Worker, task_fn},
};
#[cfg(feature = "text")]
pub use self::{
    classify::{ClassifyOptions, TextClassification, TextClassifier},
    embed::{EmbedOptions, Embedder, Pooling, TextEmbedding, cosine},
    token_classify::{Entity, TokenClassification, TokenClassifier, TokenLabel},
    tokenizer::{Encoding, Pad, PaddedBatch, Tokenizer},
    zero_shot::{ZeroShot, ZeroShotOptions},
};
