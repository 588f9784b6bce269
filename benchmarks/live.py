"""The latency of lines on the live socket, and the gaps in their sound.

Each session types lines of 5 to 200 characters at 30 a second, listens to the end, pauses, and goes
on; one line in ten is interrupted. Playback is virtual: a frame that comes after all before it were
played is an underrun. Where its clause was not written yet, the time from the clause's end to its
sound is counted instead. The bare engine speaks the same first clauses in the same run.
"""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.first_audio import bare
from benchmarks.sentences import ENGLISH
from benchmarks.server import Server
from benchmarks.talker import CLAUSE_END, ListenedLine, Talker
from realtime.configuration import load_settings
from realtime.services import Services, build
from realtime.speech.request import LineRequest

SIGNS_A_SECOND = 30.0
CANCELLED = 0.1  # share of the lines
PAUSE_SECONDS = (0.3, 1.5)  # between two lines
SHORT = ("Hello.", "Yes, of course.", "Why not?", "Wait for me!", "I am here.")
IDLE_SOCKETS = 2_000


@dataclass
class SessionLines:
    """The lines that all sessions of one run heard, and those that they cancelled."""

    heard: list[ListenedLine] = field(default_factory=list)
    cancelled: list[ListenedLine] = field(default_factory=list)


def text_of(draw: random.Random) -> str:
    """Draw a line as people write: mostly a sentence, sometimes a word or a paragraph."""
    kind = draw.random()
    if kind < 0.25:
        return draw.choice(SHORT)
    if kind < 0.8:
        return draw.choice(ENGLISH)
    return " ".join(draw.sample(ENGLISH, 3))[:200]


async def converse(
    address: str, engine: str, seed: int, seconds: float, found: SessionLines
) -> None:
    """Run one session until its time is over."""
    draw = random.Random(seed)
    end = time.perf_counter() + seconds
    async with Talker(address, engine) as talker:
        await asyncio.sleep(draw.uniform(0.0, 1.0))
        while time.perf_counter() < end:
            fields = {"seed": draw.getrandbits(60)}  # so that no line is in the cache
            saying = asyncio.create_task(talker.type(text_of(draw), SIGNS_A_SECOND, **fields))
            if draw.random() < CANCELLED:
                await asyncio.sleep(draw.uniform(0.3, 3.0))
                if not saying.done():
                    await talker.cancel(talker.latest)
                    found.cancelled.append(await saying)
                    continue
            heard = await saying
            found.heard.append(heard)
            await asyncio.sleep(
                heard.still_playing(time.perf_counter()) + draw.uniform(*PAUSE_SECONDS)
            )


async def bare_first_chunks(services: Services, engine: str, runs: int) -> list[float]:
    """Measure the engine alone on the first clauses of such lines, in seconds."""
    draw, found = random.Random(0), []
    for _ in range(runs):
        text = text_of(draw)
        match = CLAUSE_END.search(text)
        clause = text[: match.end()] if match else text
        line = await services.speech.line(LineRequest(clause, language="en", engine=engine))
        found.append((await bare(services, line)).first_audible)
        await asyncio.sleep(0.05)
    return found[2:]


def row_of(engine: str, sessions: int, found: SessionLines, server: Server) -> dict[str, Any]:
    first = [1000 * heard.first_audible for heard in found.heard if heard.first_at]
    underruns = [1000 * late for heard in found.heard for late in heard.late]
    waits = [1000 * wait for heard in found.heard for wait in heard.waits]
    wrong = [line.ended for line in found.heard if line.ended != "done"]
    after = sum(heard.frames_after_end for heard in found.cancelled + found.heard)
    cancels = [
        1000 * line.cancelled_after for line in found.cancelled if line.cancelled_after is not None
    ]
    measured = metrics(server.address)
    return {
        "engine": engine,
        "sessions": sessions,
        "lines": len(found.heard),
        "audible p50 ms": _percentile(first, 50),
        "p95": _percentile(first, 95),
        "p99": _percentile(first, 99),
        "underruns": len(underruns),
        "longest ms": round(max(underruns, default=0.0), 1),
        "later clause p95 ms": _percentile(waits, 95),
        "cancelled": len(cancels),
        "told p95 ms": _percentile(cancels, 95),
        "idle p95 ms": _quantile(measured, "yamabiko_cancel_to_idle_seconds", 0.95),
        "lag p99 ms": _quantile(measured, "yamabiko_event_loop_lag_seconds", 0.99),
        "frames after end": after,
        "not done": len(wrong),
        "MB": round(server.memory_mb("VmRSS")),
    }


def metrics(address: str) -> str:
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def _quantile(text: str, name: str, share: float) -> float | None:
    """Return the bound, in ms, of the bucket that holds a quantile of a histogram."""
    found = re.findall(rf'^{name}_bucket{{le="([^"]+)"}} (\S+)', text, re.MULTILINE)
    total = float(found[-1][1]) if found else 0.0
    if not total:
        return None
    return next(1000 * float(le) for le, count in found if float(count) >= share * total)


def _percentile(values: list[float], share: float) -> float | None:
    return round(float(np.percentile(values, share)), 1) if values else None


async def conversations(engine: str, sessions: int, seconds: float) -> dict[str, Any]:
    found = SessionLines()
    with Server(preload=engine) as server:
        async with Talker(server.address, engine) as warm:
            await warm.say("This is only to warm up.", seed=1)
        await asyncio.gather(
            *(converse(server.address, engine, seed, seconds, found) for seed in range(sessions))
        )
        return row_of(engine, sessions, found, server)


async def overhead(engine: str, runs: int) -> dict[str, Any]:
    """Measure one session beside the bare engine, on the same clauses."""
    services = build(load_settings())
    bare_ms = [1000 * each for each in await bare_first_chunks(services, engine, runs + 2)]
    socket_ms = []
    draw = random.Random(0)
    with Server(preload=engine) as server:
        async with Talker(server.address, engine) as talker:
            for number in range(runs + 2):
                text = text_of(draw)
                match = CLAUSE_END.search(text)
                clause = text[: match.end()] if match else text
                heard = await talker.say(clause, seed=number, pace=False, language="en")
                socket_ms.append(1000 * heard.first_audible)
                await asyncio.sleep(0.05)
    await services.close()
    added = [one - other for one, other in zip(socket_ms[2:], bare_ms, strict=True)]
    return {
        "engine": engine,
        "bare p50 ms": round(statistics.median(bare_ms), 1),
        "socket p50 ms": round(statistics.median(socket_ms[2:]), 1),
        "socket adds p50 ms": round(statistics.median(added), 1),
    }


async def idle_sockets(count: int) -> dict[str, Any]:
    """Measure the memory of idle sockets, and the latency of a talker among them."""
    with Server(preload="hibari") as server:
        alone = await _measure_talker(server.address)
        before = server.memory_mb("VmRSS")
        silent = [Talker(server.address, "hibari") for _ in range(count)]
        for start in range(0, count, 100):
            await asyncio.gather(*(each.__aenter__() for each in silent[start : start + 100]))
        await asyncio.sleep(5)
        cost = (server.memory_mb("VmRSS") - before) * 1024 / count
        among = await _measure_talker(server.address)
        for start in range(0, count, 100):
            await asyncio.gather(
                *(each.__aexit__(None, None, None) for each in silent[start : start + 100])
            )
    return {
        "idle sockets": count,
        "KB each": round(cost, 1),
        "talker alone p50 ms": alone,
        "among them p50 ms": among,
    }


async def _measure_talker(address: str) -> float:
    found = []
    async with Talker(address, "hibari") as talker:
        for number in range(12):
            heard = await talker.say("Hello there, traveller.", seed=time.time_ns() + number)
            found.append(1000 * heard.first_audible)
    return round(statistics.median(found[2:]), 1)


async def run(seconds: float, runs: int, idle: int) -> dict[str, Any]:
    cases = [("hibari", 1), ("hibari", 8), ("hibari", 24), ("kokoro", 1)]
    talks = [await conversations(engine, sessions, seconds) for engine, sessions in cases]
    added = [await overhead(engine, runs) for engine in ("hibari", "kokoro")]
    return {"conversations": talks, "overhead": added, "idle": [await idle_sockets(idle)]}


def main() -> None:
    parser = report.argument_parser(
        "How soon is a line heard on the live socket, and does its sound ever stop?"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="of each conversation")
    parser.add_argument("--runs", type=int, default=15, help="of the comparison with the engine")
    parser.add_argument("--idle", type=int, default=IDLE_SOCKETS, help="sockets that say nothing")
    options = parser.parse_args()
    raise_file_limit()
    figures = asyncio.run(run(options.seconds, options.runs, options.idle))
    report.print_table("Conversations (text at 30 characters a second)", figures["conversations"])
    report.print_table("First audible sample beside the bare engine", figures["overhead"])
    report.print_table("Idle sockets", figures["idle"])
    report.write_json(options.json, figures)


def raise_file_limit() -> None:
    """Raise the limit of open files: thousands of sockets are open in this process too."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
