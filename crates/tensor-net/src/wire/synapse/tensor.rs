//! Arrays in synapses, as `bittensor.Tensor` carries them: [`Tensor`].

mod buffer;

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Field, Kind, Value};

/// An array of numbers in C order, as the field of a synapse.
///
/// On the wire it is an object of `buffer` (base64 of msgpack-numpy), `dtype` and `shape`, and that is
/// what is hashed; declare such a field as [`Tensor::kind`], optional and with a default, since official
/// axons fail on required ones.
///
/// ```
/// use tensor_net::wire::synapse::{SynapseSpec, Value, tensor::Tensor};
///
/// // pixels: Optional[bt.Tensor] = None
/// let spec = SynapseSpec::new("Vision")
///     .with_default("pixels", Tensor::kind().optional(), Value::None)
///     .with_hashed(["pixels"]);
/// let pixels = Tensor::of(&[2, 3], &[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0])?;
/// let body = serde_json::json!({ "pixels": pixels });
/// assert!(spec.body_hash(&Value::from(&body)).is_ok_and(|hash| hash.starts_with("66a6600e")));
/// assert_eq!(pixels.values::<f32>()?[5], 5.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    data: Vec<u8>,
    torch: bool,
}

/// The type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Dtype {
    Float16,
    Float32,
    Float64,
    Uint8,
    Int8,
    Int16,
    Int32,
    Int64,
    Bool,
}

/// A Rust type that an array may hold.
pub trait Element: Copy + private::Sealed {
    /// Its type on the wire.
    const DTYPE: Dtype;
}

impl Tensor {
    /// An array of that shape; no dimensions for a single number.
    ///
    /// # Errors
    /// [`TensorError::Size`] when the shape does not hold as many elements.
    pub fn of<T: Element>(shape: &[usize], elements: &[T]) -> Result<Self, TensorError> {
        let mut data = Vec::with_capacity(elements.len() * T::DTYPE.size());
        for element in elements {
            element.write(&mut data);
        }
        Self::new(T::DTYPE, shape, data)
    }

    /// An array of these bytes: the elements in C order, each little-endian.
    ///
    /// # Errors
    /// [`TensorError::Size`] when the shape does not hold as many bytes; a shape has at most 64 dimensions.
    pub fn new(dtype: Dtype, shape: &[usize], data: Vec<u8>) -> Result<Self, TensorError> {
        if shape.len() > buffer::DIMENSIONS {
            return Err(TensorError::Buffer("it has too many dimensions"));
        }
        let needs = shape.iter().try_fold(dtype.size(), |size, length| size.checked_mul(*length));
        if needs != Some(data.len()) {
            return Err(TensorError::Size { shape: shape.to_vec(), bytes: data.len() });
        }
        Ok(Self { dtype, shape: shape.to_vec(), data, torch: false })
    }

    /// Names its type as torch does (`torch.float32`), for peers that run with torch.
    #[must_use]
    pub const fn with_torch_names(mut self) -> Self {
        self.torch = true;
        self
    }

    /// The type of its elements.
    pub const fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Its dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements in C order, each little-endian.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The elements in C order.
    ///
    /// # Errors
    /// [`TensorError::Dtype`] when they are of another type: nothing is cast.
    pub fn values<T: Element>(&self) -> Result<Vec<T>, TensorError> {
        if T::DTYPE != self.dtype {
            let (declared, found) = (T::DTYPE.name().into(), self.dtype.name().into());
            return Err(TensorError::Dtype { declared, found });
        }
        Ok(self.data.chunks_exact(T::DTYPE.size()).filter_map(T::read).collect())
    }

    /// The declared type of a field that holds one.
    pub fn kind() -> Kind {
        Kind::Model(vec![
            Field::optional("buffer", Kind::Str.optional(), Value::None),
            Field::required("dtype", Kind::Str),
            Field::required("shape", Kind::Int.list()),
        ])
    }

    fn to_wire(&self) -> Wire {
        // As the original has it: no dimensions are told as one of nothing.
        let shape = if self.shape.is_empty() { vec![0] } else { self.shape.clone() };
        let prefix = if self.torch { TORCH } else { "" };
        Wire {
            buffer: STANDARD.encode(buffer::pack(self.dtype, &self.shape, &self.data)),
            dtype: format!("{prefix}{}", self.dtype.name()),
            shape,
        }
    }

    fn from_wire(wire: &Wire) -> Result<Self, TensorError> {
        let name = wire.dtype.strip_prefix(TORCH).unwrap_or(&wire.dtype);
        let declared = Dtype::of(name).ok_or_else(|| TensorError::Type(wire.dtype.clone()))?;
        let packed = STANDARD.decode(&wire.buffer).map_err(|_| TensorError::Base64)?;
        let (dtype, shape, data) = buffer::unpack(&packed)?;
        if dtype != declared {
            let (declared, found) = (declared.name().into(), dtype.name().into());
            return Err(TensorError::Dtype { declared, found });
        }
        // The original reshapes to what is declared, except to nothing.
        let shape = if wire.shape == [0] { shape } else { wire.shape.clone() };
        let torch = wire.dtype.starts_with(TORCH);
        Ok(Self { torch, ..Self::new(dtype, &shape, data)? })
    }
}

impl Dtype {
    const ALL: [Self; 9] = [
        Self::Float16,
        Self::Float32,
        Self::Float64,
        Self::Uint8,
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::Bool,
    ];

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            Self::Uint8 | Self::Int8 | Self::Bool => 1,
            Self::Float16 | Self::Int16 => 2,
            Self::Float32 | Self::Int32 => 4,
            Self::Float64 | Self::Int64 => 8,
        }
    }

    /// Its name in numpy.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float16 => "float16",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Uint8 => "uint8",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Bool => "bool",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// Kind and size as numpy's type texts have them, behind the order of bytes.
    const fn code(self) -> &'static str {
        match self {
            Self::Float16 => "f2",
            Self::Float32 => "f4",
            Self::Float64 => "f8",
            Self::Uint8 => "u1",
            Self::Int8 => "i1",
            Self::Int16 => "i2",
            Self::Int32 => "i4",
            Self::Int64 => "i8",
            Self::Bool => "b1",
        }
    }
}

impl Serialize for Tensor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_wire().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tensor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_wire(&Wire::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({} {:?})", self.dtype.name(), self.shape)
    }
}

/// A field that holds no array.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// The buffer is no base64.
    #[error("the tensor's buffer is no base64")]
    Base64,
    /// The buffer is no msgpack-numpy array.
    #[error("the tensor's buffer is no array: {0}")]
    Buffer(&'static str),
    /// The elements are of a type that synapses do not carry.
    #[error("the tensor's type {0:?} is not known")]
    Type(String),
    /// The elements are of another type than said.
    #[error("the tensor's elements are {found}, not {declared}")]
    Dtype {
        /// What was said.
        declared: String,
        /// What they are.
        found: String,
    },
    /// The shape does not hold as many bytes.
    #[error("a tensor of shape {shape:?} does not have {bytes} bytes")]
    Size {
        /// The shape.
        shape: Vec<usize>,
        /// How many there are.
        bytes: usize,
    },
}

/// The object on the wire.
#[derive(Serialize, Deserialize)]
struct Wire {
    buffer: String,
    dtype: String,
    shape: Vec<usize>,
}

/// What torch puts before its types' names.
const TORCH: &str = "torch.";

mod private {
    pub trait Sealed: Sized {
        fn write(self, out: &mut Vec<u8>);
        fn read(bytes: &[u8]) -> Option<Self>;
    }
}

macro_rules! elements {
    ($($rust:ty => $dtype:ident),*) => {$(
        impl Element for $rust {
            const DTYPE: Dtype = Dtype::$dtype;
        }

        impl private::Sealed for $rust {
            fn write(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn read(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
        }
    )*};
}

elements!(f32 => Float32, f64 => Float64, u8 => Uint8, i8 => Int8, i16 => Int16, i32 => Int32, i64 => Int64);

impl Element for bool {
    const DTYPE: Dtype = Dtype::Bool;
}

impl private::Sealed for bool {
    fn write(self, out: &mut Vec<u8>) {
        out.push(self.into());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.first().map(|byte| *byte != 0)
    }
}
