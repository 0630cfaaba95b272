//! Finding the ONNX Runtime library: what is missing, foreign or too old is told apart, and nothing panics.
//!
//! A program of its own with one test, since a process loads one library and no test must come before another's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says what went wrong by failing"
)]

use std::{path::PathBuf, process::Command};

use tensor_ml::{
    BackendChoice, Engine, Error, LibraryAttempt, LibraryFault,
    backend::ort::{LibrarySearch, OrtRuntime},
};

#[path = "../it/engines.rs"]
#[allow(dead_code, reason = "the other test program uses the rest")]
mod engines;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tensor-ml-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_fault_is_told_apart_and_the_right_library_still_loads() {
    a_missing_library_is_called_missing();
    a_file_that_is_no_library_is_not_loadable();
    #[cfg(target_os = "linux")]
    another_library_is_called_foreign();
    the_choice_at_run_time_passes_the_surroundings_on();
    a_library_of_an_old_version_is_called_too_old();
    a_host_with_its_own_environment_keeps_it();
}

fn attempts(search: &LibrarySearch) -> Vec<LibraryAttempt> {
    match OrtRuntime::load(search) {
        Err(Error::LibraryNotFound { tried }) => tried,
        other => panic!("{other:?}"),
    }
}

fn a_missing_library_is_called_missing() {
    let tried = attempts(&LibrarySearch::only("/no/such/libonnxruntime.so"));
    assert_eq!(tried.len(), 1);
    assert_eq!(tried[0].fault, LibraryFault::Missing);
    let scratch = Scratch::new("empty");
    let tried = attempts(&LibrarySearch::only(&scratch.0));
    assert_eq!(
        (tried[0].path.as_path(), &tried[0].fault),
        (scratch.0.as_path(), &LibraryFault::Missing)
    );
}

fn a_file_that_is_no_library_is_not_loadable() {
    let scratch = Scratch::new("text");
    let file = scratch.0.join("libonnxruntime.so");
    std::fs::write(&file, "not a library").unwrap();
    let tried = attempts(&LibrarySearch::only(&scratch.0));
    assert!(
        matches!(&tried[0].fault, LibraryFault::Unloadable(reason) if !reason.is_empty()),
        "{tried:?}"
    );
    assert_eq!(tried[0].path, std::fs::canonicalize(&file).unwrap());
}

/// The C library that this very process has loaded.
#[cfg(target_os = "linux")]
fn another_library_is_called_foreign() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let libc = maps
        .split_whitespace()
        .find(|part| part.starts_with('/') && part.contains("libc.so"))
        .expect("a dynamically linked test");
    let tried = attempts(&LibrarySearch::only(libc));
    assert_eq!(tried[0].fault, LibraryFault::Alien);
}

fn a_library_of_an_old_version_is_called_too_old() {
    let scratch = Scratch::new("old-library");
    let library = scratch.0.join("libonnxruntime.so");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc)
        .args(["--edition", "2024", "--crate-type", "cdylib", "-o"])
        .arg(&library)
        .arg(engines::data("old_runtime.rs"))
        .status()
        .unwrap();
    assert!(status.success());
    let tried = attempts(&LibrarySearch::only(&library));
    let expected = LibraryFault::TooOld { found: "1.22.1".into(), oldest_minor: 24 };
    assert_eq!(tried[0].fault, expected);
    let text = Engine::ort(&LibrarySearch::only(&library)).unwrap_err().to_string();
    assert!(
        text.contains("1.22.1 is too old") && text.contains("pip install onnxruntime"),
        "{text}"
    );

    // All of these failures leave room for the right one, and that one then stands.
    engines::ort();
    let error = Engine::ort(&LibrarySearch::only(&library)).unwrap_err();
    assert!(matches!(error, Error::LibraryConflict { .. }), "{error}");
    engines::ort();
}

fn the_choice_at_run_time_passes_the_surroundings_on() {
    let nothing = |name: &str| (name == "TENSOR_ML_ORT_LIB").then(|| "/no/such/library.so".into());
    let error = Engine::choose(BackendChoice::Ort, &nothing).unwrap_err();
    assert!(matches!(error, Error::LibraryNotFound { .. }), "{error}");
    #[cfg(feature = "rten")]
    {
        let engine = Engine::auto(&nothing).unwrap();
        assert_eq!(engine.backends().collect::<Vec<_>>(), ["rten"]);
        assert!(engine.notes()[0].contains("/no/such/library.so"), "{:?}", engine.notes());
    }
}

fn a_host_with_its_own_environment_keeps_it() {
    engines::ort();
    // A search that names nothing is content with what is loaded.
    let runtime = OrtRuntime::load(&LibrarySearch::new(&|_| None)).unwrap();
    assert!(runtime.library().is_some());
    assert!(runtime.build_info().contains("ORT Build Info"));
    let shared = OrtRuntime::from_environment(runtime.as_ort().clone());
    assert_eq!(shared.library(), runtime.library());
}
