"""A vocoder held against itself as published: how fast and how alike, in the published fields."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from realtime.acceleration import Accelerated
from realtime.audio.samples import Samples
from realtime.vocoders.open import OpenedVocoder
from realtime.vocoders.open import example as example_mel
from realtime.vocoders.sound_quality import compare

if TYPE_CHECKING:
    from torch import Tensor

WARM = 2

Figure = float | str | int


def speed(opened: OpenedVocoder, frames: int, batch: int, runs: int) -> dict[str, Figure]:
    """Seconds a run of both, and what follows; the other one's names are those of what ran."""
    mels = example_mel(opened.vocoder.bands, frames, batch).to(opened.device)
    before = _seconds(lambda: _whole(opened, mels), opened.device, runs)
    counted = Counted(opened.run)
    after = _seconds(lambda: opened.vocoder.render(list(mels)), opened.device, runs)
    sound = batch * frames * opened.vocoder.hop / opened.vocoder.sample_rate
    ran = counted.plan
    return {
        "plan": opened.plan,
        **counted.told(),
        "device": opened.device,
        "frames": frames,
        "batch": batch,
        "prepare_time": opened.readiness.seconds,
        "original_time": before,
        f"{ran}_time": after,
        "speedup": before / after,
        "throughput_original": batch / before,
        f"throughput_{ran}": batch / after,
        "real_time_factor": after / sound,
    }


def quality(opened: OpenedVocoder, sound: Samples) -> dict[str, Figure]:
    """How near the sound of a recording's mel is to what the published way makes of it."""
    mel = opened.mel(sound)
    reference = _whole(opened, mel[None])[0, 0].float().cpu().numpy()
    counted = Counted(opened.run)
    near = compare(opened.vocoder.render([mel])[0], reference)
    return {"plan": opened.plan, **counted.told(), **asdict(near)}


class Counted:
    """What answers a network's calls from now on, and why it is not what was asked."""

    def __init__(self, run: Accelerated) -> None:
        self._run = run
        self._before = run.described()["hits"]

    @property
    def hits(self) -> dict[str, int]:
        now: dict[str, int] = self._run.described()["hits"]
        fresh = {plan: count - self._before.get(plan, 0) for plan, count in now.items()}
        return {plan: count for plan, count in fresh.items() if count}

    @property
    def plan(self) -> str:
        """The one that answered; `mixed` where several did."""
        hits = list(self.hits)
        return hits[0] if len(hits) == 1 else "mixed" if hits else "none"

    def told(self) -> dict[str, Figure]:
        """What ran, how often, and the reason where it is not the plan that was asked for."""
        told: dict[str, Figure] = {"ran": self.plan}
        told |= {f"hits_{plan}": count for plan, count in self.hits.items()}
        reason = self.reason
        return told if reason is None else {**told, "reason": reason}

    @property
    def reason(self) -> str | None:
        found = self._run.described()
        asked = self._run.mode if found["plan"] == "auto" else found["plan"]
        if set(self.hits) <= {asked}:
            return None
        given_up = [item["reason"] for item in found["plans"] if item["plan"] == asked]
        fallbacks = [item["reason"] for item in found["fallbacks"] if item["plan"] == asked]
        return next(filter(None, (*given_up, *fallbacks)), "the fallbacks do not tell")


def example(sample_rate: int, seconds: float = 3.0) -> Samples:
    """A sound with a voice's pitch, overtones, pauses and breath, the same every time."""
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    turns = np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.7 * times)) / sample_rate
    tones = sum(np.sin(2 * np.pi * n * turns) / n for n in range(1, 20))
    breath = np.random.default_rng(0).standard_normal(times.size)
    loud = np.clip(np.sin(2 * np.pi * 1.3 * times) + 0.5, 0, 1)
    made: Samples = (0.1 * loud * (tones + 0.1 * breath)).astype(np.float32)
    return made


def _whole(opened: OpenedVocoder, mels: Tensor) -> Tensor:
    import torch

    with torch.no_grad():
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
