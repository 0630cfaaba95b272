//! Pure-Rust inference on the processor with the `rten` crate.
//!
//! rten computes with `f32`, `i32`, `i8` and `u8` only: `i64` and `bool` of a graph become `i32`, `f16` and `f64`
//! become `f32`. Callers do not see it: types are those that the graph declares, converted at the edge, and an integer
//! that does not fit 32 bits is an error. A run cannot be stopped in the middle.

mod value;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use rten::{ModelOptions, NodeId, RunOptions, ThreadPool};

use crate::{
    control::RunControl,
    device::{Device, Placement},
    error::{BoxError, Error},
    session::{Backend, Feed, Fetch, Fetched, Session, SessionOptions},
    source::LoadedSource,
    spec::{self, TensorSpec},
};

const NAME: &str = "rten";

/// The rten runtime. Sessions of one model can share its weights ([`Session::share`]).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Rten {}

impl Rten {
    /// The runtime; there is nothing to set up.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Backend for Rten {
    fn name(&self) -> &'static str {
        NAME
    }

    fn devices(&self) -> Vec<Device> {
        vec![Device::Cpu]
    }

    fn load(
        &self,
        source: &LoadedSource,
        device: Device,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>, Error> {
        if device != Device::Cpu {
            return Err(Error::ProviderUnavailable {
                device,
                reason: "rten runs on the processor only".into(),
            });
        }
        let refuse = |source_error: BoxError| Error::Model {
            model: source.name.clone(),
            source: source_error,
        };
        let model = shielded(|| {
            let mut load = ModelOptions::with_all_ops();
            // Weights twice in memory, for runs on short texts that are several times as fast.
            load.prepack_weights(true);
            for (location, data) in &source.external {
                load.external_data(location, data.to_vec());
            }
            load.load(source.graph.to_vec())
        })
        .map_err(refuse)?
        .map_err(|error| refuse(error.into()))?;
        let inputs = source.outline.inputs.clone();
        let outputs = source.outline.outputs.clone();
        let id =
            |spec: &TensorSpec| model.node_id(&spec.name).map_err(|error| refuse(error.into()));
        let input_ids = inputs.iter().map(id).collect::<Result<_, _>>()?;
        let output_ids = outputs.iter().map(id).collect::<Result<_, _>>()?;
        let graph = Graph { model, inputs, outputs, input_ids, output_ids };
        Ok(Box::new(RtenSession {
            graph: Arc::new(graph),
            pool: options.threads.map(|threads| Arc::new(ThreadPool::with_num_threads(threads))),
            threads: options.threads,
            placement: Placement::new(NAME, Device::Cpu),
        }))
    }
}

/// A model as rten holds it, shared by the sessions on it.
struct Graph {
    model: rten::Model,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    input_ids: Vec<NodeId>,
    output_ids: Vec<NodeId>,
}

struct RtenSession {
    graph: Arc<Graph>,
    pool: Option<Arc<ThreadPool>>,
    threads: Option<usize>,
    placement: Placement,
}

impl Session for RtenSession {
    fn inputs(&self) -> &[TensorSpec] {
        &self.graph.inputs
    }

    fn outputs(&self) -> &[TensorSpec] {
        &self.graph.outputs
    }

    fn placement(&self) -> &Placement {
        &self.placement
    }

    fn run(
        &mut self,
        inputs: Vec<(&str, Feed<'_>)>,
        wanted: &[Fetch<'_>],
        control: &RunControl,
    ) -> Result<Vec<Fetched>, Error> {
        control.check()?;
        let graph = &*self.graph;
        let given = inputs.iter().map(|(name, feed)| (*name, feed.dtype(), feed.shape()));
        spec::check_inputs(&graph.inputs, given)?;
        spec::check_outputs(&graph.outputs, wanted.iter().map(Fetch::name))?;
        let place =
            |specs: &[TensorSpec], name: &str| specs.iter().position(|spec| spec.name == name);

        let mut feeds = Vec::with_capacity(inputs.len());
        for (name, feed) in inputs {
            // Present: the names were checked above.
            let Some(place) = place(&graph.inputs, name) else { continue };
            feeds.push((graph.input_ids[place], value::feed(name, feed)?));
        }
        let places: Vec<usize> =
            wanted.iter().filter_map(|fetch| place(&graph.outputs, fetch.name())).collect();
        let ids: Vec<NodeId> = places.iter().map(|place| graph.output_ids[*place]).collect();
        let failed = |source: BoxError| Error::Backend { backend: NAME, source };
        let mut options = RunOptions::default();
        options.thread_pool.clone_from(&self.pool);
        let values = shielded(|| graph.model.run(feeds, &ids, Some(options)))
            .map_err(failed)?
            .map_err(|error| failed(error.into()))?;
        control.check()?;
        wanted
            .iter()
            .zip(places)
            .zip(values)
            .map(|((fetch, place), value)| value::fetch(*fetch, &graph.outputs[place], value))
            .collect()
    }

    fn share(&self) -> Option<Box<dyn Session>> {
        Some(Box::new(Self {
            graph: Arc::clone(&self.graph),
            // Its own threads: two callers on one pool would wait for each other.
            pool: self.threads.map(|threads| Arc::new(ThreadPool::with_num_threads(threads))),
            threads: self.threads,
            placement: self.placement.clone(),
        }))
    }
}

impl fmt::Debug for RtenSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtenSession").field("placement", &self.placement).finish_non_exhaustive()
    }
}

/// Runs `work` and turns a panic into an error: a stranger's model must not bring the program down.
fn shielded<T>(work: impl FnOnce() -> T) -> Result<T, BoxError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned());
        format!("the runtime panicked: {}", text.unwrap_or_default()).into()
    })
}
