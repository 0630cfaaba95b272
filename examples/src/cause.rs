//! An error with its causes, for people: [`line_of`].

use std::error::Error;

/// An error and its causes in one line; what a cause repeats is said once.
pub fn line_of(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.contains(&text) {
            line += &format!(": {text}");
        }
        cause = error.source();
    }
    line
}
