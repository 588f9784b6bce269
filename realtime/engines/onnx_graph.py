"""Edits of an ONNX graph that change how its outputs are computed, not the outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class FrameAxis:
    """The axis along which a tensor has its frames, and how many values each frame has there."""

    axis: int
    per_frame: int = 1


class GraphEditor:
    """An ONNX graph whose nodes can be found by the tensors that they make or take."""

    def __init__(self, model: bytes) -> None:
        import onnx

        self._onnx = onnx
        self.model = onnx.load_model_from_string(model)
        self.graph = self.model.graph
        self.constants = {item.name: item for item in self.graph.initializer}
        self.makers = {out: node for node in self.graph.node for out in node.output}
        self.takers: dict[str, list[Any]] = {}
        for node in self.graph.node:
            for name in node.input:
                self.takers.setdefault(name, []).append(node)

    def expose(self, tensor: str) -> None:
        """Make an inner tensor one more output of the graph."""
        if tensor not in self.makers:
            raise ValueError(f"the graph has no tensor {tensor!r}")
        self._add_output(tensor, self._onnx.TensorProto.FLOAT)

    def crop(self, tensors: Mapping[str, FrameAxis], by: str, above: float, margin: int) -> str:
        """Crop tensors at both ends to the frames in which `by` is above a level, plus a margin.

        The nodes behind work on the shorter tensors and cost as much less. When no frame is above
        the level all frames stay. Returns the name of a new output: how many frames the front lost.
        """
        make = self._onnx.helper.make_node
        level = self._add_constant("crop/level", np.array(above, np.float32))
        per_frame = self._add_constant("crop/per_frame", np.array([tensors[by].per_frame]))
        before = self._add_constant("crop/margin", np.array([margin]))
        after = self._add_constant("crop/after", np.array([margin + 1]))
        zero = self._add_constant("crop/zero", np.array([0]))
        axis = tensors[by].axis
        nodes = [
            make("Greater", [by, level], ["crop/above"]),
            make("Cast", ["crop/above"], ["crop/loud"], to=self._onnx.TensorProto.INT32),
            make("ArgMax", ["crop/loud"], ["crop/first"], axis=axis, keepdims=0),
            make(
                "ArgMax", ["crop/loud"], ["crop/last"], axis=axis, keepdims=0, select_last_index=1
            ),
            make("Div", ["crop/first", per_frame], ["crop/first_frame"]),
            make("Sub", ["crop/first_frame", before], ["crop/with_margin"]),
            make("Max", ["crop/with_margin", zero], ["crop/start"]),
            make("Div", ["crop/last", per_frame], ["crop/last_frame"]),
            make("Add", ["crop/last_frame", after], ["crop/end"]),
        ]
        for name, frames in tensors.items():
            nodes.extend(self._slice(name, frames))
        self._insert(nodes, {name: f"{name}/cropped" for name in tensors})
        self._add_output("crop/start", self._onnx.TensorProto.INT64)
        return "crop/start"

    def float_convolutions(self) -> int:
        """Turn convolutions in 8-bit integers back into float ones; return how many there were.

        On CPUs the integer form is the slower one: it quantises its input at every call and has no
        blocked kernels. The weights stay the rounded ones, so the sound is that of the int8 file.
        """
        replaced = {}
        for node in self.graph.node:
            if node.op_type == "ConvInteger":
                last, nodes = self._float_form(node)
                replaced[last.name] = nodes
        self._replace(replaced)
        return len(replaced)

    def serialised(self) -> bytes:
        data: bytes = self.model.SerializeToString()
        return data

    def _add_output(self, tensor: str, kind: int) -> None:
        self.graph.output.append(self._onnx.helper.make_tensor_value_info(tensor, kind, None))

    def _slice(self, name: str, frames: FrameAxis) -> list[Any]:
        """Make the nodes that crop a tensor."""
        make = self._onnx.helper.make_node
        axis = self._add_constant(f"crop/axis_{frames.axis}", np.array([frames.axis]))
        factor = self._add_constant(f"crop/times_{frames.per_frame}", np.array([frames.per_frame]))
        start, end = f"{name}/start", f"{name}/end"
        return [
            make("Mul", ["crop/start", factor], [start]),
            make("Mul", ["crop/end", factor], [end]),
            make("Slice", [name, start, end, axis], [f"{name}/cropped"]),
        ]

    def _insert(self, nodes: list[Any], renamed: Mapping[str, str]) -> None:
        """Add nodes in their place, and rename the inputs of the nodes that were there."""
        for node in self.graph.node:
            for place, name in enumerate(node.input):
                node.input[place] = renamed.get(name, name)
        ordered = self._in_order([*self.graph.node, *nodes])
        del self.graph.node[:]
        self.graph.node.extend(ordered)

    def _in_order(self, nodes: list[Any]) -> list[Any]:
        """Sort nodes so that each comes after the nodes whose outputs it takes."""
        known = {"", *self.constants, *(item.name for item in self.graph.input)}
        ordered: list[Any] = []
        while nodes:
            waiting = []
            for node in nodes:
                if known.issuperset(node.input):
                    ordered.append(node)
                    known.update(node.output)
                else:
                    waiting.append(node)
            nodes = waiting
        return ordered

    def _constant(self, name: str) -> Any:
        return self._onnx.numpy_helper.to_array(self.constants[name])

    def _add_constant(self, name: str, value: Any) -> str:
        if name not in self.constants:
            tensor = self._onnx.numpy_helper.from_array(value, name)
            self.constants[name] = tensor
            self.graph.initializer.append(tensor)
        return name

    def _only_taker(self, tensor: str) -> Any:
        takers = self.takers[tensor]
        if len(takers) != 1:
            raise ValueError(f"{tensor!r} has {len(takers)} takers, expected one")
        return takers[0]

    def _float_form(self, node: Any) -> tuple[Any, list[Any]]:
        """Give the last node of an integer convolution's tail, and the float nodes to replace it.

        The tail adds a bias, casts to float and multiplies by the scales.
        """
        quantised, weight, _, zero = node.input
        tail, bias = self._only_taker(node.output[0]), []
        if tail.op_type == "Add":
            bias = [self._float_bias(tail, node.output[0])]
            tail = self._only_taker(tail.output[0])
        last = self._only_taker(tail.output[0])
        scale = self._weight_scale(last, tail.output[0])
        values = (self._constant(weight).astype(np.float32) - self._constant(zero)) * scale
        name = self._add_constant(weight + "/float", values[:, :, None].astype(np.float32))
        source = self.makers[quantised].input[0]
        return last, self._convolution(node, source, [name, *bias], last.output[0])

    def _float_bias(self, add: Any, sum_of: str) -> str:
        """Find the float bias that was divided by the scale and rounded on its way into an Add."""
        name = next(name for name in add.input if name != sum_of)
        while self.makers[name].op_type != "Div":
            name = self.makers[name].input[0]
        found: str = self.makers[name].input[0]
        return found

    def _weight_scale(self, last: Any, value: str) -> Any:
        """Read the weights' scale, the constant one of the two that the tail multiplies by."""
        scales = self.makers[next(name for name in last.input if name != value)]
        return self._constant(next(name for name in scales.input if name in self.constants))

    def _convolution(self, node: Any, source: str, weights: list[str], target: str) -> list[Any]:
        """Make the nodes of a float convolution in the two-dimensional form, of height 1."""
        make = self._onnx.helper.make_node
        axis = self._add_constant("yamabiko/height_axis", np.array([2], np.int64))
        wide, found = f"{target}/wide", f"{target}/found"
        return [
            make("Unsqueeze", [source, axis], [wide]),
            make("Conv", [wide, *weights], [found], name=node.name, **self._shape(node)),
            make("Squeeze", [found, axis], [target]),
        ]

    def _shape(self, node: Any) -> dict[str, Any]:
        """Give the attributes of a one-dimensional convolution in two dimensions, of height 1."""
        read = self._onnx.helper.get_attribute_value
        known = {item.name: read(item) for item in node.attribute}
        before, after = known.get("pads", [0, 0])
        return {
            "pads": [0, before, 0, after],
            "strides": [1, *known.get("strides", [1])],
            "dilations": [1, *known.get("dilations", [1])],
            "group": known.get("group", 1),
        }

    def _replace(self, replaced: dict[str, list[Any]]) -> None:
        """Replace nodes by others; drop the nodes and constants that no output needs any more."""
        nodes = []
        for node in self.graph.node:
            nodes.extend(replaced.get(node.name, [node]))
        needed = {output.name for output in self.graph.output}
        kept = []
        for node in reversed(nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        constants = [item for item in self.graph.initializer if item.name in needed]
        for old in (self.graph.node, self.graph.initializer, self.graph.value_info):
            del old[:]
        self.graph.node.extend(reversed(kept))
        self.graph.initializer.extend(constants)
