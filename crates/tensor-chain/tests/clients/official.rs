//! Asks an official package through `crypto.py` beside this file. Part of the integration tests, and of
//! the unit tests of what is not public.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What the package behind that variable answers to these tasks; nothing if interop was not asked for.
pub(crate) fn official(variable: &str, tasks: &[Value]) -> Option<Vec<Value>> {
    if std::env::var("TENSOR_INTEROP").as_deref() != Ok("1") {
        println!("interop was not asked for: TENSOR_INTEROP is not 1");
        return None;
    }
    let Some(python) = std::env::var_os(variable) else {
        panic!("TENSOR_INTEROP=1 asks for interop, but {variable} names no Python");
    };
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/crypto.py"))
        // The test's home keeps the SDK from touching the user's.
        .env("HOME", std::env::temp_dir())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for task in tasks {
        writeln!(input, "{task}").unwrap();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{variable}: the script failed");
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), tasks.len());
    Some(answers)
}
