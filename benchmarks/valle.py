"""VALL-E X at full size, with random weights and forced lengths: how near is a step to its floor?

The floor of a step is the time in which its weights can be read at all: the bytes of the first
level's layers and of what predicts, by the bandwidth of summing a buffer as large on as many
threads. Lines have a prompt of 225 frames and 50 symbols, 60 symbols to say, and 300 steps.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import report
from realtime.configuration import load_settings
from realtime.engines.valle.batching import BatchedLine
from realtime.engines.valle.device_choice import Run, chosen
from realtime.engines.valle.model import FRAMES, LENGTHS, ValleModel
from realtime.engines.valle.networks.checkpoint import END, LEVELS, ValleNetwork, ValleShape
from realtime.engines.valle.networks.vocos import Vocos
from realtime.engines.valle.random_numbers import draws
from realtime.engines.valle.speaking import Speaking, VoiceExample, Watch
from realtime.engines.valle.text import Encoded, encode
from realtime.settings import Settings
from realtime.settings import ValleSettings as ValleSettings

PROMPT_FRAMES, PROMPT_SYMBOLS, SYMBOLS = 225, 50, 60
STEPS, FIRST_STEPS = 300, 75
TEXT = "The old clock in the hall had stopped long before anybody noticed."
BYTES = {"fp32": 4, "fp16": 2, "bf16": 2}
TURNS = 60
READS = 50  # between two events
DRIVER = Path("/proc/driver/nvidia/version")


def weights(shape: ValleShape) -> dict[str, Tensor]:
    """Random ones of a model that never ends by itself."""
    random = torch.Generator().manual_seed(0)
    state = {}
    with torch.device("meta"):
        empty = ValleNetwork(shape).state_dict()
    for name, weight in empty.items():
        if weight.dim() > 1:
            made = torch.empty(weight.shape).normal_(std=0.02, generator=random)
        else:
            made = torch.full(weight.shape, float("norm" in name and name.endswith("weight")))
        state[name] = made
    state["ar_predict_layer.weight"][END] = 0.0
    state["ar_predict_layer.weight"][:, 0] = 0.0
    state["ar_predict_layer.weight"][END, 0] = -100.0
    state["ar_decoder.norm.weight"][0], state["ar_decoder.norm.bias"][0] = 0.0, 1.0
    return state


def step_bytes(state: Mapping[str, Tensor], precision: str) -> int:
    """What one step reads of the weights."""
    parts = ("ar_decoder.", "ar_predict_layer.")
    counts: list[int] = [w.numel() for name, w in state.items() if name.startswith(parts)]
    return sum(counts) * BYTES[precision]


def beside(lines: Lines, size: int, device: str) -> tuple[float, float]:
    """Seconds of a step and of reading so many bytes."""
    buffer = torch.ones(size // 4, device=device)
    return (queued if device == "cuda" else in_turns)(lines, buffer)


def queued(lines: Lines, buffer: Tensor) -> tuple[float, float]:
    """On a device that is given many at once, as it is at work: between two of its events."""
    slots = lines.model.slots
    slots.enter(lines.seat(0, 3 * TURNS))
    for _ in range(TURNS):
        slots.advance()
        buffer.sum()
    took = [between(slots.advance), between(buffer.sum)]
    while slots.taken:
        slots.advance()
    return took[0], took[1]


def between(work: Callable[[], object]) -> float:
    """Seconds of one of many."""
    began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    began.record()
    for _ in range(READS):
        work()
    ended.record()
    ended.synchronize()
    return float(began.elapsed_time(ended)) / 1000 / READS


def in_turns(lines: Lines, buffer: Tensor) -> tuple[float, float]:
    """Medians, in turns because a machine that is busy is so for both."""
    read: list[float] = []
    took: list[float] = []
    slots = lines.model.slots
    slots.enter(lines.seat(0, TURNS))
    while slots.taken:
        with timed("cpu", read):
            buffer.sum()
        with timed("cpu", took):
            slots.advance()
    return statistics.median(took), statistics.median(read)


def needed(steps: Sequence[int], spans: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """The sizes that lines of so many steps come to: no others are prepared."""
    begun = PROMPT_SYMBOLS + SYMBOLS + PROMPT_FRAMES
    reached = range(begun, begun + max(steps) + 2)
    return {
        "spans": tuple(sorted({room(place + 1, spans) for place in reached})),
        "lengths": tuple(sorted({room(begun + count, LENGTHS) for count in steps})),
        "frames": tuple(sorted({room(count, FRAMES) for count in steps})),
    }


def room(length: int, sizes: Sequence[int]) -> int:
    return next(size for size in sizes if size >= length)


def driver(file: Path = DRIVER) -> str | None:
    """The version of the GPU's driver."""
    if not file.exists():
        return None
    found = re.search(r"\b\d+\.\d+(\.\d+)?\b", file.read_text(encoding="utf-8"))
    return found and found.group()


@contextmanager
def timed(device: str, into: list[float]) -> Iterator[None]:
    synchronise(device)
    started = time.perf_counter()
    yield
    synchronise(device)
    into.append(time.perf_counter() - started)


def synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


class Lines:
    """Lines of the agreed size through one model."""

    def __init__(self, model: ValleModel, settings: Settings) -> None:
        random = np.random.default_rng(1)
        self.model = model
        self._speaking = Speaking(model, settings.valle.sampling)
        ids = [int(number) for number in random.integers(13, 65, PROMPT_SYMBOLS + SYMBOLS)]
        prompt = Encoded(tuple(ids[:PROMPT_SYMBOLS]), (0,) * PROMPT_SYMBOLS)
        self._words = Encoded(tuple(ids[PROMPT_SYMBOLS:]), (0,) * SYMBOLS)
        self._heard = VoiceExample(random.integers(0, 1024, (PROMPT_FRAMES, LEVELS)), prompt)

    def seat(self, seed: int, steps: int) -> BatchedLine:
        heard, words = self._heard, self._words
        return BatchedLine(
            ids=(*heard.said.ids, *words.ids),
            languages=(*heard.said.languages, *words.languages),
            heard=heard.codes[:, 0].tolist(),
            draws=draws(seed, words.ids, 0, steps),
        )

    def stages(self, steps: int, batch: int = 1) -> dict[str, float]:
        """Seconds of each stage of so many lines that begin together."""
        slots, device = self.model.slots, self.model.run.device
        took: dict[str, list[float]] = {name: [] for name in ("text", "prefill", "steps", "passes")}
        with timed("cpu", took["text"]):
            encode(TEXT, "en")
        seats = [self.seat(seed, steps) for seed in range(batch)]
        with timed(device, took["prefill"]):
            for seat in seats:
                assert slots.enter(seat), "there is a slot for each line"
        with timed(device, took["steps"]):
            while slots.taken:
                slots.advance()
        with timed(device, took["passes"]):
            codes = [self._refined(seat) for seat in seats]
        took["vocoder"] = []
        with timed(device, took["vocoder"]):
            for one in codes:
                self._speaking.sound(one)
        return {name: sum(found) for name, found in took.items()}

    def _refined(self, seat: BatchedLine) -> Any:
        patient = Watch(lambda: None, lambda: False, clock=lambda: 0.0)
        turns = self._speaking._others(self._words, self._heard, seat.codes, patient)
        try:
            while True:
                next(turns)
        except StopIteration as end:
            return end.value


def milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 3)


def median(runs: int, work: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Each stage's median of so many runs, after one that is not counted."""
    work()
    found = [work() for _ in range(runs)]
    return {name: statistics.median(one[name] for one in found) for name in found[0]}


def measured(run: Run, state: Mapping[str, Tensor], options: argparse.Namespace) -> dict[str, Any]:
    """One plan: the step against its floor, the line by stage, and lines together."""
    settings = replace(load_settings(), valle=ValleSettings())
    model = ValleModel(state, Vocos().state_dict(), run, settings)
    started = time.perf_counter()
    model.prepare(**needed((options.steps, options.first_steps, 3 * TURNS), model.spans))
    prepared = time.perf_counter() - started
    lines = Lines(model, settings)
    size = step_bytes(state, run.precision)
    step, floor = beside(lines, size, run.device)
    line = median(options.runs, lambda: lines.stages(options.steps))
    first = median(options.runs, lambda: lines.stages(options.first_steps))
    rows = [together(lines, batch, options) for batch in options.batches]
    for network in model.quick:
        network.close()
    return {
        "plan": {
            "plan": run.plan,
            "precision": run.precision,
            "runs": " ".join(network.mode for network in model.quick) or "eager",
            "prepared s": round(prepared, 1),
            "GB/s": round(size / floor / 1e9, 1),
            "floor ms": milliseconds(floor),
            "step ms": milliseconds(step),
            "step / floor": round(step / floor, 2),
            **{f"{name} ms": milliseconds(took) for name, took in line.items()},
            "line ms": milliseconds(sum(line.values())),
            "first sound ms": milliseconds(sum(first.values())),
        },
        "batches": [{"plan": run.plan, **row} for row in rows],
    }


def together(lines: Lines, batch: int, options: argparse.Namespace) -> dict[str, Any]:
    took = median(options.runs, lambda: lines.stages(options.steps, batch))
    whole = sum(seconds for name, seconds in took.items() if name != "text")
    return {
        "lines": batch,
        "step ms": milliseconds(took["steps"] / options.steps),
        "passes ms": milliseconds(took["passes"]),
        "vocoder ms": milliseconds(took["vocoder"]),
        "seconds of sound a second": round(batch * options.steps / 75 / whole, 2),
    }


def main() -> None:
    parser = report.options("VALL-E X: how near is a step to the floor?")
    parser.add_argument("--plans", nargs="+", default=["eager"], help="eager compile graphs")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--batches", nargs="+", type=int, help="1 2 4; on CUDA up to 32")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--first-steps", type=int, default=FIRST_STEPS)
    parser.add_argument("--width", type=int, default=1024, help="smaller: a quick trial")
    parser.add_argument("--layers", type=int, default=12)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    said = ValleSettings(device=options.device, precision=options.precision)
    usual = chosen(replace(load_settings(), valle=said))
    options.batches = options.batches or ([1, 2, 4] if usual.device == "cpu" else [1, 8, 16, 32])
    sizes = tuple(sorted({1, *options.batches}))
    run = replace(usual, slots=sizes[-1], batches=sizes)
    state = weights(ValleShape(options.width, 16, options.layers))
    found = [measured(replace(run, plan=plan), state, options) for plan in options.plans]
    figures: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if run.device == "cuda" else "cpu",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "driver": driver(),
        "plans": [one["plan"] for one in found],
        "batches": [row for one in found for row in one["batches"]],
    }
    print(f"{figures['device']}, {figures['threads']} threads, torch {torch.__version__}")
    report.show("A line alone, by stage", figures["plans"])
    report.show("Lines together", figures["batches"])
    report.keep(options.json, figures)


if __name__ == "__main__":
    main()
