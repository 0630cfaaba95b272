//! Choosing a runtime and a device when the program runs, and saying what was chosen.

use std::{ffi::OsString, fmt, str::FromStr, sync::Arc};

use crate::{
    device::Device,
    error::Error,
    model::SessionModel,
    session::{Backend, Session, SessionOptions},
    source::{LoadedSource, ModelSource},
};

/// How the surroundings of a process are read, such as `&|name| std::env::var_os(name)`. This crate reads no
/// environment by itself.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The runtimes that models are loaded with, in order of preference.
#[derive(Clone, Debug)]
pub struct Engine {
    backends: Vec<Arc<dyn Backend>>,
    notes: Vec<String>,
}

impl Engine {
    /// Pure Rust on the processor; always there when built with the feature `rten`.
    #[cfg(feature = "rten")]
    pub fn rten() -> Self {
        Self::custom(Arc::new(crate::backend::rten::Rten::new()))
    }

    /// Native ONNX Runtime from the library that `search` finds.
    ///
    /// # Errors
    /// [`Error::LibraryNotFound`] with every place that was tried, [`Error::LibraryConflict`].
    #[cfg(feature = "ort")]
    pub fn ort(search: &crate::backend::ort::LibrarySearch) -> Result<Self, Error> {
        let runtime = crate::backend::ort::OrtRuntime::load(search)?;
        Ok(Self::custom(Arc::new(runtime)))
    }

    /// A backend of your own.
    pub fn custom(backend: Arc<dyn Backend>) -> Self {
        Self { backends: vec![backend], notes: Vec::new() }
    }

    /// Native ONNX Runtime where a usable library is found, and rten otherwise. The reason for the latter is part of
    /// every [`Placement`](crate::Placement).
    ///
    /// # Errors
    /// [`Error::BackendUnavailable`] when there is neither.
    pub fn auto(lookup: Lookup<'_>) -> Result<Self, Error> {
        let mut engine = Self { backends: Vec::new(), notes: Vec::new() };
        match Self::choose(BackendChoice::Ort, lookup) {
            Ok(ort) => engine.backends.extend(ort.backends),
            Err(error) => engine.notes.push(format!("ort: {}", error.chain())),
        }
        match Self::choose(BackendChoice::Rten, lookup) {
            Ok(rten) => engine.backends.extend(rten.backends),
            Err(error) => engine.notes.push(format!("rten: {}", error.chain())),
        }
        if engine.backends.is_empty() {
            return Err(Error::BackendUnavailable {
                backend: "auto".into(),
                reason: engine.notes.join("; "),
            });
        }
        Ok(engine)
    }

    /// The engine for a choice made at run time, for instance on a command line.
    ///
    /// # Errors
    /// [`Error::BackendUnavailable`] when this build lacks the backend; as [`Engine::auto`] and `Engine::ort`.
    pub fn choose(choice: BackendChoice, lookup: Lookup<'_>) -> Result<Self, Error> {
        match choice {
            BackendChoice::Auto => Self::auto(lookup),
            #[cfg(feature = "rten")]
            BackendChoice::Rten => Ok(Self::rten()),
            #[cfg(feature = "ort")]
            BackendChoice::Ort => Self::ort(&crate::backend::ort::LibrarySearch::new(lookup)),
            #[allow(unreachable_patterns, reason = "reached in builds without all backends")]
            other => Err(Error::BackendUnavailable {
                backend: other.to_string(),
                reason: format!("this program was built without the feature `{other}`"),
            }),
        }
    }

    /// Adds a backend to try after the others.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.backends.extend(other.backends);
        self.notes.extend(other.notes);
        self
    }

    /// Names of the backends in order of preference.
    pub fn backends(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.backends.iter().map(|backend| backend.name())
    }

    /// Why a backend that would have come first is missing.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Loads a model on the device that `options` ask for.
    ///
    /// A named device is tried on every backend in order; there is no other device in its place. With
    /// [`Device::Auto`] the first backend and device that load the model are taken, and
    /// [`Session::placement`] lists what failed before.
    ///
    /// # Errors
    /// [`Error::ProviderUnavailable`] when no backend has the device; otherwise the last backend's error.
    pub fn load(
        &self,
        source: &ModelSource,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>, Error> {
        self.load_read(&source.read()?, options)
    }

    /// As [`load`](Self::load), for a source that has been read.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_read(
        &self,
        source: &LoadedSource,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>, Error> {
        let mut passed_over = self.notes.clone();
        let mut last = None;
        let mut all_lack_the_device = true;
        for backend in &self.backends {
            let devices = match options.device {
                Device::Auto => backend.devices(),
                named => vec![named],
            };
            for device in devices {
                match backend.load(source, device, options) {
                    Ok(session) => return Ok(placed(session, passed_over)),
                    Err(error) => {
                        all_lack_the_device &= matches!(error, Error::ProviderUnavailable { .. });
                        passed_over.push(format!(
                            "{} on {device}: {}",
                            backend.name(),
                            error.chain()
                        ));
                        // A fault of the model tells more than a device that is not there.
                        if !matches!(error, Error::ProviderUnavailable { .. }) || last.is_none() {
                            last = Some(error);
                        }
                    }
                }
            }
        }
        match last {
            Some(error) if !all_lack_the_device || passed_over.len() == 1 => Err(error),
            _ => Err(Error::ProviderUnavailable {
                device: options.device,
                reason: passed_over.join("; "),
            }),
        }
    }

    /// Loads a model for callers who only need tensors in and out.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn model(
        &self,
        source: &ModelSource,
        options: &SessionOptions,
    ) -> Result<SessionModel, Error> {
        Ok(SessionModel::new(self.load(source, options)?))
    }
}

/// Which backend a program should use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackendChoice {
    /// ONNX Runtime where its library is found, else rten.
    #[default]
    Auto,
    /// ONNX Runtime or nothing.
    Ort,
    /// rten or nothing.
    Rten,
}

impl fmt::Display for BackendChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Ort => "ort",
            Self::Rten => "rten",
        })
    }
}

impl FromStr for BackendChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "auto" => Ok(Self::Auto),
            "ort" => Ok(Self::Ort),
            "rten" => Ok(Self::Rten),
            _ => Err(Error::Argument {
                what: "backend",
                reason: format!("`{text}` is none of auto, ort, rten"),
            }),
        }
    }
}

/// Adds to a session's report what was tried before it.
fn placed(session: Box<dyn Session>, passed_over: Vec<String>) -> Box<dyn Session> {
    if passed_over.is_empty() {
        return session;
    }
    let mut placement = session.placement().clone();
    placement.passed_over = passed_over;
    Box::new(Placed { session, placement })
}

struct Placed {
    session: Box<dyn Session>,
    placement: crate::Placement,
}

impl Session for Placed {
    fn inputs(&self) -> &[crate::TensorSpec] {
        self.session.inputs()
    }

    fn outputs(&self) -> &[crate::TensorSpec] {
        self.session.outputs()
    }

    fn placement(&self) -> &crate::Placement {
        &self.placement
    }

    fn run(
        &mut self,
        inputs: Vec<(&str, crate::Feed<'_>)>,
        wanted: &[crate::Fetch<'_>],
        control: &crate::RunControl,
    ) -> Result<Vec<crate::Fetched>, Error> {
        self.session.run(inputs, wanted, control)
    }

    fn share(&self) -> Option<Box<dyn Session>> {
        let session = self.session.share()?;
        Some(Box::new(Self { session, placement: self.placement.clone() }))
    }
}
