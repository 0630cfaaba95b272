//! The determinism kit of a validator: are these the tokens, are these the numbers that the model gives?

use crate::{error::Error, tensor::Tensor};

/// How far results of one model may lie apart on different machines and runtimes.
///
/// Measured between rten and ONNX Runtime on one machine: 4e-6 in hidden states of about unit size.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Closeness {
    /// Difference that is always allowed.
    pub absolute: f64,
    /// Difference that is allowed for each unit of the expected value.
    pub relative: f64,
}

impl Default for Closeness {
    /// 1e-4 and 1e-3: wide enough for other kernels, and far below what another model would give.
    fn default() -> Self {
        Self { absolute: 1e-4, relative: 1e-3 }
    }
}

impl Closeness {
    /// Limits for the difference: |got − expected| ≤ absolute + relative · |expected|.
    pub fn new(absolute: f64, relative: f64) -> Self {
        Self { absolute, relative }
    }

    /// Compares numbers one by one. NaN equals NaN and an infinity itself, and nothing else.
    pub fn compare(&self, got: &[f32], expected: &[f32]) -> Comparison {
        let mut result = Comparison {
            compared: got.len().min(expected.len()),
            is_same_length: got.len() == expected.len(),
            apart: 0,
            first_apart: None,
            largest: 0.0,
        };
        for (place, (got, expected)) in got.iter().zip(expected).enumerate() {
            let (got, expected) = (f64::from(*got), f64::from(*expected));
            let is_same = got == expected || (got.is_nan() && expected.is_nan());
            let difference = if is_same { 0.0 } else { (got - expected).abs() };
            let difference = if difference.is_nan() { f64::INFINITY } else { difference };
            result.largest = result.largest.max(difference);
            let limit = self.absolute + self.relative * expected.abs();
            // Written so that a limit of infinity times something does not let an infinite difference pass.
            let is_close = difference == 0.0 || (difference.is_finite() && difference <= limit);
            if !is_close {
                result.apart = result.apart.saturating_add(1);
                result.first_apart.get_or_insert(place);
            }
        }
        result
    }

    /// Compares tensors of floating-point numbers; shapes must be the same.
    ///
    /// # Errors
    /// [`Error::Tensor`] when the shapes differ or the elements are not floating-point numbers.
    pub fn compare_tensors(&self, got: &Tensor, expected: &Tensor) -> Result<Comparison, Error> {
        if got.shape() != expected.shape() {
            return Err(Error::Tensor {
                expected: format!("shape {:?}", expected.shape()),
                got: format!("shape {:?}", got.shape()),
            });
        }
        Ok(self.compare(&got.to_f32s()?, &expected.to_f32s()?))
    }
}

/// What [`Closeness::compare`] found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// Numbers compared.
    pub compared: usize,
    /// Whether there were as many as expected.
    pub is_same_length: bool,
    /// Numbers that lie too far apart.
    pub apart: usize,
    /// The first of them.
    pub first_apart: Option<usize>,
    /// The largest difference.
    pub largest: f64,
}

impl Comparison {
    /// Whether everything that was expected is there and close.
    pub fn is_close(&self) -> bool {
        self.is_same_length && self.apart == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_allowed_by_size() {
        let closeness = Closeness::new(0.1, 0.01);
        assert!(closeness.compare(&[1.0, 100.9], &[1.1, 100.0]).is_close());
        let result = closeness.compare(&[1.0, 1.0, 102.0], &[1.0, 1.2, 100.0]);
        assert_eq!((result.apart, result.first_apart, result.is_close()), (2, Some(1), false));
        assert!((result.largest - 2.0).abs() < 1e-6);
        assert!(!closeness.compare(&[1.0], &[1.0, 1.0]).is_close());
        assert!(!closeness.compare(&[], &[1.0]).is_close());
    }

    #[test]
    fn what_is_no_number_is_close_only_to_itself() {
        let closeness = Closeness::new(f64::INFINITY, 1.0);
        let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        assert!(closeness.compare(&special, &special).is_close());
        for (place, value) in special.into_iter().enumerate() {
            let others = special.iter().enumerate().filter(|(other, _)| *other != place);
            for other in others.map(|(_, other)| *other).chain([0.0]) {
                assert!(!closeness.compare(&[value], &[other]).is_close(), "{value} {other}");
            }
        }
    }

    #[test]
    fn tensors_of_other_shapes_are_not_compared() {
        let tensor = |shape: [usize; 2]| Tensor::filled(shape, 1.0_f32).unwrap();
        let closeness = Closeness::default();
        assert!(closeness.compare_tensors(&tensor([2, 3]), &tensor([2, 3])).unwrap().is_close());
        assert!(closeness.compare_tensors(&tensor([2, 3]), &tensor([3, 2])).is_err());
    }
}
