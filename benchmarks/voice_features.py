"""Benchmark: what content, pitch and a clean microphone cost, and how much noise goes.

Costs are of one core, with networks of full size; those whose weights people bring have random
ones, which compute as long. Noise is added to lines that this server speaks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from functools import partial
from typing import Any

import numpy as np
import soxr

from benchmarks import report
from benchmarks.sentences import SENTENCES
from realtime.audio.samples import Samples, from_pcm16
from realtime.engines.deep_filter import DeepFilter
from realtime.engines.frame_engines import Denoiser
from realtime.engines.gtcrn import Gtcrn
from realtime.engines.voice_features.pitch import METHODS, share_pitch
from realtime.services import Services, build
from realtime.settings import Settings
from realtime.speech.request import LineRequest

RATE = 16_000
FRAMES = RATE // 100 * 8  # whole frames of both denoisers, which are 10 and 16 ms long
SPEAKERS = (("af_heart", "hibari"), ("am_michael", "kokoro"))
LEVELS = (0.0, 5.0, 15.0)  # dB that the voice is louder than the noise
COLOURS = ("white", "pink")
WINDOWS = (1.0, 2.5)  # seconds


def costs(rounds: int) -> list[dict[str, Any]]:
    """Measure each part by the least of several rounds; a busy machine only adds."""
    rows = []
    for name, work in parts():
        row: dict[str, Any] = {"part": name}
        for seconds in WINDOWS:
            sound = noise(round(seconds * RATE) // FRAMES * FRAMES, "pink") * np.float32(0.1)
            work(sound)
            taken = []
            for _ in range(rounds):
                begun = time.perf_counter()
                work(sound)
                taken.append(time.perf_counter() - begun)
            row[f"{seconds:g} s: ms"] = round(1000 * min(taken))
        rows.append(row)
    return rows


def parts() -> Iterator[tuple[str, Callable[[Samples], object]]]:
    """Give each part that hears a voice, ready to run."""
    import torch

    from realtime.networks.hubert import Hubert, HubertShape
    from realtime.networks.rmvpe import Rmvpe

    torch.set_num_threads(1)
    hubert, rmvpe = Hubert(HubertShape(projected=256)).eval(), Rmvpe().eval()

    def run(work: Callable[[Any], object]) -> Callable[[Samples], object]:
        def inferred(sound: Samples) -> object:
            with torch.inference_mode():
                return work(torch.from_numpy(sound)[None])

        return inferred

    yield "ContentVec, 12 layers", run(hubert)
    yield "ContentVec, 9 layers", run(lambda sound: hubert(sound, 9))
    yield "ContentVec, twice as often", run(hubert.twice_as_often)
    yield "pitch by rmvpe", run(rmvpe.pitch)
    for method in METHODS:
        if method != "rmvpe":
            yield f"pitch by {method}", share_pitch(method, Settings(), "cpu").pitch
    for denoiser in loaded_denoisers():
        yield denoiser.name, partial(cleaned, denoiser)


def loaded_denoisers() -> list[Denoiser]:
    engines: list[Denoiser] = [Gtcrn(Settings()), DeepFilter(Settings())]
    for engine in engines:
        engine.load()
    return engines


def cleaned(engine: Denoiser, heard: Samples) -> Samples:
    """Return a sound without noise, at its own rate and in its place; a little of its end lacks."""
    given = soxr.resample(heard, RATE, engine.sample_rate).astype(np.float32)
    found, _ = engine.clean(given[: given.size // engine.frame * engine.frame], None)
    sound = soxr.resample(found[engine.latency :], engine.sample_rate, RATE)
    return np.asarray(sound, np.float32)


def noise(count: int, colour: str) -> Samples:
    """Make noise of unit power."""
    spectrum = np.fft.rfft(np.random.default_rng(3).standard_normal(count))
    if colour == "pink":
        spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(count, 1 / RATE), 50.0))
    made = np.fft.irfft(spectrum, count)
    return np.asarray(made / np.sqrt(np.mean(made**2)), np.float32)


def ratio(heard: Samples, voice: Samples) -> float:
    """Return how much louder the voice in a sound is than all else in it, in dB."""
    share = float(heard @ voice) / float(voice @ voice)
    rest = heard - share * voice
    return float(10 * np.log10(share**2 * float(voice @ voice) / float(rest @ rest)))


async def spoken(services: Services, character: str, engine: str) -> Samples:
    """Return a line of a character at 16 kHz, as whole frames of both denoisers."""
    text = " ".join(SENTENCES["en"][:2])
    line = await services.speech.line(LineRequest(text, character, "en", engine=engine))
    async with aclosing(services.speech.say(line, keep=False)) as said:
        pcm = np.concatenate([part.pcm async for part in said])
    sound = soxr.resample(from_pcm16(pcm), services.speech.sample_rate(line), RATE)
    return np.asarray(sound[: sound.size // FRAMES * FRAMES], np.float32)


def left_of(voice: Samples, engine: Denoiser, colour: str, level: float) -> float:
    """Add noise, take it out, and return how much louder the voice is then."""
    loudness = np.sqrt(np.mean(voice**2)) / 10 ** (level / 20)
    found = cleaned(engine, voice + np.float32(loudness) * noise(voice.size, colour))
    return ratio(found, voice[: found.size])


async def noise_taken_out() -> list[dict[str, Any]]:
    """Measure voices in noise before and after, as means over the speakers."""
    services, engines = build(Settings()), loaded_denoisers()
    try:
        voices = [await spoken(services, *speaker) for speaker in SPEAKERS]
    finally:
        await services.close()
    rows = []
    for colour in COLOURS:
        for level in LEVELS:
            row: dict[str, Any] = {"noise": colour, "before dB": level}
            for engine in engines:
                found = [left_of(voice, engine, colour, level) for voice in voices]
                row[f"{engine.name}: after dB"] = round(float(np.mean(found)), 1)
            rows.append(row)
    return rows


def main() -> None:
    parser = report.argument_parser("What do content, pitch and a clean microphone cost?")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cost, after = costs(options.rounds), asyncio.run(noise_taken_out())
    report.print_table("One core, for a window of so many seconds", cost)
    report.print_table("Voices in noise", after)
    report.write_json(options.json, {"costs": cost, "noise": after})


if __name__ == "__main__":
    main()
