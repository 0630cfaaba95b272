//! The one ONNX Runtime of a process: loading the library, and sessions on its devices.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use ort::{
    LoadDynamicError,
    environment::Environment,
    session::builder::{GraphOptimizationLevel, SessionBuilder},
};

use super::{
    NAME,
    library::{Candidate, LibrarySearch},
    session::OrtSession,
};
use crate::{
    device::{Device, Placement},
    error::{Error, LibraryFault},
    session::{Backend, Session, SessionOptions},
    source::LoadedSource,
};

/// ONNX Runtime, loaded. Values of this type share the process's one environment.
#[derive(Clone, Debug)]
pub struct OrtRuntime {
    environment: Environment,
    library: Option<PathBuf>,
}

/// Set once per process; never dropped, since a second environment cannot be made.
static RUNTIME: OnceLock<OrtRuntime> = OnceLock::new();
/// Held while loading, so that two threads do not make two environments.
static LOADING: Mutex<()> = Mutex::new(());

impl OrtRuntime {
    /// Loads the first usable library, or returns the runtime that this process has loaded already.
    ///
    /// # Errors
    /// [`Error::LibraryNotFound`] lists every candidate with its reason. [`Error::LibraryConflict`] when a library was
    /// named and another one is loaded.
    pub fn load(search: &LibrarySearch) -> Result<Self, Error> {
        let _held = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = RUNTIME.get() {
            return runtime.answer(search.named());
        }
        let mut tried = Vec::new();
        for candidate in search.candidates() {
            let files = match candidate.files() {
                Ok(files) => files,
                Err(attempt) => {
                    tried.push(attempt);
                    continue;
                }
            };
            for file in files {
                match start(&file) {
                    Ok(environment) => {
                        let runtime = Self { environment, library: Some(file) };
                        return Ok(RUNTIME.get_or_init(|| runtime).clone());
                    }
                    Err(fault) => tried.push(candidate.attempt(&file, fault)),
                }
            }
        }
        Err(Error::LibraryNotFound { tried })
    }

    /// Uses the environment of a host that works with `ort` itself; ONNX Runtime allows one per process. The type is
    /// that of the pinned `ort` version and may change with it.
    pub fn from_environment(environment: Environment) -> Self {
        let _held = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        RUNTIME.get_or_init(|| Self { environment, library: None }).clone()
    }

    /// The environment, for hosts that work with `ort` itself. The type is that of the pinned `ort` version and may
    /// change with it.
    pub fn as_ort(&self) -> &Environment {
        &self.environment
    }

    /// The library in use; nothing when the host loaded it.
    pub fn library(&self) -> Option<&Path> {
        self.library.as_deref()
    }

    /// What the library says about its build: version, commit, flags.
    pub fn build_info(&self) -> &'static str {
        ort::info()
    }

    /// What a search gets when a library is loaded already: that one, unless it named another.
    fn answer(&self, named: Option<&Candidate>) -> Result<Self, Error> {
        let (Some(named), Some(loaded)) = (named, &self.library) else { return Ok(self.clone()) };
        let files = named.files().map_err(|tried| Error::LibraryNotFound { tried: vec![tried] })?;
        match files.first() {
            Some(asked) if !files.contains(loaded) => {
                Err(Error::LibraryConflict { loaded: loaded.clone(), asked: asked.clone() })
            }
            _ => Ok(self.clone()),
        }
    }
}

impl Backend for OrtRuntime {
    fn name(&self) -> &'static str {
        NAME
    }

    fn devices(&self) -> Vec<Device> {
        // What was compiled in; whether it is there is only known once a session has been made on it.
        let mut devices = Vec::new();
        if cfg!(feature = "cuda") {
            devices.push(Device::Cuda(0));
        }
        devices.push(Device::Cpu);
        devices
    }

    fn load(
        &self,
        source: &LoadedSource,
        device: Device,
        options: &SessionOptions,
    ) -> Result<Box<dyn Session>, Error> {
        let refuse =
            |error: ort::Error| Error::Model { model: source.name.clone(), source: error.into() };
        let mut builder = SessionBuilder::new(&self.environment)
            .and_then(|builder| prepare(builder, options))
            .map_err(|error| Error::Backend { backend: NAME, source: error.into() })?;
        builder = on_device(builder, device, options)?;
        for (location, data) in &source.external {
            builder = builder
                .with_external_initializer_file_in_memory(location, Arc::clone(data))
                .map_err(|error| refuse(error.into()))?;
        }
        let session = builder.commit_from_memory(&source.graph).map_err(refuse)?;
        Ok(Box::new(OrtSession::new(session, source, Placement::new(NAME, device))))
    }
}

/// Loads a library and makes the environment.
fn start(file: &Path) -> Result<Environment, LibraryFault> {
    let builder = ort::init_from(file).map_err(|error| match error {
        LoadDynamicError::Dlopen { error, .. } => {
            let reason = crate::error::chain_of(&error);
            if file.components().count() == 1 {
                missing_or(reason)
            } else {
                LibraryFault::Unloadable(reason)
            }
        }
        LoadDynamicError::MissingApi { .. } | LoadDynamicError::InvalidVersionString => {
            LibraryFault::Alien
        }
        LoadDynamicError::BadVersion { version_str, .. } => {
            LibraryFault::TooOld { found: version_str, oldest_minor: ort::MINOR_VERSION }
        }
    })?;
    builder
        .with_name("tensor-ml")
        .with_telemetry(false)
        // Errors come back as values; without a logger they would also be printed.
        .with_logger(Arc::new(|_, _, _, _, _| {}))
        .build()
        .map_err(|error| LibraryFault::Start(error.message().into()))
}

fn missing_or(reason: String) -> LibraryFault {
    // glibc, musl and macOS respectively.
    let signs = [
        "cannot open shared object file: No such file",
        "No such file or directory",
        "no such file",
    ];
    if signs.iter().any(|sign| reason.contains(sign)) {
        LibraryFault::Missing
    } else {
        LibraryFault::Unloadable(reason)
    }
}

fn prepare(builder: SessionBuilder, options: &SessionOptions) -> ort::Result<SessionBuilder> {
    let mut builder = builder
        // A minimal build of the library has no optimiser and says so; it is usable all the same.
        .with_optimization_level(GraphOptimizationLevel::All)
        .unwrap_or_else(|error| error.recover())
        // Shapes vary from request to request, which the pattern cannot use.
        .with_memory_pattern(false)?
        // Threads that spin while waiting take the processor from everything else in a server.
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?;
    if let Some(threads) = options.threads {
        builder = builder.with_intra_threads(threads)?;
    }
    Ok(builder)
}

fn on_device(
    builder: SessionBuilder,
    device: Device,
    options: &SessionOptions,
) -> Result<SessionBuilder, Error> {
    #[cfg(not(feature = "cuda"))]
    let _ = options;
    #[cfg_attr(not(feature = "cuda"), allow(unused_variables, reason = "used with GPUs only"))]
    let unavailable = |reason: String| Error::ProviderUnavailable { device, reason };
    match device {
        Device::Cpu => Ok(builder),
        #[cfg(feature = "cuda")]
        Device::Cuda(number) => {
            let number =
                i32::try_from(number).map_err(|_| unavailable("no such device number".into()))?;
            let provider =
                ort::ep::CUDA::default().with_device_id(number).with_tf32(!options.exact);
            register(builder, provider.build()).map_err(unavailable)
        }
        #[cfg(feature = "tensorrt")]
        Device::TensorRt(number) => {
            let number =
                i32::try_from(number).map_err(|_| unavailable("no such device number".into()))?;
            let provider = ort::ep::TensorRT::default().with_device_id(number);
            register(builder, provider.build()).map_err(unavailable)
        }
        #[allow(unreachable_patterns, reason = "reached in builds without all devices")]
        Device::Cuda(_) => {
            Err(unavailable("this program was built without the feature `cuda`".into()))
        }
        #[allow(unreachable_patterns, reason = "reached in builds without all devices")]
        Device::TensorRt(_) => {
            Err(unavailable("this program was built without the feature `tensorrt`".into()))
        }
        _ => Err(unavailable("ONNX Runtime does not know this device".into())),
    }
}

/// Registers strictly: without `error_on_failure` ONNX Runtime would go on with the processor and say nothing.
#[cfg(any(feature = "cuda", feature = "tensorrt"))]
fn register(
    builder: SessionBuilder,
    provider: ort::ep::ExecutionProviderDispatch,
) -> Result<SessionBuilder, String> {
    builder
        .with_execution_providers([provider.error_on_failure()])
        .map_err(|error| error.message().to_owned())
}
