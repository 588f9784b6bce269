"""A live microphone revoiced by another character: events, order, bounds, endings."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest

from realtime.audio.samples import Pcm
from realtime.conversion.by_words import Revoicing, SentenceHeard
from realtime.conversion.by_words.live import MOST_SENTENCES, MOST_TRANSCRIPTS
from realtime.engines.contract import Samples, Transcript
from realtime.errors import BadRequest, NotFound, SynthesisFailed
from realtime.services import Services
from realtime.settings import Settings
from realtime.speech.request import LineRequest
from tests.support.fake_recogniser import (
    RATE,
    LevelDetector,
    ScriptedRecogniser,
    hums,
    joined,
    services_with_fakes,
    silence,
)

pytestmark = pytest.mark.anyio

REQUEST = LineRequest("", "af_heart", engine="tone")
SENTENCE = hums(0.6, 0.8)
LETTER = round(0.08 * RATE)


class Bench:
    """A revoicing and its listener; `items` are what it gave until now."""

    def __init__(
        self, services: Services, detector: LevelDetector, recogniser: ScriptedRecogniser
    ) -> None:
        self.services, self.detector, self.recogniser = services, detector, recogniser
        self.items: list[Any] = []
        self.came = asyncio.Event()

    def start(self, request: LineRequest = REQUEST, rate: int = RATE, **options: Any) -> Revoicing:
        self.revoicing = Revoicing(
            self.services.models, self.services.speech, request, rate, **options
        )
        self.listening = asyncio.create_task(self._listen())
        return self.revoicing

    async def all(self, *parts: Pcm, request: LineRequest = REQUEST, **options: Any) -> list[Any]:
        revoicing = self.start(request, **options)
        for part in parts:
            await revoicing.feed(part)
        revoicing.end()
        await self.listening
        return self.items

    async def until(self, kind: type, count: int = 1) -> None:
        while sum(isinstance(item, kind) for item in self.items) < count:
            self.came.clear()
            waiting = asyncio.create_task(self.came.wait())
            await asyncio.wait((waiting, self.listening), return_when=asyncio.FIRST_COMPLETED)
            assert not self.listening.done(), self.listening

    def free(self) -> bool:
        jobs = dict(self.services.models.job_counts())
        leases = {state.name: state.leases for state in self.services.models.states()}
        return not any(jobs.values()) and not any(leases.values())

    async def _listen(self) -> None:
        async with aclosing(self.revoicing.output()) as items:
            async for item in items:
                self.items.append(item)
                self.came.set()


@pytest.fixture
async def bench(settings: Settings) -> AsyncIterator[Bench]:
    detector, recogniser = LevelDetector(), ScriptedRecogniser()
    services = services_with_fakes(settings, detector, recogniser)
    yield Bench(services, detector, recogniser)
    recogniser.may_go_on.set()
    await services.close()


def events_in(items: list[Any]) -> list[Any]:
    return [item for item in items if not isinstance(item, np.ndarray)]


def sound_in(items: list[Any]) -> Pcm:
    return joined(item for item in items if isinstance(item, np.ndarray))


def one_letter_more(letters: str = "abcdefghijklmnopqrstuvwxyz") -> Any:
    """Make a script of transcripts, each with a letter more than the one before."""
    lengths = iter(range(1, len(letters) + 1))

    def write(samples: Samples) -> Transcript:
        return Transcript(letters[: next(lengths)], "en")

    return write


async def test_a_sentence_is_reported_and_then_spoken(bench: Bench) -> None:
    items = await bench.all(SENTENCE)
    assert events_in(items) == [
        SentenceHeard("speech_started"),
        SentenceHeard("speech_stopped", "abc", "en"),
    ]
    assert items.index(events_in(items)[1]) < 2, "events go before sound"
    assert sound_in(items).size == pytest.approx(3 * LETTER, abs=2)
    assert bench.free()


async def test_sentences_are_spoken_in_their_order(bench: Bench) -> None:
    bench.recogniser.write = one_letter_more()
    items = await bench.all(*5 * [SENTENCE])
    texts = [item.text for item in events_in(items) if item.event == "speech_stopped"]
    assert texts == ["a", "ab", "abc", "abcd", "abcde"]
    events = [item.event for item in events_in(items)]
    assert events.count("speech_started") == 5
    letters = sound_in(items)
    # A little silence parts a sentence from one that is still being played.
    assert letters.size >= 15 * LETTER
    assert np.count_nonzero(np.abs(letters) > 300) > 0.8 * 15 * LETTER


async def test_silence_costs_nothing_however_long(bench: Bench) -> None:
    items = await bench.all(*10 * [silence(60.0)])
    assert items == []
    assert bench.detector.frames_checked == 0 and bench.recogniser.heard == []


async def test_noise_that_is_no_word_is_not_spoken(bench: Bench) -> None:
    bench.recogniser.write = lambda samples: Transcript("", "en")
    items = await bench.all(SENTENCE)
    assert items == [SentenceHeard("speech_started"), SentenceHeard("speech_stopped", None, "en")]


async def test_another_language_is_reported_and_the_microphone_goes_on(bench: Bench) -> None:
    said = iter([Transcript("", "ko", spoken=False), Transcript("abc", "en")])
    bench.recogniser.write = lambda samples: next(said)
    items = await bench.all(SENTENCE, SENTENCE)
    (notice,) = [item for item in events_in(items) if not isinstance(item, SentenceHeard)]
    assert notice.code == "not_spoken" and "ko" in notice.message
    assert sound_in(items).size == pytest.approx(3 * LETTER, abs=2)


async def test_a_recording_that_is_sent_at_once_loses_nothing(bench: Bench) -> None:
    count = MOST_SENTENCES + MOST_TRANSCRIPTS + 6
    bench.recogniser.write = one_letter_more()
    items = await bench.all(np.tile(SENTENCE, count))
    assert all(isinstance(item, SentenceHeard) for item in events_in(items))
    texts = [item.text for item in events_in(items) if item.event == "speech_stopped"]
    assert [len(text) for text in texts] == list(range(1, count + 1))


async def test_a_sender_on_time_that_is_not_understood_in_time_loses_whole_sentences(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.recogniser.may_go_on.clear()
    revoicing = bench.start()
    monkeypatch.setattr(revoicing.buffer, "sender_is_early", lambda: False)
    for _ in range(MOST_SENTENCES + 4):
        for piece in np.split(SENTENCE, 20):
            await revoicing.feed(piece)
            await revoicing.buffer.drained.wait()
    await bench.until(SentenceHeard, MOST_SENTENCES + 4 + 1)
    bench.recogniser.may_go_on.set()
    revoicing.end()
    await bench.listening
    left_out = [item for item in events_in(bench.items) if not isinstance(item, SentenceHeard)]
    assert left_out and {item.code for item in left_out} == {"left_out"}
    heard = [item for item in events_in(bench.items) if isinstance(item, SentenceHeard)]
    started = [item for item in heard if item.event == "speech_started"]
    assert len(started) == MOST_SENTENCES + 4
    assert len(heard) == 2 * len(started), "each sentence that starts stops"
    texts = [item.text for item in heard if item.text]
    assert len(texts) == MOST_SENTENCES + 4 - len(left_out)


async def test_a_microphone_that_stalls_is_answered(bench: Bench) -> None:
    revoicing = bench.start(stall=0.05)
    await revoicing.feed(hums(0.6))
    await bench.until(np.ndarray)
    assert [item.event for item in events_in(bench.items)] == ["speech_started", "speech_stopped"]
    revoicing.end()
    await bench.listening


async def test_nothing_is_lost_while_the_engines_are_loaded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = threading.Event()
    monkeypatch.setattr(bench.recogniser, "load", lambda: load.wait(60))
    revoicing = bench.start()
    monkeypatch.setattr(revoicing.buffer, "sender_is_early", lambda: False)
    for _ in range(5):
        await revoicing.feed(SENTENCE)
    load.set()
    revoicing.end()
    await bench.listening
    assert all(isinstance(item, SentenceHeard) and item.event for item in events_in(bench.items))
    assert sum(item.event == "speech_stopped" for item in events_in(bench.items)) == 5


async def test_hush_stops_what_is_spoken_and_goes_on_listening(bench: Bench) -> None:
    bench.recogniser.write = lambda samples: Transcript("abcdefgh " * 200, "en")
    revoicing = bench.start()
    await revoicing.feed(SENTENCE)
    await bench.until(np.ndarray)
    revoicing.hush()
    bench.recogniser.write = lambda samples: Transcript("abc", "en")
    before = len(bench.items)
    await revoicing.feed(SENTENCE)
    revoicing.end()
    await bench.listening
    assert sound_in(bench.items).size < 100 * 9 * LETTER
    assert events_in(bench.items[before:])[-1] == SentenceHeard("speech_stopped", "abc", "en")
    assert sound_in(bench.items[before:]).size >= 3 * LETTER


async def test_what_was_said_before_a_hush_is_not_spoken_after_it(bench: Bench) -> None:
    bench.recogniser.may_go_on.clear()
    revoicing = bench.start()
    await revoicing.feed(np.concatenate([SENTENCE, silence(1.0)]))
    await revoicing.buffer.drained.wait()
    assert await asyncio.to_thread(bench.recogniser.begun.wait, 60)
    revoicing.hush()
    bench.recogniser.may_go_on.set()
    revoicing.end()
    await bench.listening
    assert bench.items == [
        SentenceHeard("speech_started"),
        SentenceHeard("speech_stopped", "abc", "en"),
    ]


async def test_stop_ends_it_wherever_it_is(bench: Bench) -> None:
    bench.recogniser.write = lambda samples: Transcript("abcdefgh " * 200, "en")
    revoicing = bench.start()
    await revoicing.feed(SENTENCE)
    await bench.until(np.ndarray)
    revoicing.stop()
    await bench.listening
    assert sound_in(bench.items).size < 100 * 9 * LETTER
    assert bench.free()


async def test_stopped_before_it_began_it_gives_nothing(bench: Bench) -> None:
    revoicing = Revoicing(bench.services.models, bench.services.speech, REQUEST, RATE)
    revoicing.stop()
    assert [item async for item in revoicing.output()] == []


async def test_closing_early_frees_the_lanes(bench: Bench) -> None:
    bench.recogniser.write = lambda samples: Transcript("abcdefgh " * 200, "en")
    revoicing = bench.start()
    await revoicing.feed(np.tile(SENTENCE, 2))
    await bench.until(np.ndarray)
    bench.listening.cancel()
    await asyncio.wait((bench.listening,))
    assert bench.free()


async def test_a_listener_who_takes_nothing_bounds_everything(bench: Bench) -> None:
    """Check that a flood of sentences into a stream that nobody reads waits in `feed`."""
    revoicing = Revoicing(bench.services.models, bench.services.speech, REQUEST, RATE)
    output = revoicing.output()
    flooding = asyncio.create_task(revoicing.feed(np.tile(SENTENCE, 400)))
    assert await anext(output) == SentenceHeard("speech_started")
    await asyncio.wait((flooding,), timeout=2.0)
    assert not flooding.done()
    assert len(bench.recogniser.heard) < 100
    revoicing.stop()
    await output.aclose()
    await asyncio.wait((flooding,))
    assert bench.free()


async def test_two_microphones_do_not_mix(bench: Bench, settings: Settings) -> None:
    bench.recogniser.write = lambda samples: Transcript("a" * round(samples.size / RATE), "en")
    other = Bench(bench.services, bench.detector, bench.recogniser)
    await asyncio.gather(
        bench.all(*3 * [hums(1.0, 0.8)]), other.all(*3 * [hums(2.0, 0.8)], rate=RATE)
    )
    for found, text in ((bench, "a"), (other, "aa")):
        texts = [item.text for item in events_in(found.items) if item.text]
        assert texts == 3 * [text]


@pytest.mark.parametrize(("rate", "output_rate"), [(8000, 48000), (48000, 8000), (44100, None)])
async def test_rates(bench: Bench, rate: int, output_rate: int | None) -> None:
    items = await bench.all(hums(0.6, 0.8, rate=rate), rate=rate, output_rate=output_rate)
    assert sound_in(items).size == pytest.approx(0.24 * (output_rate or rate), abs=3)


async def test_a_rate_that_there_is_not_is_refused(bench: Bench) -> None:
    with pytest.raises(BadRequest, match="sample_rate is 1234"):
        Revoicing(bench.services.models, bench.services.speech, REQUEST, 1234)


async def test_an_unknown_character_is_refused_before_anything_is_loaded(bench: Bench) -> None:
    with pytest.raises(NotFound):
        await bench.all(SENTENCE, request=LineRequest("", "nobody"))
    assert bench.services.models.recogniser("revoice").state == "unloaded"


async def test_a_line_that_cannot_be_spoken_is_reported(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(utterance: object, cancel: object) -> object:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(bench.services.models.engine("tone"), "speak", broken)
    items = await bench.all(SENTENCE)
    assert events_in(items)[-1].code == "not_spoken"
    assert "inside" not in events_in(items)[-1].message


async def test_a_recogniser_that_fails_ends_the_stream(bench: Bench) -> None:
    def broken(samples: Samples) -> Transcript:
        raise ZeroDivisionError("inside")

    bench.recogniser.write = broken
    with pytest.raises(SynthesisFailed):
        await bench.all(SENTENCE)
    assert bench.free()
