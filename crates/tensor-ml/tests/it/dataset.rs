//! Datasets against what pyarrow and Python's csv read in the same files.

use std::{fs, path::PathBuf};

use serde_json::{Map, Value};
use tensor_ml::{
    Error,
    dataset::{Dataset, Format, key},
};

use crate::engines;

fn open(name: &str) -> Dataset {
    Dataset::open(engines::data("dataset").join(name)).unwrap()
}

fn all(dataset: &Dataset) -> Vec<Map<String, Value>> {
    dataset.rows().unwrap().map(|row| row.unwrap().into_fields()).collect()
}

/// The error that the rows of a file with this content end in, and how many came before it.
fn broken(name: &str, content: &[u8]) -> (usize, Error) {
    let path: PathBuf =
        std::env::temp_dir().join(format!("tensor-ml-rows-{}-{name}", std::process::id()));
    fs::write(&path, content).unwrap();
    let dataset = Dataset::open(&path).unwrap();
    let mut good = 0;
    let mut found = None;
    match dataset.rows() {
        Ok(mut rows) => {
            for row in rows.by_ref() {
                match row {
                    Ok(_) => good += 1,
                    Err(error) => found = Some(error),
                }
            }
            assert!(rows.next().is_none());
        }
        Err(error) => found = Some(error),
    }
    fs::remove_file(&path).unwrap();
    (good, found.unwrap())
}

#[test]
fn rows_are_those_that_python_reads() {
    let golden = engines::json("dataset.json");
    let expected: Vec<Map<String, Value>> = golden["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_object().unwrap().clone())
        .collect();
    assert_eq!(expected.len(), 40);
    for name in ["reviews.parquet", "reviews.jsonl"] {
        assert_eq!(all(&open(name)), expected, "{name}");
    }
    let csv = all(&open("reviews.csv"));
    assert_eq!(Value::Array(csv.into_iter().map(Value::Object).collect()), golden["csv"]);
    let kinds = all(&open("kinds.parquet"));
    assert_eq!(Value::Array(kinds.into_iter().map(Value::Object).collect()), golden["kinds"]);
    let tsv = std::env::temp_dir().join(format!("tensor-ml-rows-{}.data", std::process::id()));
    fs::write(&tsv, "\u{feff}a\tb\n1\t\"x\ty\"\n").unwrap();
    let rows = all(&Dataset::with_format(&tsv, Format::Tsv).unwrap());
    assert_eq!(Value::Object(rows[0].clone()), serde_json::json!({"a": "1", "b": "x\ty"}));
    fs::remove_file(tsv).unwrap();
}

#[test]
fn samples_are_those_of_the_rule_whatever_the_format() {
    let golden = engines::json("dataset.json");
    for case in golden["samples"].as_array().unwrap() {
        let (seed, count) = (case["seed"].as_u64().unwrap(), case["count"].as_u64().unwrap());
        for name in ["reviews.parquet", "reviews.jsonl", "reviews.csv"] {
            let drawn = open(name).sample(usize::try_from(count).unwrap(), seed).unwrap();
            let numbers: Vec<u64> = drawn.iter().map(|row| row.number()).collect();
            assert_eq!(serde_json::json!(numbers), case["numbers"], "{name}");
            for row in &drawn {
                assert!(row.text("text").unwrap().ends_with(&format!(" {}", row.number())));
            }
        }
    }
    assert_ne!(key(1, 0), key(0, 1));
}

#[test]
fn what_is_wrong_with_a_row_is_said_with_its_line() {
    for (name, content, good, line, word) in [
        ("a.jsonl", &b"{\"a\": 1}\n\n  \n[1]\n"[..], 1, 4, "neither"),
        ("b.jsonl", b"\"x\"\n{\"a\": \n", 1, 2, "EOF"),
        ("c.jsonl", b"\xff\n", 0, 1, ""),
        ("a.csv", b"a,b\n1,2\n\"x\ny\",2\n3\n", 2, 5, "1 values under 2 names"),
        ("crlf.csv", b"a,b\r\n1,2\r\n3\r\n", 1, 3, "1 values under 2 names"),
        ("b.csv", b"a,a\n1,2\n", 0, 1, "twice"),
        ("c.csv", b"", 0, 1, "names"),
        ("d.csv", b"a,b\n1,\xff\n", 0, 2, "utf-8"),
        ("a.parquet", b"PAR1 and nothing else", 0, 1, ""),
        ("b.parquet", b"", 0, 1, ""),
    ] {
        let (before, error) = broken(name, content);
        let Error::Record { line: found, reason, .. } = &error else { panic!("{name}: {error}") };
        assert_eq!((before, *found), (good, line), "{name}: {error}");
        assert!(reason.contains(word), "{name}: {error}");
    }
    // Any byte of a Parquet file may be another: rows or an error, and nothing worse.
    let whole = fs::read(engines::data("dataset/reviews.parquet")).unwrap();
    for place in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x55;
        let path =
            std::env::temp_dir().join(format!("tensor-ml-bent-{}.parquet", std::process::id()));
        fs::write(&path, bytes).unwrap();
        if let Ok(rows) = Dataset::open(&path).unwrap().rows() {
            rows.take(100).for_each(drop);
        }
        fs::remove_file(path).unwrap();
    }
    let row = open("reviews.csv").rows().unwrap().next().unwrap().unwrap();
    assert_eq!(row.number_at("id").unwrap(), -5.0);
    assert_eq!(row.line(), 2);
    for error in [
        row.text("absent").unwrap_err(),
        row.number_at("label").unwrap_err(),
        open("reviews.parquet").rows().unwrap().next().unwrap().unwrap().text("id").unwrap_err(),
    ] {
        assert!(matches!(error, Error::Record { .. }), "{error}");
    }
    assert!(matches!(Dataset::open("x.txt"), Err(Error::Argument { .. })));
    assert!(matches!(Dataset::open("/absent/x.csv"), Err(Error::Io { .. })));
}
