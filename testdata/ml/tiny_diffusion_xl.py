"""Writes `tiny-diffusion-xl/`, a text-to-image folder of the larger kind (two text encoders, sizes as an input, a network for
one row at a time), and `tiny-diffusion-xl.json`, what onnxruntime, diffusers' Euler scheduler and transformers' tokenizer
make of it. The graphs are made-up arithmetic: the pipeline around them is what is tested.

    pip install diffusers==0.42.1 transformers==5.24.0 onnx==1.23.2 onnxruntime==1.32.0 torch==2.15.0 numpy
    python3 tiny_diffusion_xl.py
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
import torch
from diffusers import EulerDiscreteScheduler
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper
from tiny_diffusion_golden import normal
from transformers import CLIPTokenizer

HERE = pathlib.Path(__file__).parent
OUT = HERE / "tiny-diffusion-xl"
TOKENS, SCALE, SCALING = 8, 2, 0.13025
TEXTS = HERE / "tiny-diffusion" / "tokenizer"


def put(name, value):
    path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=1) + "\n")


def graph(name, nodes, inputs, outputs, constants):
    info = lambda port: h.make_tensor_value_info(*port)
    made = h.make_graph(nodes, name, [info(p) for p in inputs], [info(p) for p in outputs],
                        [numpy_helper.from_array(value, key) for key, value in constants.items()])
    model = h.make_model(made, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    (OUT / name).mkdir(parents=True, exist_ok=True)
    onnx.save(model, OUT / name / "model.onnx")


def encoder(name, seed, width, whole, words):
    rng = np.random.default_rng(seed)
    weight = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    nodes = [h.make_node("Gather", ["table", "input_ids"], ["hidden_states.0"]),
             h.make_node("MatMul", ["hidden_states.0", "first"], ["a"]), h.make_node("Tanh", ["a"], ["hidden_states.1"]),
             h.make_node("MatMul", ["hidden_states.1", "second"], ["hidden_states.2"]),
             h.make_node("Tanh", ["hidden_states.2"], ["last_hidden_state"])]
    layer = lambda port: (port, T.FLOAT, ["batch", TOKENS, width])
    outputs = [layer("last_hidden_state")] + [layer(f"hidden_states.{n}") for n in range(3)]
    constants = {"table": weight(words, width), "first": weight(width, width), "second": weight(width, width)}
    if whole:
        nodes += [h.make_node("ReduceMean", ["last_hidden_state"], ["mean"], axes=[1], keepdims=0),
                  h.make_node("MatMul", ["mean", "third"], ["text_embeds"])]
        constants["third"] = weight(width, whole)
        outputs.insert(0, ("text_embeds", T.FLOAT, ["batch", whole]))
    graph(name, nodes, [("input_ids", T.INT64, ["batch", TOKENS])], outputs, constants)


def network():
    mean = lambda source, out, axes: h.make_node("ReduceMean", [source], [out], axes=axes, keepdims=1)
    nodes = [mean("encoder_hidden_states", "a", [1, 2]), mean("text_embeds", "b", [1]), h.make_node("MatMul", ["time_ids", "sizes"], ["c"]),
             h.make_node("Mul", ["timestep", "small"], ["d"]), h.make_node("Squeeze", ["a", "axis"], ["e"]),
             h.make_node("Sum", ["b", "c", "d", "e"], ["f"]), h.make_node("Reshape", ["f", "one"], ["g"]),
             h.make_node("Mul", ["sample", "half"], ["i"]), h.make_node("Add", ["i", "g"], ["j"]), h.make_node("Tanh", ["j"], ["out_sample"])]
    constants = {"sizes": np.array([[0.01], [0.02], [0.5], [0.5], [0.003], [0.004]], np.float32), "small": np.float32(1e-3) * np.ones(1, np.float32),
                 "axis": np.array([2], np.int64), "one": np.array([1, 1, 1, 1], np.int64), "half": np.array(0.5, np.float32)}
    graph("unet", nodes, [("sample", T.FLOAT, [1, 4, "height", "width"]), ("timestep", T.FLOAT, []),
                          ("encoder_hidden_states", T.FLOAT, [1, TOKENS, 10]), ("text_embeds", T.FLOAT, [1, 5]), ("time_ids", T.FLOAT, [1, 6])],
          [("out_sample", T.FLOAT, [1, 4, "height", "width"])], constants)


def main():
    vocab = json.loads((TEXTS / "vocab.json").read_text())
    for name, pad in (("tokenizer", "<|endoftext|>"), ("tokenizer_2", "!")):
        put(f"{name}/vocab.json", (TEXTS / "vocab.json").read_text())
        put(f"{name}/merges.txt", (TEXTS / "merges.txt").read_text())
        put(f"{name}/tokenizer_config.json", {
            "tokenizer_class": "CLIPTokenizer", "model_max_length": TOKENS, "pad_token": pad, "bos_token": "<|startoftext|>",
            "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"})
    encoder("text_encoder", 1, 6, 0, len(vocab))
    encoder("text_encoder_2", 2, 4, 5, len(vocab))
    network()
    graph("vae_decoder", [h.make_node("Slice", ["latent_sample", "from", "to", "axes"], ["a"]),
                          h.make_node("Resize", ["a", "", "scales"], ["sample"], mode="nearest", nearest_mode="floor",
                                      coordinate_transformation_mode="asymmetric")],
          [("latent_sample", T.FLOAT, ["batch", 4, "height", "width"])], [("sample", T.FLOAT, ["batch", 3, "rows", "columns"])],
          {"from": np.array([0], np.int64), "to": np.array([3], np.int64), "axes": np.array([1], np.int64),
           "scales": np.array([1, 1, SCALE, SCALE], np.float32)})
    put("unet/config.json", {"in_channels": 4, "sample_size": 6})
    put("vae_decoder/config.json", {"scaling_factor": SCALING, "block_out_channels": [4, 8]})
    scheduler = {"_class_name": "EulerDiscreteScheduler", "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012,
                 "beta_schedule": "scaled_linear", "prediction_type": "epsilon", "timestep_spacing": "leading", "steps_offset": 1}
    put("scheduler/scheduler_config.json", scheduler)
    put("model_index.json", {"_class_name": "ORTStableDiffusionXLPipeline", "force_zeros_for_empty_prompt": True})
    cases = [paint(scheduler, "a red circle", "", 5.0, 4, 1, 12, 12), paint(scheduler, "a blue square", "black", 2.5, 6, 2, 8, 12)]
    (HERE / "tiny-diffusion-xl.json").write_text(json.dumps(cases) + "\n")


def paint(config, prompt, negative, guidance, steps, seed, width, height):
    load = lambda name: onnxruntime.InferenceSession(OUT / name / "model.onnx", providers=["CPUExecutionProvider"])

    def read(text):
        parts = []
        for number in ("", "_2"):
            tok = CLIPTokenizer.from_pretrained(OUT / f"tokenizer{number}")
            ids = tok(text, padding="max_length", max_length=TOKENS, truncation=True).input_ids
            session = load(f"text_encoder{number}")
            values = session.run(None, {"input_ids": np.array([ids], np.int64)})
            parts.append(dict(zip([port.name for port in session.get_outputs()], values)))
        return np.concatenate([part["hidden_states.1"] for part in parts], -1), parts[1]["text_embeds"]

    yes = read(prompt)
    no = read(negative) if negative else tuple(np.zeros_like(value) for value in yes)
    unet = load("unet")
    scheduler = EulerDiscreteScheduler.from_config(config)
    scheduler.set_timesteps(steps)
    shape = (1, 4, height // SCALE, width // SCALE)
    sample = torch.from_numpy(normal(seed, 0, int(np.prod(shape))).reshape(shape)) * scheduler.init_noise_sigma
    sizes = np.array([[height, width, 0, 0, height, width]], np.float32)
    for time in scheduler.timesteps:
        scaled = scheduler.scale_model_input(sample, time).numpy()
        guess = [unet.run(None, {"sample": scaled, "timestep": np.array(time, np.float32), "encoder_hidden_states": tokens,
                                 "text_embeds": whole, "time_ids": sizes})[0] for tokens, whole in (no, yes)]
        sample = scheduler.step(torch.from_numpy(guess[0] + np.float32(guidance) * (guess[1] - guess[0])), time, sample).prev_sample
    image = load("vae_decoder").run(None, {"latent_sample": sample.numpy() / np.float32(SCALING)})[0]
    return {"prompt": prompt, "negative": negative, "guidance": guidance, "steps": steps, "seed": seed, "width": width, "height": height,
            "latents": sample.numpy().reshape(-1).tolist(), "pixels": np.clip(image / 2 + 0.5, 0, 1).reshape(-1).tolist()}


if __name__ == "__main__":
    main()
