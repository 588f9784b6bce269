"""Edited graphs compute what the originals compute."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from realtime.engines.onnx_graph import FrameAxis, GraphEditor

CHANNELS, KERNEL, LENGTH = 4, 3, 50


@pytest.fixture(scope="module")
def quantised() -> bytes:
    """A convolution in 8-bit integers as quantisers write it, bias included."""
    random = np.random.default_rng(5)
    constants = {
        "w": random.integers(0, 255, (CHANNELS, CHANNELS, KERNEL)).astype(np.uint8),
        "w_zero": np.array(128, np.uint8),
        "w_scale": np.array(0.01, np.float32),
        "bias": random.normal(size=CHANNELS).astype(np.float32),
        "shape": np.array([1, CHANNELS, 1], np.int64),
    }
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "q_scale", "q_zero"], "quantise"),
        helper.make_node(
            "ConvInteger",
            ["q", "w", "q_zero", "w_zero"],
            ["sum"],
            "conv",
            pads=[2, 2],
            dilations=[2],
        ),
        helper.make_node("Mul", ["q_scale", "w_scale"], ["scale"], "scales"),
        helper.make_node("Div", ["bias", "scale"], ["bias_scaled"], "div"),
        helper.make_node("Floor", ["bias_scaled"], ["bias_floor"], "floor"),
        helper.make_node("Cast", ["bias_floor"], ["bias_int"], "cast", to=TensorProto.INT32),
        helper.make_node("Reshape", ["bias_int", "shape"], ["bias_shaped"], "reshape"),
        helper.make_node("Add", ["sum", "bias_shaped"], ["biased"], "add"),
        helper.make_node("Cast", ["biased"], ["float"], "cast_back", to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["conv_out"], "unscale"),
        helper.make_node("Relu", ["conv_out"], ["y"], "relu"),
    ]
    shape = [1, CHANNELS, LENGTH]
    graph = helper.make_graph(
        nodes,
        "quantised",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def run(model: bytes) -> list[np.ndarray]:
    x = np.random.default_rng(6).normal(size=(1, CHANNELS, LENGTH)).astype(np.float32)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    outputs: list[np.ndarray] = session.run(None, {"x": x})
    return outputs


def test_float_convolutions_give_the_same_within_the_rounding(quantised: bytes) -> None:
    editor = GraphEditor(quantised)
    assert editor.float_convolutions() == 1
    kinds = {node.op_type for node in editor.graph.node}
    assert "Conv" in kinds and not kinds & {"ConvInteger", "DynamicQuantizeLinear"}
    before, after = run(quantised)[0], run(editor.serialised())[0]
    assert before.shape == after.shape
    assert np.abs(before - after).max() < 0.05 * np.abs(before).max()


def test_an_inner_tensor_can_be_seen(quantised: bytes) -> None:
    editor = GraphEditor(quantised)
    editor.expose("conv_out")
    y, inner = run(editor.serialised())
    assert np.array_equal(np.maximum(inner, 0), y)


def test_an_unknown_tensor_is_named(quantised: bytes) -> None:
    with pytest.raises(ValueError, match="'nothing'"):
        GraphEditor(quantised).expose("nothing")


FRAMES = 12


@pytest.fixture(scope="module")
def framed() -> bytes:
    """Two values a frame that say how loud it is, and one that goes with them."""
    nodes = [
        helper.make_node("Identity", ["x"], ["level"], "level"),
        helper.make_node("Identity", ["z"], ["pitch"], "pitch"),
        helper.make_node("Neg", ["level"], ["y"], "first_user"),
        helper.make_node("Neg", ["pitch"], ["w"], "second_user"),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "framed",
        [value("x", TensorProto.FLOAT, [1, "t2"]), value("z", TensorProto.FLOAT, [1, 3, "t"])],
        [value("y", TensorProto.FLOAT, [1, None]), value("w", TensorProto.FLOAT, [1, 3, None])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    data: bytes = model.SerializeToString()
    return data


@pytest.mark.parametrize(
    ("loud", "start", "end"),
    [((8, 13), 3, 8), ((0, 1), 0, 2), ((22, 23), 10, 12), ((0, 23), 0, 12), (None, 0, 12)],
)
def test_silent_frames_at_both_ends_are_left_out(
    framed: bytes, loud: tuple[int, int] | None, start: int, end: int
) -> None:
    editor = GraphEditor(framed)
    tensors = {"level": FrameAxis(axis=1, per_frame=2), "pitch": FrameAxis(axis=2)}
    assert editor.crop(tensors, by="level", above=-6.0, margin=1) == "crop/start"
    level = np.full((1, 2 * FRAMES), -9.0, np.float32)
    for place in loud or ():
        level[0, place] = 1.0
    pitch = np.arange(3 * FRAMES, dtype=np.float32).reshape(1, 3, FRAMES)
    session = onnxruntime.InferenceSession(editor.serialised(), providers=["CPUExecutionProvider"])
    y, w, left_out = session.run(None, {"x": level, "z": pitch})
    assert left_out.tolist() == [start]
    assert np.array_equal(-y, level[:, 2 * start : 2 * end])
    assert np.array_equal(-w, pitch[:, :, start:end])
