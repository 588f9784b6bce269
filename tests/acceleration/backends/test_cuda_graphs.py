"""Recordings are made once, played in turns, and given up for better ones."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from realtime.acceleration import Policy
from realtime.acceleration.backends.backend import Backend, NotNow
from realtime.acceleration.backends.cuda_graphs import Graphs
from realtime.acceleration.device_lock import GATE
from realtime.acceleration.shapes import Sizes, Tensors
from tests.support.small_networks import (
    Bent,
    TapeRecorder,
    mel,
    parts,
    quick,
    reasons,
    recording,
    vocoder,
)


def right(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = vocoder()(x)
    return found


def graphs_of(recorder: TapeRecorder) -> Backend:
    return recording(recorder)(parts())


def test_a_bucket_is_recorded_once_and_played_often() -> None:
    recorder = TapeRecorder()
    found = quick("graphs", {"graphs": recording(recorder)})
    for seed in range(5):
        found(mel(seed=seed))
    assert len(recorder.tapes) == 1
    assert recorder.tapes[0].plays == 6  # one of them the check
    (told,) = [plan for plan in found.described()["plans"] if plan["plan"] == "graphs"]
    assert (told["captures"], told["held"], told["evictions"], told["bytes"]) == (1, 1, 0, 100)


def test_every_touch_of_the_buffers_is_a_turn() -> None:
    recorder = TapeRecorder()
    found = quick("graphs", {"graphs": recording(recorder)})
    found(mel())
    assert recorder.turns == ["warm", *["begin", "end"] * 3]  # capture, check, call


def test_a_recording_that_was_given_up_is_made_again() -> None:
    recorder = TapeRecorder()
    found = quick("graphs", {"graphs": recording(recorder)}, policy=Policy(graphs=1))
    for frames in (10, 20, 10):
        found(mel(frames))
    assert [tape.closed for tape in recorder.tapes] == [True, True, False]
    assert found.described()["hits"] == {"graphs": 3} and not reasons(found)


def test_in_quiet_moments_none_is_given_up_for_a_lesser_one() -> None:
    recorder = TapeRecorder()
    policy = Policy(graphs=1, when_idle=True)
    found = quick("graphs", {"graphs": recording(recorder)}, policy=policy)
    for frames in (10, 10, 10, 20):
        found(mel(frames))
    assert found.idle()
    for _ in range(3):
        found(mel(10))
    assert not found.idle()
    assert [tape.closed for tape in recorder.tapes] == [False]


def test_what_cannot_be_recorded_compiled_is_recorded_eager() -> None:
    broken = TapeRecorder(fault=RuntimeError("this kernel copies to the host"))
    whole = TapeRecorder()
    found = quick("graphs", {"graphs": recording(broken), "eager_graphs": recording(whole)})
    assert torch.allclose(found(mel()), right(mel()), atol=1e-5)
    assert found.described()["hits"] == {"eager_graphs": 1}
    assert reasons(found) == ["this kernel copies to the host"]


def test_after_a_failed_capture_the_next_has_a_memory_of_its_own() -> None:
    recorder = TapeRecorder()
    form = graphs_of(recorder)
    form.prepare((1, 10), (mel(),))
    recorder.fault = RuntimeError("operation not permitted when stream is capturing")
    with pytest.raises(RuntimeError, match="not permitted"):
        form.prepare((1, 20), (mel(20),))
    recorder.fault = None
    form.prepare((1, 20), (mel(20),))
    assert [len(pool.tapes) for pool in recorder.pools] == [1, 1]
    assert form.holds((1, 10)) and form.holds((1, 20))


def test_while_the_inner_form_is_made_others_are_played() -> None:
    """Inductor takes minutes: whoever has a recording must not wait for another's."""
    made = parts()
    inner = Bent(made.network)
    form = Graphs("graphs", made, TapeRecorder(), inner)
    form.prepare((1, 10), (mel(),))
    begun, go_on = threading.Event(), threading.Event()

    def slow(sizes: Sizes, inputs: Tensors) -> None:
        begun.set()
        assert go_on.wait(30)

    inner.prepare = slow  # type: ignore[method-assign]
    preparing = threading.Thread(target=form.prepare, args=((1, 20), (mel(20),)))
    preparing.start()
    assert begun.wait(30)
    assert torch.allclose(form.run((1, 10), (mel(),))[0], right(mel()), atol=1e-5)
    go_on.set()
    preparing.join(30)
    assert form.holds((1, 20))


def test_a_capture_is_alone_and_others_come_after_it() -> None:
    """Of another network too: what waits for the device in any thread spoils a capture."""
    recorder = TapeRecorder()
    form, other = graphs_of(recorder), quick("eager")
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
    form.prepare((1, 10), (mel(),))
    calls[0].join(30)
    assert done.is_set()


def test_in_a_quiet_moment_a_capture_waits_for_nobody() -> None:
    recorder = TapeRecorder()
    policy = Policy(when_idle=True)
    found = quick("graphs", {"graphs": recording(recorder)}, policy=policy)
    found(mel())
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with GATE.working():
            begun.set()
            assert go_on.wait(30)

    worker = threading.Thread(target=work)
    worker.start()
    assert begun.wait(30)
    assert not found.idle()
    go_on.set()
    worker.join(30)
    assert found.idle() and "others were at work on the device" in reasons(found)
    found(mel())
    assert found.described()["hits"] == {"eager": 1, "graphs": 1}


def test_two_networks_recorded_at_once_by_their_lanes_do_not_meet() -> None:
    """Two lanes prepare their networks in the midst of their own work, and a third goes on."""
    recorders = [TapeRecorder(), TapeRecorder()]
    networks = [quick("graphs", {"graphs": recording(each)}) for each in recorders]
    other = quick("eager")
    start = threading.Barrier(3)

    def prepare(number: int) -> int:
        with GATE.working():
            start.wait(30)
            return len(networks[number].prepare())

    def go_on() -> int:
        start.wait(30)
        return len([other(mel()) for _ in range(50)])

    with ThreadPoolExecutor(3) as pool:
        done = [pool.submit(prepare, 0), pool.submit(prepare, 1), pool.submit(go_on)]
        assert [each.result(60) for each in done] == [6, 6, 50]
    assert [len(each.tapes) for each in recorders] == [6, 6]


def test_a_recording_that_is_too_large_is_a_reason() -> None:
    found = quick(
        "graphs",
        {
            "graphs": recording(TapeRecorder(size=101)),
            "eager_graphs": recording(TapeRecorder()),
        },
        policy=Policy(graph_bytes=100),
    )
    found(mel())
    assert reasons(found) == ["its graph takes 101 bytes, allowed are 100"]


def test_what_is_gone_is_said_before_anything_runs() -> None:
    form = graphs_of(TapeRecorder())
    form.prepare((1, 10), (mel(),))
    assert form.holds((1, 10))
    form.drop((1, 10))
    with pytest.raises(NotNow, match="given up"):
        form.run((1, 10), (mel(),))
    form.close()
