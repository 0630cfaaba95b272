//! The bytes of msgpack-numpy: a map of five, keys in binary, written by strangers.

use super::{Dtype, TensorError};

/// An array as msgpack-numpy packs it.
pub(super) fn pack(dtype: Dtype, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x85];
    put_binary(&mut out, b"nd");
    out.push(TRUE);
    put_binary(&mut out, b"type");
    let order = if dtype.size() == 1 { '|' } else { '<' };
    let code = format!("{order}{}", dtype.code());
    // Three letters always fit the short form.
    out.push(0xa0 | code.len() as u8);
    out.extend_from_slice(code.as_bytes());
    put_binary(&mut out, b"kind");
    put_binary(&mut out, b"");
    put_binary(&mut out, b"shape");
    // At most 64, so the casts lose nothing.
    match shape.len() {
        length @ 0..=15 => out.push(0x90 | length as u8),
        length => {
            out.push(0xdc);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
    }
    for length in shape {
        put_integer(&mut out, *length as u64);
    }
    put_binary(&mut out, b"data");
    put_binary(&mut out, data);
    out
}

/// Reads an array: its type, its shape, and its elements with little-endian bytes.
pub(super) fn unpack(packed: &[u8]) -> Result<(Dtype, Vec<usize>, Vec<u8>), TensorError> {
    let mut reader = Reader(packed);
    let (mut is_array, mut code, mut kind, mut shape, mut data) = (None, None, None, None, None);
    for _ in 0..reader.map()? {
        match reader.text()? {
            b"nd" => is_array = Some(reader.boolean()?),
            b"type" => code = Some(reader.text()?),
            b"kind" => kind = Some(reader.text()?),
            b"shape" => shape = Some(reader.shape()?),
            b"data" => data = Some(reader.text()?),
            _ => return Err(TensorError::Buffer("a member that is not known")),
        }
    }
    if !reader.0.is_empty() {
        return Err(TensorError::Buffer("more than an array"));
    }
    let (Some(is_array), Some(code), Some(data)) = (is_array, code, data) else {
        return Err(TensorError::Buffer("a member is missing"));
    };
    let shape = match (is_array, shape) {
        (true, Some(shape)) => shape,
        // A single number has none.
        (false, None) => Vec::new(),
        _ => return Err(TensorError::Buffer("it has no shape")),
    };
    // Records and pickled objects; the latter would run what a stranger wrote.
    if kind.is_some_and(|kind| !kind.is_empty()) {
        return Err(TensorError::Buffer("its elements are no numbers"));
    }
    let (dtype, swapped) = type_of(code)?;
    let mut data = data.to_vec();
    if swapped {
        data.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
    }
    Ok((dtype, shape, data))
}

fn type_of(code: &[u8]) -> Result<(Dtype, bool), TensorError> {
    let unknown = || TensorError::Type(String::from_utf8_lossy(code).chars().take(20).collect());
    let (order, code) = code.split_first().ok_or_else(unknown)?;
    let known = Dtype::ALL.into_iter().find(|dtype| dtype.code().as_bytes() == code);
    let dtype = known.ok_or_else(unknown)?;
    match order {
        b'<' | b'|' | b'=' => Ok((dtype, false)),
        b'>' => Ok((dtype, true)),
        _ => Err(unknown()),
    }
}

fn put_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    match (u8::try_from(bytes.len()), u16::try_from(bytes.len())) {
        (Ok(length), _) => out.extend_from_slice(&[0xc4, length]),
        (_, Ok(length)) => {
            out.push(0xc5);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(0xc6);
            // Four gigabytes fit no body.
            out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    out.extend_from_slice(bytes);
}

fn put_integer(out: &mut Vec<u8>, number: u64) {
    if let Ok(small @ 0..=0x7f) = u8::try_from(number) {
        out.push(small);
    } else if let Ok(number) = u8::try_from(number) {
        out.extend_from_slice(&[0xcc, number]);
    } else if let Ok(number) = u16::try_from(number) {
        out.push(0xcd);
        out.extend_from_slice(&number.to_be_bytes());
    } else if let Ok(number) = u32::try_from(number) {
        out.push(0xce);
        out.extend_from_slice(&number.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

/// The part of msgpack that arrays need.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, TensorError> {
        let (first, rest) = self.0.split_first().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*first)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], TensorError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A number of so many bytes.
    fn number(&mut self, bytes: usize) -> Result<usize, TensorError> {
        let bytes = self.take(bytes)?;
        let number = bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        usize::try_from(number).map_err(|_| SHORT)
    }

    fn map(&mut self) -> Result<usize, TensorError> {
        match self.byte()? {
            head @ 0x80..=0x8f => Ok(usize::from(head & 0x0f)),
            _ => Err(TensorError::Buffer("it is no map")),
        }
    }

    /// Binary or text.
    fn text(&mut self) -> Result<&'a [u8], TensorError> {
        let length = match self.byte()? {
            head @ 0xa0..=0xbf => usize::from(head & 0x1f),
            0xc4 | 0xd9 => self.number(1)?,
            0xc5 | 0xda => self.number(2)?,
            0xc6 | 0xdb => self.number(4)?,
            _ => return Err(TensorError::Buffer("a member is no text")),
        };
        self.take(length)
    }

    fn boolean(&mut self) -> Result<bool, TensorError> {
        match self.byte()? {
            0xc2 => Ok(false),
            TRUE => Ok(true),
            _ => Err(TensorError::Buffer("a member is no truth value")),
        }
    }

    fn shape(&mut self) -> Result<Vec<usize>, TensorError> {
        let length = match self.byte()? {
            head @ 0x90..=0x9f => usize::from(head & 0x0f),
            0xdc => self.number(2)?,
            _ => return Err(TensorError::Buffer("its shape is no list")),
        };
        if length > DIMENSIONS {
            return Err(TensorError::Buffer("it has too many dimensions"));
        }
        let one = |_| match self.byte()? {
            small @ 0..=0x7f => Ok(usize::from(small)),
            0xcc => self.number(1),
            0xcd => self.number(2),
            0xce => self.number(4),
            0xcf => self.number(8),
            _ => Err(TensorError::Buffer("a dimension is no number")),
        };
        (0..length).map(one).collect()
    }
}

const TRUE: u8 = 0xc3;
const SHORT: TensorError = TensorError::Buffer("it ends too early");
/// What numpy allows.
pub(super) const DIMENSIONS: usize = 64;
