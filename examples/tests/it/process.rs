//! A program of ours as a process of its own, which says `ready` when it is.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

/// A running program; dropping it kills it.
pub(crate) struct Process {
    child: Child,
    /// What stands behind `ready`.
    pub(crate) ready: Vec<String>,
}

impl Process {
    /// Starts it and waits until it says `ready`.
    pub(crate) fn start(program: &str, args: &[&str]) -> Self {
        let mut child = command(program, args).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = line.split_whitespace().skip(1).map(Into::into).collect();
        let mut process = Self { child, ready };
        if !line.starts_with("ready ") {
            panic!("{line:?}, {:?}", process.end());
        }
        process
    }

    /// Asks it to stop, and returns what it said on standard error.
    pub(crate) fn stop(mut self, signal: &str) -> String {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().unwrap();
        assert!(sent.success());
        let (code, said) = self.end();
        assert_eq!(code, Some(0), "{said}");
        said
    }

    /// Waits for the end: its exit code, and what it said on standard error.
    fn end(&mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (code, said)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
