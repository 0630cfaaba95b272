//! Python's part: onnxruntime as a process that is told what to run, and the graph of MiniLM that a script writes.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use crate::ml::Failure;

const PEER: &str = include_str!("peer.py");
const MINILM: &str = include_str!("../../../../crates/tensor-ml/benches/minilm.py");

/// The process; it ends when this is dropped.
pub(super) struct Peer {
    child: Child,
    calls: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    version: String,
    library: PathBuf,
}

impl Peer {
    pub(super) fn start(python: &Path) -> Result<Self, Failure> {
        let fault = |what: String| {
            Failure::Python(format!(
                "{}: {what}; name one that has onnxruntime 1.24 or newer by --python or TENSOR_PY_ORT",
                python.display()
            ))
        };
        let mut child = Command::new(python)
            .args(["-c", PEER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| fault(error.to_string()))?;
        let (Some(calls), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(fault("no pipes".into()));
        };
        let mut peer = Self {
            child,
            calls: Some(calls),
            answers: BufReader::new(answers),
            version: String::new(),
            library: PathBuf::new(),
        };
        let hello = peer.answer().map_err(|_| fault("it did not start".into()))?;
        let text = |name: &str| hello[name].as_str().unwrap_or_default().to_owned();
        peer.version = text("version");
        peer.library = Path::new(&text("package")).with_file_name("capi");
        Ok(peer)
    }

    /// Version of onnxruntime.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The folder of the library that Python uses.
    pub(super) fn library(&self) -> &Path {
        &self.library
    }

    pub(super) fn load(&mut self, name: &str, path: &Path, threads: usize) -> Result<(), Failure> {
        self.call(&json!({"call": "load", "name": name, "path": path, "threads": threads}))?;
        Ok(())
    }

    /// Times of runs on `rows` texts of `columns` tokens, in nanoseconds.
    pub(super) fn encode(
        &mut self,
        name: &str,
        (rows, columns): (usize, usize),
        runs: usize,
    ) -> Result<Vec<u64>, Failure> {
        self.call(&json!({
            "call": "encode", "name": name, "rows": rows, "columns": columns, "runs": runs,
        }))
    }

    /// Times of single steps after `past` tokens, in nanoseconds.
    pub(super) fn decode(
        &mut self,
        name: &str,
        past: usize,
        runs: usize,
    ) -> Result<Vec<u64>, Failure> {
        self.call(&json!({"call": "decode", "name": name, "past": past, "runs": runs}))
    }

    fn call(&mut self, call: &Value) -> Result<Vec<u64>, Failure> {
        let gone = |error: std::io::Error| Failure::Python(error.to_string());
        let Some(calls) = &mut self.calls else { return Ok(Vec::new()) };
        writeln!(calls, "{call}").and_then(|()| calls.flush()).map_err(gone)?;
        let times = self.answer()?;
        let times = times.as_array().into_iter().flatten();
        Ok(times.filter_map(Value::as_u64).collect())
    }

    fn answer(&mut self) -> Result<Value, Failure> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        read.map_err(|error| Failure::Python(error.to_string()))?;
        serde_json::from_str(&line).map_err(|_| Failure::Python("it broke off".into()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.calls = None;
        let _ = self.child.wait();
    }
}

/// A folder with the graph of MiniLM and random weights, removed when this is dropped.
pub(super) struct Drawn(PathBuf);

impl Drawn {
    pub(super) fn write(python: &Path) -> Result<Self, Failure> {
        let folder = Self(std::env::temp_dir().join(format!("ml-bench-{}", std::process::id())));
        let status = Command::new(python).args(["-c", MINILM]).arg(&folder.0).status();
        match status {
            Ok(status) if status.success() => Ok(folder),
            Ok(status) => Err(Failure::Python(format!("the graph of MiniLM: {status}"))),
            Err(error) => Err(Failure::Python(error.to_string())),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for Drawn {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
