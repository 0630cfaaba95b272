//! From tokens to text while they come: whole letters only, and nothing that may turn out to be a stop string.

use crate::{error::Error, tokenizer::Tokenizer};

/// What no letter could be read from; a text that ends in it may be continued by the next token.
const REPLACEMENT: char = '\u{fffd}';
/// A letter has four bytes at most, so more tokens without a whole letter are no letter.
const MAX_HELD: usize = 16;

/// Turns tokens into pieces of text, one after another.
///
/// A token may be a part of a letter. Its bytes are held back until the letter is whole. What a token's text is may depend
/// on the one before (a space, for instance), so the text of the last piece's tokens is decoded again with the new ones
/// and taken off the front.
#[derive(Debug, Default)]
pub(crate) struct Detokenizer {
    ids: Vec<u32>,
    /// Where the tokens of the last piece begin.
    before: usize,
    /// Where the tokens begin whose text has not been given.
    held: usize,
}

impl Detokenizer {
    /// Takes a token and gives the text that is certain now, which may be none.
    pub(crate) fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> Result<String, Error> {
        self.ids.push(id);
        self.piece(tokenizer, self.ids.len().saturating_sub(self.held) > MAX_HELD)
    }

    /// The text of what was held back, with marks for what is no letter.
    pub(crate) fn finish(&mut self, tokenizer: &Tokenizer) -> Result<String, Error> {
        self.piece(tokenizer, true)
    }

    fn piece(&mut self, tokenizer: &Tokenizer, is_final: bool) -> Result<String, Error> {
        let part = |from: usize, to: usize| self.ids.get(from..to).unwrap_or_default();
        let known = tokenizer.decode(part(self.before, self.held), true)?;
        let all = tokenizer.decode(part(self.before, self.ids.len()), true)?;
        if !is_final && (all.len() <= known.len() || all.ends_with(REPLACEMENT)) {
            return Ok(String::new());
        }
        // Normally all of `known`; a decoder that rewrites what it gave is met by what both have in common.
        let common = known.chars().zip(all.chars()).take_while(|(a, b)| a == b);
        let common: usize = common.map(|(letter, _)| letter.len_utf8()).sum();
        let piece = all.get(common..).unwrap_or_default().to_owned();
        self.before = self.held;
        self.held = self.ids.len();
        Ok(piece)
    }
}

/// Lets text through up to the first stop string.
#[derive(Debug, Default)]
pub(crate) struct StopFilter {
    stops: Vec<String>,
    held: String,
    is_stopped: bool,
}

impl StopFilter {
    /// Empty strings stop nothing.
    pub(crate) fn new(stops: &[String]) -> Self {
        let stops = stops.iter().filter(|stop| !stop.is_empty()).cloned().collect();
        Self { stops, ..Self::default() }
    }

    /// Whether a stop string has come.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Takes text and gives what can no longer be part of a stop string; nothing after one.
    pub(crate) fn push(&mut self, text: &str) -> String {
        if self.is_stopped {
            return String::new();
        }
        self.held.push_str(text);
        if let Some(place) =
            self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min()
        {
            self.is_stopped = true;
            self.held.truncate(place);
            return std::mem::take(&mut self.held);
        }
        // The longest end that begins a stop string is kept.
        let is_beginning = |end: &str| self.stops.iter().any(|stop| stop.starts_with(end));
        let starts = self.held.char_indices().map(|(place, _)| place);
        let keep = starts
            .filter(|place| self.held.get(*place..).is_some_and(is_beginning))
            .min()
            .unwrap_or(self.held.len());
        let kept = self.held.split_off(keep);
        std::mem::replace(&mut self.held, kept)
    }

    /// What was held back.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::folder::ModelFolder;

    fn tokenizer() -> Tokenizer {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/ml/tiny-lm");
        Tokenizer::open(&ModelFolder::open(path).unwrap()).unwrap()
    }

    fn pieces(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<String> {
        let mut state = Detokenizer::default();
        let mut pieces: Vec<_> = ids.iter().map(|id| state.push(tokenizer, *id).unwrap()).collect();
        pieces.push(state.finish(tokenizer).unwrap());
        pieces
    }

    #[test]
    fn letters_of_several_tokens_come_whole() {
        let tokenizer = tokenizer();
        let text = "a 你好 👋🏽 é z";
        let ids = tokenizer.encode_bare(text).unwrap().ids;
        assert!(
            ids.len() > text.chars().count(),
            "letters must be split for this test to mean anything"
        );
        let pieces = pieces(&tokenizer, &ids);
        assert_eq!(pieces.concat(), text);
        assert!(pieces.iter().all(|piece| !piece.contains(REPLACEMENT)));
        assert!(pieces.iter().filter(|piece| !piece.is_empty()).count() > 5);
    }

    #[test]
    fn what_is_no_letter_is_marked_in_the_end() {
        let tokenizer = tokenizer();
        let ids = tokenizer.encode_bare("好").unwrap().ids;
        let broken = &ids[..ids.len() - 1];
        let pieces = pieces(&tokenizer, broken);
        assert!(pieces[..broken.len()].concat().is_empty());
        assert!(pieces.concat().starts_with(REPLACEMENT));
        // And the memory of it is bounded.
        let endless = vec![broken[0]; 200];
        let mut state = Detokenizer::default();
        for id in endless {
            state.push(&tokenizer, id).unwrap();
            assert!(state.ids.len() - state.before <= 2 * (MAX_HELD + 1));
        }
    }

    proptest! {
        #[test]
        fn pieces_make_the_whole_text(text in "[a-c 你é👋\\n]{0,40}") {
            let tokenizer = tokenizer();
            let ids = tokenizer.encode_bare(&text).unwrap().ids;
            prop_assert_eq!(pieces(&tokenizer, &ids).concat(), text);
        }

        #[test]
        fn stop_strings_are_found_across_all_borders(
            text in "[abé]{0,30}",
            stops in prop::collection::vec("[abé]{0,4}", 0..4),
            cuts in prop::collection::vec(1_usize..4, 0..30),
        ) {
            let mut filter = StopFilter::new(&stops);
            let letters: Vec<char> = text.chars().collect();
            let (mut rest, mut out) = (letters.as_slice(), String::new());
            for cut in cuts.into_iter().chain(std::iter::repeat(2)) {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                out += &filter.push(&piece.iter().collect::<String>());
                rest = after;
            }
            out += &filter.finish();
            // The stop that is complete first, as the letters come; of those the one that begins first.
            let ends = stops.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop.as_str()));
            match ends.clone().next() {
                None => prop_assert_eq!(out, text),
                Some(_) => {
                    prop_assert!(filter.is_stopped());
                    prop_assert!(text.starts_with(&out));
                    let first_end = stops.iter().filter(|stop| !stop.is_empty())
                        .filter_map(|stop| text.find(stop.as_str()).map(|place| place + stop.len())).min().unwrap();
                    prop_assert!(out.len() < first_end);
                    prop_assert!(stops.iter().filter(|stop| !stop.is_empty()).all(|stop| !out.contains(stop.as_str())));
                }
            }
        }
    }
}
