"""CUDA graphs are captured once, replayed one at a time, and closed for more used ones."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from realtime.acceleration import Policy
from realtime.acceleration.backends.backend import Backend
from realtime.acceleration.backends.cuda_graphs import Graphs
from realtime.acceleration.device_lock import DEVICE_LOCK
from realtime.acceleration.refusals import NotNow
from realtime.acceleration.shapes import Sizes, Tensors
from tests.support.small_networks import (
    AlteredBackend,
    CpuRecorder,
    accelerate_vocoder,
    fallback_reasons,
    graphs_with,
    mel,
    network_spec,
    vocoder,
)


def right(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = vocoder()(x)
    return found


def graphs_of(recorder: CpuRecorder) -> Backend:
    return graphs_with(recorder)(network_spec())


def test_a_bucket_is_captured_once_and_replayed_often() -> None:
    recorder = CpuRecorder()
    found = accelerate_vocoder("graphs", {"graphs": graphs_with(recorder)})
    for seed in range(5):
        found(mel(seed=seed))
    assert len(recorder.graphs) == 1
    assert recorder.graphs[0].replays == 6  # one of them the check
    (report,) = [plan for plan in found.described()["plans"] if plan["plan"] == "graphs"]
    assert (report["captures"], report["held"], report["evictions"], report["bytes"]) == (
        1,
        1,
        0,
        100,
    )


def test_every_touch_of_the_buffers_is_a_turn() -> None:
    recorder = CpuRecorder()
    found = accelerate_vocoder("graphs", {"graphs": graphs_with(recorder)})
    found(mel())
    assert recorder.calls == ["warm", *["begin", "end"] * 3]  # capture, check, call


def test_a_recording_that_was_given_up_is_made_again() -> None:
    recorder = CpuRecorder()
    found = accelerate_vocoder("graphs", {"graphs": graphs_with(recorder)}, policy=Policy(graphs=1))
    for frames in (10, 20, 10):
        found(mel(frames))
    assert [graph.closed for graph in recorder.graphs] == [True, True, False]
    assert found.described()["hits"] == {"graphs": 3} and not fallback_reasons(found)


def test_in_quiet_moments_none_is_given_up_for_a_lesser_one() -> None:
    recorder = CpuRecorder()
    policy = Policy(graphs=1, when_idle=True)
    found = accelerate_vocoder("graphs", {"graphs": graphs_with(recorder)}, policy=policy)
    for frames in (10, 10, 10, 20):
        found(mel(frames))
    assert found.prepare_when_quiet()
    for _ in range(3):
        found(mel(10))
    assert not found.prepare_when_quiet()
    assert [graph.closed for graph in recorder.graphs] == [False]


def test_in_quiet_moments_two_buckets_do_not_displace_each_other_for_ever() -> None:
    """A new graph once counted as hardly used, so each quiet moment closed the last one's."""
    recorder = CpuRecorder()
    policy = Policy(graphs=1, when_idle=True)
    found = accelerate_vocoder("graphs", {"graphs": graphs_with(recorder)}, policy=policy)
    for frames in [10] * 5 + [20] * 4:
        found(mel(frames))
    assert found.prepare_when_quiet()
    assert not found.prepare_when_quiet()
    assert len(recorder.graphs) == 1


def test_what_cannot_be_recorded_compiled_is_recorded_eager() -> None:
    broken = CpuRecorder(fault=RuntimeError("this kernel copies to the host"))
    whole = CpuRecorder()
    found = accelerate_vocoder(
        "graphs", {"graphs": graphs_with(broken), "eager_graphs": graphs_with(whole)}
    )
    assert torch.allclose(found(mel()), right(mel()), atol=1e-5)
    assert found.described()["hits"] == {"eager_graphs": 1}
    assert fallback_reasons(found) == ["this kernel copies to the host"]


def test_after_a_failed_capture_the_next_has_a_memory_of_its_own() -> None:
    recorder = CpuRecorder()
    backend = graphs_of(recorder)
    backend.prepare((1, 10), (mel(),))
    recorder.fault = RuntimeError("operation not permitted when stream is capturing")
    with pytest.raises(RuntimeError, match="not permitted"):
        backend.prepare((1, 20), (mel(20),))
    recorder.fault = None
    backend.prepare((1, 20), (mel(20),))
    assert [len(pool.graphs) for pool in recorder.pools] == [1, 1]
    assert backend.holds((1, 10)) and backend.holds((1, 20))


def test_while_the_inner_form_is_made_others_are_played() -> None:
    """Inductor takes minutes, and calls of other buckets must not wait for it."""
    spec = network_spec()
    inner = AlteredBackend(spec.network)
    backend = Graphs("graphs", spec, CpuRecorder(), inner)
    backend.prepare((1, 10), (mel(),))
    begun, go_on = threading.Event(), threading.Event()

    def slow(sizes: Sizes, inputs: Tensors) -> None:
        begun.set()
        assert go_on.wait(30)

    inner.prepare = slow  # type: ignore[method-assign]
    preparing = threading.Thread(target=backend.prepare, args=((1, 20), (mel(20),)))
    preparing.start()
    assert begun.wait(30)
    assert torch.allclose(backend.run((1, 10), (mel(),))[0], right(mel()), atol=1e-5)
    go_on.set()
    preparing.join(30)
    assert backend.holds((1, 20))


def test_a_capture_is_alone_and_others_come_after_it() -> None:
    """Work of another network waits too: work in any thread spoils a capture."""
    recorder = CpuRecorder()
    backend, other = graphs_of(recorder), accelerate_vocoder("eager")
    calls: list[threading.Thread] = []
    done = threading.Event()

    def call() -> None:
        other(mel())
        done.set()

    def meanwhile() -> None:
        calls.append(threading.Thread(target=call))
        calls[-1].start()
        assert not done.wait(0.05)

    recorder.meanwhile = meanwhile
    backend.prepare((1, 10), (mel(),))
    calls[0].join(30)
    assert done.is_set()


def test_in_a_quiet_moment_a_capture_waits_for_nobody() -> None:
    recorder = CpuRecorder()
    policy = Policy(when_idle=True)
    found = accelerate_vocoder("graphs", {"graphs": graphs_with(recorder)}, policy=policy)
    found(mel())
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with DEVICE_LOCK.working():
            begun.set()
            assert go_on.wait(30)

    worker = threading.Thread(target=work)
    worker.start()
    assert begun.wait(30)
    assert not found.prepare_when_quiet()
    go_on.set()
    worker.join(30)
    assert found.prepare_when_quiet() and "others were at work on the device" in fallback_reasons(
        found
    )
    found(mel())
    assert found.described()["hits"] == {"eager": 1, "graphs": 1}


def test_two_networks_recorded_at_once_by_their_lanes_do_not_meet() -> None:
    """Two lanes prepare their networks in the midst of their own work, and a third goes on."""
    recorders = [CpuRecorder(), CpuRecorder()]
    networks = [accelerate_vocoder("graphs", {"graphs": graphs_with(each)}) for each in recorders]
    other = accelerate_vocoder("eager")
    start = threading.Barrier(3)

    def prepare(number: int) -> int:
        with DEVICE_LOCK.working():
            start.wait(30)
            return len(networks[number].prepare())

    def go_on() -> int:
        start.wait(30)
        return len([other(mel()) for _ in range(50)])

    with ThreadPoolExecutor(3) as pool:
        done = [pool.submit(prepare, 0), pool.submit(prepare, 1), pool.submit(go_on)]
        assert [each.result(60) for each in done] == [6, 6, 50]
    assert [len(each.graphs) for each in recorders] == [6, 6]


def test_a_recording_that_is_too_large_is_a_reason() -> None:
    found = accelerate_vocoder(
        "graphs",
        {
            "graphs": graphs_with(CpuRecorder(size=101)),
            "eager_graphs": graphs_with(CpuRecorder()),
        },
        policy=Policy(graph_bytes=100),
    )
    found(mel())
    assert fallback_reasons(found) == ["its graph takes 101 bytes, allowed are 100"]


def test_what_is_gone_is_said_before_anything_runs() -> None:
    backend = graphs_of(CpuRecorder())
    backend.prepare((1, 10), (mel(),))
    assert backend.holds((1, 10))
    backend.drop((1, 10))
    with pytest.raises(NotNow, match="closed to make room"):
        backend.run((1, 10), (mel(),))
    backend.close()
