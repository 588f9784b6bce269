"""Servers with api_v2: weights that are switched under lines, and errors told by silence."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from realtime.engines.contract import CancelToken, LineState, Utterance
from realtime.engines.remote.engine import RemoteEngine
from realtime.errors import BadRequest, SynthesisFailed
from tests.support.polling import wait_until
from tests.support.remote_world import RemoteWorld


@pytest.fixture
def engine(gpt_sovits: RemoteWorld) -> Iterator[RemoteEngine]:
    for name in ("a", "b"):
        gpt_sovits.add_character(name, gpt=f"{name}.ckpt", sovits=f"{name}.pth")
    engine = gpt_sovits.engine()
    engine.load()
    yield engine
    engine.unload()


class SpokenLine(threading.Thread):
    """A line that is spoken on a thread, of several pieces, which end when the test says so."""

    def __init__(self, engine: RemoteEngine, pieces: list[Utterance]) -> None:
        super().__init__(daemon=True)
        self.engine, self.pieces, self.error = engine, pieces, None
        self.start()

    def run(self) -> None:
        while self.pieces:
            for _ in self.engine.speak(self.pieces.pop(0), CancelToken()):
                pass


def line(world: RemoteWorld, name: str, pieces: int = 1) -> list[Utterance]:
    state = LineState()
    return [world.utterance(f"{name} {n}", name, line_state=state) for n in range(pieces)]


def test_a_line_is_asked_for_with_all_that_its_character_says(
    gpt_sovits: RemoteWorld, engine: RemoteEngine
) -> None:
    options = {"top_k": 5, "fragment_interval": 0.2}
    gpt_sovits.add_character("nana", prompt_text="はい。", options=options)
    asked = gpt_sovits.utterance("Hi there.", "nana", speed=1.5, seed=7)
    assert sum(chunk.samples.size for chunk in engine.speak(asked, CancelToken()))
    (body,) = gpt_sovits.stand_in.spoken("/tts")[1:]
    assert body == {
        "text": "Hi there.",
        "text_lang": "en",
        "ref_audio_path": "nana.wav",
        "prompt_text": "はい。",
        "prompt_lang": "ja",
        "speed_factor": 1.5,
        "seed": 7,
        "media_type": "wav",
        "streaming_mode": 1,
        **options,
    }


def test_weights_are_switched_where_a_line_needs_others(
    gpt_sovits: RemoteWorld, engine: RemoteEngine
) -> None:
    for name in ("a", "a", "b", "a"):
        assert gpt_sovits.speak(engine, name=name)
    assert gpt_sovits.stand_in.log == [
        *("gpt a.ckpt", "sovits a.pth", "line a.ckpt a.pth", "line a.ckpt a.pth"),
        *("gpt b.ckpt", "sovits b.pth", "line b.ckpt b.pth"),
        *("gpt a.ckpt", "sovits a.pth", "line a.ckpt a.pth"),
    ]


def test_a_line_with_other_weights_waits_for_the_end_of_the_present_line(
    gpt_sovits: RemoteWorld, engine: RemoteEngine
) -> None:
    """The second piece of a line that runs comes before the switch for another line."""
    stand_in = gpt_sovits.stand_in
    stand_in.gate.clear()
    first = SpokenLine(engine, line(gpt_sovits, "a", pieces=2))
    wait_until(lambda: stand_in.log[-1:] == ["line a.ckpt a.pth"])
    second = SpokenLine(engine, line(gpt_sovits, "b"))
    wait_until(lambda: engine._turns._waiting)
    stand_in.gate.set()
    first.join(30)
    second.join(30)
    lines = [each for each in stand_in.log if each.startswith("line")]
    assert lines == ["line a.ckpt a.pth"] * 2 + ["line b.ckpt b.pth"]


def test_many_lines_at_once_are_each_spoken_with_their_own_weights(
    gpt_sovits: RemoteWorld, engine: RemoteEngine
) -> None:
    lines = [SpokenLine(engine, line(gpt_sovits, name, 2)) for name in "abab" * 2]
    for each in lines:
        each.join(60)
        assert not each.is_alive() and not each.pieces
    spoken = gpt_sovits.stand_in.log
    assert len([each for each in spoken if each.startswith("line")]) == 16
    texts = [body["text"] for body in gpt_sovits.stand_in.spoken("/tts") if body]
    served = [each for each in spoken if each.startswith("line")]
    for text, weights in zip(texts, served, strict=True):
        assert weights.startswith(f"line {text[0]}.ckpt"), "the weights of its own character"
    assert gpt_sovits.stand_in.most_running == 1


def test_a_switch_that_fails_is_told_and_leaves_the_weights_unknown(
    gpt_sovits: RemoteWorld, engine: RemoteEngine
) -> None:
    gpt_sovits.add_character("gone", gpt="missing.ckpt", sovits="gone.pth")
    assert gpt_sovits.speak(engine, name="a")
    with pytest.raises(BadRequest, match=r"change gpt weight failed no file missing\.ckpt"):
        gpt_sovits.speak(engine, name="gone")
    gpt_sovits.stand_in.log.clear()
    assert gpt_sovits.speak(engine, name="a")
    assert gpt_sovits.stand_in.log[0] == "gpt a.ckpt", "it is switched to once more"


def test_a_character_without_weights_is_refused_once_others_were_set(
    gpt_sovits: RemoteWorld, engine: RemoteEngine
) -> None:
    assert gpt_sovits.speak(engine)
    assert gpt_sovits.speak(engine, name="a")
    with pytest.raises(BadRequest, match="names no gpt and sovits") as refused:
        gpt_sovits.speak(engine)
    assert refused.value.code == "upstream_refused"


@pytest.mark.parametrize("before", [0, 20_000])
def test_a_second_of_silence_is_an_error(
    gpt_sovits: RemoteWorld, engine: RemoteEngine, before: int
) -> None:
    gpt_sovits.stand_in.state["silence"] = before
    heard: list[np.ndarray] = []
    with pytest.raises(SynthesisFailed, match="a second of silence") as failed:
        for chunk in engine.speak(gpt_sovits.utterance(), CancelToken()):
            heard.append(chunk.samples)
    assert failed.value.code == "upstream_failed"
    assert abs(sum(each.size for each in heard) - before // 2) <= 2, "no silence was given"


def test_its_errors_in_json_are_in_ours(gpt_sovits: RemoteWorld, engine: RemoteEngine) -> None:
    gpt_sovits.add_character("gone", reference="missing.wav")
    with pytest.raises(BadRequest, match=r"tts failed missing\.wav not exists"):
        gpt_sovits.speak(engine, name="gone")


def test_another_kind_of_server_is_told(gpt_sovits: RemoteWorld) -> None:
    gpt_sovits.stand_in.doors = lambda stand_in, handler: False
    with pytest.raises(SynthesisFailed, match="no /tts of api_v2"):
        gpt_sovits.engine().load()
