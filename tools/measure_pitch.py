"""A tool that measures the median pitch of characters and writes it into their yaml.

    python -m tools.measure_pitch [NAME ...]

Without names it measures every character that has a yaml.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from contextlib import aclosing
from pathlib import Path

import numpy as np

from benchmarks.sentences import SENTENCES
from realtime.audio.samples import from_pcm16
from realtime.characters import Character
from realtime.configuration import load_settings
from realtime.engines.world import median_pitch
from realtime.services import Services, build
from realtime.speech.request import LineRequest

SENTENCES_SPOKEN = 4
KEY = re.compile(r"^median_pitch:.*\n", re.MULTILINE)


async def measure(services: Services, character: Character) -> float | None:
    """Measure the median pitch, in Hz, of some sentences in the character's own language."""
    text = " ".join(SENTENCES[character.language][:SENTENCES_SPOKEN])
    line = await services.speech.line(LineRequest(text, character.name, character.language))
    async with aclosing(services.speech.say(line, keep=False)) as parts:
        pcm = np.concatenate([part.pcm async for part in parts])
    rate = services.models.synthesizer(line.engine).engine.sample_rate
    return median_pitch(from_pcm16(pcm), rate)


def write(path: Path, pitch: float) -> None:
    others = KEY.sub("", path.read_text(encoding="utf-8"))
    path.write_text(f"{others.rstrip()}\nmedian_pitch: {pitch}\n", encoding="utf-8")


async def run(names: list[str]) -> None:
    services = build(load_settings())
    for character in services.characters.all():
        path = services.settings.presets.path / f"{character.name}.yaml"
        if path.is_file() and (not names or character.name in names):
            pitch = await measure(services, character)
            print(f"{character.name:20} {pitch or 'nothing voiced'}")
            if pitch is not None:
                write(path, pitch)
    await services.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the median pitch of characters.")
    parser.add_argument("names", nargs="*", metavar="NAME")
    asyncio.run(run(parser.parse_args().names))


if __name__ == "__main__":
    main()
