"""A process of an engine: what it does wrong ends its own lines, each with one clear error."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from realtime.engines.contract import CancelToken, WorkCancelled
from realtime.engines.outside import protocol
from realtime.engines.outside.connection import OutsideFault, Sound
from realtime.engines.outside.process import Launch
from realtime.engines.outside.supervisor import Supervisor
from realtime.errors import Busy, SynthesisFailed, Unavailable, WeightsMissing
from realtime.settings import OutsideSettings
from tests.support.polling import wait_until
from tests.support.processes import children_of, is_gone
from tests.support.scripted_adapter import CHUNK

ADAPTER = "tests.support.scripted_adapter"
QUICK = OutsideSettings(backoff_seconds=0.01, most_backoff_seconds=0.02)


def supervisor_of(settings: OutsideSettings = QUICK, launch: Launch | None = None) -> Supervisor:
    return Supervisor("scripted", lambda: launch or Launch("scripted", ADAPTER), settings)


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    made = supervisor_of()
    made.load({})
    yield made
    made.unload()


def spoken(
    supervisor: Supervisor, text: str, seed: int = 0, cancel: CancelToken | None = None
) -> Iterator[Sound]:
    parts = [protocol.TextPart(text, "en")]
    return supervisor.stream(
        lambda number: protocol.Speak(number, parts, "nana", seed=seed), cancel or CancelToken()
    )


def sounds(chunks: Iterator[Sound]) -> list[float]:
    return [round(float(samples[0]), 3) for samples, _ in chunks]


def test_a_process_says_what_it_is_and_what_it_found(supervisor: Supervisor) -> None:
    said = supervisor.hello
    assert said is not None
    assert (said.adapter, said.version, said.sample_rate) == ("scripted", "7", 8000)
    assert supervisor.facts == {"loaded": True}
    facts = supervisor.process()
    assert facts.id == said.pid and facts.memory_bytes > 1 << 20


def test_chunks_are_those_of_the_adapter(supervisor: Supervisor) -> None:
    chunks = list(spoken(supervisor, "a bb ccc", seed=2))
    assert [samples.size for samples, _ in chunks] == [CHUNK] * 3
    assert all(samples.dtype == np.float32 for samples, _ in chunks)
    assert sounds(iter(chunks)) == [0.03, 0.04, 0.05]


def test_streams_that_take_turns_do_not_mix(supervisor: Supervisor) -> None:
    streams = [spoken(supervisor, "a bb ccc", seed) for seed in (0, 10)]
    mixed = [[next(stream)[0][0] for stream in streams] for _ in range(3)]
    assert np.allclose(mixed, [[0.01, 0.11], [0.02, 0.12], [0.03, 0.13]])


def test_an_error_ends_its_own_stream_alone(supervisor: Supervisor) -> None:
    other = spoken(supervisor, "a bb")
    next(other)
    before = supervisor.process().id
    with pytest.raises(OutsideFault, match="RuntimeError: it does not want to"):
        list(spoken(supervisor, "raise"))
    with pytest.raises(OutsideFault, match="EOFError"):  # its input is closed
        list(spoken(supervisor, "input"))
    assert sounds(other) == [0.02] and supervisor.process().id == before


def test_no_connection_leaves_the_machine(supervisor: Supervisor) -> None:
    with pytest.raises(OutsideFault, match="allow_downloads is off"):
        list(spoken(supervisor, "network"))


def test_what_it_prints_is_no_message_but_a_line_of_the_log(
    supervisor: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        assert sounds(spoken(supervisor, "print a")) == [0.05, 0.01]
        wait_until(lambda: "a line of a library" in caplog.text)
        assert sounds(spoken(supervisor, "flood a")) == [0.05, 0.01]
        wait_until(lambda: "more lines were left out" in caplog.text)
    assert max(len(record.getMessage()) for record in caplog.records) <= 2_000


def test_a_cancel_frees_the_lane_at_once_and_the_process_is_told(supervisor: Supervisor) -> None:
    cancel = CancelToken()
    threading.Timer(0.05, cancel.set).start()
    with pytest.raises(WorkCancelled):
        list(spoken(supervisor, "wait", cancel=cancel))
    assert sounds(spoken(supervisor, "a")) == [0.01]  # it no longer waits for the cancelled one


def test_a_crash_ends_its_streams_once_each_and_the_next_finds_a_new_process(
    supervisor: Supervisor,
) -> None:
    streams = [spoken(supervisor, "a bb ccc") for _ in range(3)]
    for stream in streams:
        next(stream)
    before = supervisor.process()
    assert before.id is not None
    os.kill(before.id, signal.SIGKILL)
    for stream in streams:
        with pytest.raises(SynthesisFailed, match="killed by signal 9") as failed:
            list(stream)
        assert failed.value.code == "engine_crashed" and failed.value.hint
        assert list(stream) == []  # it was told once
    assert sounds(spoken(supervisor, "a")) == [0.01]
    after = supervisor.process()
    assert after.id != before.id and after.restarts == before.restarts + 1


def test_an_exit_tells_its_status(supervisor: Supervisor) -> None:
    with pytest.raises(SynthesisFailed, match="ended with status 3"):
        list(spoken(supervisor, "exit"))


def test_what_it_started_ends_with_it(supervisor: Supervisor) -> None:
    list(spoken(supervisor, "children"))
    host = supervisor.process().id
    assert host is not None
    (child,) = children_of(host)
    os.kill(host, signal.SIGKILL)
    wait_until(lambda: is_gone(child))


def test_a_stuck_process_is_ended() -> None:
    supervisor = supervisor_of(OutsideSettings(stall_seconds=1.0, backoff_seconds=0.01))
    supervisor.load({})
    with pytest.raises(SynthesisFailed, match="no progress for 1 s") as failed:
        list(spoken(supervisor, "hang"))
    assert failed.value.code == "engine_stalled"
    assert sounds(spoken(supervisor, "a")) == [0.01]
    supervisor.unload()


def test_a_process_that_takes_too_much_memory_is_ended() -> None:
    supervisor = supervisor_of(OutsideSettings(memory_mb=300, backoff_seconds=0.01))
    supervisor.load({})
    wait_for = spoken(supervisor, "a")
    list(wait_for)
    with pytest.raises(SynthesisFailed, match="outside.memory_mb is 300") as failed:
        supervisor.load({"bytes": 600 << 20})
        list(spoken(supervisor, "hang"))
    assert failed.value.code == "engine_too_large"
    supervisor.unload()


def test_pauses_grow_and_a_long_one_is_told_instead_of_waited_for() -> None:
    supervisor = supervisor_of(OutsideSettings(backoff_seconds=5.0))
    supervisor.load({})
    with pytest.raises(SynthesisFailed):
        list(spoken(supervisor, "crash"))
    with pytest.raises(Busy) as refused:
        list(spoken(supervisor, "a"))
    assert refused.value.code == "engine_restarting"
    assert refused.value.retry_after is not None and 2 < refused.value.retry_after <= 5
    supervisor.load({})  # who asks for it gets it at once
    assert sounds(spoken(supervisor, "a")) == [0.01]
    supervisor.unload()


def test_a_load_says_what_is_missing_and_leaves_no_process() -> None:
    supervisor = supervisor_of()
    with pytest.raises(WeightsMissing, match="gpt.pth from somewhere"):
        supervisor.load({"missing": ["gpt.pth"]})
    assert supervisor.process().id is None


def test_a_load_that_crashes_is_an_error() -> None:
    supervisor = supervisor_of()
    with pytest.raises(SynthesisFailed, match="killed by signal 9"):
        supervisor.load({"crash": True})


def test_an_interpreter_that_is_not_there_is_told() -> None:
    missing = Launch("scripted", ADAPTER, python=Path("/nowhere/python"))
    with pytest.raises(Unavailable, match="cannot be started"):
        supervisor_of(launch=missing).load({})


def test_an_adapter_that_is_not_there_is_told() -> None:
    with pytest.raises(Unavailable, match="No module named"):
        supervisor_of(launch=Launch("x", "no_such_adapter")).load({})


def test_an_adapter_that_can_computes_streams_at_once() -> None:
    supervisor = supervisor_of(launch=Launch("together", "tests.support.together_adapter"))
    supervisor.load({})
    streams = [spoken(supervisor, "a") for _ in range(2)]
    # One thread asks for them in turn, as a lane does: without a chunk ahead it would never end.
    mixed = [[next(stream)[0][0] for stream in streams] for _ in range(2)]
    assert np.allclose(mixed, [[0.1, 0.1], [0.2, 0.2]])
    assert [list(stream) for stream in streams] == [[], []]
    supervisor.unload()
