//! Where a model's graph comes from: a file or bytes, with its external data read under our own rules.
//!
//! Graph and external data are read once, by us, and handed to the backend in memory. So what was digested is what
//! runs, and no backend follows a path that a stranger wrote into a graph.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io::Read,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use crate::{error::Error, onnx::Outline};

/// A graph to load.
#[derive(Clone)]
pub struct ModelSource {
    name: String,
    place: Place,
    root: Option<PathBuf>,
}

#[derive(Clone)]
enum Place {
    File(PathBuf),
    Bytes { graph: Arc<[u8]>, external: BTreeMap<String, Arc<[u8]>> },
}

impl ModelSource {
    /// The ONNX file at `path`. External data must lie in its folder.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { name: path.display().to_string(), place: Place::File(path), root: None }
    }

    /// A graph in memory; `name` is for messages.
    pub fn bytes(name: impl Into<String>, graph: impl Into<Arc<[u8]>>) -> Self {
        let place = Place::Bytes { graph: graph.into(), external: BTreeMap::new() };
        Self { name: name.into(), place, root: None }
    }

    /// Gives external data for a graph in memory. Without effect on a file.
    #[must_use]
    pub fn with_external(
        mut self,
        location: impl Into<String>,
        data: impl Into<Arc<[u8]>>,
    ) -> Self {
        if let Place::Bytes { external, .. } = &mut self.place {
            external.insert(location.into(), data.into());
        }
        self
    }

    /// Lets links to external data lead anywhere under `root`, as the hub's cache needs it: its files are links into
    /// a store beside them. Locations written in the graph are confined to the graph's folder all the same.
    #[must_use]
    pub fn with_links_under(mut self, root: impl Into<PathBuf>) -> Self {
        self.root = Some(root.into());
        self
    }

    /// Path or name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the graph and everything it names.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Model`] for what is no ONNX model, [`Error::ExternalData`] for data that lies outside
    /// the folder or is missing.
    pub fn read(&self) -> Result<LoadedSource, Error> {
        self.read_within(u64::MAX, u64::MAX, usize::MAX)
    }

    /// As [`read`](Self::read), within limits that are checked before a file is read.
    pub(crate) fn read_within(
        &self,
        max_graph: u64,
        max_external: u64,
        max_files: usize,
    ) -> Result<LoadedSource, Error> {
        let refuse = |reason: String| Error::Refused { model: self.name.clone(), reason };
        let graph: Arc<[u8]> = match &self.place {
            Place::File(path) => match read_up_to(path, max_graph)? {
                Content::Read(bytes) => bytes,
                Content::TooLarge(size) => {
                    return Err(refuse(too_much("bytes of graph", size, max_graph)));
                }
            },
            Place::Bytes { graph, .. } if graph.len() as u64 > max_graph => {
                return Err(refuse(too_much("bytes of graph", graph.len() as u64, max_graph)));
            }
            Place::Bytes { graph, .. } => Arc::clone(graph),
        };
        let outline = Outline::read(&graph)
            .map_err(|fault| Error::Model { model: self.name.clone(), source: fault.into() })?;
        let files = outline.external.len();
        if files > max_files {
            let (files, max_files) = (files as u64, max_files as u64);
            return Err(refuse(too_much("files of external data", files, max_files)));
        }
        let mut external = BTreeMap::new();
        let mut left = max_external;
        for location in &outline.external {
            let bytes = match self.external(location, left)? {
                Content::Read(bytes) => bytes,
                Content::TooLarge(size) => {
                    let total = max_external.saturating_sub(left).saturating_add(size);
                    return Err(refuse(too_much("bytes of external data", total, max_external)));
                }
            };
            left = left.saturating_sub(bytes.len() as u64);
            external.insert(location.clone(), bytes);
        }
        Ok(LoadedSource { name: self.name.clone(), graph, external, outline })
    }

    fn external(&self, location: &str, max: u64) -> Result<Content, Error> {
        let refuse = |reason: &str| Error::ExternalData {
            model: self.name.clone(),
            location: location.into(),
            reason: reason.into(),
        };
        let mut parts = Path::new(location).components().peekable();
        if parts.peek().is_none() || !parts.all(|part| matches!(part, Component::Normal(_))) {
            return Err(refuse("not a path below the model's folder"));
        }
        let file = match &self.place {
            Place::Bytes { external, .. } => {
                let data = external.get(location).cloned().ok_or_else(|| refuse("not given"))?;
                let size = data.len() as u64;
                return Ok(if size > max { Content::TooLarge(size) } else { Content::Read(data) });
            }
            Place::File(file) => file,
        };
        let folder = file.parent().filter(|path| !path.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        let root = self.root.as_deref().unwrap_or(folder);
        let real = |path: &Path| fs::canonicalize(path).map_err(|error| Error::io(path, error));
        let target = real(&folder.join(location)).map_err(|_| refuse("not found"))?;
        if !target.starts_with(real(root)?) {
            return Err(refuse("a link that leads out of the model's folder"));
        }
        read_up_to(&target, max)
    }
}

impl fmt::Debug for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ModelSource").field(&self.name).finish()
    }
}

/// A graph and its external data in memory, outline read.
#[non_exhaustive]
pub struct LoadedSource {
    /// Path or name, for messages.
    pub name: String,
    /// The serialised graph.
    pub graph: Arc<[u8]>,
    /// External data by location.
    pub external: BTreeMap<String, Arc<[u8]>>,
    /// What the graph says about itself.
    pub outline: Outline,
}

impl fmt::Debug for LoadedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedSource")
            .field("name", &self.name)
            .field("graph_bytes", &self.graph.len())
            .field("external", &self.external.keys())
            .finish_non_exhaustive()
    }
}

/// What a file holds, or how much it would be.
enum Content {
    Read(Arc<[u8]>),
    TooLarge(u64),
}

/// The bytes of a file, if they are not more than `max`. The size is that of the open file, and
/// no more is read, whatever happens to the file meanwhile.
fn read_up_to(path: &Path, max: u64) -> Result<Content, Error> {
    let failed = |error| Error::io(path, error);
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    if size > max {
        return Ok(Content::TooLarge(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(size).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Content::Read(bytes.into()))
}

pub(crate) fn too_much(what: &str, found: u64, limit: u64) -> String {
    format!("{found} {what}, where at most {limit} are taken")
}
