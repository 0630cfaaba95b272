//! The protobuf wire format, as far as ONNX uses it.

/// Why bytes are not an ONNX model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireFault {
    /// The bytes end in the middle of a field.
    #[error("the file ends in the middle of a field")]
    Truncated,
    /// A number has more than 64 bits, or a field number or wire type is not one.
    #[error("the file is not in protobuf format")]
    Malformed,
    /// A name is not UTF-8.
    #[error("a name in the file is not UTF-8")]
    NotText,
    /// Graphs nest too deeply.
    #[error("graphs nest too deeply")]
    TooDeep,
    /// There is no graph in the file.
    #[error("the file holds no graph")]
    NoGraph,
}

/// The value of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes of fixed size; no field that is read here has them.
    Fixed,
}

/// Walks the fields of one message. Ends after the first error.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn field(&mut self) -> Result<(u64, Value<'a>), WireFault> {
        let key = varint(&mut self.0)?;
        let number = key >> 3;
        if number == 0 {
            return Err(WireFault::Malformed);
        }
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut self.0)?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let len = varint(&mut self.0)?;
                Value::Bytes(self.take(usize::try_from(len).map_err(|_| WireFault::Truncated)?)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return Err(WireFault::Malformed),
        };
        Ok((number, value))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], WireFault> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(WireFault::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), WireFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// The numbers of a packed repeated field. Ends after the first error.
pub(super) fn packed(mut bytes: &[u8]) -> impl Iterator<Item = Result<u64, WireFault>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let number = varint(&mut bytes);
        if number.is_err() {
            bytes = &[];
        }
        Some(number)
    })
}

fn varint(bytes: &mut &[u8]) -> Result<u64, WireFault> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(WireFault::Truncated)?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if shift == 63 && part > 1 {
            return Err(WireFault::Malformed);
        }
        value |= part << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(WireFault::Malformed)
}
