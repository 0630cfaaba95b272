//! What an answer is worth: [`Exam`], the questions of a round with their answers.

use serde_json::{Value as Json, json};
use tensor_ml::cosine;

use super::tasks::Known;
use crate::miner::Task;

/// The questions of one round, and how answers to them are marked.
#[derive(Debug)]
pub(super) struct Exam {
    task: Task,
    questions: Vec<Known>,
    /// How often guessing is right.
    chance: f64,
}

impl Exam {
    /// An exam of these questions, whose answers have so many different labels.
    pub(super) fn new(task: Task, questions: Vec<Known>, labels: usize) -> Self {
        let guessing = matches!(task, Task::Classify) && labels > 1;
        let chance = if guessing { 1.0 / labels as f64 } else { 0.0 };
        // Text is asked for one by one.
        let count = if task == Task::Generate { 1 } else { questions.len() };
        Self { task, questions: questions.into_iter().take(count).collect(), chance }
    }

    /// The request's body.
    pub(super) fn body(&self) -> String {
        let texts: Vec<_> = self.questions.iter().map(|known| known.text.as_str()).collect();
        match self.task {
            Task::Generate => json!({ "prompt": texts.first() }),
            _ => json!({ "texts": texts }),
        }
        .to_string()
    }

    /// The mark of an answer's body: 0 for what guessing is worth, or an answer that is none; 1 for all
    /// right.
    pub(super) fn mark(&self, body: &[u8]) -> f64 {
        let Ok(answer) = serde_json::from_slice::<Json>(body) else { return 0.0 };
        // SDK 10 has lists in a field.
        let answer = answer.get("answer").unwrap_or(&answer);
        let marks: Option<Vec<f64>> = match self.task {
            Task::Generate => self.questions.first().map(|known| vec![written(answer, known)]),
            task => {
                answer.as_array().filter(|list| list.len() == self.questions.len()).map(|list| {
                    let pairs = list.iter().zip(&self.questions);
                    pairs.map(|(answer, known)| one(task, answer, &known.expected)).collect()
                })
            }
        };
        let Some(marks) = marks.filter(|marks| !marks.is_empty()) else { return 0.0 };
        let mean = marks.iter().sum::<f64>() / marks.len() as f64;
        ((mean - self.chance) / (1.0 - self.chance)).clamp(0.0, 1.0)
    }
}

fn one(task: Task, answer: &Json, expected: &Json) -> f64 {
    match task {
        Task::Classify => f64::from(likeliest(answer).is_some_and(|label| label == expected)),
        Task::Embed => match (vector(answer), vector(expected)) {
            (Some(answer), Some(expected)) if answer.len() == expected.len() => {
                let cosine = f64::from(cosine(&answer, &expected));
                if cosine.is_finite() { cosine.clamp(0.0, 1.0) } else { 0.0 }
            }
            _ => 0.0,
        },
        _ => f64::from(answer == expected),
    }
}

/// The class with the largest score, of a list of names and scores.
fn likeliest(classes: &Json) -> Option<&Json> {
    let scored = classes.as_array()?.iter().map(|class| {
        let score = class.get(1)?.as_f64().filter(|score| (0.0..=1.0).contains(score))?;
        Some((class.get(0)?, score))
    });
    // A single unsound class makes the answer worthless.
    let scored: Vec<_> = scored.collect::<Option<_>>()?;
    Some(scored.into_iter().max_by(|a, b| a.1.total_cmp(&b.1))?.0)
}

fn vector(list: &Json) -> Option<Vec<f32>> {
    list.as_array()?.iter().map(|number| Some(number.as_f64()? as f32)).collect()
}

fn written(answer: &Json, known: &Known) -> f64 {
    let text = answer.get("text").and_then(Json::as_str).map(str::trim);
    f64::from(text.is_some() && text == known.expected.as_str().map(str::trim))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exam(task: Task, expected: &[Json], labels: usize) -> Exam {
        let known = |expected: &Json| Known { text: "x".into(), expected: expected.clone() };
        Exam::new(task, expected.iter().map(known).collect(), labels)
    }

    fn mark(exam: &Exam, answer: Json) -> f64 {
        exam.mark(answer.to_string().as_bytes())
    }

    #[test]
    fn classes_are_marked_against_guessing() {
        let exam = exam(Task::Classify, &[json!("a"), json!("b")], 2);
        assert_eq!(exam.body(), r#"{"texts":["x","x"]}"#);
        let says = |first: f64, second: f64| {
            json!([[["a", first], ["b", 1.0 - first]], [["a", second], ["b", 1.0 - second]]])
        };
        assert_eq!(mark(&exam, says(0.9, 0.1)), 1.0);
        assert_eq!(mark(&exam, json!({ "answer": says(0.9, 0.1) })), 1.0);
        // Always the same class is guessing.
        assert_eq!(mark(&exam, says(0.9, 0.9)), 0.0);
        for worthless in [
            json!([]),
            json!([[["a", 0.9]]]),
            json!([[["a", 9.0]], [["b", 9.0]]]),
            json!([[["a"]], [["b"]]]),
            json!("a"),
        ] {
            assert_eq!(mark(&exam, worthless), 0.0);
        }
        assert_eq!(exam.mark(b"{"), 0.0);
    }

    #[test]
    fn vectors_and_texts_are_marked() {
        let vectors = exam(Task::Embed, &[json!([1.0, 0.0])], 0);
        assert_eq!(mark(&vectors, json!([[2.0, 0.0]])), 1.0);
        assert_eq!(mark(&vectors, json!([[0.0, 1.0]])), 0.0);
        assert_eq!(mark(&vectors, json!([[1.0]])), 0.0);
        assert_eq!(mark(&vectors, json!([[0.0, 0.0]])), 0.0);
        let text = exam(Task::Generate, &[json!("seven."), json!("unasked")], 2);
        assert_eq!(text.body(), r#"{"prompt":"x"}"#);
        assert_eq!(mark(&text, json!({ "text": " seven.", "ids": [] })), 1.0);
        assert_eq!(mark(&text, json!({ "text": "eight." })), 0.0);
        assert_eq!(mark(&text, json!({ "ids": [] })), 0.0);
    }
}
