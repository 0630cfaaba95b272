//! Where in a value an error lies: `args.call.dest`, written from the outside in.

use core::fmt;

/// A place in a nested value. Empty for the value itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(Vec<String>);

impl Path {
    /// The same place seen from one level further out.
    pub(crate) fn inside(mut self, outer: impl Into<String>) -> Self {
        self.0.push(outer.into());
        self
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the value");
        }
        for (place, part) in self.0.iter().rev().enumerate() {
            if place > 0 {
                f.write_str(".")?;
            }
            f.write_str(part)?;
        }
        Ok(())
    }
}
