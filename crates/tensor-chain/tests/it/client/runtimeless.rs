//! Without features the client needs no runtime: what is in the tree says so.

use std::process::Command;

/// The crate's dependencies without default features, with their features.
fn tree(features: &str) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "-p", "tensor-chain", "-e", "normal", "--prefix", "none"])
        .args(["--no-default-features", "--features", features, "-f", "{p} [{f}]"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn no_runtime_reactor_or_timer_without_ws() {
    for features in ["", "local"] {
        let tree = tree(features);
        let tokio: Vec<_> = tree.lines().filter(|line| line.starts_with("tokio v")).collect();
        for line in &tokio {
            let features =
                line.split('[').nth(1).unwrap_or_default().trim_end_matches(['*', ')', '(', ' ']);
            for feature in ["rt", "rt-multi-thread", "net", "time", "fs", "process", "signal"] {
                let has = features.trim_end_matches(']').split(',').any(|known| known == feature);
                assert!(!has, "{line}");
            }
        }
        for name in ["jsonrpsee", "hyper", "async-std", "smol"] {
            let found = tree.lines().any(|line| line.starts_with(&format!("{name} v")));
            assert!(!found, "{name} is in the tree");
        }
    }
    assert!(tree("ws").lines().any(|line| line.starts_with("jsonrpsee v")), "the tree is read");
}
