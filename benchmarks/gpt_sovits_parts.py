"""The parts of the benchmark of GPT-SoVITS: each makes the rows of a table."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.gauge import Memory
from benchmarks.gpt_sovits_bench import Bench, Rows, Text
from benchmarks.gpt_sovits_models import SAMPLING, ForcedLine, RandomVoice
from benchmarks.step_floor import BYTES, measure_step, milliseconds, timed
from realtime.engines.gpt_sovits.codes import CODES_A_SECOND
from realtime.engines.gpt_sovits.manner import Manner
from realtime.engines.gpt_sovits.model import STEP
from realtime.engines.gpt_sovits.networks.flow_matching import FlowMatching
from realtime.engines.gpt_sovits.networks.mel_sovits import RATES
from realtime.engines.gpt_sovits.networks.sovits import SovitsDecoder
from realtime.engines.gpt_sovits.networks.spectrogram import spectrogram
from realtime.engines.gpt_sovits.sounding import STEPS, VOCODERS
from realtime.networks.hubert import Hubert, HubertShape
from realtime.vocoders.open import open_vocoder

CHUNK = 1_000  # frames of mel that are made at once, half of them known
FIRST_PIECE = 38  # codes of the short piece with which v3 and v4 begin
STAGES = ("reading", "features", "prefill", "steps", "sound")


def measure_steps(bench: Bench) -> Rows:
    """Measure a step of a line alone beside its floor, for each plan."""
    rows: Rows = []
    for plan in bench.options.plans:
        voice = bench.voice(bench.options.versions[0], replace(bench.run, plan=plan))
        started = time.perf_counter()
        line = bench.line(bench.texts[1])
        ready = [network for network in voice.model.accelerated if network.name == STEP]
        for network in ready:
            network.prepare([(1, voice.model.spans[0])])
        prepared = time.perf_counter() - started
        size = voice.step_weights * BYTES[bench.run.precision]
        step, floor = measure_step(
            voice.model.batch, partial(voice.batched, line), size, bench.device
        )
        rows.append(
            {
                "plan": plan,
                "runs": " ".join(network.mode for network in ready) or "eager",
                "precision": bench.run.precision,
                "prepared s": round(prepared, 1),
                "M weights": round(voice.step_weights / 1e6, 1),
                "GB/s": round(size / floor / 1e9, 1),
                "floor ms": milliseconds(floor),
                "step ms": milliseconds(step),
                "step / floor": round(step / floor, 2),
            }
        )
        voice.model.close()
    return rows


def measure_batches(bench: Bench) -> Rows:
    """Measure lines that begin together: their steps, and all of their sound."""
    rows: Rows = []
    for version in bench.options.versions:
        sizes = tuple(sorted(bench.options.batches))
        voice = bench.voice(version, replace(bench.run, slots=sizes[-1], batch_sizes=sizes))
        text = bench.texts[bench.options.batch_text]
        line = bench.line(text)
        for count in sizes:
            found = bench.medians(partial(speak_together, bench, voice, line, count))
            rows.append(
                {
                    "version": version,
                    "lines": count,
                    "step ms": milliseconds(found["steps"] / (text.codes + 1)),
                    "steps s": round(found["steps"], 3),
                    "sound s": round(found["sound"], 3),
                    "whole s": round(found["whole"], 3),
                    "seconds of sound a second": round(
                        count * text.codes / CODES_A_SECOND / found["whole"], 2
                    ),
                    "requests a second": round(count / found["whole"], 3),
                }
            )
        voice.model.close()
    return rows


def speak_together(
    bench: Bench, voice: RandomVoice, line: ForcedLine, count: int
) -> dict[str, float]:
    """Speak so many lines in turns, as the engine's lane does."""
    voice.seconds.update(dict.fromkeys(voice.seconds, 0.0))
    taken: list[float] = []
    with timed(bench.device, taken):
        speaking = [voice.speak(line, Manner(SAMPLING, seed=seed)) for seed in range(count)]
        while speaking:
            speaking = [each for each in speaking if next(each, bench) is not bench]
    return {**voice.seconds, "whole": taken[0]}


def measure_texts(bench: Bench) -> Rows:
    """Measure the three texts of the guide, from the text to the last sample."""
    rows: Rows = []
    for version in bench.options.versions:
        memory = Memory(bench.device)
        with memory.watched():
            voice = bench.voice(version)
        for text in bench.texts:
            found = bench.medians(partial(speak_text, bench, voice, text))
            sound = text.codes / CODES_A_SECOND
            whole = found["whole"]
            least, most = text.promised
            rows.append(
                {
                    "version": version,
                    "characters": len(text.text),
                    "codes": text.codes,
                    "length s": sound,
                    "KB": round(2 * sound * voice.rate / 1000),
                    **{f"{name} s": round(found[name], 3) for name in STAGES},
                    "whole s": round(whole, 2),
                    "real-time factor": round(whole / sound, 2),
                    "requests a second": round(1 / whole, 3),
                    "the guide's s": f"{least:g}-{most:g}",
                    "beaten": "yes" if whole < least else "within" if whole <= most else "no",
                    "MB of the model": round(memory.megabytes),
                }
            )
        voice.model.close()
    return rows


def speak_text(bench: Bench, voice: RandomVoice, text: Text) -> dict[str, float]:
    """Speak a text as a whole, and return the seconds of each stage."""
    reading: list[float] = []
    features: list[float] = []
    with timed("cpu", reading):
        sentence = bench.read(text.text)
    with timed(bench.device, features):
        vectors = bench.features(sentence)
    line = ForcedLine(sentence.phones, vectors, text.codes)
    found = speak_together(bench, voice, line, 1)
    found["whole"] += reading[0] + features[0]
    return {"reading": reading[0], "features": features[0], **found}


def measure_first(bench: Bench) -> Rows:
    """Measure the time to a first sound: of a stream, or of a short first piece."""
    rows: Rows = []
    for version in bench.options.versions:
        voice = bench.voice(version)
        own = STEPS.get(version, 0)
        for steps in sorted({own, *(bench.options.cfm_steps if own else ())}):
            text = bench.texts[1] if not own else replace(bench.texts[0], codes=FIRST_PIECE)
            chunk = bench.settings.gpt_sovits.first_codes
            manner, line = Manner(SAMPLING, steps=steps, chunk=chunk), bench.line(text)
            found = bench.medians(partial(first_sound, bench, voice, line, manner))
            rows.append(
                {
                    "version": version,
                    "codes before": chunk if not own else text.codes,
                    "flow steps": steps or "-",
                    **{f"{name} ms": milliseconds(each) for name, each in found.items()},
                }
            )
        voice.model.close()
    return rows


def first_sound(
    bench: Bench, voice: RandomVoice, line: ForcedLine, manner: Manner
) -> dict[str, float]:
    """Return the seconds until a line's first sound is in memory; its reading is left out."""
    voice.seconds.update(dict.fromkeys(voice.seconds, 0.0))
    taken: list[float] = []
    with timed(bench.device, taken):
        sounds = voice.speak(line, manner)
        next(sound for sound in sounds if sound is not None)
    found = {**voice.seconds, "whole": taken[0]}
    sounds.close()
    return found


def measure_flow(bench: Bench) -> Rows:
    """Measure flow matching as it is run for a sentence: a step, and all of them."""
    rows: Rows = []
    frames = CHUNK // 4 if bench.options.small else CHUNK
    for version in filter(VOCODERS.__contains__, bench.options.versions):
        voice = bench.voice(version)
        network: Any = voice.model.sounding.network
        flow, shape = network.cfm, network.cfm.estimator.shape
        features = torch.randn(1, shape.features, frames, device=bench.device)
        known = torch.randn(1, shape.bands, frames // 2, device=bench.device)
        noise = torch.randn(1, shape.bands, frames, device=bench.device)
        for steps in bench.options.cfm_steps:
            taken = bench.seconds(partial(run_flow, flow, features, known, noise, steps))
            rows.append(
                {
                    "version": version,
                    "frames": frames,
                    "of them new": frames - frames // 2,
                    "steps": steps,
                    "a step ms": milliseconds(taken / steps),
                    "whole ms": milliseconds(taken),
                }
            )
        voice.model.close()
    return rows


def run_flow(
    flow: FlowMatching, features: Tensor, known: Tensor, noise: Tensor, steps: int
) -> None:
    flow(features, known, noise, steps)


def measure_sound(bench: Bench) -> Rows:
    """Measure what makes sound at the end: flow and decoder, or the vocoder of mels."""
    rows: Rows = []
    codes = bench.texts[1].codes
    for version in bench.options.versions:
        voice = bench.voice(version)
        network: Any = voice.model.sounding.network
        works: dict[str, Callable[[], object]] = {}
        if isinstance(network, SovitsDecoder):
            style = voice.prompt.style
            numbers = torch.randint(1024, (codes,), device=bench.device)
            phones = torch.tensor(bench.line(bench.texts[1]).phones, device=bench.device)
            latent = torch.randn(1, network.shape.latent, 2 * codes, device=bench.device)
            works["content"] = partial(network.content_of, numbers, phones, style)
            works["flow"] = partial(network.flow, latent, style.whole)
            works["decoder"] = partial(network.dec, latent, style.whole)
        else:
            opened = open_vocoder(VOCODERS[version], bench.settings)
            frames = int(2 * codes * RATES[version].stretch)
            mel = torch.randn(opened.mel_format.bands, frames, device=bench.device) * 2 - 5
            works[VOCODERS[version]] = partial(opened.vocoder.render, [mel])
        sound = codes / CODES_A_SECOND
        for name, work in works.items():
            taken = bench.seconds(work)
            rows.append(
                {
                    "version": version,
                    "part": name,
                    "length s": sound,
                    "ms": milliseconds(taken),
                    "real-time factor": round(taken / sound, 4),
                }
            )
        voice.model.close()
    return rows


def measure_front(bench: Bench) -> Rows:
    """Measure the networks that make a prompt of a clip, once for each voice, and read Chinese."""
    small = HubertShape(width=64, heads=1, layers=1, inner=32, channels=16)
    hubert = Hubert(small if bench.options.small else HubertShape())
    hubert.eval().requires_grad_(False).to(bench.device)
    sound = torch.randn(1, int(5.6 * 16_000), device=bench.device) / 20
    works: dict[str, Callable[[], object]] = {"HuBERT, 5 s and silence": partial(hubert, sound)}
    clip = (0.05 * np.random.default_rng(1).standard_normal(5 * 32_000)).astype(np.float32)
    works["spectrogram, 5 s"] = partial(spectrogram, torch.from_numpy(clip)[None])
    for text in bench.texts:
        sentence = bench.read(text.text)
        works[f"BERT, {len(text.text)} characters"] = partial(bench.features, sentence)
        works[f"reading, {len(text.text)} characters"] = partial(bench.read, text.text)
    return [{"part": name, "ms": milliseconds(bench.seconds(work))} for name, work in works.items()]


PARTS: dict[str, tuple[str, Callable[[Bench], Rows]]] = {
    "steps": ("A step beside its floor", measure_steps),
    "batches": ("Lines that begin together", measure_batches),
    "texts": ("The texts of the guide", measure_texts),
    "first": ("The first sound", measure_first),
    "cfm": ("Flow matching", measure_flow),
    "vocoder": ("What makes sound at the end", measure_sound),
    "front": ("Clips and texts", measure_front),
}
