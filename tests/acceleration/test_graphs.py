"""Recordings are made once, played in turns, and given up for better ones."""

from __future__ import annotations

import pytest
import torch

from realtime.acceleration import Policy
from realtime.acceleration.forms import Eager, NotNow
from realtime.acceleration.graphs import Graphs
from tests.acceleration.small import Bent, TapeRecorder, mel, parts, quick, reasons, recording


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
    assert recorder.turns == ["begin", "end"] * 3  # capture, check, call


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
    made = parts()
    broken = Bent(made.network)
    broken.fault = RuntimeError("this kernel copies to the host")
    form = Graphs(made, TapeRecorder(), [broken, Eager(made.network)])
    form.prepare((1, 10), (mel(),))
    assert torch.allclose(form.run((1, 10), (mel(),))[0], made.network.run((mel(),))[0])
    assert form.described()["records"] == "eager"


def test_a_recording_that_is_too_large_is_a_reason() -> None:
    found = quick(
        "graphs",
        {"graphs": recording(TapeRecorder(size=101)), "compile": recording(TapeRecorder())},
        policy=Policy(graph_bytes=100),
    )
    found(mel())
    assert reasons(found) == ["its graph takes 101 bytes, allowed are 100"]


def test_what_is_gone_is_said_before_anything_runs() -> None:
    made = parts()
    form = Graphs(made, TapeRecorder(), [Eager(made.network)])
    form.prepare((1, 10), (mel(),))
    assert form.holds((1, 10))
    form.drop((1, 10))
    with pytest.raises(NotNow, match="given up"):
        form.run((1, 10), (mel(),))
    form.close()
