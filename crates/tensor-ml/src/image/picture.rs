//! Pictures: pixels from files, bounded before anything is decoded.

use std::{fmt, fs, io::Cursor, path::Path};

use ::image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use crate::error::Error;

/// Widest and highest picture that is decoded.
const MAX_SIDE: u32 = 16_384;
/// Most memory that decoding may take, in bytes.
const MAX_DECODED: u64 = 512 << 20;
/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 128 << 20;

/// A picture of 8-bit RGB pixels.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Picture {
    /// A picture of pixels row by row, three bytes each.
    ///
    /// # Errors
    /// [`Error::Argument`] when a side is 0 or the pixels are not `width × height`.
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Result<Self, Error> {
        let bytes = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(3));
        if bytes != Some(rgb.len()) || rgb.is_empty() {
            let reason = format!("{} bytes are not {width} × {height} pixels of RGB", rgb.len());
            return Err(Error::Argument { what: "picture", reason });
        }
        Ok(Self { width, height, rgb })
    }

    /// The picture in a file's bytes: PNG, JPEG, WebP, GIF (its first frame) or BMP, known by its content. It is turned as
    /// its Exif data say, transparency is dropped, other kinds of pixels become RGB.
    ///
    /// # Errors
    /// [`Error::Argument`] when it is none of these, is broken, or is larger than 16,384 pixels a side.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let refuse = |reason: String| Error::Argument { what: "picture", reason };
        let broken = |error: ::image::ImageError| refuse(crate::error::chain_of(&error));
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_DECODED);
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|error| refuse(error.to_string()))?;
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(broken)?;
        let orientation = decoder.orientation().map_err(broken)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
        image.apply_orientation(orientation);
        let image = image.into_rgb8();
        let (width, height) = (image.width() as usize, image.height() as usize);
        Self::new(width, height, image.into_raw())
    }

    /// The picture in a file.
    ///
    /// # Errors
    /// [`Error::Io`]; as [`decode`](Self::decode).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let size = fs::metadata(path).map_err(|error| Error::io(path, error))?.len();
        let named = |reason: String| {
            let reason = format!("{}: {reason}", path.display());
            Error::Argument { what: "picture", reason }
        };
        if size > MAX_FILE {
            return Err(named(format!("{size} bytes are more than {MAX_FILE}")));
        }
        let bytes = fs::read(path).map_err(|error| Error::io(path, error))?;
        Self::decode(&bytes).map_err(|error| match error {
            Error::Argument { reason, .. } => named(reason),
            other => other,
        })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels row by row, three bytes each.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The picture as the bytes of a PNG file.
    ///
    /// # Errors
    /// [`Error::Argument`] for one too large for the format.
    pub fn to_png(&self) -> Result<Vec<u8>, Error> {
        use ::image::ImageEncoder;
        let wrong = |reason: String| Error::Argument { what: "picture", reason };
        let side = |size: usize| u32::try_from(size).map_err(|error| wrong(error.to_string()));
        let mut bytes = Vec::new();
        ::image::codecs::png::PngEncoder::new(&mut bytes)
            .write_image(
                &self.rgb,
                side(self.width)?,
                side(self.height)?,
                ::image::ExtendedColorType::Rgb8,
            )
            .map_err(|error| wrong(crate::error::chain_of(&error)))?;
        Ok(bytes)
    }

    pub(super) fn from_parts(width: usize, height: usize, rgb: Vec<u8>) -> Self {
        Self { width, height, rgb }
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({} × {})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_back_from_png_and_nonsense_does_not() {
        let picture = Picture::new(2, 1, vec![1, 2, 3, 250, 251, 252]).unwrap();
        assert_eq!(Picture::decode(&picture.to_png().unwrap()).unwrap(), picture);
        assert!(Picture::new(2, 2, vec![0; 6]).is_err());
        assert!(Picture::new(0, 0, vec![]).is_err());
        assert!(Picture::new(usize::MAX, 2, vec![]).is_err());
        for broken in [&b""[..], b"GIF89a", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"] {
            assert!(matches!(Picture::decode(broken), Err(Error::Argument { .. })));
        }
    }
}
