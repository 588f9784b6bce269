"""Benchmark: an engine in this process and in one of its own, in turns: same sound, at what cost?

The first chunk includes reading the text, in both. Other work on the machine disturbs both ways
alike, so the overhead is the median of the differences of neighbours. With --soak a process speaks
for so many minutes, whole lines and cancelled ones, and the memory of both sides is printed.
"""

from __future__ import annotations

import os
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.sentences import SENTENCES
from realtime.characters import Characters
from realtime.engines import registry
from realtime.engines.contract import CancelToken, Chunk, LineState, Utterance, WorkCancelled
from realtime.engines.outside.process_memory import resident_bytes_of
from realtime.settings import ModelsSettings, OutsideSettings, Settings
from realtime.text.language import Segment

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Spoken:
    """A sentence as it was spoken: seconds until its first chunk, and until its last."""

    first: float
    whole: float
    chunks: list[Chunk]


def speak(engine: Any, utterance: Utterance) -> Spoken:
    started = time.perf_counter()
    fresh = replace(utterance, line_state=LineState())
    stream: Iterator[Chunk] = engine.speak(fresh, CancelToken())
    chunks = [next(stream)]
    first = time.perf_counter() - started
    chunks += stream
    return Spoken(first, time.perf_counter() - started, chunks)


def compare(inside: Any, outside: Any, utterances: list[Utterance]) -> dict[str, Any]:
    """Speak every sentence in both places, each place first in every other turn."""
    found: list[tuple[Spoken, Spoken]] = []
    for number, utterance in enumerate(utterances):
        order = (inside, outside) if number % 2 else (outside, inside)
        spoken = {engine: speak(engine, utterance) for engine in order}
        found.append((spoken[inside], spoken[outside]))
    seconds = sum(chunk.samples.size for here, _ in found for chunk in here.chunks)
    whole = [sum(pair[place].whole for pair in found) for place in (0, 1)]
    shares = [here.whole / there.whole for here, there in found]
    overheads = [1000 * (there.first - here.first) for here, there in found]
    return {
        "engine": inside.name,
        "sentences": len(found),
        "same samples": all(same(*pair) for pair in found),
        "first chunk inside ms": _median(1000 * here.first for here, _ in found),
        "outside ms": _median(1000 * there.first for _, there in found),
        "overhead p50 ms": _median(overheads),
        "real time inside": round(seconds / inside.sample_rate / whole[0], 2),
        "outside": round(seconds / inside.sample_rate / whole[1], 2),
        "throughput share p50": _median(shares),
    }


def same(here: Spoken, there: Spoken) -> bool:
    """Tell whether chunks have the same samples and words."""
    pairs = list(zip(here.chunks, there.chunks, strict=True))
    return all(np.array_equal(a.samples, b.samples) and a.words == b.words for a, b in pairs)


def soak(engine: Any, utterances: list[Utterance], minutes: float) -> list[dict[str, Any]]:
    """Speak for so many minutes; return the memory of both sides, ten times on the way."""
    rows: list[dict[str, Any]] = []
    chance, lines, cancelled = random.Random(1), 0, 0
    started = time.monotonic()
    due = 0.0
    while (now := time.monotonic() - started) < 60 * minutes or len(rows) < 11:
        if now >= due:
            rows.append(_memory(engine, now, lines, cancelled))
            due += 6 * minutes
        utterance = replace(chance.choice(utterances), line_state=LineState())
        stops = chance.random() < 0.2
        lines, cancelled = lines + 1, cancelled + stops
        _say(engine, utterance, chance.random() * 0.05 if stops else None)
    return rows


def _say(engine: Any, utterance: Utterance, cancel_after: float | None) -> None:
    cancel = CancelToken()
    timer = threading.Timer(cancel_after or 0.0, cancel.set)
    if cancel_after is not None:
        timer.start()
    try:
        for _ in engine.speak(utterance, cancel):
            pass
    except WorkCancelled:
        pass
    timer.cancel()


def _memory(engine: Any, seconds: float, lines: int, cancelled: int) -> dict[str, Any]:
    facts = engine.process()
    return {
        "minutes": round(seconds / 60, 1),
        "lines": lines,
        "cancelled": cancelled,
        "server MB": round(resident_bytes_of(os.getpid()) / MEGABYTE, 1),
        "process MB": round(facts.memory_bytes / MEGABYTE, 1),
        "restarts": facts.restarts,
    }


def _median(values: Any) -> float:
    return round(float(statistics.median(values)), 3)


def with_engine(
    name: str, settings: Settings, environment: str, use: Callable[[Any, Any], Any]
) -> Any:
    """Load an engine here and outside, and use both."""
    places = {name: environment} if environment else {}
    own = OutsideSettings(engines=(name,), environments=places)
    inside = registry.create(name, settings)
    outside = registry.create(name, replace(settings, outside=own))
    try:
        inside.load()
        outside.load()
        return use(inside, outside)
    finally:
        outside.unload()


def main() -> None:
    parser = report.argument_parser(__doc__ or "")
    parser.add_argument("--engines", nargs="+", default=["tone", "kokoro"], metavar="NAME")
    parser.add_argument("--environment", default="", help="a folder of engines/, for kokoro")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES")
    options = parser.parse_args()
    settings = Settings(models=ModelsSettings(threads=1))
    characters = Characters(settings.presets.path, settings.default_characters)
    utterances = [
        Utterance((Segment(text, language),), characters.default(language), seed=7)
        for language in ("en",)
        for text in SENTENCES[language] * options.rounds
    ]

    def measure(inside: Any, outside: Any) -> dict[str, Any]:
        for engine in (inside, outside):  # the first text loads dictionaries
            speak(engine, utterances[0])
        return compare(inside, outside, utterances)

    figures: dict[str, Any] = {}
    rows = []
    for name in options.engines:
        place = options.environment if name == "kokoro" else ""
        if options.soak:
            run = with_engine(
                name, settings, place, lambda _, outside: soak(outside, utterances, options.soak)
            )
            report.print_table(f"{name} for {options.soak:g} minutes", run)
            figures[f"soak {name}"] = run
        else:
            rows.append(with_engine(name, settings, place, measure))
    if rows:
        report.print_table("An engine in this process, and in one of its own", rows)
        figures["comparison"] = rows
    report.write_json(options.json, figures)


if __name__ == "__main__":
    main()
