//! The work of this subnet: telling whether customers are content.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use tensor_core::miner::Synapse;

/// The most lines one request may hold.
pub const MAX_LINES: usize = 256;

/// What a feedback says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// Discontent.
    Negative,
    /// Neither, or a question or fact.
    Neutral,
    /// Content.
    Positive,
}

impl Label {
    /// All labels in the order of the scores.
    pub const ALL: [Self; 3] = [Self::Negative, Self::Neutral, Self::Positive];

    /// The label's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Neutral => "neutral",
            Self::Positive => "positive",
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Label {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|label| label.name() == name).ok_or(())
    }
}

/// What a miner says of one line: how likely each label is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// The likelihood of [`Label::Negative`], 0..=1.
    pub negative: f32,
    /// The likelihood of [`Label::Neutral`], 0..=1.
    pub neutral: f32,
    /// The likelihood of [`Label::Positive`], 0..=1.
    pub positive: f32,
}

impl Scores {
    /// The scores in the order of [`Label::ALL`].
    pub const fn new([negative, neutral, positive]: [f32; 3]) -> Self {
        Self { negative, neutral, positive }
    }

    /// The scores in the order of [`Label::ALL`].
    pub const fn as_array(&self) -> [f32; 3] {
        [self.negative, self.neutral, self.positive]
    }

    /// The likeliest label; the first of equals.
    pub fn label(&self) -> Label {
        let scores = self.as_array();
        let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let place = scores.iter().position(|score| *score >= best).unwrap_or_default();
        Label::ALL[place.min(2)]
    }

    /// Whether these are likelihoods: in 0..=1 and together one, up to rounding.
    pub fn is_sound(&self) -> bool {
        let scores = self.as_array();
        scores.iter().all(|score| (0.0..=1.0).contains(score))
            && (scores.iter().sum::<f32>() - 1.0).abs() < 0.01
    }
}

/// The request: judge these lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentiment {
    /// What customers wrote, at most [`MAX_LINES`].
    pub lines: Vec<String>,
}

impl Synapse for Sentiment {
    const NAME: &'static str = "Sentiment";
    type Answer = Vec<Scores>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_label_wins() {
        assert_eq!(Scores::new([0.1, 0.2, 0.7]).label(), Label::Positive);
        assert_eq!(Scores::new([0.4, 0.4, 0.2]).label(), Label::Negative);
        assert_eq!("neutral".parse(), Ok(Label::Neutral));
    }

    #[test]
    fn unsound_scores_are_seen() {
        assert!(Scores::new([0.1, 0.2, 0.7]).is_sound());
        assert!(!Scores::new([0.9, 0.9, 0.9]).is_sound());
        assert!(!Scores::new([f32::NAN, 0.5, 0.5]).is_sound());
        assert!(!Scores::new([-0.5, 0.5, 1.0]).is_sound());
    }
}
