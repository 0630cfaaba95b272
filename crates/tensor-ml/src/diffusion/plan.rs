//! A request held against the limits and against what the graph takes.

use super::{network::expect_inputs, painter::TextToImage, request::ImageRequest};
use crate::error::Error;

const DEFAULT_STEPS: usize = 30;
const DEFAULT_GUIDANCE: f64 = 7.5;

/// A request within the limits.
pub(super) struct Plan {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) steps: usize,
    pub(super) guidance: f64,
    pub(super) pictures: usize,
}

impl TextToImage {
    /// The request within the limits.
    pub(super) fn plan(&self, request: &ImageRequest) -> Result<Plan, Error> {
        let refuse = |what, reason| Err(Error::Argument { what, reason });
        let width = request.width.unwrap_or(self.size.0);
        let height = request.height.unwrap_or(self.size.1);
        let sample = expect_inputs(&self.inputs)?;
        for (side, axis, what) in [(width, 3, "width"), (height, 2, "height")] {
            if side == 0 || side % self.scale != 0 || side > self.options.max_side {
                let reason = format!(
                    "{side}, where a multiple of {} up to {} is possible",
                    self.scale, self.options.max_side
                );
                return refuse(what, reason);
            }
            if sample.fixed(axis).is_some_and(|fixed| fixed.saturating_mul(self.scale) != side) {
                let only = sample.fixed(axis).unwrap_or(0).saturating_mul(self.scale);
                return refuse(what, format!("{side}, where the graph takes {only} alone"));
            }
        }
        let pixels = width.saturating_mul(height);
        if pixels > self.options.max_pixels {
            let most = self.options.max_pixels;
            return refuse("size", format!("{width} × {height} pixels are more than {most}"));
        }
        let steps = request.steps.unwrap_or(DEFAULT_STEPS);
        if steps == 0 || steps > self.options.max_steps {
            let most = self.options.max_steps;
            return refuse("steps", format!("{steps}, where 1 to {most} are possible"));
        }
        let pictures = request.pictures.unwrap_or(1);
        if pictures == 0 || pictures > self.options.max_pictures {
            let most = self.options.max_pictures;
            return refuse("pictures", format!("{pictures}, where 1 to {most} are possible"));
        }
        let guidance = request.guidance.unwrap_or(DEFAULT_GUIDANCE);
        if !(0.0..=1_000.0).contains(&guidance) {
            return refuse("guidance", format!("{guidance}, where 0 to 1000 is possible"));
        }
        let shape = [pictures, self.channels, height / self.scale, width / self.scale];
        if let Some(given) = request.latents.as_ref().filter(|given| given.shape() != shape) {
            return refuse("latents", format!("{:?}, where {shape:?} is needed", given.shape()));
        }
        Ok(Plan { width, height, steps, guidance, pictures })
    }
}
