//! Model folders: identity.

use std::fs;

use tensor_ml::{GraphChoice, ModelDigest, ModelFolder};

use crate::engines;

#[test]
fn the_digest_is_the_one_that_another_program_computes() {
    let expected = engines::json("digest.json");
    let root = std::env::temp_dir().join(format!("tensor-ml-digest-{}", std::process::id()));
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join("config.json"), expected["config"].as_str().unwrap()).unwrap();
    fs::copy(engines::data("graphs/external.onnx"), root.join("any-name.onnx")).unwrap();
    fs::copy(engines::data("graphs/external.onnx_data"), root.join("external.onnx_data")).unwrap();
    fs::write(root.join("README.md"), "does not count").unwrap();
    let digest = || ModelFolder::open(&root).unwrap().digest(&GraphChoice::Preferred).unwrap();
    let first = digest();
    assert_eq!(first.to_string(), expected["digest"].as_str().unwrap());
    assert_eq!(first.to_string().parse::<ModelDigest>().unwrap(), first);
    assert!(first.to_string().starts_with(&first.short()));
    // A bit of the weights makes another model.
    let weights = root.join("external.onnx_data");
    let mut bytes = fs::read(&weights).unwrap();
    bytes[0] ^= 1;
    fs::write(&weights, bytes).unwrap();
    assert_ne!(digest(), first);
    fs::remove_dir_all(&root).unwrap();
    for wrong in ["", "zz", &"g".repeat(64), &"é".repeat(32)] {
        assert!(wrong.parse::<ModelDigest>().is_err());
    }
}
