"""A vocoder held against itself as published: how fast and how alike, in the published fields."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from realtime.acceleration.quality import compare
from realtime.audio import Samples
from realtime.engines.vocoders import Opened

if TYPE_CHECKING:
    from torch import Tensor

WARM = 2


def speed(opened: Opened, frames: int, batch: int, runs: int) -> dict[str, float | str | int]:
    """Seconds a run of both, and what follows; the other one's names begin with its plan's."""
    import torch

    generator = torch.Generator().manual_seed(0)
    shape = (batch, opened.vocoder.bands, frames)
    mels = (torch.randn(shape, generator=generator) - 4).to(opened.device)
    before = _seconds(lambda: _whole(opened, mels), opened.device, runs)
    after = _seconds(lambda: opened.vocoder.render(list(mels)), opened.device, runs)
    sound = batch * frames * opened.vocoder.hop / opened.vocoder.sample_rate
    plan = opened.plan
    return {
        "plan": plan,
        "device": opened.device,
        "frames": frames,
        "batch": batch,
        "original_time": before,
        f"{plan}_time": after,
        "speedup": before / after,
        "throughput_original": batch / before,
        f"throughput_{plan}": batch / after,
        "real_time_factor": after / sound,
    }


def quality(opened: Opened, sound: Samples) -> dict[str, float | str | int]:
    """How near the sound of a recording's mel is to what the published way makes of it."""
    mel = opened.mel(sound)
    reference = _whole(opened, mel[None])[0, 0].float().cpu().numpy()
    near = compare(opened.vocoder.render([mel])[0], reference)
    return {"plan": opened.plan, **asdict(near)}


def example(sample_rate: int, seconds: float = 3.0) -> Samples:
    """A sound with a voice's pitch, overtones, pauses and breath, the same every time."""
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    turns = np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.7 * times)) / sample_rate
    tones = sum(np.sin(2 * np.pi * n * turns) / n for n in range(1, 20))
    breath = np.random.default_rng(0).standard_normal(times.size)
    loud = np.clip(np.sin(2 * np.pi * 1.3 * times) + 0.5, 0, 1)
    made: Samples = (0.1 * loud * (tones + 0.1 * breath)).astype(np.float32)
    return made


def _whole(opened: Opened, mels: Tensor) -> Tensor:
    import torch

    with torch.inference_mode():
        return opened.published(mels)


def _seconds(work: Callable[[], object], device: str, runs: int) -> float:
    """The median of several runs; a GPU has finished before each reading."""
    import torch

    taken = []
    for _ in range(WARM + runs):
        if device != "cpu":
            torch.cuda.synchronize(device)
        started = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - started)
    return float(np.median(taken[WARM:]))
