"""Trains and writes `tiny-image/`: a small network that tells circles, squares and triangles apart, its pictures, and
`tiny-image.json` with what Pillow, numpy and onnxruntime make of them. Nothing from elsewhere: all pictures are drawn here.

    python3 tiny_image.py        (torch, numpy, onnx, onnxruntime, pillow)
"""

import json
import os
import pathlib

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw

HERE = pathlib.Path(__file__).parent
OUT = HERE / "tiny-image"
LABELS = ["circle", "square", "triangle"]
SIDE, SCALED = 24, 28
MEAN, STD = [0.5, 0.45, 0.4], [0.25, 0.25, 0.3]


def draw(generator, label, width, height):
    """One shape of a random colour, place and size on noise."""
    ground = generator.integers(0, 90, 3)
    noise = generator.integers(0, 40, (height, width, 3))
    picture = Image.fromarray((ground + noise).astype(np.uint8), "RGB")
    short = min(width, height)
    radius = short * generator.uniform(0.24, 0.36)
    x = width / 2 + short * generator.uniform(-0.1, 0.1)
    y = height / 2 + short * generator.uniform(-0.1, 0.1)
    colour = tuple(int(c) for c in generator.integers(140, 256, 3))
    pen = ImageDraw.Draw(picture)
    if label == 0:
        pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)
    elif label == 1:
        pen.rectangle([x - radius, y - radius, x + radius, y + radius], fill=colour)
    else:
        pen.polygon([(x, y - radius), (x - radius, y + radius), (x + radius, y + radius)], fill=colour)
    return picture


def prepare(picture):
    """As transformers' processors in Python and Pillow do it for the configuration below."""
    picture = picture.convert("RGB")
    width, height = picture.size
    short, long = min(width, height), max(width, height)
    other = int(SCALED * long / short)
    size = (SCALED, other) if width <= height else (other, SCALED)
    pixels = np.array(picture.resize(size, Image.Resampling.BICUBIC))
    top, left = (pixels.shape[0] - SIDE) // 2, (pixels.shape[1] - SIDE) // 2
    pixels = pixels[top : top + SIDE, left : left + SIDE]
    pixels = (pixels.astype(np.float64) * (1 / 255)).astype(np.float32)
    pixels = (pixels - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return pixels.transpose(2, 0, 1)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Conv2d(3, 12, 3, stride=2, padding=1)
        self.b = torch.nn.Conv2d(12, 24, 3, stride=2, padding=1)
        self.c = torch.nn.Conv2d(24, 24, 3, stride=1, padding=1)
        self.head = torch.nn.Linear(24 * 6 * 6, 3)

    def forward(self, x):
        for layer in (self.a, self.b, self.c):
            x = torch.relu(layer(x))
        return self.head(x.flatten(1))


def train():
    torch.manual_seed(3)
    torch.set_num_threads(1)
    generator = np.random.default_rng(3)

    def batch(count):
        labels = generator.integers(0, 3, count)
        sizes = generator.integers(26, 60, (count, 2))
        pictures = [prepare(draw(generator, l, int(w), int(h))) for l, (w, h) in zip(labels, sizes)]
        return torch.tensor(np.stack(pictures)), torch.tensor(labels)

    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3)
    for step in range(300):
        x, y = batch(64)
        loss = torch.nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, y = batch(500)
    right = (net(x).argmax(1) == y).float().mean().item()
    print(f"loss {loss.item():.4f}, right {right:.3f}")
    assert right > 0.97
    return net


def write(net):
    weights = {name: value.detach().numpy() for name, value in net.named_parameters()}
    nodes, last = [], "pixel_values"
    for name, stride in (("a", 2), ("b", 2), ("c", 1)):
        nodes.append(helper.make_node("Conv", [last, f"{name}.weight", f"{name}.bias"], [f"{name}.conv"],
                                      kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[stride, stride]))
        nodes.append(helper.make_node("Relu", [f"{name}.conv"], [f"{name}.out"]))
        last = f"{name}.out"
    nodes.append(helper.make_node("Flatten", [last], ["flat"], axis=1))
    nodes.append(helper.make_node("Gemm", ["flat", "head.weight", "head.bias"], ["logits"], transB=1))
    image = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch_size", 3, SIDE, SIDE])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch_size", 3])
    graph = helper.make_graph(nodes, "tiny-image", [image], [logits],
                              [numpy_helper.from_array(value, name) for name, value in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    (OUT / "onnx").mkdir(parents=True, exist_ok=True)
    onnx.save(model, OUT / "onnx" / "model.onnx")
    config = {"architectures": ["TinyForImageClassification"], "model_type": "tiny",
              "id2label": {str(i): label for i, label in enumerate(LABELS)}}
    (OUT / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    preprocessor = {"image_processor_type": "CLIPImageProcessor", "do_convert_rgb": True, "do_resize": True,
                    "size": {"shortest_edge": SCALED}, "resample": 3, "do_center_crop": True,
                    "crop_size": {"height": SIDE, "width": SIDE}, "do_rescale": True, "rescale_factor": 1 / 255,
                    "do_normalize": True, "image_mean": MEAN, "image_std": STD}
    (OUT / "preprocessor_config.json").write_text(json.dumps(preprocessor, indent=2) + "\n")


def golden():
    generator = np.random.default_rng(11)
    session = onnxruntime.InferenceSession(OUT / "onnx" / "model.onnx", providers=["CPUExecutionProvider"])
    cases = []
    (OUT / "pictures").mkdir(exist_ok=True)
    modes = ["RGB", "RGBA", "L", "P", "RGB", "RGB"]
    for place, (mode, size) in enumerate(zip(modes, [(40, 40), (57, 33), (30, 61), (24, 24), (120, 90), (19, 20)])):
        picture = draw(generator, place % 3, *size)
        picture = picture.quantize(32) if mode == "P" else picture.convert(mode)
        name = f"pictures/{place}-{mode.lower()}.png"
        picture.save(OUT / name, optimize=True)
        pixels = prepare(Image.open(OUT / name))
        logits = session.run(["logits"], {"pixel_values": pixels[None]})[0][0]
        scores = np.exp(logits.astype(np.float64) - logits.max())
        cases.append({"file": name, "label": LABELS[int(logits.argmax())], "drawn": LABELS[place % 3],
                      "logits": [float(x) for x in logits], "scores": [float(x) for x in scores / scores.sum()],
                      "pixel_sum": float(pixels.astype(np.float64).sum()),
                      "pixel_abs_sum": float(np.abs(pixels.astype(np.float64)).sum())})
    # Every filter, up and down, as Pillow has it: the sum of each row of bytes.
    picture = Image.open(OUT / cases[1]["file"]).convert("RGB")
    resized = []
    for number in range(6):
        for width, height in ((23, 41), (91, 17), (57, 20), (100, 33)):
            pixels = np.array(picture.resize((width, height), Image.Resampling(number))).astype(np.int64)
            weights = np.arange(1, pixels[0].size + 1)
            resized.append({"filter": number, "width": width, "height": height,
                            "rows": [int((row.reshape(-1) * weights).sum()) for row in pixels]})
    text = {"classify": cases, "resize": {"file": cases[1]["file"], "cases": resized}}
    (HERE / "tiny-image.json").write_text(json.dumps(text) + "\n")


if __name__ == "__main__":
    write(train())
    golden()
