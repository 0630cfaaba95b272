//! The seam between pipelines and runtimes: two object-safe traits that a backend implements.

use std::{any::Any, fmt};

use crate::{
    control::RunControl,
    device::{Device, Placement},
    error::Error,
    source::LoadedSource,
    spec::TensorSpec,
    tensor::{DType, Tensor, Tensors},
};

/// A runtime that loads models: ONNX Runtime, rten, a fake, or one of your own.
#[diagnostic::on_unimplemented(
    note = "a backend loads models: implement `name`, `devices` and `load`"
)]
pub trait Backend: Send + Sync + fmt::Debug {
    /// Short name, such as `rten`.
    fn name(&self) -> &'static str;

    /// Devices that `Device::Auto` tries, best first. A device listed here may still turn out not to be there.
    fn devices(&self) -> Vec<Device>;

    /// Loads a model on exactly `device`, which is never `Device::Auto`. Never falls back to another device.
    ///
    /// # Errors
    /// [`Error::ProviderUnavailable`] or whatever is wrong with the model.
    fn load(
        &self,
        source: &LoadedSource,
        device: Device,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>, Error>;
}

/// A loaded model with the memory for one caller at a time.
#[diagnostic::on_unimplemented(
    note = "a session runs one loaded model: implement `inputs`, `outputs`, `placement`, `run`"
)]
pub trait Session: Send {
    /// Inputs as the graph declares them.
    fn inputs(&self) -> &[TensorSpec];

    /// Outputs as the graph declares them.
    fn outputs(&self) -> &[TensorSpec];

    /// Where the model runs.
    fn placement(&self) -> &Placement;

    /// Runs the graph. The result has one value per element of `wanted`, in that order.
    ///
    /// # Errors
    /// [`Error::Input`] and [`Error::Output`] before the run, [`Error::Cancelled`], [`Error::Backend`].
    fn run(
        &mut self,
        inputs: Vec<(&str, Feed<'_>)>,
        wanted: &[Fetch<'_>],
        control: &RunControl,
    ) -> Result<Vec<Fetched>, Error>;

    /// Another session on the same weights, for another thread. Nothing when the backend cannot share them.
    fn share(&self) -> Option<Box<dyn Session>> {
        None
    }
}

impl<S: Session + ?Sized> Session for Box<S> {
    fn inputs(&self) -> &[TensorSpec] {
        (**self).inputs()
    }

    fn outputs(&self) -> &[TensorSpec] {
        (**self).outputs()
    }

    fn placement(&self) -> &Placement {
        (**self).placement()
    }

    fn run(
        &mut self,
        inputs: Vec<(&str, Feed<'_>)>,
        wanted: &[Fetch<'_>],
        control: &RunControl,
    ) -> Result<Vec<Fetched>, Error> {
        (**self).run(inputs, wanted, control)
    }

    fn share(&self) -> Option<Box<dyn Session>> {
        (**self).share()
    }
}

impl fmt::Debug for dyn Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("placement", self.placement())
            .field("inputs", &self.inputs())
            .field("outputs", &self.outputs())
            .finish()
    }
}

/// Runs a session on host tensors and returns all outputs by name.
///
/// # Errors
/// As [`Session::run`].
pub fn run_all(
    session: &mut dyn Session,
    inputs: &Tensors,
    control: &RunControl,
) -> Result<Tensors, Error> {
    let names: Vec<String> = session.outputs().iter().map(|spec| spec.name.clone()).collect();
    let feeds = inputs.iter().map(|(name, tensor)| (name, Feed::Host(tensor))).collect();
    let wanted: Vec<_> = names.iter().map(|name| Fetch::Host(name)).collect();
    let values = session.run(feeds, &wanted, control)?;
    names.into_iter().zip(values).map(|(name, value)| Ok((name, value.into_host()?))).collect()
}

/// How a model is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionOptions {
    /// Where the model runs.
    pub device: Device,
    /// Threads within one run; the backend's choice (about one per core) when not set.
    pub threads: Option<usize>,
    /// Full precision on GPUs: no TensorFloat-32. Costs speed there and nothing on the processor.
    pub exact: bool,
}

impl SessionOptions {
    /// Options for `device`.
    pub fn on(device: Device) -> Self {
        Self { device, ..Self::default() }
    }

    /// Sets the number of threads within one run.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Asks for full precision on GPUs.
    #[must_use]
    pub fn with_exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }
}

/// A value given to a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Feed<'a> {
    /// A tensor in host memory.
    Host(&'a Tensor),
    /// What an earlier run of the same session left in the backend's memory.
    Kept(Kept),
}

impl Feed<'_> {
    /// Type of the elements.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Host(tensor) => tensor.dtype(),
            Self::Kept(kept) => kept.dtype,
        }
    }

    /// Size of each dimension.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::Host(tensor) => tensor.shape(),
            Self::Kept(kept) => &kept.shape,
        }
    }
}

/// An output wanted from a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fetch<'a> {
    /// As a tensor in host memory.
    Host(&'a str),
    /// To stay where it was computed, for the next run.
    Keep(&'a str),
}

impl<'a> Fetch<'a> {
    /// Name of the output.
    pub fn name(&self) -> &'a str {
        match self {
            Self::Host(name) | Self::Keep(name) => name,
        }
    }
}

/// A value from a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fetched {
    /// A tensor in host memory.
    Host(Tensor),
    /// A value in the backend's memory.
    Kept(Kept),
}

impl Fetched {
    /// The tensor in host memory.
    ///
    /// # Errors
    /// [`Error::Tensor`] for a value that was asked to stay.
    pub fn into_host(self) -> Result<Tensor, Error> {
        match self {
            Self::Host(tensor) => Ok(tensor),
            Self::Kept(kept) => Err(Error::Tensor {
                expected: "a tensor in host memory".into(),
                got: format!("a value kept on {}", kept.device),
            }),
        }
    }

    /// The value in the backend's memory.
    ///
    /// # Errors
    /// [`Error::Tensor`] for a value that was asked to come to the host.
    pub fn into_kept(self) -> Result<Kept, Error> {
        match self {
            Self::Kept(kept) => Ok(kept),
            Self::Host(_) => Err(Error::Tensor {
                expected: "a value kept by the backend".into(),
                got: "a tensor in host memory".into(),
            }),
        }
    }
}

/// A value in a backend's own memory. Give it back with [`Feed::Kept`]; only the backend that made it can read it.
pub struct Kept {
    dtype: DType,
    shape: Vec<usize>,
    device: Device,
    value: Box<dyn Any + Send>,
}

impl Kept {
    /// Wraps a backend's value; `device` is where its memory is.
    pub fn new(
        dtype: DType,
        shape: Vec<usize>,
        device: Device,
        value: Box<dyn Any + Send>,
    ) -> Self {
        Self { dtype, shape, device, value }
    }

    /// Type of the elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Size of each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Where the memory is.
    pub fn device(&self) -> Device {
        self.device
    }

    /// The backend's value.
    ///
    /// # Errors
    /// [`Error::Tensor`] when another backend made it.
    pub fn downcast<V: 'static>(self) -> Result<V, Error> {
        self.value.downcast::<V>().map(|value| *value).map_err(|_| Error::Tensor {
            expected: "a value that this backend kept".into(),
            got: "a value of another backend".into(),
        })
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({} {:?} on {})", self.dtype, self.shape, self.device)
    }
}

const _: () = {
    fn _object_safe(_: &dyn Backend, _: &dyn Session) {}
};
