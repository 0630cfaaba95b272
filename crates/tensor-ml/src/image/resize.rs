//! Scaling pictures as Pillow does, to the last bit: models were trained on what it makes.
//!
//! Two passes, each a convolution with weights in fixed point of 22 bits over 8-bit pixels: first along the rows, then
//! along the columns, or the other way round where that leaves far fewer pixels between them. Source of the rule: Pillow,
//! `src/libImaging/Resample.c`; which pass is first was found from what Pillow 13.0 does (older ones take the rows first).

use super::picture::Picture;

const PRECISION: u32 = 32 - 8 - 2;

/// How pixels are weighed; numbered as Pillow and `preprocessor_config.json` number them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filter {
    /// The nearest pixel (0).
    Nearest,
    /// Windowed sinc of radius 3 (1).
    Lanczos,
    /// Triangle (2).
    #[default]
    Bilinear,
    /// Cubic with a = −0.5 (3).
    Bicubic,
    /// The mean of what a pixel covers (4).
    Box,
    /// Triangle with a Hamming window (5).
    Hamming,
}

impl Filter {
    /// The filter of a number.
    pub fn from_number(number: usize) -> Option<Self> {
        use Filter::{Bicubic, Bilinear, Box, Hamming, Lanczos, Nearest};
        [Nearest, Lanczos, Bilinear, Bicubic, Box, Hamming].get(number).copied()
    }

    fn support(self) -> f64 {
        match self {
            Self::Nearest | Self::Box => 0.5,
            Self::Bilinear | Self::Hamming => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let sinc = |x: f64| {
            if x == 0.0 {
                return 1.0;
            }
            let x = x * std::f64::consts::PI;
            x.sin() / x
        };
        let a = -0.5;
        match (self, x.abs()) {
            (Self::Nearest | Self::Box, _) => f64::from(u8::from(x > -0.5 && x <= 0.5)),
            (Self::Bilinear, r) => (1.0 - r).max(0.0),
            (Self::Hamming, 0.0) => 1.0,
            (Self::Hamming, r) if r < 1.0 => {
                sinc(r) * (0.54 + 0.46 * (r * std::f64::consts::PI).cos())
            }
            (Self::Bicubic, r) if r < 1.0 => ((a + 2.0) * r - (a + 3.0)) * r * r + 1.0,
            (Self::Bicubic, r) if r < 2.0 => (((r - 5.0) * r + 8.0) * r - 4.0) * a,
            (Self::Lanczos, _) if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            _ => 0.0,
        }
    }
}

/// The picture at another size, both at least 1.
pub(super) fn resize(picture: &Picture, width: usize, height: usize, filter: Filter) -> Picture {
    let (from_width, from_height) = (picture.width(), picture.height());
    if filter == Filter::Nearest {
        return nearest(picture, width, height);
    }
    // Signed: sides are a few thousand at most.
    let (rows_less, columns_less) =
        (from_height as i64 - height as i64, from_width as i64 - width as i64);
    let columns_first = rows_less > 0 && rows_less > 2 * columns_less;
    let mut scaled = picture.clone();
    if columns_first {
        scaled = along_columns(scaled, height, filter);
    }
    scaled = along_rows(scaled, width, filter);
    along_columns(scaled, height, filter)
}

fn along_rows(picture: Picture, width: usize, filter: Filter) -> Picture {
    if width == picture.width() {
        return picture;
    }
    let weights = weights(picture.width(), width, filter);
    let rows = picture.rgb().chunks_exact(picture.width().saturating_mul(3));
    let pixels = rows.flat_map(|row| weights.iter().flat_map(|weight| weight.apply(row))).collect();
    Picture::from_parts(width, picture.height(), pixels)
}

fn along_columns(picture: Picture, height: usize, filter: Filter) -> Picture {
    if height == picture.height() {
        return picture;
    }
    let stride = picture.width().saturating_mul(3);
    let mut pixels = Vec::with_capacity(stride.saturating_mul(height));
    for weight in &weights(picture.height(), height, filter) {
        let rows = picture.rgb().chunks_exact(stride).skip(weight.first);
        let mut sums = vec![HALF; stride];
        for (row, factor) in rows.zip(&weight.factors) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum = sum.wrapping_add(i32::from(*value).wrapping_mul(*factor));
            }
        }
        pixels.extend(sums.into_iter().map(clip));
    }
    Picture::from_parts(picture.width(), height, pixels)
}

const HALF: i32 = 1 << (PRECISION - 1);

/// One pixel of the result: the first that it is made of, and the share of each.
struct Weights {
    first: usize,
    factors: Vec<i32>,
}

impl Weights {
    fn apply(&self, row: &[u8]) -> [u8; 3] {
        let mut sums = [HALF; 3];
        let pixels = row.as_chunks::<3>().0.iter().skip(self.first);
        for (pixel, factor) in pixels.zip(&self.factors) {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum = sum.wrapping_add(i32::from(*value).wrapping_mul(*factor));
            }
        }
        sums.map(clip)
    }
}

fn clip(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

fn weights(from: usize, to: usize, filter: Filter) -> Vec<Weights> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = filter.support() * stretch;
    (0..to)
        .map(|place| {
            let center = (place as f64 + 0.5) * scale;
            let first = (center - support + 0.5).max(0.0) as usize;
            let last = ((center + support + 0.5) as usize).min(from);
            let weights: Vec<f64> = (first..last)
                .map(|x| filter.weight((x as f64 - center + 0.5) * (1.0 / stretch)))
                .collect();
            let sum: f64 = weights.iter().sum();
            let factors = weights
                .into_iter()
                .map(|weight| {
                    let weight = if sum == 0.0 { weight } else { weight / sum };
                    let scaled = weight * f64::from(1_u32 << PRECISION);
                    if scaled < 0.0 { (scaled - 0.5) as i32 } else { (scaled + 0.5) as i32 }
                })
                .collect();
            Weights { first, factors }
        })
        .collect()
}

fn nearest(picture: &Picture, width: usize, height: usize) -> Picture {
    let places = |from: usize, to: usize| -> Vec<usize> {
        let scale = from as f64 / to as f64;
        (0..to).map(|place| (((place as f64 + 0.5) * scale) as usize).min(from - 1)).collect()
    };
    let columns = places(picture.width(), width);
    let pixels = picture.rgb().as_chunks::<3>().0;
    let rgb = places(picture.height(), height)
        .into_iter()
        .filter_map(|row| pixels.chunks_exact(picture.width()).nth(row))
        .flat_map(|row| columns.iter().flat_map(|column| row.get(*column).copied()))
        .flatten()
        .collect();
    Picture::from_parts(width, height, rgb)
}
