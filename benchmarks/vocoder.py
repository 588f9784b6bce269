"""Vocoders at full size: how fast is each plan, how much memory does it take, is it still right?

Weights are random, scaled so that the sound is as loud as speech. Everything is held against the
published form in fp32, with TF32 off; on a GPU that form with TF32 is shown beside it.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import report
from realtime.acceleration.quality import compare
from realtime.engines.vocoders import accelerated, twin
from realtime.enginesettings import PLANS, PRECISIONS
from realtime.networks.bigvgan import BigVGAN
from realtime.networks.hifigan import Generator
from realtime.networks.melnet import MelNet

RATES = {"bigvgan": 24_000, "hifigan": 48_000}
LOUD = 0.1  # root mean square of the sound, its mean left out
LEAST_SNR = {"fp16": 40.0, "bf16": 25.0}
MOST_ERROR = 1e-4  # in fp32
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
PROCESSOR_CLOCK = "processor: its own work alone; on a busy machine, with --threads 1"
FAST_BFLOAT = ("avx512_bf16", "amx_bf16", "avx_ne_convert")


def loud(name: str, device: str, frames: int = 60) -> MelNet:
    """The full-size network with random weights whose sound has the loudness of speech."""
    torch.manual_seed(0)
    network: MelNet = BigVGAN() if name == "bigvgan" else Generator()
    network.eval().requires_grad_(False).plain().to(device)
    for _ in range(6):  # what is clipped or bent makes the way there longer
        with torch.inference_mode():
            heard = network(mels(network, 1, frames, device))
        network.conv_post.weight.mul_(LOUD / float((heard - heard.mean()).std()))
    return network


def mels(network: MelNet, batch: int, frames: int, device: str) -> Tensor:
    generator = torch.Generator().manual_seed(frames)
    return (torch.randn(batch, network.bands, frames, generator=generator) * 2 - 5).to(device)


class Memory:
    """The most memory that work took at once: of the GPU, or of this process."""

    def __init__(self, device: str) -> None:
        self._device = device
        self.megabytes = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        if self._device != "cpu":
            torch.cuda.reset_peak_memory_stats(self._device)
            before = torch.cuda.memory_allocated(self._device)
            yield
            self.megabytes = (torch.cuda.max_memory_allocated(self._device) - before) / 1e6
            return
        stop, start = threading.Event(), resident()
        peak = [start]

        def look() -> None:
            while not stop.wait(0.005):
                peak[0] = max(peak[0], resident())

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()
        self.megabytes = (peak[0] - start) / 1e6


def resident() -> int:
    """Bytes of memory that this process holds."""
    return 4_096 * int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])


def timed(work: Callable[[], object], device: str, clock: str) -> float:
    """Seconds until it is done; a GPU is waited for before and after."""
    if device != "cpu":
        torch.cuda.synchronize(device)
    started = CLOCKS[clock]()
    work()
    if device != "cpu":
        torch.cuda.synchronize(device)
    return CLOCKS[clock]() - started


def in_turns(
    works: list[Callable[[], object]], device: str, options: argparse.Namespace
) -> list[float]:
    """The median of each; they take turns, so that a busy moment is nobody's alone."""
    taken = [[timed(work, device, options.clock) for work in works] for _ in range(options.runs)]
    return [float(np.median(column)) for column in zip(*taken, strict=True)]


def tf32(allowed: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def case(
    name: str,
    network: MelNet,
    work: Callable[[Tensor], Tensor],
    given: Tensor,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """One plan on one size: time, memory and distance beside the published form's."""
    device = str(given.device)
    kept: list[Tensor] = []

    def run(form: Callable[[Tensor], Tensor]) -> Callable[[], object]:
        def once() -> None:
            with torch.inference_mode():
                kept[:] = [form(given)]

        return once

    memory, base = Memory(device), Memory(device)
    run(work)()  # what is made when it is first asked for
    with memory.watched():
        run(work)()
    found = kept[0].float().cpu().numpy()
    with base.watched():
        run(network)()
    expected = kept[0].float().cpu().numpy()
    plain, quick = in_turns([run(network), run(work)], device, options)
    sound = given.shape[0] * given.shape[2] * network.hop / RATES[name]
    near = compare(found.ravel(), expected.ravel())
    return {
        "batch": given.shape[0],
        "frames": given.shape[2],
        "ms": round(1e3 * quick, 2),
        "real-time factor": round(quick / sound, 5),
        "speed-up": round(plain / quick, 2),
        "MB": round(memory.megabytes),
        "published ms": round(1e3 * plain, 2),
        "published MB": round(base.megabytes),
        "max error": near.max_error,
        "SNR dB": round(near.snr_db, 1),
        "similarity": near.similarity,
    }


def right(row: dict[str, Any], precision: str) -> bool:
    if precision == "fp32":
        return bool(row["max error"] <= MOST_ERROR)
    return bool(row["SNR dB"] >= LEAST_SNR[precision])


def measured(name: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every plan and precision of one vocoder."""
    device = options.device
    network = loud(name, device)
    rows = []
    for plan in options.plans:
        for precision in options.precisions:
            quick = twin(network).fast().to(device)
            work = accelerated(quick, plan, precision, device, options.frames, max(options.batch))
            for batch in options.batch:
                for frames in options.frames:
                    given = mels(network, batch, frames, device)
                    row = case(name, network, work, given, options)
                    within = "yes" if right(row, precision) else "NO"
                    rows.append({"plan": plan, "precision": precision, **row, "right": within})
                    print(".", end="", flush=True)
    if device != "cpu":
        rows += _with_tf32(name, network, options)
    print()
    return rows


def _with_tf32(name: str, network: MelNet, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The published form with TF32, beside its true fp32."""

    def work(given: Tensor) -> Tensor:
        tf32(True)
        try:
            sound: Tensor = network(given)
            return sound
        finally:
            tf32(False)

    rows = []
    for batch in options.batch:
        for frames in options.frames:
            given = mels(network, batch, frames, options.device)
            row = case(name, network, work, given, options)
            rows.append({"plan": "published", "precision": "tf32", **row, "right": "-"})
    return rows


def fast_bfloat() -> bool:
    """Whether this processor has instructions for bf16; without them it is slower than fp32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return any(name in flags for name in FAST_BFLOAT)


def asked() -> argparse.Namespace:
    cuda = torch.cuda.is_available()
    parser = report.options("Vocoders: how fast is each plan, and is it still right?")
    parser.add_argument("--device", default="cuda" if cuda else "cpu")
    parser.add_argument("--vocoders", nargs="+", default=list(RATES), choices=RATES)
    plans = [plan for plan in PLANS if plan not in ("auto", "tensorrt")] if cuda else ["eager"]
    parser.add_argument("--plans", nargs="+", default=plans, choices=PLANS)
    fits = ["fp32", "fp16", "bf16"] if cuda else ["fp32", *(["bf16"] if fast_bfloat() else [])]
    parser.add_argument("--precisions", nargs="+", default=fits, choices=PRECISIONS)
    lengths = [50, 200, 500, 2_000] if cuda else [50, 200, 500]
    parser.add_argument("--frames", nargs="+", type=int, default=lengths)
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 4] if cuda else [1])
    parser.add_argument("--runs", type=int, default=20 if cuda else 5)
    parser.add_argument("--threads", type=int, help="of a processor; else as many as cores")
    parser.add_argument("--clock", default="wall", choices=CLOCKS, help=PROCESSOR_CLOCK)
    return parser.parse_args()


def main() -> None:
    options = asked()
    tf32(False)
    if options.threads:
        torch.set_num_threads(options.threads)
    figures: dict[str, Any] = {
        "torch": torch.__version__,
        "device": _device(options.device),
        "threads": torch.get_num_threads(),
        "clock": options.clock,
        "bf16 instructions": fast_bfloat(),
    }
    for name in options.vocoders:
        figures[name] = measured(name, options)
        report.show(f"{name} on {figures['device']}, {figures['threads']} threads", figures[name])
    report.keep(options.json, figures)


def _device(device: str) -> str:
    return "the processor" if device == "cpu" else torch.cuda.get_device_name(device)


if __name__ == "__main__":
    main()
