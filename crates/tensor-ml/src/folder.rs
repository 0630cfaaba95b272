//! Model folders as Hugging Face Optimum, onnx-community and sentence-transformers lay them out.
//!
//! A folder has a `config.json`, tokenizer and preprocessor files, and graphs in its root or in `onnx/`. Nothing is
//! decided by a model's name: what a graph takes and gives is read from the graph.

mod config;
mod digest;
mod hub;

use std::{
    fs,
    path::{Path, PathBuf},
};

#[cfg(any(feature = "text", feature = "image"))]
pub(crate) use self::config::{number, unnamed};
pub use self::{config::Config, digest::ModelDigest, hub::HubCache};
use crate::{error::Error, source::ModelSource};

/// Stems of graph files, first choice first.
pub(crate) const STEMS: [&str; 3] = ["model", "decoder_model_merged", "decoder_with_past_model"];
/// Configuration files larger than this are refused; the largest tokenizers in use have about 40 MB.
const MAX_TEXT_BYTES: u64 = 256 << 20;

/// A model folder on disk.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    root: PathBuf,
    links_under: Option<PathBuf>,
    graph: Option<PathBuf>,
    config: Config,
}

/// Which graph of a folder is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GraphChoice {
    /// `model.onnx`, `decoder_model_merged.onnx` or `decoder_with_past_model.onnx`, in this order; failing these the
    /// only graph there is.
    #[default]
    Preferred,
    /// The same with a suffix for the element type: `fp16`, `quantized`, `int8`, `uint8`, `q4`, `q4f16`, `bnb4`.
    Variant(String),
    /// The file of this name, relative to the folder.
    File(PathBuf),
}

impl ModelFolder {
    /// Opens a folder, or the folder of a graph file, whose graph is then the preferred one.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no such folder or file, [`Error::Config`] when its `config.json` is not a JSON object.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let kind = fs::metadata(path).map_err(|error| Error::io(path, error))?;
        let (root, graph) = if kind.is_dir() {
            (path.to_path_buf(), None)
        } else {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or_else(|| Path::new("."));
            // A graph in `onnx/` belongs to the folder above, where its configuration is.
            let above = folder.parent().filter(|_| folder.ends_with("onnx"));
            let root = above.filter(|above| above.join("config.json").exists()).unwrap_or(folder);
            (root.to_path_buf(), Some(path.to_path_buf()))
        };
        let mut folder = Self { root, links_under: None, graph, config: Config::default() };
        folder.config = Config::new(folder.json("config.json")?);
        Ok(folder)
    }

    /// Lets links in the folder lead anywhere under `root`; see [`ModelSource::with_links_under`].
    #[must_use]
    pub fn with_links_under(mut self, root: impl Into<PathBuf>) -> Self {
        self.links_under = Some(root.into());
        self
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What `config.json` says; empty when there is none.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether there is a folder of this name in the folder, as text-to-image models have one for each part.
    pub fn has_part(&self, name: &str) -> bool {
        self.root.join(name).is_dir()
    }

    /// The folder of this name in the folder; links in it may lead where they may here.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn part(&self, name: &str) -> Result<Self, Error> {
        let part = Self::open(self.root.join(name))?;
        Ok(Self { links_under: self.links_under.clone(), ..part })
    }

    /// The path of a file in the folder, if it is there.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.root.join(name)).filter(|path| path.is_file())
    }

    /// The bytes of a file in the folder; nothing when it is not there.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Config`] when it is too large for a configuration file.
    pub fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(path) = self.file(name) else { return Ok(None) };
        let size = fs::metadata(&path).map_err(|error| Error::io(&path, error))?.len();
        if size > MAX_TEXT_BYTES {
            return Err(Error::config(
                path,
                format!("{size} bytes are too many for a configuration file"),
            ));
        }
        fs::read(&path).map(Some).map_err(|error| Error::io(path, error))
    }

    /// A JSON file in the folder; an empty object when it is not there.
    ///
    /// # Errors
    /// [`Error::Config`] when it is not a JSON object.
    pub fn json(&self, name: &str) -> Result<serde_json::Map<String, serde_json::Value>, Error> {
        let Some(bytes) = self.bytes(name)? else { return Ok(serde_json::Map::new()) };
        // Some editors write a byte order mark, which JSON forbids.
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        serde_json::from_slice(text)
            .map_err(|error| Error::config(self.root.join(name), error.to_string()))
    }

    /// The graph to load.
    ///
    /// # Errors
    /// [`Error::Config`] when there is none or the choice is not clear; it lists the graphs there are.
    pub fn graph(&self, choice: &GraphChoice) -> Result<ModelSource, Error> {
        let source = ModelSource::file(self.graph_path(choice)?);
        Ok(match &self.links_under {
            Some(root) => source.with_links_under(root),
            None => source,
        })
    }

    /// The path of the graph to load.
    ///
    /// # Errors
    /// As [`graph`](Self::graph).
    pub fn graph_path(&self, choice: &GraphChoice) -> Result<PathBuf, Error> {
        let (wanted, suffix) = match choice {
            GraphChoice::File(name) => {
                let path = self.root.join(name);
                if path.is_file() {
                    return Ok(path);
                }
                (name.display().to_string(), None)
            }
            GraphChoice::Variant(variant) => {
                let suffix = variant.trim_start_matches('_');
                (format!("a graph of variant `{suffix}`"), Some(format!("_{suffix}")))
            }
            GraphChoice::Preferred => {
                if let Some(graph) = &self.graph {
                    return Ok(graph.clone());
                }
                ("a graph".to_owned(), Some(String::new()))
            }
        };
        if let Some(suffix) = suffix {
            for stem in STEMS {
                for folder in ["", "onnx"] {
                    let path = self.root.join(folder).join(format!("{stem}{suffix}.onnx"));
                    if path.is_file() {
                        return Ok(path);
                    }
                }
            }
        }
        let graphs = self.graphs();
        if let (GraphChoice::Preferred, [only]) = (choice, graphs.as_slice()) {
            return Ok(only.clone());
        }
        let names: Vec<_> = graphs
            .iter()
            .map(|path| path.strip_prefix(&self.root).unwrap_or(path).display().to_string())
            .collect();
        let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Err(Error::config(&self.root, format!("{wanted} was looked for; graphs there: {there}")))
    }

    /// All graphs in the root and in `onnx/`, sorted.
    pub fn graphs(&self) -> Vec<PathBuf> {
        let mut graphs: Vec<_> = [self.root.clone(), self.root.join("onnx")]
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
            .collect();
        graphs.sort();
        graphs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str, files: &[&str]) -> Self {
            let root =
                std::env::temp_dir().join(format!("tensor-ml-{name}-{}", std::process::id()));
            for file in files {
                let path = root.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, b"{}").unwrap();
            }
            Self(root)
        }

        fn graph(&self, choice: GraphChoice) -> Result<String, Error> {
            let path = ModelFolder::open(&self.0)?.graph_path(&choice)?;
            Ok(path.strip_prefix(&self.0).unwrap().display().to_string())
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_graph_is_found_by_preference_and_variant() {
        let files = [
            "config.json",
            "onnx/model.onnx",
            "onnx/model_q4.onnx",
            "onnx/decoder_model_merged_fp16.onnx",
            "other.onnx",
        ];
        let scratch = Scratch::new("graphs", &files);
        assert_eq!(scratch.graph(GraphChoice::Preferred).unwrap(), "onnx/model.onnx");
        assert_eq!(scratch.graph(GraphChoice::Variant("q4".into())).unwrap(), "onnx/model_q4.onnx");
        assert_eq!(
            scratch.graph(GraphChoice::Variant("_fp16".into())).unwrap(),
            "onnx/decoder_model_merged_fp16.onnx"
        );
        assert_eq!(scratch.graph(GraphChoice::File("other.onnx".into())).unwrap(), "other.onnx");
        let error = scratch.graph(GraphChoice::Variant("int8".into())).unwrap_err().to_string();
        assert!(error.contains("int8") && error.contains("onnx/model_q4.onnx"), "{error}");
        assert!(scratch.graph(GraphChoice::File("absent.onnx".into())).is_err());
        let folder = ModelFolder::open(scratch.0.join("onnx/model_q4.onnx")).unwrap();
        assert_eq!(folder.root(), scratch.0);
        assert!(folder.graph_path(&GraphChoice::Preferred).unwrap().ends_with("model_q4.onnx"));
    }

    #[test]
    fn a_single_graph_needs_no_name_and_two_strangers_do() {
        let one = Scratch::new("one", &["onnx/classifier_quantized.onnx"]);
        assert_eq!(one.graph(GraphChoice::Preferred).unwrap(), "onnx/classifier_quantized.onnx");
        let two = Scratch::new("two", &["a.onnx", "b.onnx"]);
        let error = two.graph(GraphChoice::Preferred).unwrap_err().to_string();
        assert!(error.contains("a.onnx, b.onnx"), "{error}");
        let none = Scratch::new("none", &["config.json"]);
        assert!(none.graph(GraphChoice::Preferred).unwrap_err().to_string().contains("none"));
        assert!(matches!(ModelFolder::open("/no/such/folder"), Err(Error::Io { .. })));
    }

    #[test]
    fn a_broken_config_is_named() {
        let scratch = Scratch::new("broken", &["model.onnx"]);
        for broken in ["[1]", "{", "\"text\""] {
            fs::write(scratch.0.join("config.json"), broken).unwrap();
            let error = ModelFolder::open(&scratch.0).unwrap_err();
            assert!(
                matches!(&error, Error::Config { path, .. } if path.ends_with("config.json")),
                "{error}"
            );
        }
        fs::write(scratch.0.join("config.json"), b"\xef\xbb\xbf{\"model_type\": \"x\"}").unwrap();
        assert_eq!(ModelFolder::open(&scratch.0).unwrap().config().text("model_type"), Some("x"));
    }
}
