//! Native ONNX Runtime, loaded when the program runs.
//!
//! Rules that keep it from panicking or falling back in silence: no function of the `ort` crate is called before a
//! library has been loaded; one environment serves the process; execution providers are registered strictly; names,
//! types and shapes are checked before a run.

mod library;
mod runtime;
mod session;
mod value;

pub use self::{
    library::{Candidate, LibrarySearch},
    runtime::OrtRuntime,
};

const NAME: &str = "ort";
