//! The arrows between the crates: those of ARCHITECTURE.md and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(args).current_dir(ROOT).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Which crates of the workspace each of them may use, tests and build scripts included.
fn allowed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let all = ["tensor-core", "tensor-yuma", "tensor-net", "tensor-chain", "tensor-ml"];
    BTreeMap::from([
        ("tensor-core", BTreeSet::new()),
        ("tensor-yuma", BTreeSet::from(["tensor-core"])),
        ("tensor-net", BTreeSet::from(["tensor-core"])),
        ("tensor-chain", BTreeSet::from(["tensor-core", "tensor-yuma"])),
        ("tensor-ml", BTreeSet::from(["tensor-core"])),
        ("tensor-examples", BTreeSet::from(all)),
        // To copy: it stands on the examples' library.
        ("tensor-template", BTreeSet::from(["tensor-core", "tensor-examples"])),
    ])
}

#[test]
fn crates_use_only_what_is_below_them() {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1", "--offline"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let allowed = allowed();
    let names: BTreeSet<_> = packages.iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, allowed.keys().copied().collect(), "a crate came or went");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            // A crate may use itself in its tests, to switch features on.
            if names.contains(on) && on != name {
                assert!(allowed[name].contains(on), "{name} may not use {on}");
            }
        }
    }
}

#[test]
fn the_chain_uses_yuma_for_the_local_chain_only() {
    let tree =
        cargo(&["tree", "-p", "tensor-chain", "-e", "normal", "--offline", "--prefix", "none"]);
    assert!(!tree.contains("tensor-yuma"), "tensor-yuma is in tensor-chain's default features");
}

/// Nobody is forced to take a runtime.
#[test]
fn no_runtime_where_none_is_promised() {
    for crate_name in ["tensor-core", "tensor-yuma", "tensor-ml"] {
        let tree = tree(crate_name, &[]);
        assert!(!tree.contains("tokio v"), "tokio is in the tree of {crate_name}");
    }
    let net = tree("tensor-net", &["--no-default-features"]);
    assert!(!net.contains("tokio v"), "tokio is in the tree of tensor-net without features");
    // Without features the client of the chain has the part of tokio that needs no runtime.
    let chain = cargo(&[
        "tree",
        "-p",
        "tensor-chain",
        "-e",
        "normal",
        "--offline",
        "--prefix",
        "none",
        "--no-default-features",
        "-f",
        "{p} [{f}]",
    ]);
    for line in chain.lines().filter(|line| line.starts_with("tokio v")) {
        for feature in ["rt", "net", "time", "rt-multi-thread"] {
            let listed = line.split(['[', ',', ']']).any(|one| one == feature);
            assert!(!listed, "tensor-chain without features has tokio/{feature}: {line}");
        }
    }
}

fn tree(crate_name: &str, flags: &[&str]) -> String {
    let base = ["tree", "-p", crate_name, "-e", "normal", "--offline", "--prefix", "none"];
    cargo(&[&base[..], flags].concat())
}
