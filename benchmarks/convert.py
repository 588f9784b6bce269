"""Benchmark of the engine `world`: its delay, its cost, and how true pitch and words stay.

It converts spoken, noisy, echoing and human speech. A delay runs from the moment a sample is spoken
to the moment it is heard on the server: the wait for its block, what the engine hears ahead, and
computing. Loss of packets and players come on top.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import report
from benchmarks.listening import Listener, errors, units
from benchmarks.microphone import Microphone, RealClock, SkippedClock
from benchmarks.recordings import RATE, Recorded, people, spoken
from realtime.audio.samples import Pcm, from_pcm16
from realtime.configuration import load_settings
from realtime.conversion.file import convert_recording
from realtime.conversion.live import Conversion
from realtime.engines.contract import CancelToken
from realtime.engines.voice_change import VoiceChange
from realtime.engines.world import World, median_pitch
from realtime.models.loaded import LoadedModels
from realtime.services import build

Floats = npt.NDArray[np.float64]

ENGINE = "world"
HIGH, LOW = 210.0, 115.0  # the medians that low and high voices are moved to
PARTS = ("truth", "cost", "live", "long")
TITLES = {
    "cost": "The engine alone, one core",
    "live": "Live, in real time",
    "long": "Half an hour beside others",
}
# Half of a core, in turns that are about as long as a block.
BUSY = """
import time
while True:
    until = time.perf_counter() + 0.02
    while time.perf_counter() < until:
        pass
    time.sleep(0.02)
"""


async def convert(models: LoadedModels, pcm: Pcm, change: VoiceChange) -> Pcm:
    async def parts() -> AsyncIterator[Pcm]:
        yield pcm

    output = convert_recording(models, ENGINE, change, parts(), RATE)
    return np.concatenate([part async for part in output])


def pitch_contour(pcm: Pcm) -> Floats:
    """Return the pitch in Hz of each 5 ms; 0 where there is no voice."""
    import pyworld

    sound = from_pcm16(pcm).astype(np.float64)
    rough, times = pyworld.dio(sound, RATE)
    found: Floats = pyworld.stonemask(sound, rough, times, RATE)
    return found


def cents_off(found: float, wanted: float) -> float:
    return float(1_200 * np.log2(found / wanted))


async def measure_truth(
    models: LoadedModels, recorded: Recorded, listener: Listener
) -> dict[str, Any]:
    """Convert one recording to other voices; compare pitch and words with what they should be."""
    own = median_pitch(from_pcm16(recorded.pcm), RATE)
    assert own is not None, f"nothing is voiced in {recorded.name}"
    target = HIGH if own < 160 else LOW
    steps = 4.0 if own < 160 else -4.0
    before = pitch_contour(recorded.pcm)
    moved = await convert(models, recorded.pcm, VoiceChange(pitch=steps))
    after = pitch_contour(moved)
    both = (before > 0) & (after > 0)
    off = 1_200 * np.log2(after[both] / before[both]) - 100 * steps
    there = await convert(models, recorded.pcm, VoiceChange(target=target, speaker=own))
    # Only the third time counts: by then the speaker's pitch is learnt.
    learnt = await convert(models, np.tile(recorded.pcm, 3), VoiceChange(target=target))
    learnt = learnt[-recorded.pcm.size :]
    found = [median_pitch(from_pcm16(pcm), RATE) or 1.0 for pcm in (there, learnt)]
    heard = [listener.hear(pcm, RATE, "en") for pcm in (recorded.pcm, moved, there)]
    expected = units(recorded.text if recorded.text is not None else heard[0], "en")
    return {
        "recording": recorded.name,
        "own Hz": own,
        "semitones off, cents": round(float(np.median(np.abs(off))), 1),
        "target Hz": target,
        "target off, known speaker": round(cents_off(found[0], target), 1),
        "target off, learnt": round(cents_off(found[1], target), 1),
        "voiced alike %": round(100 * float(np.mean((before > 0) == (after > 0))), 1),
        "words": len(expected),
        "wrong": errors(expected, units(heard[0], "en")),
        "wrong, semitones": errors(expected, units(heard[1], "en")),
        "wrong, target": errors(expected, units(heard[2], "en")),
        **count_clicks(recorded.pcm),
    }


def count_clicks(pcm: Pcm) -> dict[str, Any]:
    """Count jumps at the joins of blocks: bends of 3 times every other one within 10 ms.

    The same is counted in the middle of blocks, where nothing is joined.
    """
    engine = World(load_settings())
    change = VoiceChange(pitch=3.0)
    size = engine.plan(change).block
    sound = from_pcm16(pcm)[: pcm.size // size * size]
    blocks = iter(np.split(sound, sound.size // size))
    output = np.concatenate(list(engine.convert(blocks, change, CancelToken()))).astype(np.float64)
    bends = np.abs(np.diff(output, 2))

    def count_from(start: int) -> int:
        found = 0
        for join in range(start, bends.size - size // 2, size):
            near = bends[join - 3 : join + 2].max()
            around = np.concatenate(
                [bends[join - size // 2 : join - 3], bends[join + 2 : join + size // 2]]
            )
            if near > 3 * around.max() and near > 0.003:
                found += 1
        return found

    return {
        "joins": output.size // size - 1,
        "clicks": count_from(size),
        "between": count_from(size + size // 2),
    }


def measure_cost(recordings: list[Recorded], blocks: int) -> dict[str, Any]:
    """Measure the engine alone on one core, so many blocks at once."""
    engine = World(load_settings())
    engine.load()
    change = VoiceChange(target=200.0, formant=1.1)
    size = engine.plan(change).block * blocks
    sound = np.concatenate([from_pcm16(recorded.pcm) for recorded in recordings])
    sound = sound[: sound.size // size * size]
    taken, started = [], time.thread_time()
    for _ in engine.convert(iter(np.split(sound, sound.size // size)), change, CancelToken()):
        taken.append(time.thread_time() - started)
        started = time.thread_time()
    factor = sum(taken) / (sound.size / RATE)
    return {
        "block ms": 1000 * size // RATE,
        "compute p50 ms": round(1000 * float(np.median(taken)), 2),
        "compute p95 ms": round(1000 * float(np.percentile(taken, 95)), 2),
        "real-time factor": round(factor, 3),
        "streams a core": int(1 / factor),
    }


async def measure_live(
    models: LoadedModels, pcm: Pcm, streams: int, block: float, seconds: float
) -> dict[str, Any]:
    """Measure the delays of so many microphones in real time."""
    clock = RealClock()
    sound = np.resize(pcm, int(seconds * RATE))
    microphones = [
        Microphone(
            Conversion(
                models, ENGINE, VoiceChange(target=200.0), RATE, block_seconds=block, clock=clock
            ),
            np.roll(sound, number * RATE),
            clock,
            start_after=0.02 * number / streams,
        )
        for number in range(streams)
    ]
    found = await asyncio.gather(*(microphone.run(seconds) for microphone in microphones))
    delays = np.concatenate([notes.delays for notes in found])
    notices = sum(len(notes.notices) for notes in found)
    return {
        "block ms": round(1000 * block),
        "streams": streams,
        **delay_figures(delays),
        "notices": notices,
    }


def delay_figures(delays: Any) -> dict[str, Any]:
    quantiles = np.percentile(np.asarray(delays), [50, 95, 100]) * 1000
    names = ("delay p50 ms", "delay p95 ms", "worst ms")
    return {name: round(float(value), 1) for name, value in zip(names, quantiles, strict=True)}


async def measure_long(
    models: LoadedModels, pcm: Pcm, minutes: float, busy_processes: int
) -> list[dict[str, Any]]:
    """Measure a long run while other processes compute on every core half of the time."""
    others = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", BUSY)
        for _ in range(busy_processes)
    ]
    try:
        clock = SkippedClock()
        conversion = Conversion(models, ENGINE, VoiceChange(target=200.0), RATE, clock=clock)
        notes = await Microphone(conversion, pcm, clock).run(60 * minutes, hurried=True)
    finally:
        for other in others:
            other.kill()
            await other.wait()
    parts = np.array_split(np.array(notes.delays), 6)
    rows = [{"part": f"{n + 1} of 6", **delay_figures(part)} for n, part in enumerate(parts)]
    rows.append({"part": "all", **delay_figures(notes.delays)})
    print(f"  notices: {notes.notices}; {notes.samples / RATE / 60:.2f} minutes heard")
    return rows


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return figures of all recordings: medians of pitch errors, and wrong words of all."""
    totals = {
        name: sum(row[name] for row in rows) for name in ("words", "wrong", "joins", "clicks")
    }
    middle = {
        f"|{name}|": round(float(np.median([abs(row[name]) for row in rows])), 1)
        for name in ("semitones off, cents", "target off, known speaker", "target off, learnt")
    }
    rates = {
        f"{name} %": round(100 * sum(row[name] for row in rows) / max(1, totals["words"]), 2)
        for name in ("wrong", "wrong, semitones", "wrong, target")
    }
    alike = round(float(np.mean([row["voiced alike %"] for row in rows])), 1)
    between = sum(row["between"] for row in rows)
    return {
        "recordings": len(rows),
        **middle,
        "voiced alike %": alike,
        **rates,
        "joins": totals["joins"],
        "clicks": totals["clicks"],
        "between": between,
    }


async def run(options: argparse.Namespace) -> dict[str, Any]:
    services = build(load_settings())
    recordings = await spoken(services)
    await services.close()
    human = people(options.people, options.most_people)
    sound = np.concatenate([recorded.pcm for recorded in recordings])
    models = LoadedModels(load_settings(), names=(ENGINE,))
    await models.load(ENGINE)
    figures: dict[str, Any] = {}
    if "truth" in options.parts:
        figures |= await measure_truths(models, recordings, human)
    if "cost" in options.parts:
        figures["cost"] = [measure_cost(recordings + human, blocks) for blocks in (1, 3)]
    if "live" in options.parts:
        figures["live"] = [
            await measure_live(models, sound, streams, block, options.seconds)
            for block, counts in ((0.02, (1, 4, 6, 8)), (0.06, (1, 8, 10, 12)))
            for streams in counts
        ]
    if "long" in options.parts:
        figures["long"] = await measure_long(models, sound, options.minutes, options.others)
    await models.close()
    return figures


async def measure_truths(
    models: LoadedModels, recordings: list[Recorded], human: list[Recorded]
) -> dict[str, Any]:
    listener = Listener(Path(tempfile.gettempdir()) / "yamabiko-whisper-base")
    figures: dict[str, Any] = {}
    for name, group in (("spoken here", recordings), ("people", human)):
        rows = [await measure_truth(models, recorded, listener) for recorded in group]
        if rows:
            figures |= {name: rows, f"{name}, in all": [summarise(rows)]}
    return figures


def main() -> None:
    parser = report.argument_parser("Another voice: its delay, its cost, and how true it is")
    parser.add_argument("--people", type=Path, metavar="PATH", help="a folder or a wheel with WAVs")
    parser.add_argument("--most-people", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=12.0, help="of each live run")
    parser.add_argument("--minutes", type=float, default=30.0, help="of the long run")
    parser.add_argument("--others", type=int, default=2, help="busy processes beside the long run")
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    options = parser.parse_args()
    figures = asyncio.run(run(options))
    for name, rows in figures.items():
        report.print_table(TITLES.get(name, f"Pitch, voicing, words: {name}"), rows)
    report.write_json(options.json, figures)


if __name__ == "__main__":
    main()
