"""The TensorRT plan: refused without its libraries, and what it asks of them where they are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from realtime.acceleration import machine
from realtime.acceleration.backends.tensorrt import Contexts, TensorRt
from realtime.acceleration.refusals import CannotRun, NotNow
from tests.support.small_networks import BANDS, mel, network_spec


def test_without_its_libraries_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "package_version", lambda package: None)
    with pytest.raises(CannotRun, match="torch-tensorrt is not installed"):
        TensorRt().check(network_spec())


def test_without_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "package_version", lambda package: "2.11.0")
    with pytest.raises(CannotRun, match="needs a CUDA device; this network is on cpu"):
        TensorRt().check(network_spec())


def test_a_library_that_does_not_load_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(CannotRun, match="TensorRT does not load"):
        TensorRt().facts(network_spec())


def test_an_engine_belongs_to_the_version_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its packages are called tensorrt-cu12 and the like: their names tell nothing."""
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__="10.9.0"))
    assert TensorRt().facts(network_spec())["tensorrt"] == "10.9.0"


def test_an_engine_is_built_for_the_shapes_of_the_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    options_given: dict[str, Any] = {}

    def convert(program: Any, **options: Any) -> bytes:
        options_given.update(options, program=program)
        return b"engine"

    library = SimpleNamespace(
        Input=lambda **shapes: shapes,
        dynamo=SimpleNamespace(convert_exported_program_to_serialized_trt_engine=convert),
    )
    monkeypatch.setitem(sys.modules, "torch_tensorrt", library)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    spec = network_spec(precision="fp16")
    assert TensorRt().build(spec) == b"engine"
    assert options_given["arg_inputs"] == [
        {
            "min_shape": (1, BANDS, 10),
            "opt_shape": (1, BANDS, 10),
            "max_shape": (4, BANDS, 20),
            "dtype": torch.float32,
        }
    ]
    assert options_given["workspace_size"] == 1 << 30
    assert options_given["disable_tf32"] and options_given["use_explicit_typing"]
    x = mel(15, 3)
    found = options_given["program"].module()(x)[0]
    assert torch.allclose(found, spec.network.run((x,))[0], atol=1e-3)


def test_a_refused_engine_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Logger:
        ERROR = 1

        def __init__(self, level: int) -> None:
            self.level = level

    runtime = SimpleNamespace(deserialize_cuda_engine=lambda data: None)
    library = SimpleNamespace(Runtime=lambda logger: runtime, Logger=Logger)
    monkeypatch.setitem(sys.modules, "tensorrt", library)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    with pytest.raises(CannotRun, match="refuses the engine"):
        TensorRt().load(network_spec(), b"engine of another version")


class FakeContext:
    """Doubles what lies at its input's address."""

    def __init__(self, fake: FakeEngine) -> None:
        self._fake = fake
        self.shape: tuple[int, ...] = ()
        self.addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def set_tensor_address(self, name: str, address: int) -> None:
        self.addresses[name] = address

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return (2 * self.shape[0],)

    def execute_async_v3(self, stream: int) -> bool:
        self._fake.calls.append(f"run on {stream}")
        self._fake.meanwhile()
        return self._fake.works


class FakeEngine:
    """An engine, and the streams and the device that its runs see."""

    num_io_tensors = 2

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.works = True
        self.memory = True
        self.meanwhile: Callable[[], object] = lambda: None
        self.calls: list[str] = []
        self.contexts: list[FakeContext] = []
        self.on = 0
        monkeypatch.setattr(torch.cuda, "device", self.device)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: self.stream(7))
        monkeypatch.setattr(
            torch.cuda, "Stream", lambda device: self.stream(10 + len(self.contexts))
        )

    @contextmanager
    def device(self, device: torch.device) -> Iterator[None]:
        self.on += 1
        try:
            yield
        finally:
            self.on -= 1

    def stream(self, number: int) -> SimpleNamespace:
        def wait(other: SimpleNamespace) -> None:
            self.calls.append(f"{number} waits for {other.cuda_stream}")

        return SimpleNamespace(cuda_stream=number, wait_stream=wait)

    def get_tensor_name(self, i: int) -> str:
        return ("output0", "mel")[i]

    def get_tensor_mode(self, name: str) -> int:
        return int(name == "output0")

    def get_tensor_dtype(self, name: str) -> int:
        return KINDS.HALF

    def create_execution_context(self) -> FakeContext | None:
        assert self.on, "a context is made on its device"
        if not self.memory:
            return None
        self.contexts.append(FakeContext(self))
        return self.contexts[-1]


KINDS = SimpleNamespace(FLOAT=0, HALF=1, BF16=2, INT32=3, INT64=4, BOOL=5)
LIBRARY = SimpleNamespace(TensorIOMode=SimpleNamespace(INPUT=0, OUTPUT=1), DataType=KINDS)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    return FakeEngine(monkeypatch)


def test_a_context_binds_what_the_engine_names_on_a_stream_of_its_own(engine: FakeEngine) -> None:
    run = Contexts(engine, LIBRARY, torch.device("cpu"))
    x = torch.ones(3)
    (found,) = run((x,))
    assert (found.shape, found.dtype, engine.on) == ((6,), torch.float16, 0)
    assert engine.contexts[0].addresses == {"mel": x.data_ptr(), "output0": found.data_ptr()}
    assert engine.calls == ["11 waits for 7", "run on 11", "7 waits for 11"]


def test_contexts_are_kept_one_for_each_call_at_once(engine: FakeEngine) -> None:
    run = Contexts(engine, LIBRARY, torch.device("cpu"))
    x = torch.ones(3)
    for _ in range(3):
        run((x,))
    assert len(engine.contexts) == 1

    def another() -> None:
        engine.meanwhile = lambda: None
        run((x,))

    engine.meanwhile = another
    run((x,))
    assert len(engine.contexts) == 2
    run((x,))
    assert len(engine.contexts) == 2


def test_a_context_that_failed_is_not_used_again(engine: FakeEngine) -> None:
    run = Contexts(engine, LIBRARY, torch.device("cpu"))
    engine.works = False
    with pytest.raises(CannotRun, match="could not run"):
        run((torch.ones(3),))
    engine.works = True
    run((torch.ones(3),))
    assert len(engine.contexts) == 2


def test_no_memory_for_one_more_call_is_no_fault_of_the_engine(engine: FakeEngine) -> None:
    run = Contexts(engine, LIBRARY, torch.device("cpu"))
    engine.memory = False
    with pytest.raises(NotNow, match="no memory for another call"):
        run((torch.ones(3),))
