"""Figures of a vocoder beside its published form: how fast and how alike, in published fields."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from realtime.acceleration import Accelerated
from realtime.audio.samples import Samples
from realtime.vocoders.open import OpenedVocoder, example_mels
from realtime.vocoders.sound_quality import compare

if TYPE_CHECKING:
    from torch import Tensor

WARM_RUNS = 2  # that are not measured: the first ones compile and fill caches

Figure = float | str | int


def measure_speed(opened: OpenedVocoder, frames: int, batch: int, runs: int) -> dict[str, Figure]:
    """Measure seconds a run of both forms; fields are named after the plan that ran."""
    mels = example_mels(opened.vocoder.bands, frames, batch).to(opened.device)
    before = _median_seconds(lambda: _published(opened, mels), opened.device, runs)
    counter = CallCounter(opened.accelerated)
    after = _median_seconds(lambda: opened.vocoder.render(list(mels)), opened.device, runs)
    sound = batch * frames * opened.vocoder.hop / opened.vocoder.sample_rate
    ran = counter.plan
    return {
        "plan": opened.plan,
        **counter.figures(),
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


def measure_quality(opened: OpenedVocoder, sound: Samples) -> dict[str, Figure]:
    """Compare the sound of a recording's mel with what the published form makes of it."""
    mel = opened.make_mel(sound)
    reference = _published(opened, mel[None])[0, 0].float().cpu().numpy()
    counter = CallCounter(opened.accelerated)
    quality = compare(opened.vocoder.render([mel])[0], reference)
    return {"plan": opened.plan, **counter.figures(), **asdict(quality)}


class CallCounter:
    """Counts, from now on, of the calls that each plan of a network answers."""

    def __init__(self, network: Accelerated) -> None:
        self._network = network
        self._before = network.described()["hits"]

    @property
    def hits(self) -> dict[str, int]:
        """Count the answered calls of each plan that answered any."""
        now: dict[str, int] = self._network.described()["hits"]
        fresh = {plan: count - self._before.get(plan, 0) for plan, count in now.items()}
        return {plan: count for plan, count in fresh.items() if count}

    @property
    def plan(self) -> str:
        """Name the plan that answered: `mixed` where several did, `none` where none did."""
        hits = list(self.hits)
        if not hits:
            return "none"
        return hits[0] if len(hits) == 1 else "mixed"

    @property
    def reason(self) -> str | None:
        """Say why the plan that was asked for did not answer; None when it did."""
        found = self._network.described()
        wanted = self._network.mode if found["plan"] == "auto" else found["plan"]
        if set(self.hits) <= {wanted}:
            return None
        given_up = [item["reason"] for item in found["plans"] if item["plan"] == wanted]
        fallbacks = [item["reason"] for item in found["fallbacks"] if item["plan"] == wanted]
        return next(filter(None, (*given_up, *fallbacks)), "the fallbacks do not tell")

    def figures(self) -> dict[str, Figure]:
        """Give the plan that ran, its counts, and the reason where there is one."""
        found: dict[str, Figure] = {"ran": self.plan}
        found |= {f"hits_{plan}": count for plan, count in self.hits.items()}
        reason = self.reason
        return found if reason is None else {**found, "reason": reason}


def example_voice(sample_rate: int, seconds: float = 3.0) -> Samples:
    """Make a sound with a voice's pitch, overtones, pauses and breath, the same every time."""
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    turns = np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.7 * times)) / sample_rate  # 100 to 180 Hz
    tones = sum(np.sin(2 * np.pi * n * turns) / n for n in range(1, 20))
    breath = np.random.default_rng(0).standard_normal(times.size)
    loud = np.clip(np.sin(2 * np.pi * 1.3 * times) + 0.5, 0, 1)
    sound: Samples = (0.1 * loud * (tones + 0.1 * breath)).astype(np.float32)
    return sound


def _published(opened: OpenedVocoder, mels: Tensor) -> Tensor:
    import torch

    with torch.no_grad():
        return opened.published(mels)


def _median_seconds(work: Callable[[], object], device: str, runs: int) -> float:
    """Measure the median of several runs; a GPU has finished before each reading of the clock."""
    import torch

    taken = []
    for _ in range(WARM_RUNS + runs):
        if device != "cpu":
            torch.cuda.synchronize(device)
        started = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - started)
    return float(np.median(taken[WARM_RUNS:]))
