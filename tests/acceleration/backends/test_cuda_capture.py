"""CUDA graphs, where there is CUDA; elsewhere a clear reason why not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from realtime.acceleration import Policy, accelerate, device_memory
from realtime.acceleration.backends.backend import Eager
from realtime.acceleration.backends.cuda_capture import CudaRecorder
from realtime.acceleration.backends.cuda_graphs import Graphs
from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.acceleration.network import Network
from realtime.acceleration.refusals import CannotRun
from realtime.acceleration.shapes import Shapes, Tensors
from realtime.acceleration.spec import NetworkSpec
from tests.support.concurrent_threads import run_in_threads
from tests.support.fake_cuda import FakeCuda
from tests.support.small_networks import BATCHES, FRAMES, Step, mel, step_inputs, vocoder


def test_without_cuda_there_is_no_recorder() -> None:
    with pytest.raises(CannotRun, match="need a CUDA device; this network is on cpu"):
        CudaRecorder(torch.device("cpu"))


@pytest.mark.parametrize("spoils", [True, False])
def test_what_a_failed_capture_left_begun_is_ended(
    spoils: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda = FakeCuda(monkeypatch)
    recorder = CudaRecorder(torch.device("cuda", 0))
    pool = recorder.pool()
    good = recorder.record(lambda inputs: inputs, (torch.ones(1),), pool)
    used = cuda.streams[-1]

    def fail(inputs: Tensors) -> Tensors:
        assert cuda.current == used and cuda.drawing
        cuda.spoilt = spoils
        raise ValueError("operation not permitted when stream is capturing")

    with pytest.raises(ValueError, match="not permitted"):
        recorder.record(fail, (torch.ones(1),), pool)
    assert (cuda.current, cuda.pools, cuda.drawing) == ("default", [], False)
    assert cuda.streams[-1] != used
    # A graph that ended releases its pool itself.
    assert cuda.users[pool.handle] == (1 if spoils else 2)
    good.replay()
    used = cuda.streams[-1]
    recorder.record(lambda inputs: inputs, (torch.ones(1),), recorder.pool())


def test_where_graphs_are_broken_for_good_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(monkeypatch)
    recorder = CudaRecorder(torch.device("cuda", 0))

    def fail(inputs: Tensors) -> Tensors:
        cuda.dead = cuda.spoilt = True
        raise ValueError

    with pytest.raises(ValueError):
        recorder.record(fail, (torch.ones(1),), recorder.pool())
    with pytest.raises(CannotRun, match="graphs broke on this device: an illegal memory access"):
        recorder.record(lambda inputs: inputs, (torch.ones(1),), recorder.pool())


def cuda_spec(precision: str = "fp32") -> NetworkSpec:
    network = Network(vocoder(), precision, "cuda")
    shapes = Shapes(network.to_device((mel(),)), (BATCHES, FRAMES))
    return NetworkSpec(network, shapes, network.to_device((mel(),)), Policy(), "vocoder")


def copies_to_the_host(inputs: Tensors) -> Tensors:
    """Copy to the host, which no graph can do; on CUDA it ends the capture."""
    return (inputs[0] * inputs[0].sum().item(),)


def raises(inputs: Tensors) -> Tensors:
    raise ZeroDivisionError


def twice(inputs: Tensors) -> Tensors:
    return (inputs[0] * 2 + torch.randn_like(inputs[0]) * 0,)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("run", "error"),
    [(copies_to_the_host, RuntimeError), (raises, ZeroDivisionError)],
)
def test_after_a_failed_capture_torch_is_as_it_was(
    run: Callable[[Tensors], Tensors], error: type[Exception]
) -> None:
    """Torch leaves its stream current, its allocator and its random numbers in the capture."""
    device = torch.device("cuda", torch.cuda.current_device())
    recorder = CudaRecorder(device)
    x = torch.ones(1_000, device=device)
    early = recorder.record(twice, (x,), recorder.pool())
    pool = recorder.pool()
    stream = torch.cuda.current_stream()
    for _ in range(3):
        with pytest.raises(error):
            recorder.record(run, (x,), pool)
        assert torch.cuda.current_stream() == stream
        assert not torch.cuda.is_current_stream_capturing()
        assert torch.randn(10, device=device).isfinite().all()
    held = pool.bytes
    large = torch.ones(64 << 20, device=device, dtype=torch.uint8)
    assert pool.bytes == held, "memory of others came to lie in the pool"
    del large
    before = torch.cuda.memory_allocated()
    kept = torch.ones(1 << 20, device=device)
    assert torch.cuda.memory_allocated() > before
    del kept
    late = recorder.record(twice, (x,), recorder.pool())
    for recording in (early, late):
        recording.inputs[0].fill_(4)
        recording.replay()
        assert torch.equal(recording.outputs[0], torch.full_like(x, 8))
        recording.close()
    torch.cuda.synchronize()


@pytest.mark.gpu
def test_a_pool_tells_what_it_holds_and_gives_it_back() -> None:
    device = torch.device("cuda", torch.cuda.current_device())
    recorder = CudaRecorder(device)
    pool = recorder.pool()
    assert pool.bytes == 0
    x = torch.ones(16 << 20, device=device)
    first = recorder.record(twice, (x,), pool)
    one = pool.bytes
    assert one >= x.nbytes
    second = recorder.record(twice, (x,), pool)
    assert one <= pool.bytes < 2 * one + x.nbytes, "the second lies in the first's memory"
    first.close()
    assert pool.bytes >= one
    second.close()
    torch.cuda.empty_cache()
    assert pool.bytes == 0


@pytest.mark.gpu
@pytest.mark.timeout(600)
def test_captures_beside_other_work_on_the_device() -> None:
    """Two networks are recorded at once, while a third thread draws, waits and takes memory."""
    stop = threading.Event()
    wrong: list[Exception] = []

    def work() -> None:
        try:
            while not stop.is_set():
                with DEVICE_LOCK.working():
                    x = torch.randn(1 << 18, device="cuda")
                    torch.cuda.synchronize()
                    assert x.isfinite().all()
                device_memory.clear(torch.device("cuda"))
        except (RuntimeError, AssertionError) as error:
            wrong.append(error)

    def prepare(number: int) -> list[int]:
        found = accelerate(
            vocoder(), inputs=(mel(),), plan="eager_graphs", device="cuda", axes=(BATCHES, FRAMES)
        )
        with DEVICE_LOCK.working():
            ready = found.prepare()
        x = mel(20, seed=number)
        with torch.no_grad():
            assert torch.allclose(found(x).cpu(), vocoder()(x), atol=1e-4)
        assert found.described()["hits"] == {"eager_graphs": 1}
        return [len(ready)]

    worker = threading.Thread(target=work)
    worker.start()
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(prepare, range(2))) == [[6], [6]]
    stop.set()
    worker.join(60)
    assert not wrong


@pytest.mark.gpu
@pytest.mark.timeout(600)
def test_graphs_are_bounded_by_what_they_hold() -> None:
    spec = cuda_spec()
    backend = Graphs("eager_graphs", spec, CudaRecorder(spec.network.device), Eager(spec.network))
    for sizes in spec.shapes.buckets():
        backend.prepare(sizes, spec.sample(sizes))
    assert 0 < backend.described()["bytes"] <= spec.policy.graph_bytes
    backend.close()
    assert backend.described()["bytes"] == 0


@pytest.mark.gpu
@pytest.mark.timeout(900)
def test_auto_measures_graphs_on_a_gpu() -> None:
    found = accelerate(
        vocoder(), inputs=(mel(),), device="cuda", axes=(BATCHES, FRAMES), policy=Policy()
    )
    assert {"eager", "eager_graphs"} <= set(found.described()["auto"]["milliseconds"])
    with torch.no_grad():
        assert torch.allclose(found(mel()).cpu(), vocoder()(mel()), atol=1e-4)


@pytest.mark.gpu
@pytest.mark.timeout(600)
@pytest.mark.parametrize("plan", ["compile", "graphs"])
def test_compiled_on_a_gpu_it_is_compiled_for_whoever_calls(plan: str) -> None:
    found = accelerate(vocoder(), inputs=(mel(),), plan=plan, device="cuda", axes=(BATCHES, FRAMES))
    found.prepare([(1, 10)])
    with torch.inference_mode():
        first = found(mel()).cpu()
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(lambda: found(mel())).result(60).cpu()
    with torch.no_grad():
        wanted = vocoder()(mel())
    assert torch.allclose(first, wanted, atol=1e-4)
    assert torch.allclose(second, wanted, atol=1e-4)
    assert found.described()["hits"] == {plan: 2}


@pytest.mark.gpu
@pytest.mark.timeout(600)
@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_graphs_play_what_the_module_does(precision: str) -> None:
    module = vocoder()
    found = accelerate(
        module,
        inputs=(mel(),),
        plan="graphs",
        precision=precision,
        device="cuda",
        axes=(BATCHES, FRAMES),
        policy=Policy(),
    )
    truth = vocoder()
    assert len(found.prepare()) == 6
    for batch, frames in ((1, 10), (3, 20), (4, 10)):
        x = mel(frames, batch)
        with torch.no_grad():
            assert torch.allclose(found(x).cpu(), truth(x), atol=0.02)
    assert found.described()["hits"] == {"graphs": 3}


@pytest.mark.gpu
@pytest.mark.timeout(600)
def test_a_graph_of_a_step_changes_its_buffers() -> None:
    found = accelerate(Step(), inputs=step_inputs(), plan="graphs", device="cuda", state=("cache",))
    alone = Step().eval()
    found.prepare()
    for place in range(5):
        inputs = step_inputs(place, seed=place)
        with torch.no_grad():
            assert torch.allclose(found(*inputs)[0].cpu(), alone(*inputs)[0], atol=1e-4)
    assert found.described()["hits"] == {"graphs": 5}


@pytest.mark.gpu
@pytest.mark.timeout(600)
def test_threads_do_not_meet_in_a_graphs_buffers() -> None:
    found = accelerate(
        vocoder(), inputs=(mel(),), plan="graphs", device="cuda", axes=(BATCHES, FRAMES)
    )
    found.prepare([(1, 10)])
    sounds = [mel(seed=seed) for seed in range(4)]
    with torch.no_grad():
        wanted = [vocoder()(x) for x in sounds]
    wrong: list[int] = []

    def ask(number: int) -> None:
        for _ in range(100):
            if not torch.allclose(found(sounds[number]).cpu(), wanted[number], atol=1e-4):
                wrong.append(number)

    run_in_threads(4, ask, patience=300)
    assert not wrong
