//! From a picture to what a model sees, as `preprocessor_config.json` states it: resize, crop, rescale, normalise.

use serde_json::{Map, Value};

use super::{
    picture::Picture,
    resize::{Filter, resize},
};
use crate::{error::Error, folder::ModelFolder, folder::number};

const FILE: &str = "preprocessor_config.json";
/// Largest side that a folder may ask pictures to be scaled to.
const MAX_SIDE: usize = 8_192;

/// The steps that a folder states, in the order in which transformers takes them.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageTransform {
    resize: Option<(Target, Filter)>,
    crop: Option<(usize, usize)>,
    factor: Option<f64>,
    offset: f32,
    normal: Vec<(Vec<f32>, Vec<f32>)>,
    flips_channels: bool,
    channels: usize,
}

/// The size that a picture is scaled to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// Exactly this height and width.
    Exact(usize, usize),
    /// The shorter side, and the most that the longer one may have.
    Shortest(usize, Option<usize>),
    /// The longer side.
    Longest(usize),
}

impl ImageTransform {
    /// What a folder states.
    ///
    /// # Errors
    /// [`Error::Config`] when there is no `preprocessor_config.json` or it asks for something that is not known here.
    pub fn open(folder: &ModelFolder) -> Result<Self, Error> {
        let wrong = |reason: String| Error::config(folder.root().join(FILE), reason);
        let stated = folder.json(FILE)?;
        if stated.is_empty() {
            return Err(wrong("not found: it states how pictures are prepared".into()));
        }
        Self::parse(&stated).map_err(wrong)
    }

    /// The number of colours that the model sees: 3, or 1 for shades of grey.
    pub(super) fn with_channels(mut self, channels: usize) -> Self {
        self.channels = channels;
        self
    }

    fn parse(stated: &Map<String, Value>) -> Result<Self, String> {
        let kind = ["image_processor_type", "feature_extractor_type"]
            .iter()
            .find_map(|name| stated.get(*name)?.as_str())
            .unwrap_or_default();
        let is = |name: &str| kind.starts_with(name);
        let flag = |name: &str, default: bool| {
            stated.get(name).and_then(Value::as_bool).unwrap_or(default)
        };
        if is("TimmWrapper") {
            return Err(format!("`{kind}` keeps its steps elsewhere and is not supported"));
        }
        let mut resize = None;
        let mut crop = None;
        // Earlier versions of transformers wrote one number; these processors took it for the shorter side.
        let number_is_side = ["CLIP", "ConvNext", "Levit", "MobileNet", "MobileViT", "PoolFormer"]
            .iter()
            .any(|name| is(name));
        if flag("do_resize", true)
            && let Some(size) = stated.get("size").filter(|size| !size.is_null())
        {
            let target = Target::parse(size, number_is_side)
                .ok_or_else(|| format!("size {size} is not known"))?;
            let default =
                ["CLIP", "Beit", "BEiT", "DeiT", "Levit", "PoolFormer"].iter().any(|name| is(name));
            let filter = match stated.get("resample").filter(|value| !value.is_null()) {
                None if default => Filter::Bicubic,
                None => Filter::Bilinear,
                Some(number_) => number(number_)
                    .and_then(Filter::from_number)
                    .ok_or_else(|| format!("resample {number_} is not known"))?,
            };
            resize = Some((target, filter));
        }
        if flag("do_center_crop", stated.contains_key("crop_size"))
            && let Some(size) = stated.get("crop_size").or_else(|| stated.get("size"))
        {
            crop = Some(match Target::parse(size, false) {
                Some(Target::Exact(height, width)) => (height, width),
                _ => return Err(format!("crop_size {size} is not known")),
            });
        }
        let share = stated.get("crop_pct").and_then(Value::as_f64).filter(|share| *share > 0.0);
        // Three processors scale to more than they state and cut off the rest.
        if let Some((target, _)) = &mut resize {
            match *target {
                Target::Shortest(side, None) if is("ConvNext") && side < 384 => {
                    crop = Some((side, side));
                    let share = share.unwrap_or(224.0 / 256.0);
                    *target = Target::Shortest((side as f64 / share) as usize, None);
                }
                Target::Shortest(side, None) if is("ConvNext") => {
                    *target = Target::Exact(side, side);
                }
                Target::Shortest(side, None) if is("Levit") => {
                    *target = Target::Shortest((256.0 / 224.0 * side as f64) as usize, None);
                }
                Target::Shortest(side, None) if is("PoolFormer") => {
                    let share = share.unwrap_or(0.9);
                    *target = Target::Shortest((side as f64 / share) as usize, None);
                }
                _ => {}
            }
        }
        let factor = flag("do_rescale", true)
            .then(|| stated.get("rescale_factor").and_then(Value::as_f64).unwrap_or(1.0 / 255.0));
        let mut normal = Vec::new();
        if flag("do_normalize", !is("MobileViT")) {
            let mean = colours(stated.get("image_mean"))?;
            let std = colours(stated.get("image_std"))?;
            if std.contains(&0.0) {
                return Err("image_std has a zero".into());
            }
            if is("EfficientNet") && flag("include_top", true) {
                normal.push((mean, std.clone()));
                normal.push((vec![0.0], std));
            } else {
                normal.push((mean, std));
            }
        }
        Ok(Self {
            resize,
            crop,
            factor,
            offset: if flag("rescale_offset", false) { -1.0 } else { 0.0 },
            normal,
            flips_channels: flag("do_flip_channel_order", is("MobileViT")),
            channels: 3,
        })
    }

    /// The numbers that a model sees of a picture, colour by colour, and their height and width.
    ///
    /// # Errors
    /// [`Error::Argument`] for a picture so narrow that it would have to become larger than 8,192 pixels a side.
    pub fn apply(&self, picture: &Picture) -> Result<(Vec<f32>, usize, usize), Error> {
        let scaled;
        let mut picture = picture;
        if let Some((target, filter)) = &self.resize {
            let (height, width) = target.of(picture.height(), picture.width());
            if height.max(width) > MAX_SIDE {
                let reason = format!("{picture:?} would become {width} × {height}");
                return Err(Error::Argument { what: "picture", reason });
            }
            scaled = resize(picture, width, height, *filter);
            picture = &scaled;
        }
        let (height, width) = self.crop.unwrap_or_else(|| (picture.height(), picture.width()));
        let (top, left) = (offset(picture.height(), height), offset(picture.width(), width));
        let pixels = picture.rgb().as_chunks::<3>().0;
        // Beyond the picture there is black.
        let pixel = |row: usize, column: usize| -> [u8; 3] {
            let row = row.checked_add_signed(top);
            let column = column.checked_add_signed(left).filter(|place| *place < picture.width());
            let place = row
                .zip(column)
                .and_then(|(row, column)| row.checked_mul(picture.width())?.checked_add(column));
            place.and_then(|place| pixels.get(place)).copied().unwrap_or_default()
        };
        let mut planes =
            Vec::with_capacity(self.channels.saturating_mul(height.saturating_mul(width)));
        for channel in 0..self.channels {
            let colour =
                if self.flips_channels { 2_usize.saturating_sub(channel) } else { channel };
            for row in 0..height {
                for column in 0..width {
                    let value = match (pixel(row, column), self.channels) {
                        ([red, green, blue], 1) => grey(red, green, blue),
                        (pixel, _) => pixel.get(colour).copied().unwrap_or_default(),
                    };
                    planes.push(self.number(value, channel));
                }
            }
        }
        Ok((planes, height, width))
    }

    fn number(&self, value: u8, channel: usize) -> f32 {
        // Scaled in f64, then in f32, as numpy does it there.
        let mut number = match self.factor {
            Some(factor) => (f64::from(value) * factor) as f32 + self.offset,
            None => f32::from(value),
        };
        for (mean, std) in &self.normal {
            let of = |colours: &[f32]| colours.get(channel).or_else(|| colours.first()).copied();
            number = (number - of(mean).unwrap_or(0.0)) / of(std).unwrap_or(1.0);
        }
        number
    }
}

impl Target {
    fn parse(size: &Value, number_is_side: bool) -> Option<Self> {
        let side = |name: &str| size.get(name).and_then(number);
        let target = match size {
            Value::Number(_) if number_is_side => Self::Shortest(number(size)?, None),
            Value::Number(_) => Self::Exact(number(size)?, number(size)?),
            // Width before height, as earlier versions wrote it.
            Value::Array(pair) => match pair.as_slice() {
                [width, height] => Self::Exact(number(height)?, number(width)?),
                [side] => Self::Exact(number(side)?, number(side)?),
                _ => return None,
            },
            _ => match (side("height"), side("width"), side("shortest_edge"), side("longest_edge"))
            {
                (Some(height), Some(width), _, _) => Self::Exact(height, width),
                (_, _, Some(shortest), longest) => Self::Shortest(shortest, longest),
                (_, _, None, Some(longest)) => Self::Longest(longest),
                _ => return None,
            },
        };
        let is_side = |side: usize| (1..=MAX_SIDE).contains(&side);
        let is_good = match target {
            Self::Exact(height, width) => is_side(height) && is_side(width),
            Self::Shortest(side, most) => is_side(side) && most.is_none_or(is_side),
            Self::Longest(side) => is_side(side),
        };
        is_good.then_some(target)
    }

    /// Height and width for a picture of this height and width.
    fn of(self, height: usize, width: usize) -> (usize, usize) {
        let (short, long) = (height.min(width), height.max(width));
        let (new_short, new_long) = match self {
            Self::Exact(height, width) => return (height, width),
            Self::Shortest(side, most) => {
                let new_long = scaled(side, long, short);
                match most {
                    Some(most) if new_long > most => (scaled(most, short, long), most),
                    _ => (side, new_long),
                }
            }
            Self::Longest(side) => (scaled(side, short, long), side),
        };
        let (new_short, new_long) = (new_short.max(1), new_long.max(1));
        if width <= height { (new_long, new_short) } else { (new_short, new_long) }
    }
}

/// side · a / b, cut off to a whole number as Python's `int` does.
fn scaled(side: usize, a: usize, b: usize) -> usize {
    ((side as f64 * a as f64) / b as f64) as usize
}

/// Where a part in the middle begins; before the beginning when the part is the larger.
fn offset(whole: usize, part: usize) -> isize {
    (whole as isize - part as isize).div_euclid(2)
}

/// Brightness as Pillow counts it (ITU-R 601-2).
fn grey(red: u8, green: u8, blue: u8) -> u8 {
    let sum = u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471;
    ((sum + 0x8000) >> 16) as u8
}

/// One number for each colour, or one for all.
fn colours(value: Option<&Value>) -> Result<Vec<f32>, String> {
    let number = |value: &Value| value.as_f64().map(|number| number as f32);
    let numbers = match value {
        None | Some(Value::Null) => Some(vec![0.5]),
        Some(Value::Array(list)) => list.iter().map(number).collect(),
        Some(value) => number(value).map(|number| vec![number]),
    };
    match numbers {
        Some(numbers) if matches!(numbers.len(), 1 | 3) => Ok(numbers),
        _ => Err("image_mean and image_std must have one number for each colour".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ImageTransform, String> {
        ImageTransform::parse(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn sizes_of_every_form_are_read() {
        let target = |text: &str| parse(text).unwrap().resize.map(|(target, _)| target);
        assert_eq!(target(r#"{"size": 224}"#), Some(Target::Exact(224, 224)));
        assert_eq!(
            target(r#"{"size": 224, "feature_extractor_type": "CLIPFeatureExtractor"}"#),
            Some(Target::Shortest(224, None))
        );
        assert_eq!(target(r#"{"size": [10, 20]}"#), Some(Target::Exact(20, 10)));
        assert_eq!(target(r#"{"size": {"height": 3, "width": 4}}"#), Some(Target::Exact(3, 4)));
        assert_eq!(target(r#"{"size": 9, "do_resize": false}"#), None);
        let convnext = parse(r#"{"size": {"shortest_edge": 224}, "image_processor_type": "ConvNextImageProcessor", "crop_pct": 0.875}"#).unwrap();
        assert_eq!(
            (convnext.resize.unwrap().0, convnext.crop),
            (Target::Shortest(256, None), Some((224, 224)))
        );
        for wrong in [
            r#"{"size": 0}"#,
            r#"{"size": {"height": 1000000, "width": 1}}"#,
            r#"{"size": {"side": 3}}"#,
            r#"{"size": 3, "resample": 9}"#,
            r#"{"image_std": [1, 2]}"#,
            r#"{"image_std": 0}"#,
            r#"{"crop_size": {"shortest_edge": 3}}"#,
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn proportions_are_kept_as_python_rounds_them() {
        assert_eq!(Target::Shortest(224, None).of(100, 333), (224, 745));
        assert_eq!(Target::Shortest(224, None).of(333, 100), (745, 224));
        assert_eq!(Target::Shortest(224, Some(400)).of(100, 333), (120, 400));
        assert_eq!(Target::Longest(50).of(100, 200), (25, 50));
        assert_eq!(Target::Longest(50).of(1, 20_000), (1, 50));
    }

    #[test]
    fn a_part_larger_than_the_picture_has_black_around_it() {
        let transform =
            parse(r#"{"crop_size": {"height": 3, "width": 3}, "do_normalize": false, "rescale_factor": 1}"#)
                .unwrap();
        let picture = Picture::new(1, 1, vec![7, 8, 9]).unwrap();
        let (planes, height, width) = transform.apply(&picture).unwrap();
        assert_eq!((height, width, planes.len()), (3, 3, 27));
        assert_eq!((planes[4], planes[13], planes[22]), (7.0, 8.0, 9.0));
        assert_eq!(planes.iter().sum::<f32>(), 24.0);
    }
}
