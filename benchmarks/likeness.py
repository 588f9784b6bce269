"""Benchmark: how near a converted voice is to the one that it is to become.

Without options WORLD moves characters to the pitch of others. With `--engine rvc:NAME --target
CLIP` characters become a voice that people brought, and the clip says how it sounds.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import report
from benchmarks.sentences import SENTENCES
from benchmarks.speaker_likeness import embedding, likeness
from realtime.audio.decoding import decode
from realtime.audio.samples import Pcm, from_pcm16
from realtime.configuration import load_settings
from realtime.conversion.request import VoiceChangeRequest
from realtime.services import Services, build
from realtime.speech.request import LineRequest

SOURCES = ("af_heart", "am_michael", "bf_emma", "am_puck")
RATE = 24_000
SPEAKER = "kokoro"
Embedding = npt.NDArray[np.float32]


class Voices:
    """The voices that are compared, as embeddings of what they say."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def say(self, character: str, number: int) -> Pcm:
        """Speak two sentences; another number gives other ones."""
        text = " ".join(SENTENCES["en"][2 * number : 2 * number + 2])
        line = await self._services.speech.line(LineRequest(text, character, "en", engine=SPEAKER))
        async with aclosing(self._services.speech.say(line, keep=False)) as said:
            return np.concatenate([part.pcm async for part in said])

    async def convert(self, pcm: Pcm, engine: str, character: str | None) -> Pcm:
        async def parts() -> AsyncGenerator[Pcm, None]:
            yield pcm

        request = VoiceChangeRequest(engine=engine, character=character)
        sound = self._services.voice_changer.recording(request, parts(), RATE, RATE)
        async with aclosing(sound) as pieces:
            return np.concatenate([piece async for piece in pieces])


def heard(pcm: Pcm) -> Embedding:
    return embedding(from_pcm16(pcm), RATE)


def row(names: dict[str, str], source: Embedding, found: Embedding, target: Embedding) -> Any:
    return {
        **names,
        "before, to the target": round(likeness(source, target), 2),
        "after, to the target": round(likeness(found, target), 2),
        "after, to the source": round(likeness(found, source), 2),
    }


def yardstick(first: dict[str, Embedding], again: dict[str, Embedding]) -> list[dict[str, Any]]:
    """Compare lines that nothing converted."""
    pairs = {
        "two lines of one voice": [likeness(first[a], again[a]) for a in first],
        "lines of two voices": [
            likeness(first[a], again[b]) for a in first for b in again if a != b
        ],
    }
    return [
        {"pair": name, "least": round(min(found), 2), "most": round(max(found), 2)}
        for name, found in pairs.items()
    ]


async def measure(engine: str, target: Embedding | None) -> dict[str, Any]:
    """Convert every source: to the voice of the target, or to that of every other source."""
    services = build(load_settings(None))
    try:
        voices = Voices(services)
        said = {name: await voices.say(name, 0) for name in SOURCES}
        again = {name: heard(await voices.say(name, 1)) for name in SOURCES}
        first = {name: heard(pcm) for name, pcm in said.items()}
        rows = []
        for source, name in itertools.product(SOURCES, SOURCES if target is None else [None]):
            if source != name:
                found = heard(await voices.convert(said[source], engine, name))
                wanted = target if name is None else again[name]
                assert wanted is not None, "without a target each source is one"
                names = {"source": source, "target": name or "the clip"}
                rows.append(row(names, first[source], found, wanted))
    finally:
        await services.close()
    return {"yardstick": yardstick(first, again), "converted": rows}


def embedding_of(clip: Path) -> Embedding:
    samples, rate = decode(clip.read_bytes())
    return embedding(from_pcm16(samples), rate)


def main() -> None:
    parser = report.argument_parser("How near is a converted voice to its target?")
    parser.add_argument("--engine", default="world", help="of the conversion, as rvc:NAME")
    parser.add_argument("--target", type=Path, help="a clip of the voice that it gives")
    options = parser.parse_args()
    target = embedding_of(options.target) if options.target else None
    figures = asyncio.run(measure(options.engine, target))
    report.print_table("1 is the same voice", figures["yardstick"])
    report.print_table(f"Converted by {options.engine}", figures["converted"])
    report.write_json(options.json, figures)


if __name__ == "__main__":
    main()
