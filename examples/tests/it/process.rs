//! A program of ours as a process of its own, which says `ready` when it is.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A running program; dropping it kills it.
pub(crate) struct Process {
    child: Child,
    /// What stands behind `ready`.
    pub(crate) ready: Vec<String>,
    /// Its standard output.
    pub(crate) out: Said,
    /// Its standard error.
    pub(crate) err: Said,
}

impl Process {
    /// Starts it and waits until it says `ready`.
    pub(crate) fn start(program: &str, args: &[&str]) -> Self {
        let mut child = command(program, args).spawn().unwrap();
        let out = Said::by(child.stdout.take().unwrap());
        let err = Said::by(child.stderr.take().unwrap());
        let mut process = Self { child, ready: Vec::new(), out, err };
        let Some(line) = process.out.line("ready ") else {
            panic!("{:?}", process.end());
        };
        process.ready = line.split_whitespace().skip(1).map(Into::into).collect();
        process
    }

    /// Waits until it says a line with that in it on standard error, and gives the last such line.
    pub(crate) fn wait_for(&self, part: &str) -> String {
        self.err.line(part).unwrap_or_else(|| panic!("no {part:?} in:\n{}", self.err.text()))
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

    /// Kills it without a word, and returns what it said on standard error.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.end().1
    }

    /// Waits for the end: its exit code, and what it said on standard error.
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        self.out.end();
        self.err.end();
        (code, self.err.text())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program said on one of its outputs, as it comes.
pub(crate) struct Said {
    heard: Arc<Heard>,
    reader: Option<JoinHandle<()>>,
}

/// The text so far, and whether it is at an end.
#[derive(Default)]
struct Heard {
    text: Mutex<(String, bool)>,
    more: Condvar,
}

impl Said {
    fn by(stream: impl Read + Send + 'static) -> Self {
        let heard = Arc::<Heard>::default();
        let hears = Arc::clone(&heard);
        let reader = std::thread::spawn(move || {
            let (mut stream, mut line) = (BufReader::new(stream), String::new());
            while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
                hears.text.lock().unwrap().0 += &line;
                hears.more.notify_all();
                line.clear();
            }
            hears.text.lock().unwrap().1 = true;
            hears.more.notify_all();
        });
        Self { heard, reader: Some(reader) }
    }

    /// Waits for a line with that in it, and gives the last such line; nothing if the end comes first.
    pub(crate) fn line(&self, part: &str) -> Option<String> {
        let mut text = self.heard.text.lock().unwrap();
        loop {
            let found = |line: &&str| line.ends_with('\n') && line.contains(part);
            if let Some(line) = text.0.split_inclusive('\n').rfind(found) {
                return Some(line.trim_end().to_owned());
            }
            if text.1 {
                return None;
            }
            // Far longer than anything takes, so that what never comes fails.
            let (more, waited) = self.heard.more.wait_timeout(text, PATIENCE).unwrap();
            assert!(!waited.timed_out(), "no {part:?} in:\n{}", more.0);
            text = more;
        }
    }

    /// All of it so far.
    pub(crate) fn text(&self) -> String {
        self.heard.text.lock().unwrap().0.clone()
    }

    fn end(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
