//! What a model takes and gives: name, element type and shape of each input and output, and the check against them.

use std::fmt;

use crate::{error::Error, tensor::DType};

/// One input or output of a model, as the graph declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorSpec {
    /// Name in the graph.
    pub name: String,
    /// Type of the elements.
    pub dtype: DType,
    /// The dimensions; nothing when the graph leaves even their number open.
    pub shape: Option<Vec<Dim>>,
}

/// Size of one dimension as declared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dim {
    /// Always this size.
    Fixed(usize),
    /// Any size; dimensions of the same name are meant to agree.
    Named(String),
    /// Any size.
    Any,
}

impl TensorSpec {
    /// A declared input or output.
    pub fn new(name: impl Into<String>, dtype: DType, shape: Option<Vec<Dim>>) -> Self {
        Self { name: name.into(), dtype, shape }
    }

    /// Number of dimensions, if declared.
    pub fn rank(&self) -> Option<usize> {
        self.shape.as_ref().map(Vec::len)
    }

    /// The declared size of dimension `axis`, if it is fixed.
    pub fn fixed(&self, axis: usize) -> Option<usize> {
        match self.shape.as_ref()?.get(axis)? {
            Dim::Fixed(size) => Some(*size),
            _ => None,
        }
    }

    /// Checks a tensor's type and shape against the declaration.
    ///
    /// # Errors
    /// [`Error::Input`] with both sides.
    pub fn check(&self, dtype: DType, shape: &[usize]) -> Result<(), Error> {
        let shape_fits = self.shape.as_ref().is_none_or(|declared| {
            declared.len() == shape.len()
                && declared.iter().zip(shape).all(|(dim, size)| match dim {
                    Dim::Fixed(fixed) => fixed == size,
                    Dim::Named(_) | Dim::Any => true,
                })
        });
        if dtype == self.dtype && shape_fits {
            return Ok(());
        }
        Err(Error::Input {
            name: self.name.clone(),
            expected: self.to_string(),
            got: format!("{dtype} {shape:?}"),
        })
    }
}

impl fmt::Display for TensorSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.dtype)?;
        let Some(shape) = &self.shape else { return f.write_str("of any shape") };
        f.write_str("[")?;
        for (place, dim) in shape.iter().enumerate() {
            if place > 0 {
                f.write_str(", ")?;
            }
            match dim {
                Dim::Fixed(size) => write!(f, "{size}")?,
                Dim::Named(name) => f.write_str(name)?,
                Dim::Any => f.write_str("?")?,
            }
        }
        f.write_str("]")
    }
}

/// Finds the spec of a name.
pub fn find<'a>(specs: &'a [TensorSpec], name: &str) -> Option<&'a TensorSpec> {
    specs.iter().find(|spec| spec.name == name)
}

/// Checks that `given` (name, type, shape) is exactly what `specs` ask for: nothing missing, nothing unknown.
///
/// Backends notice a missing input only deep inside the graph, with a message that helps nobody.
///
/// # Errors
/// [`Error::Input`] for the first input that is unknown, given twice, missing, or of another type or shape.
pub fn check_inputs<'a>(
    specs: &[TensorSpec],
    given: impl IntoIterator<Item = (&'a str, DType, &'a [usize])>,
) -> Result<(), Error> {
    let mut seen = vec![false; specs.len()];
    for (name, dtype, shape) in given {
        let Some(place) = specs.iter().position(|spec| spec.name == name) else {
            return Err(Error::Input {
                name: name.into(),
                expected: format!("one of {}", names(specs)),
                got: "an unknown name".into(),
            });
        };
        if std::mem::replace(&mut seen[place], true) {
            return Err(Error::Input {
                name: name.into(),
                expected: "one tensor".into(),
                got: "two".into(),
            });
        }
        specs[place].check(dtype, shape)?;
    }
    match specs.iter().zip(seen).find(|(_, seen)| !seen) {
        None => Ok(()),
        Some((spec, _)) => Err(Error::Input {
            name: spec.name.clone(),
            expected: spec.to_string(),
            got: "nothing".into(),
        }),
    }
}

/// Checks that every wanted output exists, once.
///
/// # Errors
/// [`Error::Output`] for the first that does not.
pub fn check_outputs<'a>(
    specs: &[TensorSpec],
    wanted: impl IntoIterator<Item = &'a str>,
) -> Result<(), Error> {
    let mut seen = vec![false; specs.len()];
    for name in wanted {
        let place = specs.iter().position(|spec| spec.name == name);
        if place.is_none_or(|place| std::mem::replace(&mut seen[place], true)) {
            return Err(Error::Output {
                name: name.into(),
                expected: "each wanted output once".into(),
                got: format!("a model with {}", names(specs)),
            });
        }
    }
    Ok(())
}

fn names(specs: &[TensorSpec]) -> String {
    specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs() -> Vec<TensorSpec> {
        vec![
            TensorSpec::new(
                "ids",
                DType::I64,
                Some(vec![Dim::Named("batch".into()), Dim::Fixed(4)]),
            ),
            TensorSpec::new("free", DType::F32, None),
        ]
    }

    #[test]
    fn every_deviation_is_named() {
        let ids = ("ids", DType::I64, &[2, 4][..]);
        let free = ("free", DType::F32, &[1, 1, 1][..]);
        assert!(check_inputs(&specs(), [ids, free]).is_ok());
        let cases = [
            (vec![ids], "free"),
            (vec![ids, free, free], "free"),
            (vec![ids, free, ("other", DType::F32, &[][..])], "other"),
            (vec![("ids", DType::I32, &[2, 4][..]), free], "ids"),
            (vec![("ids", DType::I64, &[2, 5][..]), free], "ids"),
            (vec![("ids", DType::I64, &[8][..]), free], "ids"),
        ];
        for (given, culprit) in cases {
            let error = check_inputs(&specs(), given).unwrap_err();
            let Error::Input { name, .. } = &error else { panic!("{error}") };
            assert_eq!(name, culprit, "{error}");
        }
        assert!(check_outputs(&specs(), ["ids"]).is_ok());
        assert!(check_outputs(&specs(), ["ids", "ids"]).is_err());
        assert!(check_outputs(&specs(), ["nothing"]).is_err());
    }

    #[test]
    fn specs_print_as_they_are_read() {
        assert_eq!(specs()[0].to_string(), "i64 [batch, 4]");
        assert_eq!(specs()[1].to_string(), "f32 of any shape");
    }
}
