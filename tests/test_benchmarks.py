"""Tests of the benchmarks' arithmetic; the figures themselves are taken by running them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import first_line, page, report, revoice, signing
from benchmarks.convert import count_clicks
from benchmarks.listening import errors, units
from benchmarks.microphone import ListenerNotes, Microphone, SkippedClock
from benchmarks.recordings import add_room
from benchmarks.sentences import MIXED, SENTENCES
from benchmarks.speech_quality import Task, summed, tasks
from realtime.conversion.live import Conversion
from realtime.engines.voice_change import VoiceChange
from realtime.engines.world import World
from tests.support.fake_converters import InvertingConverter, models_of
from tests.support.voice_like_sound import pcm, voice


def test_there_are_enough_sentences() -> None:
    assert all(len(set(texts)) >= 20 for texts in SENTENCES.values())
    assert len(set(MIXED)) >= 10
    assert len(list(tasks(["en"], None))) == 2 * len(SENTENCES["en"]) + 3


@pytest.mark.parametrize(
    ("expected", "heard", "wrong"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("", "ab", 2), ("abcd", "axcd", 1)]
    + [("abcd", "acd", 1), ("abcd", "abxcd", 1), ("kitten", "sitting", 3)],
)
def test_errors_are_the_fewest_changes(expected: str, heard: str, wrong: int) -> None:
    assert errors(list(expected), list(heard)) == wrong


@pytest.mark.parametrize(
    ("text", "other", "language"),
    [
        ("Hello, World!", "hello world", "en"),
        ("我們今天", "我们今天。", "zh"),
        ("今日は。", "きょうは", "ja"),
        ("ＡＢＣ", "abc", "en"),
        ("between 9 and 21", "between nine and twenty one", "en"),
        ("15分钟", "十五分钟", "zh"),
    ],
)
def test_what_sounds_alike_compares_alike(text: str, other: str, language: str) -> None:
    assert units(text, language) == units(other, language)


def test_of_a_mixed_sentence_only_the_main_language_counts() -> None:
    task = Task("mixed", "zh", "请给我一杯coffee，谢谢。", "kokoro", mixed=True)
    assert "".join(task.expected) == "请给我一杯谢谢"
    assert task.heard("请给我一杯咖啡, Thanks 谢谢") == list("请给我一杯咖啡谢谢")


def test_rates_are_over_all_sentences_of_a_group() -> None:
    found = [{"group": "a", "wrong": 1, "units": 10}, {"group": "a", "wrong": 1, "units": 30}]
    assert summed(found)[0]["error %"] == 5.0


@pytest.mark.parametrize("room", ["", "noise", "echo"])
def test_a_room_is_heard_and_the_speech_in_it_too(room: str) -> None:
    plain = pcm(voice(1.0))
    found = add_room(plain, room, 1)
    likeness = float(np.corrcoef(found.astype(float), plain.astype(float))[0, 1])
    assert found.size == plain.size
    assert (likeness == pytest.approx(1.0)) == (not room) and likeness > 0.8


def test_a_click_at_a_join_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert count_clicks(pcm(0.2 * voice(1.0)))["clicks"] == 0
    convert = World.convert

    def clicking(*given: Any) -> Iterator[Any]:
        for block in convert(*given):
            block[0] += 0.3
            yield block

    monkeypatch.setattr(World, "convert", clicking)
    found = count_clicks(pcm(0.2 * voice(1.0)))
    assert found["clicks"] > 0.8 * found["joins"] > 30
    assert found["between"] == 0


async def noted(work: float) -> ListenerNotes:
    engine, clock = InvertingConverter(), SkippedClock()
    engine.work = lambda samples: time.sleep(work)
    ours = models_of(engine)
    conversion = Conversion(ours, "inverting", VoiceChange(gate=-90.0), 16000, clock=clock)
    heard = await Microphone(conversion, pcm(voice(0.3, rate=16000)), clock).run(0.6, hurried=True)
    await ours.close()
    return heard


def test_a_microphone_in_skipped_time_notes_delays_as_they_would_be() -> None:
    """A block of 20 ms, and 20 ms that the converter is late by; the first chunk is empty."""
    quick, slow = asyncio.run(noted(0.0)), asyncio.run(noted(0.01))
    assert quick.samples == slow.samples == 9_600
    assert min(quick.delays) >= 0.04 - 0.0201
    assert min(slow.delays) >= 0.04 - 0.0201 + 0.009, "whatever the machine does, it worked so long"


def test_a_report_is_a_table_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report.print_table("Title", [{"name": "a", "figure": 1.5}])
    shown = capsys.readouterr().out
    assert "Title" in shown and "figure" in shown and "1.5" in shown
    path = tmp_path / "deep" / "figures.json"
    report.write_json(path, {"rows": [1]})
    assert '"processor"' in path.read_text() and '"rows"' in path.read_text()


@pytest.mark.parametrize("case", signing.CASES)
def test_every_kind_of_signed_request_passes_when_it_is_measured(case: signing.Case) -> None:
    for measured in (signing.time_verifying(case, 3), signing.time_signing(case, 3)):
        assert 0 < measured["p50 µs"] <= measured["p95 µs"]


def test_a_full_memory_of_nonces_is_weighed() -> None:
    assert signing.measure_nonces(1_000)["bytes each"] > 16


def answer(text: str, heard_at: float) -> revoice.Answer:
    return revoice.Answer([text], ["en"], understood_at=heard_at - 0.5, heard_at=heard_at)


def test_an_answer_is_late_by_what_passed_since_the_last_audible_sample() -> None:
    pcm = np.concatenate([np.full(24_000, 3_000, np.int16), np.zeros(12_000, np.int16)])
    said = revoice.SpokenText("af_heart", "en", "Open the gate.", "am_puck", pcm)
    end = revoice.BEFORE_SECONDS + 1.0
    rows = [
        revoice.figures_of(said, answer("Open the gate", end + late)) for late in (0.9, 1.1, 1.6)
    ]
    rows.append(revoice.figures_of(said, revoice.Answer(["Open", "gate."], ["en", "ja"], 0.2, 0.3)))
    assert [row["answer ms"] for row in rows[:3]] == [900, 1_100, 1_600]
    assert [row["wrong"] for row in rows] == [0, 0, 0, 1]
    english, every = revoice.summarise(rows)
    assert {**english, "language": "all"} == every
    assert (every["answer p50 ms"], every["understood p50 ms"]) == (1_100, 600)
    assert (every["as one sentence"], every["language found"]) == (3, 3)
    assert every["wrong %"] == round(100 / 12, 1)


@pytest.mark.parametrize("milliseconds", [0, 120, 415])
def test_how_late_a_sound_follows_another_is_found(milliseconds: int) -> None:
    sound = voice(5.0)
    late = np.concatenate([np.zeros(24 * milliseconds, np.float32), sound])[: sound.size]
    moved = np.sign(late) * np.abs(late) ** 0.9  # another voice, and as loud
    assert page.delay(sound, moved, 24_000) == pytest.approx(milliseconds / 1000, abs=0.003)


def test_a_first_line_is_compared_with_the_warm_ones() -> None:
    starts = [
        first_line.Start(
            warm,
            first={kind.name: first for kind in first_line.KINDS},
            again={kind.name: [200.0, 210.0] for kind in first_line.KINDS},
            warm_seconds=2.0 if warm == "auto" else None,
        )
        for warm, first in (("auto", 220.0), ("auto", 240.0), ("off", 900.0), ("off", 1100.0))
    ]
    rows = {(row["warm"], row["line"]): row for row in first_line.line_rows(starts)}
    assert rows["auto", "ja, kokoro"]["first / warm"] == round(230 / 205, 2)
    assert rows["off", "ja, kokoro"]["slowest first ms"] == 1100
    assert first_line.start_row("off", starts[2:])["warm after s"] is None
    assert first_line.start_row("auto", starts[:2])["warm after s"] == 2.0
    texts = {kind.text(number) for kind in first_line.KINDS[1:] for number in range(8)}
    assert len(texts) == 24, "each text is another one"
