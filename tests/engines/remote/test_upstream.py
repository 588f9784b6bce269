"""The way of a request: its limits and tries, and what each fault of a server becomes."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from realtime.engines.contract import CancelToken, WorkCancelled
from realtime.engines.remote.engine import RemoteEngine
from realtime.errors import BadRequest, Busy, SynthesisFailed, Unavailable, YamabikoError
from tests.support.polling import wait_until
from tests.support.remote_world import RemoteWorld

SPEECH = "/v1/audio/speech"


Load = Callable[..., RemoteEngine]


@pytest.fixture
def load(openai: RemoteWorld) -> Iterator[Load]:
    """Give a function that loads the engine of the server; it is unloaded at the end."""
    with ExitStack() as stack:

        def loaded(**remote: object) -> RemoteEngine:
            engine = openai.engine(**remote)
            engine.load()
            stack.callback(engine.unload)
            return engine

        yield loaded


@pytest.fixture
def engine(load: Load) -> RemoteEngine:
    return load()


def fault(world: RemoteWorld, engine: RemoteEngine) -> YamabikoError:
    with pytest.raises(YamabikoError) as raised:
        world.speak(engine)
    assert "\n" not in raised.value.message and len(raised.value.message) < 700
    return raised.value


def test_the_first_sound_comes_before_the_answer_has_ended(
    openai: RemoteWorld, engine: RemoteEngine
) -> None:
    openai.stand_in.gate.clear()
    chunks = engine.speak(openai.utterance(), CancelToken())
    first = next(chunk for chunk in chunks if chunk.samples.size)
    assert not openai.stand_in.gate.is_set() and openai.stand_in.running == 1
    openai.stand_in.gate.set()
    rest = sum(chunk.samples.size for chunk in chunks)
    assert first.samples.size + rest == openai.speak(engine)


def test_a_cancel_closes_the_connection_at_once(openai: RemoteWorld, engine: RemoteEngine) -> None:
    openai.stand_in.faults.endless = True
    cancel = CancelToken()
    chunks = engine.speak(openai.utterance(), cancel)
    next(chunk for chunk in chunks if chunk.samples.size)
    cancel.set()
    with pytest.raises(WorkCancelled):
        for _ in chunks:
            pass
    assert openai.stand_in.gone.wait(20)


def test_a_stream_that_is_closed_early_leaves_the_server(
    openai: RemoteWorld, engine: RemoteEngine
) -> None:
    openai.stand_in.faults.endless = True
    chunks = engine.speak(openai.utterance(), CancelToken())
    next(chunk for chunk in chunks if chunk.samples.size)
    chunks.close()  # type: ignore[attr-defined]
    assert openai.stand_in.gone.wait(20)


def test_a_cancel_from_another_thread_ends_a_wait_for_a_server_that_hangs(
    openai: RemoteWorld, engine: RemoteEngine
) -> None:
    openai.stand_in.faults.hang_at_once = True
    cancel = CancelToken()
    threading.Timer(0.1, cancel.set).start()
    with pytest.raises(WorkCancelled):
        for _ in engine.speak(openai.utterance(), cancel):
            pass


def test_what_fails_before_the_first_byte_is_tried_again(
    openai: RemoteWorld, engine: RemoteEngine
) -> None:
    openai.stand_in.faults.drop = 1
    openai.stand_in.faults.statuses = [(503, {"error": {"message": "loading"}})]
    assert openai.speak(engine)
    assert openai.stand_in.paths().count(SPEECH) == 3


def test_the_tries_come_to_an_end(openai: RemoteWorld, load: Load) -> None:
    engine = load(retries=1)
    openai.stand_in.faults.statuses = [(503, {"error": {"message": "loading"}})] * 9
    error = fault(openai, engine)
    assert isinstance(error, SynthesisFailed) and error.code == "upstream_failed"
    assert "status 503, loading" in error.message
    assert openai.stand_in.paths().count(SPEECH) == 2


def test_nothing_is_tried_again_after_the_first_byte(
    openai: RemoteWorld, engine: RemoteEngine
) -> None:
    openai.stand_in.faults.cut_after = 1
    heard = []
    with pytest.raises(SynthesisFailed, match="broke off after") as raised:
        for chunk in engine.speak(openai.utterance(), CancelToken()):
            heard.append(chunk.samples.size)
    assert raised.value.code == "upstream_failed" and sum(heard)
    assert openai.stand_in.paths().count(SPEECH) == 1


def test_an_answer_that_stands_still_is_given_up(openai: RemoteWorld, load: Load) -> None:
    engine = load(read_seconds=0.2)
    openai.stand_in.faults.hang = True
    error = fault(openai, engine)
    assert error.code == "upstream_timeout" and "remote.read_seconds" in str(error.hint)
    assert openai.stand_in.paths().count(SPEECH) == 1, "it may still be computing"


def test_a_server_that_sends_a_byte_now_and_then_is_given_up(
    openai: RemoteWorld, load: Load
) -> None:
    engine = load(total_seconds=1.0)
    openai.stand_in.faults.slowly = True
    error = fault(openai, engine)
    assert error.code == "upstream_timeout" and "remote.total_seconds" in str(error.hint)


def test_an_answer_without_end_is_cut_off(openai: RemoteWorld, load: Load) -> None:
    engine = load(answer_bytes=100_000)
    openai.stand_in.faults.endless = True
    error = fault(openai, engine)
    assert error.code == "upstream_failed" and "more than 100000 bytes" in error.message
    assert openai.stand_in.gone.wait(20)


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, BadRequest, "upstream_refused"),
        (404, BadRequest, "upstream_refused"),
        (401, Unavailable, "upstream_denied"),
        (403, Unavailable, "upstream_denied"),
        (429, Busy, "busy"),
        (500, SynthesisFailed, "upstream_failed"),
    ],
)
def test_the_server_s_error_is_in_ours(
    openai: RemoteWorld, engine: RemoteEngine, status: int, kind: type[YamabikoError], code: str
) -> None:
    said = "the reason,\nin two lines " + "and more " * 100
    openai.stand_in.faults.statuses = [(status, {"error": {"message": said}})]
    error = fault(openai, engine)
    assert isinstance(error, kind) and error.code == code
    assert "the reason, in two lines and more" in error.message and "…" in error.message
    assert openai.stand_in.paths().count(SPEECH) == 1


def test_an_answer_that_is_a_page_is_no_sound(openai: RemoteWorld, engine: RemoteEngine) -> None:
    openai.stand_in.faults.content_type = "text/html"
    error = fault(openai, engine)
    assert error.code == "upstream_failed" and "text/html" in error.message


def test_a_redirect_is_not_followed(openai: RemoteWorld, engine: RemoteEngine) -> None:
    openai.stand_in.faults.location = "http://127.0.0.1:1/elsewhere"
    error = fault(openai, engine)
    assert error.code == "upstream_failed" and "not followed" in error.message


def test_a_server_that_is_away_is_told_when_it_is_loaded(
    openai: RemoteWorld, free_port: int
) -> None:
    from tests.support.remote_world import with_server

    settings = with_server(openai.settings, openai.kind, f"http://127.0.0.1:{free_port}")
    engine = type(openai.engine())(settings, "home")
    with pytest.raises(Unavailable, match="cannot be reached: .*refused") as raised:
        engine.load()
    assert raised.value.code == "upstream_unreachable" and raised.value.retry_after


def test_a_connection_serves_several_lines_and_is_closed_at_the_end(
    openai: RemoteWorld, engine: RemoteEngine
) -> None:
    for _ in range(3):
        assert openai.speak(engine)
    upstream = engine._upstream
    assert upstream is not None and len(upstream._idle) == 1
    (connection,) = upstream._idle
    engine.unload()
    assert connection.sock is None


def test_connections_are_closed_with_an_engine_that_nobody_unloaded(openai: RemoteWorld) -> None:
    engine = openai.engine()
    engine.load()
    assert openai.speak(engine)
    assert engine._upstream is not None
    (connection,) = engine._upstream._idle
    del engine
    gc.collect()
    assert connection.sock is None


def test_a_connection_that_the_server_has_closed_is_not_used(
    openai: RemoteWorld, engine: RemoteEngine
) -> None:
    assert openai.speak(engine)
    upstream = engine._upstream
    assert upstream is not None
    (connection,) = upstream._idle
    connection.sock.shutdown(0)  # as if the server had ended it
    openai.stand_in.asked.clear()
    assert openai.speak(engine)
    assert openai.stand_in.paths().count(SPEECH) == 1 and upstream._idle != [connection]


def test_many_failures_leave_the_server_alone_and_one_try_brings_it_back(
    openai: RemoteWorld, load: Load
) -> None:
    engine = load(retries=0, breaker_failures=2, breaker_seconds=0.4)
    openai.stand_in.faults.statuses = [(500, {})] * 2
    for _ in range(2):
        assert fault(openai, engine).code == "upstream_failed"
    openai.stand_in.asked.clear()
    paused = fault(openai, engine)
    assert isinstance(paused, Unavailable) and paused.code == "upstream_paused"
    assert paused.retry_after and not openai.stand_in.asked, "it is not even asked"

    def is_back() -> bool:
        with suppress(Unavailable):
            return bool(openai.speak(engine))
        return False

    wait_until(is_back)
    assert openai.speak(engine)
