"""Conversations on the live socket: how soon is each line heard, and does its sound ever stop?

Each session types lines of 5 to 200 characters at 30 a second, listens to the end, thinks, and
goes on; one line in ten is interrupted. Playback is virtual: a frame that comes after the ones
before it have been played is an underrun, unless the clause that it speaks was not written yet:
then the time from the clause's end to its sound is told beside. The bare engine speaks the same
first clauses in the same run.
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
from benchmarks.talker import CLAUSE_END, Heard, Talker
from realtime.configuration import load_settings
from realtime.services import Services, build
from realtime.speech.request import LineRequest

SIGNS_A_SECOND = 30.0
CANCELLED = 0.1
THINKING = (0.3, 1.5)
SHORT = ("Hello.", "Yes, of course.", "Why not?", "Wait for me!", "I am here.")
IDLE_SOCKETS = 2_000


@dataclass
class Found:
    """What all sessions of one run heard."""

    heard: list[Heard] = field(default_factory=list)
    cancelled: list[Heard] = field(default_factory=list)


def text_of(draw: random.Random) -> str:
    """A line as people write it: mostly a sentence, now and then a word or a whole paragraph."""
    kind = draw.random()
    if kind < 0.25:
        return draw.choice(SHORT)
    if kind < 0.8:
        return draw.choice(ENGLISH)
    return " ".join(draw.sample(ENGLISH, 3))[:200]


async def converse(address: str, engine: str, seed: int, seconds: float, found: Found) -> None:
    """One session until its time is over."""
    draw = random.Random(seed)
    end = time.perf_counter() + seconds
    async with Talker(address, engine) as talker:
        await asyncio.sleep(draw.uniform(0.0, 1.0))
        while time.perf_counter() < end:
            fields = {"seed": draw.getrandbits(60)}  # nobody's line is another's recording
            saying = asyncio.create_task(talker.type(text_of(draw), SIGNS_A_SECOND, **fields))
            if draw.random() < CANCELLED:
                await asyncio.sleep(draw.uniform(0.3, 3.0))
                if not saying.done():
                    await talker.cancel(talker.latest)
                    found.cancelled.append(await saying)
                    continue
            heard = await saying
            found.heard.append(heard)
            await asyncio.sleep(heard.still_playing(time.perf_counter()) + draw.uniform(*THINKING))


async def bare_first_chunks(services: Services, engine: str, runs: int) -> list[float]:
    """The engine alone, speaking the first clauses of such lines."""
    draw, found = random.Random(0), []
    for _ in range(runs):
        text = text_of(draw)
        match = CLAUSE_END.search(text)
        clause = text[: match.end()] if match else text
        line = await services.speech.line(LineRequest(clause, language="en", engine=engine))
        found.append((await bare(services, line)).first_audible)
        await asyncio.sleep(0.05)
    return found[2:]


def row_of(engine: str, sessions: int, found: Found, server: Server) -> dict[str, Any]:
    first = [1000 * heard.first_audible for heard in found.heard if heard.first_at]
    underruns = [1000 * late for heard in found.heard for late in heard.late]
    waits = [1000 * wait for heard in found.heard for wait in heard.waits]
    wrong = [h.ended for h in found.heard if h.ended != "done"]
    after = sum(heard.frames_after_end for heard in found.cancelled + found.heard)
    cancels = [1000 * h.cancelled_after for h in found.cancelled if h.cancelled_after is not None]
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
    """The bound of the histogram's bucket that holds a share of what was counted, in ms."""
    found = re.findall(rf'^{name}_bucket{{le="([^"]+)"}} (\S+)', text, re.MULTILINE)
    total = float(found[-1][1]) if found else 0.0
    if not total:
        return None
    return next(1000 * float(le) for le, count in found if float(count) >= share * total)


def _percentile(values: list[float], share: float) -> float | None:
    return round(float(np.percentile(values, share)), 1) if values else None


async def conversations(engine: str, sessions: int, seconds: float) -> dict[str, Any]:
    found = Found()
    with Server(preload=engine) as server:
        async with Talker(server.address, engine) as warm:
            await warm.say("This is only to warm up.", seed=1)
        await asyncio.gather(
            *(converse(server.address, engine, seed, seconds, found) for seed in range(sessions))
        )
        return row_of(engine, sessions, found, server)


async def overhead(engine: str, runs: int) -> dict[str, Any]:
    """One session and the bare engine in turns, on the same clauses."""
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
    """What sockets cost that say nothing, and whether a talker notices them."""
    with Server(preload="hibari") as server:
        alone = await _talked(server.address)
        before = server.memory_mb("VmRSS")
        silent = [Talker(server.address, "hibari") for _ in range(count)]
        for start in range(0, count, 100):
            await asyncio.gather(*(each.__aenter__() for each in silent[start : start + 100]))
        await asyncio.sleep(5)
        cost = (server.memory_mb("VmRSS") - before) * 1024 / count
        among = await _talked(server.address)
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


async def _talked(address: str) -> float:
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
    parser = report.options("How soon is a line heard on the live socket, and does it ever stop?")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each conversation")
    parser.add_argument("--runs", type=int, default=15, help="of the comparison with the engine")
    parser.add_argument("--idle", type=int, default=IDLE_SOCKETS, help="sockets that say nothing")
    options = parser.parse_args()
    raise_file_limit()
    figures = asyncio.run(run(options.seconds, options.runs, options.idle))
    report.show("Conversations (text at 30 characters a second)", figures["conversations"])
    report.show("First audible sample beside the bare engine", figures["overhead"])
    report.show("Idle sockets", figures["idle"])
    report.keep(options.json, figures)


def raise_file_limit() -> None:
    """Thousands of sockets are open here as well."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
