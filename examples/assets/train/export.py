"""Writes the trained student as an ONNX graph of plain opset-17 operators.

The embedding table and the convolutions are stored as int8 with one scale per
column or output channel; the graph widens them again, so all arithmetic is float32.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def quantize(weight, axis):
    """(int8 tensor, float32 scale along `axis`), symmetric."""
    others = tuple(i for i in range(weight.ndim) if i != axis)
    scale = np.maximum(np.abs(weight).max(axis=others), 1e-8).astype(np.float32) / 127.0
    shape = [1] * weight.ndim
    shape[axis] = -1
    return np.clip(np.round(weight / scale.reshape(shape)), -127, 127).astype(np.int8), scale


def fake_quantize(model):
    """Rounds the student's weights in place to what the export stores."""
    import torch

    with torch.no_grad():
        for parameter, axis in quantized_parameters(model):
            q, scale = quantize(parameter.detach().numpy(), axis)
            shape = [1] * q.ndim
            shape[axis] = -1
            parameter.copy_(torch.from_numpy(q.astype(np.float32) * scale.reshape(shape)))


def quantized_parameters(model):
    """The parameters that are stored as int8, with the axis of their scales."""
    yield model.embed.weight, 1
    for block in model.blocks:
        yield block.conv.weight, 0
    yield model.hidden.weight, 0


class Graph:
    """Collects nodes and initializers."""

    def __init__(self):
        self.nodes, self.inits, self.count = [], [], 0

    def const(self, name, array):
        self.inits.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, op, inputs, name=None, outputs=1, **attrs):
        self.count += 1
        stem = name or f"{op.lower()}_{self.count}"
        outs = [stem] if outputs == 1 else [f"{stem}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, outs, name=f"n_{stem}", **attrs))
        return outs[0] if outputs == 1 else outs

    def wide(self, name, weight, axis):
        """A float32 weight that is stored as int8."""
        q, scale = quantize(weight, axis)
        zero = self.const(f"{name}_zero", np.zeros(scale.shape, np.int8))
        return self.node(
            "DequantizeLinear",
            [self.const(f"{name}_q", q), self.const(f"{name}_scale", scale), zero],
            name=name,
            axis=axis,
        )


def graph(model, title):
    """The ModelProto of `model`."""
    p = {k: v.detach().cpu().numpy() for k, v in model.state_dict().items()}
    g = Graph()
    axis1 = g.const("axis_1", np.array([1], np.int64))
    axis2 = g.const("axis_2", np.array([2], np.int64))
    mask = g.node("Unsqueeze", [g.node("Cast", ["attention_mask"], to=TensorProto.FLOAT), axis2], name="mask")

    # The table is gathered while it is still int8: only the rows in use are widened.
    table, scale = quantize(p["embed.weight"], 1)
    rows = g.node("Gather", [g.const("embed_q", table), "input_ids"], axis=0)
    rows = g.node("Cast", [rows], to=TensorProto.FLOAT)
    x = g.node("Mul", [rows, g.const("embed_scale", scale)], name="embed")

    for i, block in enumerate(model.blocks):
        y = norm(g, x, p, f"blocks.{i}.norm", f"b{i}_norm")
        y = g.node("Transpose", [g.node("Mul", [y, mask])], perm=[0, 2, 1])
        dilation = block.conv.dilation[0]
        pad = block.conv.padding[0]
        y = g.node(
            "Conv",
            [y, g.wide(f"b{i}_conv", p[f"blocks.{i}.conv.weight"], 0), g.const(f"b{i}_bias", p[f"blocks.{i}.conv.bias"])],
            kernel_shape=[block.conv.kernel_size[0]],
            dilations=[dilation],
            pads=[pad, pad],
            strides=[1],
        )
        halves = g.const(f"b{i}_halves", np.array([model.shape.width] * 2, np.int64))
        value, gate = g.node("Split", [y, halves], outputs=2, axis=1)
        y = g.node("Mul", [value, g.node("Sigmoid", [gate])])
        x = g.node("Add", [x, g.node("Transpose", [y], perm=[0, 2, 1])])

    x = norm(g, x, p, "norm", "norm")
    one, far_value = g.const("one", np.float32(1.0)), g.const("far_value", np.float32(-10000.0))
    far = g.node("Mul", [g.node("Sub", [one, mask]), far_value], name="far")
    total = g.node("ReduceSum", [mask, axis1], keepdims=0)
    mean = g.node("Div", [g.node("ReduceSum", [g.node("Mul", [x, mask]), axis1], keepdims=0), total], name="mean")
    peak = g.node("ReduceMax", [g.node("Add", [x, far])], name="peak", axes=[1], keepdims=0)
    score = g.node("MatMul", [x, g.const("score_w", p["score.weight"].T)])
    score = g.node("Add", [score, g.const("score_b", p["score.bias"])])
    weight = g.node("Softmax", [g.node("Add", [score, far])], axis=1)
    picked = g.node("ReduceSum", [g.node("Mul", [x, weight]), axis1], name="picked", keepdims=0)
    pooled = g.node("Concat", [mean, peak, picked], axis=1)
    hidden = g.node("Gemm", [pooled, g.wide("hidden_w", p["hidden.weight"], 0), g.const("hidden_b", p["hidden.bias"])], transB=1)
    hidden = g.node("Relu", [hidden])
    g.node("Gemm", [hidden, g.const("out_w", p["out.weight"]), g.const("out_b", p["out.bias"])], name="logits", transB=1)

    ints = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
    proto = helper.make_graph(
        g.nodes,
        title,
        [ints("input_ids"), ints("attention_mask")],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
        g.inits,
    )
    model_proto = helper.make_model(proto, opset_imports=[helper.make_opsetid("", 17)], producer_name="feedback-trainer")
    model_proto.ir_version = 8
    onnx.checker.check_model(model_proto, full_check=True)
    return model_proto


def norm(g, x, p, key, name):
    """LayerNormalization over the last axis."""
    weight, bias = g.const(f"{name}_w", p[f"{key}.weight"]), g.const(f"{name}_b", p[f"{key}.bias"])
    return g.node("LayerNormalization", [x, weight, bias], name=name, axis=-1, epsilon=1e-5)
