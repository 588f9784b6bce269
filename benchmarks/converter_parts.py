"""The parts of a voice, measured by themselves over a window of some seconds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from benchmarks.converter_bench import ConverterBench, Rows, sung_vowel
from benchmarks.converter_models import RVC, BroughtVoice
from realtime.engines.ddsp_svc.model import DdspModel
from realtime.engines.ddsp_svc.networks.unit2control import FrameInputs
from realtime.engines.ddsp_svc.vocoder_file import CONFIG, MODEL, open_vocoder
from realtime.engines.positional_noise import PositionalNoise
from realtime.engines.rvc.features import coarse_pitch
from realtime.engines.rvc.model import RvcModel
from realtime.engines.rvc.options import INDEX_SHARE
from realtime.engines.rvc.voice_file import read_voice
from realtime.engines.rvc.voice_files import find_voice
from realtime.engines.voice_features.pitch import share_pitch
from realtime.vocoders.networks.hifigan import Generator
from realtime.vocoders.networks.pitched_generator import PitchedGenerator

RATE, FRAMES = 16_000, 100  # a second, of the sound and of RVC's frames
PITCH_METHOD = "fcpe"
Works = dict[str, Callable[[], object]]


def measure_parts(bench: ConverterBench) -> Rows:
    """Measure seconds of computing for a second of sound, part by part."""
    rows: Rows = []
    seconds = bench.options.seconds
    for voice in bench.voices:
        works = (rvc_works if voice.engine == RVC else ddsp_works)(bench, voice, seconds)
        for name, taken in zip(works, bench.in_turns(list(works.values())), strict=True):
            figures = [figure / seconds for figure in taken]
            rows.append({"voice": voice.id, "part": name, **bench.columns("s", figures, 4)})
    return rows


def rvc_works(bench: ConverterBench, voice: BroughtVoice, seconds: float) -> Works:
    """Return the parts of a voice of RVC, ready to run."""
    paths = find_voice(bench.models / RVC, voice.name)
    assert paths is not None, "it was written"
    model, device = RvcModel(paths, bench.settings, bench.device), bench.device
    plain, packed = (read_voice(paths.voice).network().to(device) for _ in range(2))
    packed.dec.fast()
    sound, frames = sung_vowel(seconds, RATE), round(seconds * FRAMES)
    pitch = np.full(frames, 150.0)
    coarse = torch.from_numpy(coarse_pitch(pitch))[None].to(device)
    style, shape = plain.style(0), plain.shape
    content = torch.randn(1, frames, shape.content, device=device)
    latent = torch.randn(1, shape.latent, frames, device=device)
    works: Works = {"content": partial(model.content, sound)}
    if model.index is not None:
        units = model.content(sound)
        works["index"] = partial(model.index.blend, units, INDEX_SHARE)
    source = None
    if voice_has_pitch := shape.pitches > 0:
        works["pitch"] = partial(share_pitch(PITCH_METHOD, bench.settings, device).pitch, sound)
        source = _source(plain.dec, torch.from_numpy(pitch)[None].to(device), 1)
    works["noise"] = partial(_draw, frames, shape.latent, frames * plain.hop, int(voice_has_pitch))
    works["encoder and flow"] = partial(
        plain.latent, content, coarse if voice_has_pitch else None, latent, style
    )
    works["generator, eager"] = partial(plain.sound, latent, style, source)
    if device == "cpu":
        works["generator, packed"] = partial(packed.sound, latent, style, source)
    return works


def ddsp_works(bench: ConverterBench, voice: BroughtVoice, seconds: float) -> Works:
    """Return the parts of a voice of DDSP-SVC, ready to run."""
    device = bench.device
    model = DdspModel(bench.models / voice.engine / voice.name, bench.settings, device)
    networks, shape = model.voice, model.voice.shape
    frames = round(seconds * shape.rate / shape.hop)
    pitch = torch.full((1, frames), 150.0, device=device)
    inputs = FrameInputs(
        torch.randn(1, frames, shape.units, device=device),
        pitch.double(),
        torch.full((1, frames), 0.1, device=device),
        torch.ones(1, 1, device=device),
        torch.zeros(1, 1, device=device),
    )
    noise = torch.randn(1, frames * shape.hop, device=device)
    mel = torch.randn(1, shape.mels, frames, device=device)
    time = torch.full((1,), 700.0, device=device)
    heard = sung_vowel(seconds, RATE)
    paths = [file.path_in(bench.models) for file in (MODEL, CONFIG)]
    plain, packed = (open_vocoder(*paths).generator.to(device) for _ in range(2))
    packed.fast()
    source = _source(plain, pitch, plain.harmonics)
    works: Works = {
        "content": partial(model.encoder.units, heard, twice=model.config.doubled),
        "pitch": partial(share_pitch(PITCH_METHOD, bench.settings, device).pitch, heard),
        "noise": partial(_draw, frames, shape.mels, frames * shape.hop, plain.harmonics + 1),
        "controls and sources": partial(networks.sound, inputs, noise),
        "mel": partial(networks.mel, noise, model.vocoder.mel_format),
        "velocity, a step": partial(networks.reflow_model["velocity_fn"], mel, time, mel),
        "vocoder, eager": partial(plain, mel, source=source),
    }
    if device == "cpu":
        works["vocoder, packed"] = partial(packed, mel, source=source)
    return works


def _source(generator: Generator, pitch: Tensor, harmonics: int) -> Tensor:
    assert isinstance(generator, PitchedGenerator)
    noise = torch.randn(1, pitch.shape[1] * generator.hop, harmonics, device=pitch.device)
    return generator.source(pitch, noise).signal


def _draw(frames: int, width: int, samples: int, harmonics: int) -> None:
    """Draw the random numbers of a window."""
    noise = PositionalNoise(0, "benchmark")
    noise.normal(0, frames, width)
    if harmonics:
        noise.normal(0, samples, harmonics)
