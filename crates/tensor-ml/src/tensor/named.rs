//! Tensors by name, in order: what a model takes and gives.

use super::Tensor;
use crate::error::Error;

/// An ordered set of named tensors. A name occurs once; setting it again replaces the tensor.
///
/// Look-ups walk the list: models have a handful of inputs, rarely more than a hundred.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensors(Vec<(String, Tensor)>);

impl Tensors {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a tensor.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, tensor: Tensor) -> Self {
        self.set(name, tensor);
        self
    }

    /// Adds or replaces a tensor.
    pub fn set(&mut self, name: impl Into<String>, tensor: Tensor) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, place)) => *place = tensor,
            None => self.0.push((name, tensor)),
        }
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, tensor)| tensor)
    }

    /// Removes and returns the tensor of this name.
    ///
    /// # Errors
    /// [`Error::Output`] when there is none; it lists the names there are.
    pub fn take(&mut self, name: &str) -> Result<Tensor, Error> {
        match self.0.iter().position(|(known, _)| known == name) {
            Some(place) => Ok(self.0.remove(place).1),
            None => Err(Error::Output {
                name: name.into(),
                expected: "an output of this name".into(),
                got: self.names().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Names and tensors in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Number of tensors.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>> FromIterator<(N, Tensor)> for Tensors {
    fn from_iter<I: IntoIterator<Item = (N, Tensor)>>(iter: I) -> Self {
        let mut tensors = Self::new();
        for (name, tensor) in iter {
            tensors.set(name, tensor);
        }
        tensors
    }
}

impl IntoIterator for Tensors {
    type Item = (String, Tensor);
    type IntoIter = std::vec::IntoIter<(String, Tensor)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
