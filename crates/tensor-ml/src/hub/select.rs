//! Which files of a model are fetched.

use super::listing::HubFile;
use crate::folder::STEMS;

/// Which files of a model are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selection {
    /// What this crate opens: configurations and tokenizers, and of each folder of graphs the preferred one with its
    /// external data; the variant's where one is named, such as `fp16`.
    Model {
        /// Suffix of the graphs, without `_`; nothing for those without one.
        variant: Option<String>,
    },
    /// Everything.
    All,
    /// Files of these paths.
    Files(Vec<String>),
}

impl Default for Selection {
    fn default() -> Self {
        Self::Model { variant: None }
    }
}

impl Selection {
    /// What this crate opens, in a variant such as `fp16` or `q4`.
    pub fn variant(variant: impl Into<String>) -> Self {
        Self::Model { variant: Some(variant.into()) }
    }

    /// The files that it takes, in the order given.
    pub fn of<'a>(&self, files: &'a [HubFile]) -> Vec<&'a HubFile> {
        match self {
            Self::All => files.iter().collect(),
            Self::Files(paths) => files.iter().filter(|file| paths.contains(&file.path)).collect(),
            Self::Model { variant } => {
                let graphs = graphs(files, variant.as_deref());
                files
                    .iter()
                    .filter(|file| is_text(&file.path) || belongs(&file.path, &graphs))
                    .collect()
            }
        }
    }
}

/// Folder of a file, where `onnx` counts as the folder above, and its name.
fn place(path: &str) -> (&str, &str) {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    (folder.strip_suffix("onnx").map_or(folder, |above| above.trim_end_matches('/')), name)
}

/// Configurations, tokenizers, templates: as deep as parts of a model lie, which examples and checkpoints do not.
fn is_text(path: &str) -> bool {
    let is_shallow = path.matches('/').count() <= 1;
    let kinds = [".json", ".txt", ".jinja", ".model"];
    is_shallow && kinds.iter().any(|kind| path.ends_with(kind))
}

/// The graph of each folder that has some.
fn graphs<'a>(files: &'a [HubFile], variant: Option<&str>) -> Vec<&'a str> {
    let suffix =
        variant.map_or_else(String::new, |variant| format!("_{}", variant.trim_start_matches('_')));
    let all: Vec<&str> = files
        .iter()
        .map(|file| file.path.as_str())
        .filter(|path| path.ends_with(".onnx"))
        .collect();
    let mut folders: Vec<&str> = all.iter().map(|path| place(path).0).collect();
    folders.sort_unstable();
    folders.dedup();
    folders
        .into_iter()
        .filter_map(|folder| {
            let here: Vec<&str> =
                all.iter().copied().filter(|path| place(path).0 == folder).collect();
            let mut wanted = STEMS.iter().map(|stem| format!("{stem}{suffix}.onnx"));
            let named =
                wanted.find_map(|name| here.iter().copied().find(|path| place(path).1 == name));
            named.or_else(|| {
                (here.len() == 1 && variant.is_none()).then(|| here.first().copied()).flatten()
            })
        })
        .collect()
}

/// A chosen graph or its external data: `GRAPH_data`, `GRAPH_data_1`, `GRAPH.data`, …
fn belongs(path: &str, graphs: &[&str]) -> bool {
    graphs.iter().any(|graph| {
        let rest = path.strip_prefix(graph);
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with("_data") || rest.starts_with(".data")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(selection: &Selection, paths: &[&str]) -> Vec<String> {
        let files: Vec<HubFile> = paths
            .iter()
            .map(|path| HubFile { path: (*path).into(), size: 1, digest: String::new() })
            .collect();
        selection.of(&files).into_iter().map(|file| file.path.clone()).collect()
    }

    #[test]
    fn what_opens_a_model_is_taken_and_nothing_else() {
        let paths = [
            ".gitattributes",
            "README.md",
            "1_Pooling/config.json",
            "config.json",
            "model.safetensors",
            "onnx/model.onnx",
            "onnx/model.onnx_data",
            "onnx/model_fp16.onnx",
            "onnx/model_fp16.onnx_data_1",
            "runs/a/b/x.json",
            "tokenizer.json",
        ];
        let texts = ["1_Pooling/config.json", "config.json"];
        let whole = [&texts[..], &["onnx/model.onnx", "onnx/model.onnx_data", "tokenizer.json"]];
        assert_eq!(take(&Selection::default(), &paths), whole.concat());
        let half = [
            &texts[..],
            &["onnx/model_fp16.onnx", "onnx/model_fp16.onnx_data_1", "tokenizer.json"],
        ];
        assert_eq!(take(&Selection::variant("_fp16"), &paths), half.concat());
        assert_eq!(take(&Selection::All, &paths), paths);
        assert_eq!(take(&Selection::Files(vec!["README.md".into()]), &paths), ["README.md"]);
        // Each part of a text-to-image folder has a graph.
        let parts = [
            "model_index.json",
            "unet/model.onnx",
            "unet/model.onnx_data",
            "vae_decoder/model.onnx",
        ];
        assert_eq!(take(&Selection::default(), &parts), parts);
        assert!(take(&Selection::default(), &["a.onnx", "b.onnx"]).is_empty());
        assert_eq!(take(&Selection::default(), &["only.onnx"]), ["only.onnx"]);
    }
}
