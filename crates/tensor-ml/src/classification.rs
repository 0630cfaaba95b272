//! What classifiers answer: classes with their probabilities.

use crate::{
    error::Error,
    folder::unnamed,
    logits::{LOGITS, not_logits},
    tensor::Tensors,
};

/// What a model says about one text or picture.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Classification {
    /// The classes in the model's order.
    pub classes: Vec<Class>,
}

/// One class of a [`Classification`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Class {
    /// Name of the class.
    pub label: String,
    /// Probability, from 0 to 1. Over all classes they add up to 1 unless several may apply at once.
    pub score: f32,
    /// The model's output before it was made a probability.
    pub logit: f32,
}

impl Classification {
    /// Classes of these labels from their logits: softmax, or a sigmoid each where several may apply at once or
    /// there is only one. Labels that are missing are called `LABEL_i`.
    pub fn from_logits(logits: &[f32], labels: &[String], is_multi_label: bool) -> Self {
        let scores =
            if is_multi_label || logits.len() == 1 { sigmoid(logits) } else { softmax(logits) };
        let classes = logits
            .iter()
            .zip(scores)
            .enumerate()
            .map(|(index, (logit, score))| Class {
                label: labels.get(index).cloned().unwrap_or_else(|| unnamed(index)),
                score,
                logit: *logit,
            })
            .collect();
        Self { classes }
    }

    /// The likeliest class; of equal ones the first. Nothing when the model has no classes or gave only NaN.
    pub fn best(&self) -> Option<&Class> {
        let mut best: Option<&Class> = None;
        for class in self.classes.iter().filter(|class| !class.logit.is_nan()) {
            if best.is_none_or(|best| class.logit > best.logit) {
                best = Some(class);
            }
        }
        best
    }

    /// The score of a label.
    pub fn score(&self, label: &str) -> Option<f32> {
        self.classes.iter().find(|class| class.label == label).map(|class| class.score)
    }
}

/// The last step of the pipelines that classify: from a graph's logits to classes.
pub(crate) struct Classes {
    pub(crate) labels: Vec<String>,
    pub(crate) is_multi_label: bool,
    /// What the logits' rows are, for messages.
    pub(crate) rows: &'static str,
}

impl Classes {
    /// The classifications of the first `count` of a run's `rows` rows.
    pub(crate) fn read(
        &self,
        outputs: &mut Tensors,
        rows: usize,
        count: usize,
    ) -> Result<Vec<Classification>, Error> {
        let logits = outputs.take(LOGITS)?;
        let classes = match *logits.shape() {
            [got, classes] if got == rows && classes > 0 => classes,
            _ => return Err(not_logits(&self.shape(), &format!("{:?}", logits.shape()))),
        };
        let values = logits.to_f32s()?;
        let rows = values.chunks(classes).take(count);
        Ok(rows
            .map(|row| Classification::from_logits(row, &self.labels, self.is_multi_label))
            .collect())
    }

    /// The shape that logits must have.
    pub(crate) fn shape(&self) -> String {
        format!("[{}, classes]", self.rows)
    }
}

/// exp(xᵢ − max) / Σ exp(xⱼ − max), summed in `f64`.
pub(crate) fn softmax(logits: &[f32]) -> Vec<f32> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|x| (f64::from(*x) - f64::from(max)).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| (power / sum) as f32).collect()
}

fn sigmoid(logits: &[f32]) -> Vec<f32> {
    logits.iter().map(|x| (1.0 / (1.0 + (-f64::from(*x)).exp())) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_probabilities() {
        let labels = ["a".to_owned(), "b".to_owned()];
        let result = Classification::from_logits(&[1000.0, 1001.0, 999.0], &labels, false);
        let total: f32 = result.classes.iter().map(|class| class.score).sum();
        assert!((total - 1.0).abs() < 1e-6);
        assert_eq!(result.best().unwrap().label, "b");
        assert_eq!(result.classes[2].label, "LABEL_2");
        assert!((result.score("b").unwrap() - 0.665_241).abs() < 1e-6);
        let one = Classification::from_logits(&[0.0], &[], false);
        assert_eq!(one.classes[0].score, 0.5);
        let multi = Classification::from_logits(&[0.0, -800.0, 800.0], &labels, true);
        let scores: Vec<f32> = multi.classes.iter().map(|class| class.score).collect();
        assert_eq!(scores, [0.5, 0.0, 1.0]);
    }

    #[test]
    fn nan_wins_nothing() {
        let result = Classification::from_logits(&[f32::NAN, 1.0, 1.0], &[], true);
        assert_eq!(result.best().unwrap().label, "LABEL_1");
        assert!(Classification::from_logits(&[f32::NAN], &[], false).best().is_none());
        assert!(Classification::from_logits(&[], &[], false).best().is_none());
    }
}
