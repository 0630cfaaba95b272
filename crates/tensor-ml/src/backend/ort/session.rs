//! One loaded graph on ONNX Runtime.

use std::sync::Arc;

use ort::{
    memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType},
    session::{IoBinding, RunOptions, SessionInputValue, SessionInputs},
    value::DynValue,
};

use super::value::{self, failed};
use crate::{
    control::RunControl,
    device::{Device, Placement},
    error::Error,
    session::{Feed, Fetch, Fetched, Session},
    source::LoadedSource,
    spec::{self, TensorSpec},
};

pub(super) struct OrtSession {
    session: ort::session::Session,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    placement: Placement,
}

impl OrtSession {
    pub(super) fn new(
        session: ort::session::Session,
        source: &LoadedSource,
        placement: Placement,
    ) -> Self {
        Self {
            session,
            inputs: source.outline.inputs.clone(),
            outputs: source.outline.outputs.clone(),
            placement,
        }
    }
}

impl Session for OrtSession {
    fn inputs(&self) -> &[TensorSpec] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorSpec] {
        &self.outputs
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
        let given = inputs.iter().map(|(name, feed)| (*name, feed.dtype(), feed.shape()));
        spec::check_inputs(&self.inputs, given)?;
        spec::check_outputs(&self.outputs, wanted.iter().map(Fetch::name))?;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }

        // A plain run lends the inputs. It computes all outputs, in host memory, where on the processor they may as well
        // stay: that is cheaper than a binding. Anything else is bound.
        let is_plain = wanted.len() == self.outputs.len()
            && (self.placement.device == Device::Cpu
                || (wanted.iter().all(|fetch| matches!(fetch, Fetch::Host(_)))
                    && inputs.iter().all(|(_, feed)| matches!(feed, Feed::Host(_)))));
        let options = Arc::new(RunOptions::new().map_err(failed)?);
        let stop = Arc::clone(&options);
        let guard = control.cancel.on_cancel(move || {
            // The run ends by itself if it cannot be told to.
            let _ = stop.terminate();
        });
        let run = if is_plain {
            let feeds = converted(inputs, value::feed)?;
            plain(&mut self.session, feeds, wanted, &options)
        } else {
            let feeds = converted(inputs, value::owned)?;
            bound(&mut self.session, feeds, wanted, &options, self.placement.device)
        };
        drop(guard);
        // A run that was told to stop errs with a text; what it means is known from the token.
        control.check()?;
        let values = run.map_err(failed)?;
        let device = self.placement.device;
        wanted
            .iter()
            .zip(values)
            .map(|(fetch, value)| match spec::find(&self.outputs, fetch.name()) {
                Some(spec) => value::fetch(*fetch, spec, device, value),
                None => Err(absent(fetch.name())),
            })
            .collect()
    }
}

fn converted<'n, 'a, 'v>(
    inputs: Vec<(&'n str, Feed<'a>)>,
    convert: impl Fn(Feed<'a>) -> Result<SessionInputValue<'v>, Error>,
) -> Result<Vec<(&'n str, SessionInputValue<'v>)>, Error> {
    inputs.into_iter().map(|(name, feed)| Ok((name, convert(feed)?))).collect()
}

fn plain(
    session: &mut ort::session::Session,
    feeds: Vec<(&str, SessionInputValue<'_>)>,
    wanted: &[Fetch<'_>],
    options: &RunOptions,
) -> ort::Result<Vec<DynValue>> {
    let feeds: Vec<(std::borrow::Cow<'_, str>, _)> =
        feeds.into_iter().map(|(name, value)| (name.into(), value)).collect();
    let mut outputs = session.run_with_options(SessionInputs::<0>::ValueMap(feeds), options)?;
    wanted.iter().map(|fetch| take(&mut outputs, fetch.name())).collect()
}

fn bound(
    session: &mut ort::session::Session,
    feeds: Vec<(&str, SessionInputValue<'_>)>,
    wanted: &[Fetch<'_>],
    options: &RunOptions,
    device: Device,
) -> ort::Result<Vec<DynValue>> {
    let mut binding: IoBinding = session.create_binding()?;
    for (name, value) in &feeds {
        binding.bind_input(*name, value)?;
    }
    let host = memory(Device::Cpu)?;
    let local = memory(device)?;
    for fetch in wanted {
        match fetch {
            Fetch::Host(name) => binding.bind_output_to_device(*name, &host)?,
            Fetch::Keep(name) => binding.bind_output_to_device(*name, &local)?,
        }
    }
    let mut outputs = session.run_binding_with_options(&binding, options)?;
    wanted.iter().map(|fetch| take(&mut outputs, fetch.name())).collect()
}

fn memory(device: Device) -> ort::Result<MemoryInfo<'static>> {
    let (device, number) = match device {
        Device::Cuda(number) | Device::TensorRt(number) => (AllocationDevice::CUDA, number),
        _ => (AllocationDevice::CPU, 0),
    };
    // Device numbers were checked when the session was made.
    let number = i32::try_from(number).unwrap_or(i32::MAX);
    MemoryInfo::new(device, number, AllocatorType::Device, MemoryType::Default)
}

fn take(outputs: &mut ort::session::SessionOutputs<'_>, name: &str) -> ort::Result<DynValue> {
    outputs.remove(name).ok_or_else(|| ort::Error::new(format!("no output `{name}` came back")))
}

fn absent(name: &str) -> Error {
    Error::Output {
        name: name.into(),
        expected: "a declared output".into(),
        got: "none of this name".into(),
    }
}
