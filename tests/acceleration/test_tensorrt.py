"""The TensorRT plan: refused without its libraries, and what it asks of them where they are."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from realtime.acceleration import identity
from realtime.acceleration.forms import CannotRun
from realtime.acceleration.tensorrt import Context, TensorRt
from tests.acceleration.small import BANDS, mel, parts


def test_without_its_libraries_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "version", lambda package: None)
    with pytest.raises(CannotRun, match="torch-tensorrt is not installed"):
        TensorRt().check(parts())


def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "version", lambda package: "2.11.0")
    with pytest.raises(CannotRun, match="needs a CUDA device; this network is on cpu"):
        TensorRt().check(parts())


def test_an_engine_is_built_for_the_shapes_of_the_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def convert(program: Any, **options: Any) -> bytes:
        asked.update(options, program=program)
        return b"engine"

    library = SimpleNamespace(
        Input=lambda **shapes: shapes,
        dynamo=SimpleNamespace(convert_exported_program_to_serialized_trt_engine=convert),
    )
    monkeypatch.setitem(sys.modules, "torch_tensorrt", library)
    made = parts(precision="fp16")
    assert TensorRt().build(made) == b"engine"
    assert asked["arg_inputs"] == [
        {
            "min_shape": (1, BANDS, 10),
            "opt_shape": (1, BANDS, 10),
            "max_shape": (4, BANDS, 20),
            "dtype": torch.float32,
        }
    ]
    assert asked["workspace_size"] == 1 << 30
    assert asked["disable_tf32"] and asked["use_explicit_typing"]
    x = mel(15, 3)
    found = asked["program"].module()(x)[0]
    assert torch.allclose(found, made.network.run((x,))[0], atol=1e-3)


def test_a_refused_engine_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Logger:
        ERROR = 1

        def __init__(self, level: int) -> None:
            self.level = level

    runtime = SimpleNamespace(deserialize_cuda_engine=lambda data: None)
    library = SimpleNamespace(Runtime=lambda logger: runtime, Logger=Logger)
    monkeypatch.setitem(sys.modules, "tensorrt", library)
    with pytest.raises(CannotRun, match="refuses the engine"):
        TensorRt().load(parts(), b"engine of another version")


class FakeContext:
    """Doubles what lies at its input's address."""

    def __init__(self, works: bool) -> None:
        self.works = works
        self.shape: tuple[int, ...] = ()
        self.addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def set_tensor_address(self, name: str, address: int) -> None:
        self.addresses[name] = address

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return (2 * self.shape[0],)

    def execute_async_v3(self, stream: int) -> bool:
        return self.works


@pytest.mark.parametrize("works", [True, False])
def test_a_context_binds_what_the_engine_names(
    works: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = SimpleNamespace(FLOAT=0, HALF=1, BF16=2, INT32=3, INT64=4, BOOL=5)
    library = SimpleNamespace(TensorIOMode=SimpleNamespace(INPUT=0, OUTPUT=1), DataType=kinds)
    context = FakeContext(works)
    engine = SimpleNamespace(
        num_io_tensors=2,
        get_tensor_name=lambda i: ("output0", "mel")[i],
        get_tensor_mode=lambda name: int(name == "output0"),
        get_tensor_dtype=lambda name: kinds.HALF,
        create_execution_context=lambda: context,
    )
    waited: list[bool] = []
    stream = SimpleNamespace(cuda_stream=7, synchronize=lambda: waited.append(True))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: stream)
    run = Context(engine, library, torch.device("cpu"))
    x = torch.ones(3)
    if not works:
        with pytest.raises(CannotRun, match="could not run"):
            run((x,))
        return
    (found,) = run((x,))
    assert (found.shape, found.dtype, waited) == ((6,), torch.float16, [True])
    assert context.addresses == {"mel": x.data_ptr(), "output0": found.data_ptr()}
