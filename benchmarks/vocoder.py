"""Vocoders at full size: how fast is each plan, how much memory does it take, is it still right?

Weights are random, scaled so that the sound is as loud as speech. Everything is compared with the
published form in fp32, with TF32 off; on a GPU that form with TF32 is shown beside it. Every row
names the plan that ran, because another one may have answered in place of the one asked for.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import report
from benchmarks.gauge import CLOCKS, Deadline, Memory, allow_tf32, medians_in_turns, seconds_of
from realtime.acceleration import Accelerated
from realtime.acceleration.machine import has_fast_bf16, machine_facts, package_version
from realtime.acceleration.tolerance import MAX_ERROR, SNR_DB
from realtime.engine_settings import PLANS, PRECISIONS
from realtime.vocoders.networks.base import MelNet
from realtime.vocoders.networks.bigvgan import BigVGAN
from realtime.vocoders.networks.hifigan import Generator
from realtime.vocoders.open import accelerate_for_windows, copy_with_shared_weights, example_mels
from realtime.vocoders.report import CallCounter
from realtime.vocoders.sound_quality import compare
from realtime.vocoders.vocoder import Vocoder, WindowSettings, make_schedules

RATES = {"bigvgan": 24_000, "hifigan": 48_000}
LOUD = 0.1  # root mean square of the sound, its mean left out
PROCESSOR_CLOCK = "processor: its own work alone; on a busy machine, with --threads 1"
QUICK = ("eager", "eager_graphs", "graphs")  # plans on a GPU, the fastest to prepare first


def loud_network(name: str, device: str, frames: int = 60) -> MelNet:
    """Make a full-size network with random weights whose sound is as loud as speech."""
    torch.manual_seed(0)
    network: MelNet = BigVGAN() if name == "bigvgan" else Generator()
    network.eval().requires_grad_(False).plain().to(device)
    mels = example_mels(network.bands, frames).to(device)
    for _ in range(6):  # clipping and tanh bend the sound, so one step does not reach the level
        with torch.no_grad():
            heard = network(mels)
            network.conv_post.weight.mul_(LOUD / float((heard - heard.mean()).std()))
    return network


@dataclass(frozen=True)
class Case:
    """A plan in a precision on a shape of a network's input."""

    name: str
    network: MelNet  # as published
    plan: str
    precision: str
    frames: int
    batch: int

    def __str__(self) -> str:
        return f"{self.name} {self.plan} {self.precision}, {self.batch} × {self.frames} frames"

    def accelerated(self, device: str, sizes: list[int]) -> Accelerated:
        """Put the network under the plan, with nothing prepared."""
        quick = copy_with_shared_weights(self.network).fast()
        return accelerate_for_windows(quick, self.plan, self.precision, device, sizes, self.batch)

    def mels(self, device: str) -> Tensor:
        return example_mels(self.network.bands, self.frames, self.batch).to(device)


def measure_case(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """Measure time, memory and distance of one case beside the published form's."""
    device = options.device
    mels, work = case.mels(device), case.accelerated(device, [case.frames])
    published, quick = without_gradients(case.network, mels), without_gradients(work, mels)
    expected = published()  # also loads the libraries that both use
    base = Memory(device)
    with base.watched():
        published()
    memory, started = Memory(device), time.perf_counter()
    work.prepare([(case.frames, case.batch)])
    prepared = time.perf_counter() - started
    quick()  # some parts are made at the first call
    counted = CallCounter(work)
    with memory.watched():  # without the memory that the comparison in `prepare` took
        found = quick()
    before, after = medians_in_turns([published, quick], device, options.runs, options.clock)
    row = _row(case, before, after, compare(flat_sound(found), flat_sound(expected)), memory, base)
    ran, reason = counted.plan, counted.reason
    work.close()
    return {
        "plan": case.plan,
        "ran": ran,
        "precision": case.precision,
        **row,
        "prepared s": round(prepared, 1),
        "why not": reason or "",
    }


def _row(
    case: Case, before: float, after: float, near: Any, memory: Memory, base: Memory
) -> dict[str, Any]:
    sound = case.batch * case.frames * case.network.hop / RATES[case.name]
    right = (
        near.max_error <= MAX_ERROR
        if case.precision == "fp32"
        else near.snr_db >= SNR_DB.get(case.precision, 0.0)
    )
    return {
        "batch": case.batch,
        "frames": case.frames,
        "ms": round(1e3 * after, 2),
        "real-time factor": round(after / sound, 5),
        "speed-up": round(before / after, 2),
        "MB": round(memory.megabytes),
        "published ms": round(1e3 * before, 2),
        "published MB": round(base.megabytes),
        "max error": near.max_error,
        "SNR dB": round(near.snr_db, 1),
        "similarity": near.similarity,
        "right": "yes" if right else "NO",
    }


def measure_tf32(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """Measure the published form with TF32, beside its true fp32."""
    device, mels = options.device, case.mels(options.device)
    published = without_gradients(case.network, mels)

    def shortened() -> Tensor:
        allow_tf32(True)
        try:
            return published()
        finally:
            allow_tf32(False)

    expected, base = published(), Memory(device)
    with base.watched():
        published()
    memory = Memory(device)
    with memory.watched():
        found = shortened()
    before, after = medians_in_turns([published, shortened], device, options.runs, options.clock)
    row = _row(case, before, after, compare(flat_sound(found), flat_sound(expected)), memory, base)
    told = {"plan": "published", "ran": "published", "precision": "tf32"}
    return {**told, **row, "right": "-", "prepared s": 0.0, "why not": ""}


def measure_first_sound(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """Measure a stream's first sound, from the frames that it needs to its samples in memory."""
    network, device = case.network, options.device
    windows = WindowSettings(chunk=case.frames, batch=1)
    _, growing = make_schedules(network.reach(), windows)
    work = case.accelerated(device, [growing.sizes[0], case.frames])
    vocoder = Vocoder(
        work,
        bands=network.bands,
        hop=network.hop,
        sample_rate=RATES[case.name],
        reach=network.reach(),
        windows=windows,
    )
    # A frame more than the window: until then the mel might end with it, and be cut otherwise.
    mel = example_mels(network.bands, growing.sizes[0] + 1)[0].to(device)
    work.prepare([(growing.sizes[0], 1)])
    kept: list[int] = []

    def speak() -> None:
        kept[:] = [piece.size for piece in vocoder.stream().feed(mel)]

    for _ in range(3):
        speak()
    counted = CallCounter(work)
    taken = [1e3 * seconds_of(speak, device, options.clock) for _ in range(options.streams)]
    row = {
        "plan": case.plan,
        "ran": counted.plan,
        "precision": case.precision,
        "frames in": growing.sizes[0],
        "samples out": sum(kept),
        "median ms": round(float(np.median(taken)), 3),
        "p95 ms": round(float(np.percentile(taken, 95)), 3),
        "why not": counted.reason or "",
    }
    work.close()
    return row


def without_gradients(form: Callable[[Tensor], Tensor], mels: Tensor) -> Callable[[], Tensor]:
    """Give a run as the server makes it: without gradients, and not in inference mode."""

    def run() -> Tensor:
        with torch.no_grad():
            return form(mels)

    return run


def flat_sound(found: Tensor) -> Tensor:
    return found.float().cpu().reshape(-1)


def cases_in_time(
    name: str, network: MelNet, options: argparse.Namespace, deadline: Deadline
) -> Iterator[Case]:
    """Yield the cases that there is time for."""
    shapes = product(options.plans, options.precisions, options.batch, options.frames)
    for plan, precision, batch, frames in shapes:
        found = Case(name, network, plan, precision, frames, batch)
        if not deadline.over(str(found)):
            yield found
            print(".", end="", flush=True)


def measure_vocoder(
    name: str, options: argparse.Namespace, deadline: Deadline
) -> dict[str, list[dict[str, Any]]]:
    """Make the table of one vocoder, and that of its streams."""
    network = loud_network(name, options.device)
    rows = [measure_case(case, options) for case in cases_in_time(name, network, options, deadline)]
    if options.device != "cpu":
        for batch, frames in product(options.batch, options.frames):
            case = Case(name, network, "published", "tf32", frames, batch)
            rows.append(measure_tf32(case, options))
    streams = []
    for plan, precision in product(options.plans, options.precisions):
        case = Case(name, network, plan, precision, max(options.frames), 1)
        if not deadline.over(f"the streams of {case}"):
            streams.append(measure_first_sound(case, options))
    print()
    return {"plans": rows, "first sound of a stream": streams}


def read_options(arguments: list[str] | None = None) -> argparse.Namespace:
    cuda = torch.cuda.is_available()
    parser = report.argument_parser("Vocoders: how fast is each plan, and is it still right?")
    parser.add_argument("--device", default="cuda" if cuda else "cpu")
    parser.add_argument("--vocoders", nargs="+", default=list(RATES), choices=RATES)
    plans = [plan for plan in QUICK if plan in PLANS] if cuda else ["eager"]
    parser.add_argument("--plans", nargs="+", default=plans, choices=PLANS)
    fits = ["fp32", "fp16", "bf16"] if cuda else ["fp32", *(["bf16"] if has_fast_bf16() else [])]
    parser.add_argument("--precisions", nargs="+", default=fits, choices=PRECISIONS)
    lengths = [500] if cuda else [50, 200, 500]
    parser.add_argument("--frames", nargs="+", type=int, default=lengths)
    parser.add_argument("--batch", nargs="+", type=int, default=[1])
    parser.add_argument("--runs", type=int, default=20 if cuda else 5)
    parser.add_argument("--streams", type=int, default=50 if cuda else 10)
    parser.add_argument("--minutes", type=float, default=8.0 if cuda else 60.0, help="then stop")
    parser.add_argument("--threads", type=int, help="of a processor; else as many as cores")
    parser.add_argument("--clock", default="wall", choices=CLOCKS, help=PROCESSOR_CLOCK)
    options = parser.parse_args(arguments)
    if options.device != "cpu" and options.clock == "processor":
        parser.error("a processor's clock does not see what a GPU does: --clock wall")
    return options


def main() -> None:
    options = read_options()
    allow_tf32(False)
    if options.threads:
        torch.set_num_threads(options.threads)
    deadline = Deadline(options.minutes)
    figures: dict[str, Any] = {
        **machine_facts(torch.device(options.device)),
        "triton": package_version("triton"),
        "onnxruntime": package_version("onnxruntime-gpu") or package_version("onnxruntime"),
        "tensorrt": package_version("torch-tensorrt"),
        "device": options.device,
        "threads": torch.get_num_threads(),
        "clock": options.clock,
        "bf16 instructions": has_fast_bf16(),
    }
    for name in options.vocoders:
        figures[name] = measure_vocoder(name, options, deadline)
        for title, rows in figures[name].items():
            report.print_table(f"{name}, {title}, on {options.device}", rows)
        report.write_json(options.json, {**figures, "not begun": deadline.skipped})
    if deadline.skipped:
        print(f"\nNo time was left for: {'; '.join(deadline.skipped)}")


if __name__ == "__main__":
    main()
