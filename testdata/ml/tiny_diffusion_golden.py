"""Writes `tiny-diffusion.json`: what diffusers' own ONNX pipeline, its schedulers and transformers' CLIP tokenizer make of
`tiny-diffusion/`, from noise that is drawn here by the rule that `tensor_ml::diffusion::normal` states.

    pip install diffusers==0.42.1 transformers==5.24.0 onnxruntime==1.32.0 torch==2.15.0 numpy
    python3 tiny_diffusion_golden.py
"""

import hashlib
import json
import math
import pathlib
import struct
import warnings

import numpy as np
import torch
from diffusers import (DDIMScheduler, EulerAncestralDiscreteScheduler, EulerDiscreteScheduler, OnnxRuntimeModel,
                       OnnxStableDiffusionPipeline, PNDMScheduler)
from diffusers.schedulers import scheduling_euler_ancestral_discrete
from transformers import CLIPTokenizer

HERE = pathlib.Path(__file__).parent
FOLDER = HERE / "tiny-diffusion"
CLASSES = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler, "euler-a": EulerAncestralDiscreteScheduler, "pndm": PNDMScheduler}


def normal(seed, step, count):
    values = []
    block = 0
    while len(values) < count:
        digest = hashlib.sha256(b"tensor-ml/noise/1" + struct.pack("<QQQ", seed, step, block)).digest()
        a, b, c, d = (number >> 11 for number in struct.unpack("<4Q", digest))
        for u, v in ((a, b), (c, d)):
            radius = math.sqrt(-2 * math.log((u + 1) / 2**53))
            angle = 2 * math.pi * (v / 2**53)
            values += [radius * math.cos(angle), radius * math.sin(angle)]
        block += 1
    return np.array(values[:count], np.float32)


class Noise:
    """Stands in for the random numbers that ancestral steps ask for."""

    def __init__(self, seed):
        self.seed, self.step = seed, 0

    def __call__(self, shape, **_):
        self.step += 1
        return torch.from_numpy(normal(self.seed, self.step, int(np.prod(shape))).reshape(tuple(shape)))


def tokens(tok):
    texts = ["a red circle on white", "", "  A  RED\tcircle,on\nwhite!! ", "it's 12 o'clock; we'll see they've gone",
             "Ünïcode é ß 日本 🎨 naïve", "a yellow square on black a yellow square on black a yellow square on black again",
             "<|endoftext|> a <|startoftext|> circle", "don't-stop_me 3.14 %$#"]
    ids = lambda text: tok(text, padding="max_length", max_length=tok.model_max_length, truncation=True).input_ids
    return [{"text": text, "ids": ids(text)} for text in texts]


def plain(cls):
    """The scheduler with a number for its first scale, since the ONNX pipeline multiplies numpy arrays by it."""
    if not isinstance(getattr(cls, "init_noise_sigma", None), property):
        return cls
    return type(cls.__name__, (cls,), {"init_noise_sigma": property(lambda self: float(cls.init_noise_sigma.fget(self)))})


def paint(tok, config, solver, prompt, negative, guidance, steps, seed, width=64, height=64):
    part = lambda name: OnnxRuntimeModel.from_pretrained(FOLDER / name, provider="CPUExecutionProvider", provider_options=[{}])
    pipeline = OnnxStableDiffusionPipeline(
        vae_encoder=None, vae_decoder=part("vae_decoder"), text_encoder=part("text_encoder"), tokenizer=tok, unet=part("unet"),
        scheduler=plain(CLASSES[solver]).from_config(config), safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    scheduling_euler_ancestral_discrete.randn_tensor = Noise(seed)
    shape = (1, 4, height // 8, width // 8)
    last = {}
    image = pipeline(prompt, height=height, width=width, num_inference_steps=steps, guidance_scale=guidance,
                     negative_prompt=negative or None, latents=normal(seed, 0, int(np.prod(shape))).reshape(shape),
                     output_type="np", callback=lambda step, time, latents: last.update(latents=latents)).images[0]
    blocks = image.reshape(height // 8, 8, width // 8, 8, 3).mean((1, 3)).transpose(2, 0, 1)
    return {"solver": solver, "prompt": prompt, "negative": negative, "guidance": guidance, "steps": steps, "seed": seed,
            "width": width, "height": height, "latents": last["latents"].reshape(-1).tolist(),
            "blocks": blocks.reshape(-1).tolist(), "sum": float(image.astype(np.float64).sum()),
            "corner": image[:2, :2].reshape(-1).tolist()}


def schedule(solver, steps, **config):
    """A way out of the noise with a made-up network: tanh(x / 2 + place / 10)."""
    cls = CLASSES[solver]
    given = {"_class_name": cls.__name__} | config
    scheduler = cls.from_config(config)
    scheduling_euler_ancestral_discrete.randn_tensor = Noise(3)
    scheduler.set_timesteps(steps)
    start = normal(3, 0, 6)
    scale = float(scheduler.init_noise_sigma)
    sample = torch.from_numpy(start * np.float32(scale)).reshape(1, 1, 2, 3)
    places = torch.arange(6, dtype=torch.float32).reshape(1, 1, 2, 3)
    for time in scheduler.timesteps:
        guess = torch.tanh(scheduler.scale_model_input(sample, time) / 2 + places / 10)
        sample = scheduler.step(guess, time, sample).prev_sample
    return {"config": given, "solver": solver, "steps": steps, "scale": scale, "times": scheduler.timesteps.tolist(),
            "sample": sample.reshape(-1).tolist()}


def schedules():
    stable = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    cases = []
    for solver in CLASSES:
        plain = {"skip_prk_steps": True} if solver == "pndm" else {}
        cases.append(schedule(solver, 10, **plain))
        cases.append(schedule(solver, 1, **plain, **stable))
        for spacing in ("linspace", "leading", "trailing"):
            cases.append(schedule(solver, 7, **plain, **stable, timestep_spacing=spacing, steps_offset=1))
        cases.append(schedule(solver, 12, **plain, **stable, prediction_type="v_prediction", set_alpha_to_one=True))
    cases.append(schedule("ddim", 9, **stable, prediction_type="sample", clip_sample=True, clip_sample_range=1.5))
    cases.append(schedule("ddim", 9, **stable, clip_sample=False, set_alpha_to_one=False))
    cases.append(schedule("ddim", 5, beta_schedule="squaredcos_cap_v2", num_train_timesteps=100))
    cases.append(schedule("ddim", 6, trained_betas=[0.01 * (i + 1) for i in range(20)], num_train_timesteps=20))
    for solver in ("ddim", "euler", "euler-a"):
        cases.append(schedule(solver, 8, **stable, prediction_type="v_prediction", rescale_betas_zero_snr=True,
                              timestep_spacing="trailing"))
    return cases


def main():
    warnings.simplefilter("ignore")
    tok = CLIPTokenizer.from_pretrained(FOLDER / "tokenizer")
    config = json.loads((FOLDER / "scheduler" / "scheduler_config.json").read_text()) | {"skip_prk_steps": True}
    pictures = [
        paint(tok, config, "ddim", "a red circle on white", "", 3.0, 20, 1),
        paint(tok, config, "ddim", "a blue square on black", "", 1.0, 10, 2, width=96, height=64),
        paint(tok, config, "euler", "a green square on white", "a red circle on black", 4.0, 15, 3),
        paint(tok, config, "euler-a", "a yellow circle on black", "", 3.0, 20, 4),
        paint(tok, config, "pndm", "a blue circle on white", "", 3.0, 12, 5, width=64, height=80),
    ]
    golden = {"tokens": tokens(tok), "noise": [{"seed": 9, "step": 2, "values": normal(9, 2, 9).tolist()}],
              "pictures": pictures, "schedules": schedules()}
    (HERE / "tiny-diffusion.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
