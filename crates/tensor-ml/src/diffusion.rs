//! Text to image: latent diffusion folders as diffusers and Optimum lay them out, from a prompt to a picture.
//!
//! A folder has `model_index.json`, `tokenizer/`, `text_encoder/`, `unet/`, `vae_decoder/` and `scheduler/`; those of the
//! larger kind have `tokenizer_2/` and `text_encoder_2/` as well. What a graph takes is read from the graph.

mod guide;
mod network;
mod noise;
mod painter;
mod plan;
mod request;
mod schedule;
mod solver;

pub use self::{
    noise::normal,
    painter::{ImageGenerator, TextToImage},
    request::{DiffusionOptions, ImageRequest, Painted},
    schedule::{NoiseSchedule, Prediction, Spacing},
    solver::{Denoising, Solver},
};
