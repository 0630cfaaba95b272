//! Where a model runs: the device as a value, and the report on what was chosen and why.

use std::{fmt, str::FromStr};

use crate::error::Error;

/// A device that a model is asked to run on.
///
/// Every value but [`Device::Auto`] is strict: if it cannot be had, loading fails and says what is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Device {
    /// The best device of the first backend that can load the model. [`Placement`] tells which one it was.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// An NVIDIA GPU through CUDA, by its number.
    Cuda(u32),
    /// An NVIDIA GPU through TensorRT, by its number.
    TensorRt(u32),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::TensorRt(number) => write!(f, "tensorrt:{number}"),
        }
    }
}

impl FromStr for Device {
    type Err = Error;

    /// Reads `auto`, `cpu`, `cuda`, `cuda:1`, `tensorrt`, `tensorrt:1`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (kind, number) = text.split_once(':').unwrap_or((text, ""));
        let index = if number.is_empty() && !text.ends_with(':') { Ok(0) } else { number.parse() };
        match (kind, index) {
            ("auto", _) if kind == text => Ok(Self::Auto),
            ("cpu", _) if kind == text => Ok(Self::Cpu),
            ("cuda", Ok(index)) => Ok(Self::Cuda(index)),
            ("tensorrt", Ok(index)) => Ok(Self::TensorRt(index)),
            _ => Err(Error::Argument {
                what: "device",
                reason: format!(
                    "`{text}` is none of auto, cpu, cuda, cuda:N, tensorrt, tensorrt:N"
                ),
            }),
        }
    }
}

/// Where a loaded model runs, and what was passed over on the way there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placement {
    /// Name of the backend.
    pub backend: String,
    /// The device; never [`Device::Auto`].
    pub device: Device,
    /// Why anything that would have come first is not used. Empty when the first choice was taken.
    pub passed_over: Vec<String>,
}

impl Placement {
    /// A model on `device` by `backend`, as first choice.
    pub fn new(backend: impl Into<String>, device: Device) -> Self {
        Self { backend: backend.into(), device, passed_over: Vec::new() }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.backend, self.device)?;
        if self.passed_over.is_empty() {
            return Ok(());
        }
        write!(f, " (passed over: {})", self.passed_over.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_read_as_they_print() {
        for device in
            [Device::Auto, Device::Cpu, Device::Cuda(0), Device::Cuda(3), Device::TensorRt(1)]
        {
            assert_eq!(device.to_string().parse::<Device>().unwrap(), device);
        }
        assert_eq!("cuda".parse::<Device>().unwrap(), Device::Cuda(0));
        for wrong in ["", "gpu", "cuda:", "cuda:x", "cpu:0", "auto:", "cuda:-1", "CUDA"] {
            assert!(wrong.parse::<Device>().is_err(), "{wrong}");
        }
    }
}
