"""Benchmark: the time to the first sound, and the speed: bare engine, in process, over HTTP.

The first audible sample is heard when its chunk has come and what stands before it in the sound
has been played. All ways take turns in the same run; figures are medians.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.server import Server
from realtime.audio.samples import AUDIBLE, FULL_SCALE, to_pcm16
from realtime.audio.trim import Trimmer
from realtime.configuration import load_settings
from realtime.engines.contract import Utterance
from realtime.services import Services, build
from realtime.settings import Settings
from realtime.speech.line import Line
from realtime.speech.request import LineRequest
from realtime.text.split import split

STORY = (
    "When the rain finally stopped late in the evening, nobody in the small village believed that "
    "the river would ever calm down again. So they waited by the old bridge, with lanterns in "
    "their hands, and listened to the water until the first light of the morning came. "
)
RUNNING = STORY.replace(",", "").replace(". ", " and ")
TEXTS = {
    "en short": ("en", "Hello there."),
    "en medium": ("en", STORY[:95].strip() + "."),
    "en long": ("en", STORY),
    "en 5000 characters": ("en", (STORY * 25)[:5000]),
    "en no clause": ("en", RUNNING),
    "zh medium": ("zh", "欢迎回来，旅行者。城门在日落时关闭，请你快一点进来，外面很冷。"),
    "ja medium": (
        "ja",
        "お帰りなさい、旅人よ。町の門は日没に閉まりますから、急いで入ってください。",
    ),
}
PLAYED_TO_THE_END = 300  # characters; longer lines are left after their first sound
WHOLE_RUNS = 3  # how often a line is heard to its end, for the factor


@dataclass
class ListenerFigures:
    """The figures of one listener, in seconds."""

    first_chunk: float = 0.0
    first_audible: float = 0.0
    seconds: float = 0.0
    took: float = 0.0

    @property
    def factor(self) -> float:
        return self.took / self.seconds if self.seconds else 0.0


class SoundTimer:
    """A timer of a listener: when sound comes, and when the first audible sample is heard."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._begun = time.perf_counter()
        self._samples = 0
        self.heard = ListenerFigures()

    def add(self, pcm: Any) -> bool:
        """Note some sound; tell whether anything audible has come by now."""
        now = time.perf_counter() - self._begun
        self.heard.first_chunk = self.heard.first_chunk or now
        loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > AUDIBLE * FULL_SCALE)
        if not self.heard.first_audible and loud.size:
            self.heard.first_audible = now + (self._samples + int(loud[0])) / self._rate
        self._samples += pcm.size
        self.heard.seconds, self.heard.took = self._samples / self._rate, now
        return bool(self.heard.first_audible)


async def bare(services: Services, line: Line) -> ListenerFigures:
    """Speak the first piece, already cut, with the engine alone on its lane."""
    async with services.models.synthesizer(line.engine).lease() as lease:
        engine = lease.engine
        piece = split(line.text, line.language, engine.first_piece)[0]
        asked = Utterance(piece.segments, line.character, line.accent, line.speed, line.seed)
        timer = SoundTimer(engine.sample_rate)
        async with aclosing(
            lease.lane.stream(lambda cancel: engine.speak(asked, cancel), lambda: 0.0)
        ) as chunks:
            async for chunk in chunks:
                timer.add(to_pcm16(Trimmer(engine.sample_rate).feed(chunk.samples)))
    return timer.heard


async def in_process(services: Services, line: Line) -> ListenerFigures:
    """Speak a line as the command line does."""
    timer = SoundTimer(services.speech.sample_rate(line))
    async with aclosing(services.speech.say(line, keep=False)) as spoken:
        async for part in spoken:
            if timer.add(part.pcm):
                break
    return timer.heard


def over_http(address: str, line: Line, whole: bool) -> ListenerFigures:
    body: dict[str, Any] = {"model": line.engine, "voice": line.character.name, "input": line.text}
    body |= {"language": line.language, "response_format": "pcm", "longprompt": True}
    body["seed"] = random.getrandbits(62)  # another recording each time, of the same sound
    request = urllib.request.Request(
        f"{address}/v1/audio/speech",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    timer = SoundTimer(24000)
    with urllib.request.urlopen(request, timeout=120) as answer:
        for pcm in whole_samples(answer):
            if timer.add(pcm) and not whole:
                break
    return timer.heard


def whole_samples(answer: Any) -> Iterator[Any]:
    rest = b""
    while data := answer.read1(1 << 16):
        data = rest + data
        whole = len(data) // 2 * 2
        rest = data[whole:]
        yield np.frombuffer(data[:whole], "<i2")


async def measure(services: Services, address: str, line: Line, runs: int) -> dict[str, Any]:
    """Measure all three ways in turn, run by run."""
    ways: dict[str, list[ListenerFigures]] = {"bare": [], "process": [], "http": [], "whole": []}
    whole = len(line.text) <= PLAYED_TO_THE_END
    for number in range(runs + 1):
        ways["bare"].append(await bare(services, line))
        ways["process"].append(await in_process(services, line))
        ways["http"].append(await asyncio.to_thread(over_http, address, line, False))
        if whole and number < WHOLE_RUNS:
            ways["whole"].append(await asyncio.to_thread(over_http, address, line, True))
        await asyncio.sleep(0.1)  # the server's engine finishes what was left
    row: dict[str, Any] = {}
    for name in ("bare", "process", "http"):
        warm = ways[name][1:]
        row[f"{name} chunk ms"] = _median(warm, lambda heard: 1000 * heard.first_chunk)
        row[f"{name} audible ms"] = _median(warm, lambda heard: 1000 * heard.first_audible)
    added = [h.first_chunk - b.first_chunk for h, b in zip(ways["http"], ways["bare"], strict=True)]
    row["http adds ms"] = round(1000 * statistics.median(added[1:]), 1)
    row["factor"] = _median(ways["whole"], lambda h: h.factor) if whole else None
    return row


def _median(all_heard: list[ListenerFigures], figure: Callable[[ListenerFigures], float]) -> float:
    return round(statistics.median(map(figure, all_heard)), 1 if figure(all_heard[0]) > 3 else 3)


async def measure_cancels(services: Services, runs: int) -> dict[str, float]:
    """Measure from a listener's leaving in the middle of Kokoro's work to the free lane."""
    line = await services.speech.line(LineRequest(STORY * 4, "af_bella", "en", engine="kokoro"))
    draw, found = random.Random(1), []
    async with services.models.synthesizer("kokoro").lease() as lease:
        for _ in range(runs):
            listener = asyncio.create_task(in_process_whole(services, line))
            await asyncio.sleep(draw.uniform(0.05, 2.0))
            left = time.perf_counter()
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)
            await lease.lane.call(lambda: None)
            found.append(1000 * (time.perf_counter() - left))
    return {
        "runs": runs,
        "p50 ms": round(statistics.median(found), 1),
        "p95 ms": round(float(np.percentile(found, 95)), 1),
        "max ms": round(max(found), 1),
    }


async def in_process_whole(services: Services, line: Line) -> None:
    async with aclosing(services.speech.say(line, keep=False)) as spoken:
        async for _ in spoken:
            pass


async def lines(services: Services) -> AsyncIterator[tuple[str, str, Line]]:
    for name, (language, text) in TEXTS.items():
        for engine in ("hibari", "kokoro") if language == "en" else ("kokoro",):
            request = LineRequest(text, language=language, longprompt=True, engine=engine)
            yield name, engine, await services.speech.line(request)


async def run(runs: int, cancel_runs: int) -> dict[str, Any]:
    settings: Settings = load_settings()
    services = build(settings)
    rows = []
    with Server() as server:
        start = {
            "seconds to ready": round(server.start_seconds, 2),
            "idle MB": round(server.memory_mb("VmRSS")),
        }
        async for name, engine, line in lines(services):
            row = await measure(services, server.address, line, runs)
            rows.append({"line": name, "engine": engine, **row})
            print(".", end="", flush=True)
        start["most MB, all loaded"] = round(server.memory_mb("VmHWM"))
    stopped = await measure_cancels(services, cancel_runs)
    await services.close()
    return {"lines": rows, "server": start, "cancel": stopped}


def main() -> None:
    parser = report.argument_parser("How soon is a line heard, and how fast is it spoken?")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--cancels", type=int, default=40)
    options = parser.parse_args()
    figures = asyncio.run(run(options.runs, options.cancels))
    report.print_table(
        "First audio (medians; factor: seconds of work for a second of sound)", figures["lines"]
    )
    report.print_table("Server", [figures["server"]])
    report.print_table("Cancel to free lane (Kokoro)", [figures["cancel"]])
    report.write_json(options.json, figures)


if __name__ == "__main__":
    main()
