"""Recordings to convert: spoken here by several characters, with noise and echo, and by people.

People's recordings come from a folder or a wheel that the caller names; they are measured with and
never kept.
"""

from __future__ import annotations

import io
import wave
import zipfile
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from benchmarks.sentences import SENTENCES
from realtime.audio.samples import Pcm, from_pcm16, to_pcm16
from realtime.services import Services
from realtime.speech.request import LineRequest

RATE = 24000
# Character, engine, speed, and what is done to the sound.
SPOKEN = (
    ("af_heart", "hibari", 1.0, ""),
    ("af_heart", "hibari", 1.3, ""),
    ("af_heart", "hibari", 1.0, "noise"),
    ("af_bella", "kokoro", 1.0, ""),
    ("af_nicole", "kokoro", 1.0, ""),
    ("am_michael", "kokoro", 1.0, ""),
    ("am_michael", "kokoro", 0.8, "echo"),
    ("am_fenrir", "kokoro", 1.2, ""),
    ("am_puck", "kokoro", 1.0, "noise"),
    ("bf_emma", "kokoro", 1.0, "echo"),
    ("bm_george", "kokoro", 1.0, ""),
    ("bm_fable", "kokoro", 0.9, ""),
)
TEXTS = 2  # sentences of each


@dataclass(frozen=True)
class Recorded:
    """A recording; a person's has no text."""

    name: str
    pcm: Pcm
    text: str | None


async def spoken(services: Services) -> list[Recorded]:
    found = []
    for number, (character, engine, speed, room) in enumerate(SPOKEN):
        start = number * TEXTS % len(SENTENCES["en"])
        text = " ".join(SENTENCES["en"][start : start + TEXTS])
        line = await services.speech.line(
            LineRequest(text, character, "en", engine=engine, speed=speed)
        )
        async with aclosing(services.speech.say(line, keep=False)) as parts:
            pcm = np.concatenate([part.pcm async for part in parts])
        name = f"{character} {engine} {speed:g} {room}".strip()
        found.append(Recorded(name, add_room(pcm, room, number), text))
    return found


def add_room(pcm: Pcm, room: str, seed: int) -> Pcm:
    """Add noise 20 dB below the speech, or a room whose echo takes 0.3 s to fade by 60 dB."""
    random = np.random.default_rng(seed)
    sound = from_pcm16(pcm)
    if room == "noise":
        level = np.sqrt(np.mean(sound[np.abs(sound) > 0.01] ** 2)) * 10 ** (-20 / 20)
        sound = sound + level * random.standard_normal(sound.size).astype(np.float32)
    if room == "echo":
        place = np.arange(round(0.3 * RATE)) / RATE
        tail = random.standard_normal(place.size) * np.exp(-6.9 * place / 0.3)  # e^-6.9 is -60 dB
        tail *= 0.4 / np.sqrt(np.sum(tail**2))
        size = 1 << int(np.ceil(np.log2(sound.size + tail.size)))
        echo = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)
        sound = sound + echo[: sound.size].astype(np.float32)
    return to_pcm16(sound)


def people(source: Path | None, most: int) -> list[Recorded]:
    """Read the English recordings of a folder or a wheel."""
    if source is None:
        return []
    found = [Recorded(name, read(data), None) for name, data in _files(source)]
    return found[:most]


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    if source.is_dir():
        for path in sorted(source.glob("*.wav")):
            yield path.stem, path.read_bytes()
        return
    with zipfile.ZipFile(source) as archive:
        for name in sorted(archive.namelist()):
            stem = Path(name).stem
            if name.endswith(".wav") and stem.startswith("en_"):
                yield stem, archive.read(name)


def read(data: bytes) -> Pcm:
    with wave.open(io.BytesIO(data)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    mono = samples.reshape(-1, channels).mean(1).astype(np.float32) / 32768
    return to_pcm16(soxr.resample(mono, rate, RATE))
