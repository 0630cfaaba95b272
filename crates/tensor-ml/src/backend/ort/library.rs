//! Where the ONNX Runtime library is looked for, in which order.

use std::{
    cmp::Reverse,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    engine::Lookup,
    error::{LibraryAttempt, LibraryFault},
};

/// The variable that names the library for this crate: a file, or a folder that holds it.
const OWN_VARIABLE: &str = "TENSOR_ML_ORT_LIB";
/// The variable that the `ort` crate itself reads.
const ORT_VARIABLE: &str = "ORT_DYLIB_PATH";

/// The places where an ONNX Runtime library is looked for:
///
/// 1. the path given with [`with_path`](Self::with_path),
/// 2. `TENSOR_ML_ORT_LIB`, then `ORT_DYLIB_PATH`,
/// 3. the folder of the executable, then `lib/` in it,
/// 4. the `onnxruntime` package in `$VIRTUAL_ENV`, then in `$CONDA_PREFIX`,
/// 5. the system's loader.
///
/// What is named by 1 or 2 is meant: if it is not usable, nothing else is used in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LibrarySearch {
    named: Option<Candidate>,
    guessed: Vec<Candidate>,
}

/// One place to look, and what made it one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// A file, a folder, or a bare library name for the system's loader.
    pub path: PathBuf,
    /// What made it a candidate.
    pub origin: String,
}

impl LibrarySearch {
    /// The full order, with variables read through `lookup`.
    pub fn new(lookup: Lookup<'_>) -> Self {
        let mut search = Self::default();
        let value = |name: &str| lookup(name).filter(|value| !value.is_empty());
        for name in [OWN_VARIABLE, ORT_VARIABLE] {
            if let (None, Some(path)) = (&search.named, value(name)) {
                search.named = Some(Candidate { path: path.into(), origin: name.into() });
            }
        }
        let executable = std::env::current_exe().ok();
        if let Some(folder) = executable.as_deref().and_then(Path::parent) {
            search.guess(folder, "beside the executable");
            search.guess(folder.join("lib"), "lib beside the executable");
        }
        for name in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
            for folder in value(name).map(site_packages).unwrap_or_default() {
                search.guess(folder.join("onnxruntime").join("capi"), name);
            }
        }
        search.guess(system_name(), "the system's loader");
        search
    }

    /// Only the library at `path` (a file, or a folder that holds it).
    pub fn only(path: impl Into<PathBuf>) -> Self {
        Self::default().with_path(path)
    }

    /// Names the library; nothing else will be used.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.named = Some(Candidate { path: path.into(), origin: "given path".into() });
        self
    }

    /// The candidates in order.
    pub fn candidates(&self) -> Vec<Candidate> {
        match &self.named {
            Some(named) => vec![named.clone()],
            None => self.guessed.clone(),
        }
    }

    pub(super) fn named(&self) -> Option<&Candidate> {
        self.named.as_ref()
    }

    fn guess(&mut self, path: impl Into<PathBuf>, origin: &str) {
        self.guessed.push(Candidate { path: path.into(), origin: origin.into() });
    }
}

impl Candidate {
    /// The files to try for this candidate, newest version first.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>, LibraryAttempt> {
        // A bare name is for the system's loader, which alone knows where to look.
        let is_bare = self.path.components().count() == 1 && !self.path.exists();
        if is_bare && self.path.extension().is_some() {
            return Ok(vec![self.path.clone()]);
        }
        let files = if self.path.is_dir() {
            in_folder(&self.path)
        } else {
            // The loader would take a relative path as one from the executable's folder.
            fs::canonicalize(&self.path).into_iter().collect()
        };
        if files.is_empty() {
            Err(self.attempt(&self.path, LibraryFault::Missing))
        } else {
            Ok(files)
        }
    }

    pub(super) fn attempt(&self, path: &Path, fault: LibraryFault) -> LibraryAttempt {
        LibraryAttempt { path: path.into(), origin: self.origin.clone(), fault }
    }
}

fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| is_library(&name.to_string_lossy())))
        .filter_map(|path| fs::canonicalize(path).ok())
        .collect();
    files.sort_by_key(|path| Reverse(version(path)));
    files.dedup();
    files
}

/// `libonnxruntime.so`, `libonnxruntime.so.1.31.1`, `libonnxruntime.1.31.1.dylib`, `onnxruntime.dll`; not the provider
/// libraries beside them.
fn is_library(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("libonnxruntime.") else { return name == "onnxruntime.dll" };
    rest == "so" || rest.starts_with("so.") || rest.ends_with("dylib")
}

fn version(path: &Path) -> Vec<u32> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_default().split('.').filter_map(|part| part.parse().ok()).collect()
}

/// Folders of installed packages in a Python environment.
fn site_packages(prefix: OsString) -> Vec<PathBuf> {
    let prefix = PathBuf::from(prefix);
    let mut folders: Vec<_> = fs::read_dir(prefix.join("lib"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python3"))
        })
        .map(|path| path.join("site-packages"))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders.reverse();
    // Windows keeps them elsewhere.
    let windows = prefix.join("Lib").join("site-packages");
    if cfg!(windows) && windows.is_dir() {
        folders.push(windows);
    }
    folders
}

fn system_name() -> &'static str {
    if cfg!(windows) {
        "onnxruntime.dll"
    } else if cfg!(target_os = "macos") {
        "libonnxruntime.dylib"
    } else {
        "libonnxruntime.so"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_the_documented_one() {
        let folder = std::env::temp_dir().join(format!("tensor-ml-search-{}", std::process::id()));
        let packages = folder.join("lib/python3.11/site-packages");
        fs::create_dir_all(&packages).unwrap();
        let environment = |name: &str| match name {
            "VIRTUAL_ENV" => Some(folder.clone().into_os_string()),
            _ => None,
        };
        let search = LibrarySearch::new(&environment);
        let origins: Vec<_> = search.candidates().into_iter().map(|place| place.origin).collect();
        let expected = [
            "beside the executable",
            "lib beside the executable",
            "VIRTUAL_ENV",
            "the system's loader",
        ];
        assert_eq!(origins, expected);
        assert_eq!(search.candidates()[2].path, packages.join("onnxruntime/capi"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_named_library_stands_alone() {
        let environment = |name: &str| match name {
            OWN_VARIABLE => Some("/own".into()),
            ORT_VARIABLE => Some("/other".into()),
            _ => None,
        };
        let search = LibrarySearch::new(&environment);
        assert_eq!(
            search.candidates(),
            [Candidate { path: "/own".into(), origin: OWN_VARIABLE.into() }]
        );
        let search = search.with_path("/given");
        assert_eq!(search.candidates()[0].path, Path::new("/given"));
        let empty = |_: &str| Some(OsString::new());
        assert!(LibrarySearch::new(&empty).candidates().len() >= 3);
    }

    #[test]
    fn provider_libraries_are_not_the_runtime() {
        for name in [
            "libonnxruntime.so",
            "libonnxruntime.so.1.31.1",
            "libonnxruntime.1.2.dylib",
            "onnxruntime.dll",
        ] {
            assert!(is_library(name), "{name}");
        }
        for name in [
            "libonnxruntime_providers_shared.so",
            "onnxruntime_pybind11_state.so",
            "libonnxruntimex.so",
        ] {
            assert!(!is_library(name), "{name}");
        }
        let mut paths =
            [PathBuf::from("libonnxruntime.so.1.9.0"), PathBuf::from("libonnxruntime.so.1.31.1")];
        paths.sort_by_key(|path| Reverse(version(path)));
        assert_eq!(paths[0], Path::new("libonnxruntime.so.1.31.1"));
    }
}
