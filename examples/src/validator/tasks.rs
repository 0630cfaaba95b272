//! Questions whose answers are known: [`Tasks`], from files, and drawn by round.

use std::collections::BTreeSet;
use std::path::Path;

use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde::Deserialize;
use serde_json::Value as Json;

/// Questions with known answers.
#[derive(Clone, Debug)]
pub(super) struct Tasks(Vec<Known>);

/// A question and what its answer must be.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Known {
    /// The question.
    pub(super) text: String,
    /// The answer: a label, a text, or a vector.
    #[serde(alias = "label")]
    pub(super) expected: Json,
}

/// Why there are no tasks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TasksError {
    /// The file cannot be read.
    #[error("{0} cannot be read")]
    Read(String, #[source] std::io::Error),
    /// A line of it is no task.
    #[error("{file}: task {number} is none: it needs text and expected")]
    Line {
        /// The file.
        file: String,
        /// Which, from 1.
        number: usize,
        /// What is wrong.
        #[source]
        source: tensor_core::BoxError,
    },
    /// The file's name says nothing.
    #[error("{0}: tasks are in .csv or .jsonl files")]
    Form(String),
    /// There is none in it.
    #[error("{0}: no task in it")]
    Empty(String),
}

impl Tasks {
    pub(super) fn open(path: &Path) -> Result<Self, TasksError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| TasksError::Read(file.clone(), source))?;
        let line = |number, source| TasksError::Line { file: file.clone(), number, source };
        let tasks: Vec<Known> = match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => csv::Reader::from_reader(text.as_bytes())
                .deserialize::<Row>()
                .zip(1..)
                .map(|(row, number)| match row {
                    Ok(row) => Ok(row.into()),
                    Err(error) => Err(line(number, error.into())),
                })
                .collect::<Result<_, _>>()?,
            Some("jsonl" | "ndjson") => text
                .lines()
                .zip(1..)
                .filter(|(text, _)| !text.trim().is_empty())
                .map(|(text, number)| {
                    serde_json::from_str(text).map_err(|error| line(number, error.into()))
                })
                .collect::<Result<_, _>>()?,
            _ => return Err(TasksError::Form(file)),
        };
        if tasks.is_empty() { Err(TasksError::Empty(file)) } else { Ok(Self(tasks)) }
    }

    /// The questions of a round: the same for the same seed and round, so that a validator that was
    /// killed asks what it would have asked.
    pub(super) fn draw(&self, seed: u64, round: u64, count: usize) -> Vec<Known> {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&round.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        self.0.choose_multiple(&mut rng, count).cloned().collect()
    }

    /// How many different labels there are.
    pub(super) fn labels(&self) -> usize {
        self.0.iter().filter_map(|task| task.expected.as_str()).collect::<BTreeSet<_>>().len()
    }
}

/// A row of a table, whose answers are texts.
#[derive(Deserialize)]
struct Row {
    text: String,
    #[serde(alias = "label")]
    expected: String,
}

impl From<Row> for Known {
    fn from(row: Row) -> Self {
        Self { text: row.text, expected: row.expected.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_from_tables_and_lines() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            Tasks::open(&path)
        };
        let table = file("a.csv", "id,label,text\n1,good,\"a, b\"\n2,bad,c\n").unwrap();
        let first = Known { text: "a, b".into(), expected: "good".into() };
        assert_eq!((table.0.len(), &table.0[0], table.labels()), (2, &first, 2));
        let lines = file("a.jsonl", "{\"text\": \"a\", \"expected\": [1, 2]}\n\n").unwrap();
        assert_eq!(lines.0[0].expected, serde_json::json!([1, 2]));
        for (name, content, said) in [
            ("b.csv", "text\nx\n", "task 1 is none"),
            ("b.jsonl", "{\"text\": \"a\", \"expected\": 1}\n{}", "task 2 is none"),
            ("b.jsonl", "\n", "no task in it"),
            ("b.txt", "x", ".csv or .jsonl"),
        ] {
            let error = file(name, content).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        assert!(Tasks::open(&folder.path().join("none.csv")).is_err());
    }

    #[test]
    fn a_round_is_drawn_alike_every_time() {
        let task = |n: u32| Known { text: n.to_string(), expected: Json::Null };
        let tasks = Tasks((0..100).map(task).collect());
        assert_eq!(tasks.draw(1, 7, 16), tasks.draw(1, 7, 16));
        assert_ne!(tasks.draw(1, 7, 16), tasks.draw(1, 8, 16));
        assert_ne!(tasks.draw(1, 7, 16), tasks.draw(2, 7, 16));
        assert_eq!(tasks.draw(1, 7, 1_000).len(), 100);
    }
}
