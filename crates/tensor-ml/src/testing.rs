//! Fakes for tests of programs that run models: a model that always gives the same, and a backend that loads it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    control::RunControl,
    device::{Device, Placement},
    error::Error,
    model::Model,
    session::{Backend, Feed, Fetch, Fetched, Kept, Session, SessionOptions},
    source::LoadedSource,
    spec::{self, TensorSpec},
    tensor::{Tensor, Tensors},
};

/// A model that gives the same outputs whatever it is asked. Inputs are checked like those of a real one.
#[derive(Clone, Debug)]
pub struct ConstModel {
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    answer: Tensors,
    runs: Arc<AtomicUsize>,
}

impl ConstModel {
    /// A model that takes `inputs` and gives `answer`.
    pub fn new(inputs: Vec<TensorSpec>, answer: Tensors) -> Self {
        let outputs = answer
            .iter()
            .map(|(name, tensor)| TensorSpec::new(name, tensor.dtype(), None))
            .collect();
        Self { inputs, outputs, answer, runs: Arc::default() }
    }

    /// How often it was run, clones included.
    pub fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

impl Model for ConstModel {
    fn inputs(&self) -> &[TensorSpec] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorSpec] {
        &self.outputs
    }

    fn infer_with(&self, inputs: Tensors, control: &RunControl) -> Result<Tensors, Error> {
        control.check()?;
        let given = inputs.iter().map(|(name, tensor)| (name, tensor.dtype(), tensor.shape()));
        spec::check_inputs(&self.inputs, given)?;
        self.runs.fetch_add(1, Ordering::SeqCst);
        Ok(self.answer.clone())
    }
}

/// A backend that loads its [`ConstModel`] whatever the source, on the devices it is told to have.
#[derive(Clone, Debug)]
pub struct MockBackend {
    model: ConstModel,
    devices: Vec<Device>,
    missing: Vec<Device>,
}

impl MockBackend {
    /// A backend on the processor.
    pub fn new(model: ConstModel) -> Self {
        Self { model, devices: vec![Device::Cpu], missing: Vec::new() }
    }

    /// Adds a device that it has, as first choice.
    #[must_use]
    pub fn with_device(mut self, device: Device) -> Self {
        self.devices.insert(0, device);
        self
    }

    /// Adds a device that it claims as first choice and turns out not to have.
    #[must_use]
    pub fn with_missing_device(mut self, device: Device) -> Self {
        self.missing.push(device);
        self.with_device(device)
    }
}

impl Backend for MockBackend {
    fn name(&self) -> &'static str {
        "mock"
    }

    fn devices(&self) -> Vec<Device> {
        self.devices.clone()
    }

    fn load(
        &self,
        _source: &LoadedSource,
        device: Device,
        _options: &SessionOptions,
    ) -> Result<Box<dyn Session>, Error> {
        if self.missing.contains(&device) || !self.devices.contains(&device) {
            let reason = "the mock does not have it".into();
            return Err(Error::ProviderUnavailable { device, reason });
        }
        Ok(Box::new(MockSession {
            model: self.model.clone(),
            placement: Placement::new("mock", device),
        }))
    }
}

struct MockSession {
    model: ConstModel,
    placement: Placement,
}

impl Session for MockSession {
    fn inputs(&self) -> &[TensorSpec] {
        self.model.inputs()
    }

    fn outputs(&self) -> &[TensorSpec] {
        self.model.outputs()
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
        spec::check_outputs(self.model.outputs(), wanted.iter().map(Fetch::name))?;
        let mut tensors = Tensors::new();
        for (name, feed) in inputs {
            tensors.set(
                name,
                match feed {
                    Feed::Host(tensor) => tensor.clone(),
                    Feed::Kept(kept) => kept.downcast::<Tensor>()?,
                },
            );
        }
        let mut answer = self.model.infer_with(tensors, control)?;
        wanted
            .iter()
            .map(|fetch| {
                let tensor = answer.take(fetch.name())?;
                Ok(match fetch {
                    Fetch::Host(_) => Fetched::Host(tensor),
                    Fetch::Keep(_) => Fetched::Kept(Kept::new(
                        tensor.dtype(),
                        tensor.shape().to_vec(),
                        self.placement.device,
                        Box::new(tensor),
                    )),
                })
            })
            .collect()
    }

    fn share(&self) -> Option<Box<dyn Session>> {
        Some(Box::new(Self { model: self.model.clone(), placement: self.placement.clone() }))
    }
}
