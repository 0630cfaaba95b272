//! The hub's cache on disk: `org/name` resolved to a folder, offline.
//!
//! Layout (huggingface_hub 2.4): `models--ORG--NAME/refs/REVISION` holds a commit id, the files are in
//! `snapshots/COMMIT/` and are links into `blobs/`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::ModelFolder;
use crate::{engine::Lookup, error::Error};

/// A ref file holds a commit id of 40 digits; nothing longer is read.
const MAX_REF_BYTES: u64 = 256;

/// The place where tools of the hub keep models. Nothing is ever downloaded here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubCache {
    root: PathBuf,
}

impl HubCache {
    /// The cache in this folder.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The cache that the hub's own tools would use: `HF_HUB_CACHE`, else `HUGGINGFACE_HUB_CACHE`, else `hub` in
    /// `HF_HOME`, else `huggingface/hub` in `XDG_CACHE_HOME`, else `.cache/huggingface/hub` in `HOME`. Nothing when none
    /// of these is set.
    pub fn find(lookup: Lookup<'_>) -> Option<Self> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = || {
            set("XDG_CACHE_HOME")
                .or_else(|| set("HOME").map(|home| home.join(".cache")))
                .map(|cache| cache.join("huggingface"))
        };
        set("HF_HUB_CACHE")
            .or_else(|| set("HUGGINGFACE_HUB_CACHE"))
            .or_else(|| set("HF_HOME").or_else(home).map(|home| home.join("hub")))
            .map(Self::at)
    }

    /// The folder of the cache.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a model, `name` or `org/name`, at a revision: a branch, a tag or a commit; `main` when none is given.
    ///
    /// # Errors
    /// [`Error::Argument`] for a name or revision that cannot be one; [`Error::Config`] when it is not in the cache.
    pub fn model(&self, name: &str, revision: Option<&str>) -> Result<ModelFolder, Error> {
        let revision = revision.unwrap_or("main");
        let store = self.store(name, revision)?;
        let commit =
            if is_commit(revision) { revision.to_owned() } else { commit(&store, revision)? };
        let snapshot = store.join("snapshots").join(&commit);
        if !snapshot.is_dir() {
            return Err(Error::config(
                snapshot,
                format!("{name} at {revision} is not in the cache"),
            ));
        }
        Ok(ModelFolder::open(snapshot)?.with_links_under(store))
    }

    /// The folder of all revisions of a model, if name and revision can be those of one.
    pub(crate) fn store(&self, name: &str, revision: &str) -> Result<PathBuf, Error> {
        let parts: Vec<&str> = name.split('/').collect();
        if parts.len() > 2 || !parts.iter().all(|part| is_name(part)) {
            return Err(Error::Argument {
                what: "model name",
                reason: format!("`{name}` is neither a name nor org/name"),
            });
        }
        if !revision.split('/').all(is_name) {
            let reason = format!("`{revision}` is not a branch, tag or commit");
            return Err(Error::Argument { what: "revision", reason });
        }
        Ok(self.root.join(format!("models--{}", parts.join("--"))))
    }
}

/// The commit that a branch or tag stands for.
fn commit(store: &Path, revision: &str) -> Result<String, Error> {
    let path = store.join("refs").join(revision);
    let absent = |reason: &str| Error::config(&path, reason);
    let size = fs::metadata(&path).map_err(|_| absent("not in the cache"))?.len();
    if size > MAX_REF_BYTES {
        return Err(absent("too long for a commit id"));
    }
    let text = fs::read_to_string(&path).map_err(|error| Error::io(&path, error))?;
    let commit = text.trim();
    if is_commit(commit) { Ok(commit.to_owned()) } else { Err(absent("holds no commit id")) }
}

/// A part of a name that cannot lead anywhere else.
fn is_name(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with(['.', '-'])
        && !part.contains("..")
        && part.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter))
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::GraphChoice;

    #[test]
    fn the_cache_is_where_the_hub_s_tools_have_it() {
        let find = |set: &[(&str, &str)]| {
            let lookup = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            };
            HubCache::find(&lookup).map(|cache| cache.root().display().to_string())
        };
        let all = [
            ("HF_HUB_CACHE", "/a"),
            ("HUGGINGFACE_HUB_CACHE", "/b"),
            ("HF_HOME", "/c"),
            ("XDG_CACHE_HOME", "/d"),
            ("HOME", "/e"),
        ];
        let expected = ["/a", "/b", "/c/hub", "/d/huggingface/hub", "/e/.cache/huggingface/hub"];
        for (first, expected) in expected.into_iter().enumerate() {
            assert_eq!(find(&all[first..]).as_deref(), Some(expected));
        }
        assert_eq!(find(&[]), None);
        assert_eq!(find(&[("HF_HUB_CACHE", ""), ("HOME", "/e")]).as_deref(), Some(expected[4]));
    }

    #[cfg(unix)]
    #[test]
    fn names_and_revisions_lead_to_snapshots_of_links() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let root = std::env::temp_dir().join(format!("tensor-ml-hub-{}", std::process::id()));
        let store = root.join("models--acme--embed.v2");
        let snapshot = store.join("snapshots").join(commit);
        for folder in [store.join("refs/pr"), store.join("blobs"), snapshot.join("onnx")] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(store.join("refs/main"), commit).unwrap();
        fs::write(store.join("refs/pr/1"), format!("{commit}\n")).unwrap();
        fs::write(store.join("refs/broken"), "nothing").unwrap();
        let graphs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/ml/graphs");
        for (blob, name) in [("b1", "external.onnx"), ("b2", "external.onnx_data")] {
            fs::copy(Path::new(graphs).join(name), store.join("blobs").join(blob)).unwrap();
            let link = Path::new("../../../blobs").join(blob);
            std::os::unix::fs::symlink(link, snapshot.join("onnx").join(name)).unwrap();
        }
        let cache = HubCache::at(&root);
        for revision in [None, Some("main"), Some("pr/1"), Some(commit)] {
            let folder = cache.model("acme/embed.v2", revision).unwrap();
            assert_eq!(folder.root(), snapshot);
            let source = folder.graph(&GraphChoice::Preferred).unwrap();
            assert_eq!(source.read().unwrap().external.len(), 1);
        }
        for (name, revision) in [
            ("acme/other", None),
            ("acme/embed.v2", Some("dev")),
            ("acme/embed.v2", Some("broken")),
        ] {
            let error = cache.model(name, revision).unwrap_err();
            assert!(matches!(error, Error::Config { .. }), "{error}");
        }
        for (name, revision) in [
            ("../acme", None),
            ("a/b/c", None),
            ("", None),
            ("acme/", None),
            ("acme/..", None),
            ("a b", None),
            ("acme/embed.v2", Some("../main")),
            ("acme/embed.v2", Some("")),
            ("acme/embed.v2", Some("/etc")),
        ] {
            let error = cache.model(name, revision).unwrap_err();
            assert!(matches!(error, Error::Argument { .. }), "{name} {revision:?}: {error}");
        }
        fs::remove_dir_all(&root).unwrap();
    }
}
