"""A session of ONNX Runtime, from bytes or from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from realtime.engines.onnx_session import open_session


def network() -> bytes:
    """Return a network that doubles its input."""
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("given", "twice")
    ]
    node = helper.make_node("Add", ["given", "given"], ["twice"])
    graph = helper.make_graph([node], "double", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    found: bytes = model.SerializeToString()
    return found


@pytest.mark.parametrize("threads", [0, 1])
def test_it_runs_a_file_and_its_bytes(tmp_path: Path, threads: int) -> None:
    path = tmp_path / "double.onnx"
    path.write_bytes(network())
    for model in (path, path.read_bytes()):
        session = open_session(model, threads)
        assert session.get_session_options().intra_op_num_threads == threads
        assert session.get_providers() == ["CPUExecutionProvider"]
        (found,) = session.run(None, {"given": np.array([1, 2], np.float32)})
        assert found.tolist() == [2, 4]
