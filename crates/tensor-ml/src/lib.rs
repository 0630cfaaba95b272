#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod backend;
mod batch;
mod control;
mod device;
mod engine;
mod error;
mod model;
pub mod onnx;
mod pool;
mod session;
mod source;
pub mod spec;
mod tensor;
mod worker;

pub use self::{
    batch::{BatchPolicy, BatchTask, BatchWorker, Batcher, Next, Submit, Urgency},
    control::{CancelGuard, CancelToken, RunControl},
    device::{Device, Placement},
    engine::{BackendChoice, Engine, Lookup},
    error::{BoxError, Error, LibraryAttempt, LibraryFault},
    model::{Model, SessionModel},
    session::{Backend, Feed, Fetch, Fetched, Kept, Session, SessionOptions, run_all},
    source::{LoadedSource, ModelSource},
    spec::{Dim, TensorSpec},
    tensor::{DType, Element, Tensor, TensorData, Tensors},
    worker::{Metrics, ModelTask, Pending, Task, TaskFn, Worker, task_fn},
};
