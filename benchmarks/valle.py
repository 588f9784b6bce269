"""VALL-E X at full size, with random weights and forced lengths: how near is a step to its floor?

The floor of a step is the time to read its weights once: the bytes of the autoregressive layers and
of the prediction layer, at the bandwidth of summing a buffer as large on as many threads. Lines
have a prompt of 225 frames and 50 symbols, 60 symbols to say, and 300 steps.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import report
from benchmarks.step_floor import (
    BYTES,
    TRIAL_STEPS,
    driver_version,
    measure_step,
    median_of_runs,
    milliseconds,
    timed,
)
from realtime.configuration import load_settings
from realtime.engines.decoding.line import BatchedLine
from realtime.engines.decoding.run_config import RunConfig, choose_run
from realtime.engines.decoding.turn import Turn
from realtime.engines.valle.codes import END, LEVELS
from realtime.engines.valle.model import FRAMES, LENGTHS, ValleModel
from realtime.engines.valle.networks.checkpoint import ValleNetwork, ValleShape
from realtime.engines.valle.networks.vocos import Vocos
from realtime.engines.valle.prompt import LinePrompt
from realtime.engines.valle.random_numbers import draw_numbers
from realtime.engines.valle.speaking import PieceSpeaker, VoiceExample
from realtime.engines.valle.text import Encoded, encode
from realtime.settings import Settings
from realtime.settings import ValleSettings as ValleSettings

PROMPT_FRAMES, PROMPT_SYMBOLS, SYMBOLS = 225, 50, 60
STEPS, FIRST_STEPS = 300, 75
TEXT = "The old clock in the hall had stopped long before anybody noticed."


def make_weights(shape: ValleShape) -> dict[str, Tensor]:
    """Make random weights of a model that never ends a line by itself."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    with torch.device("meta"):
        empty = ValleNetwork(shape).state_dict()
    for name, weight in empty.items():
        if weight.dim() > 1:
            state[name] = torch.empty(weight.shape).normal_(std=0.02, generator=generator)
        elif "norm" in name and name.endswith("weight"):
            state[name] = torch.ones(weight.shape)
        else:
            state[name] = torch.zeros(weight.shape)
    # The first number after the norm is always 1, and only the end's logit reads it: it is -100.
    state["ar_predict_layer.weight"][END] = 0.0
    state["ar_predict_layer.weight"][:, 0] = 0.0
    state["ar_predict_layer.weight"][END, 0] = -100.0
    state["ar_decoder.norm.weight"][0], state["ar_decoder.norm.bias"][0] = 0.0, 1.0
    return state


def step_bytes(state: Mapping[str, Tensor], precision: str) -> int:
    """Return how many bytes of weights one step reads."""
    parts = ("ar_decoder.", "ar_predict_layer.")
    counts: list[int] = [w.numel() for name, w in state.items() if name.startswith(parts)]
    return sum(counts) * BYTES[precision]


def needed_sizes(steps: Sequence[int], spans: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Return the sizes that lines of so many steps need: no others are prepared."""
    beginning = PROMPT_SYMBOLS + SYMBOLS + PROMPT_FRAMES
    places = range(beginning, beginning + max(steps) + 2)
    return {
        "spans": tuple(sorted({padded_size(place + 1, spans) for place in places})),
        "lengths": tuple(sorted({padded_size(beginning + count, LENGTHS) for count in steps})),
        "frames": tuple(sorted({padded_size(count, FRAMES) for count in steps})),
    }


def padded_size(length: int, sizes: Sequence[int]) -> int:
    return next(size for size in sizes if size >= length)


class AgreedLines:
    """Lines of the agreed size through one model."""

    def __init__(self, model: ValleModel, settings: Settings) -> None:
        generator = np.random.default_rng(1)
        self.model = model
        self._speaker = PieceSpeaker(model, settings.valle.sampling)
        ids = [int(number) for number in generator.integers(13, 65, PROMPT_SYMBOLS + SYMBOLS)]
        prompt = Encoded(tuple(ids[:PROMPT_SYMBOLS]), (0,) * PROMPT_SYMBOLS)
        self._text = Encoded(tuple(ids[PROMPT_SYMBOLS:]), (0,) * SYMBOLS)
        self._example = VoiceExample(generator.integers(0, 1024, (PROMPT_FRAMES, LEVELS)), prompt)

    def make_line(self, seed: int, steps: int) -> BatchedLine[LinePrompt]:
        example, text = self._example, self._text
        ids = (*example.text.ids, *text.ids)
        languages = (*example.text.languages, *text.languages)
        prompt = LinePrompt(ids, languages, example.codes[:, 0].tolist())
        return prompt.make_line(steps, draw_numbers(seed, text.ids, 0, steps).__getitem__)

    def measure(self, steps: int, count: int = 1) -> dict[str, float]:
        """Return the seconds of each part of the work, for so many lines that begin together."""
        batch, device = self.model.batch, self.model.run.device
        parts = ("text", "prefill", "steps", "passes", "vocoder")
        seconds: dict[str, list[float]] = {name: [] for name in parts}
        with timed("cpu", seconds["text"]):
            encode(TEXT, "en")
        lines = [self.make_line(seed, steps) for seed in range(count)]
        with timed(device, seconds["prefill"]):
            for line in lines:
                assert batch.enter(line), "there is a slot for each line"
        with timed(device, seconds["steps"]):
            while batch.line_count:
                batch.advance()
        with timed(device, seconds["passes"]):
            codes = [self._make_all_levels(line) for line in lines]
        with timed(device, seconds["vocoder"]):
            for each in codes:
                self._speaker.make_sound(each)
        return {name: sum(measured) for name, measured in seconds.items()}

    def _make_all_levels(self, line: BatchedLine[LinePrompt]) -> Any:
        endless_turn = Turn(lambda: None, lambda: False, clock=lambda: 0.0)
        turns = self._speaker._all_levels(self._text, self._example, line.codes, endless_turn)
        try:
            while True:
                next(turns)
        except StopIteration as end:
            return end.value


def measure_plan(
    run: RunConfig, state: Mapping[str, Tensor], options: argparse.Namespace
) -> dict[str, Any]:
    """Measure one plan: the step against its floor, a line by parts, and lines together."""
    settings = replace(load_settings(), valle=ValleSettings())
    model = ValleModel(state, Vocos().state_dict(), run, settings)
    started = time.perf_counter()
    steps = (options.steps, options.first_steps, 3 * TRIAL_STEPS)
    model.prepare(**needed_sizes(steps, model.spans))
    prepared = time.perf_counter() - started
    lines = AgreedLines(model, settings)
    size = step_bytes(state, run.precision)
    step, floor = measure_step(model.batch, partial(lines.make_line, 0), size, run.device)
    line = median_of_runs(options.runs, lambda: lines.measure(options.steps))
    first = median_of_runs(options.runs, lambda: lines.measure(options.first_steps))
    rows = [measure_together(lines, count, options) for count in options.batches]
    for network in model.accelerated:
        network.close()
    return {
        "plan": {
            "plan": run.plan,
            "precision": run.precision,
            "runs": " ".join(network.mode for network in model.accelerated) or "eager",
            "prepared s": round(prepared, 1),
            "GB/s": round(size / floor / 1e9, 1),
            "floor ms": milliseconds(floor),
            "step ms": milliseconds(step),
            "step / floor": round(step / floor, 2),
            **{f"{name} ms": milliseconds(seconds) for name, seconds in line.items()},
            "line ms": milliseconds(sum(line.values())),
            "first sound ms": milliseconds(sum(first.values())),
        },
        "batches": [{"plan": run.plan, **row} for row in rows],
    }


def measure_together(lines: AgreedLines, count: int, options: argparse.Namespace) -> dict[str, Any]:
    """Measure so many lines that begin together."""
    seconds = median_of_runs(options.runs, lambda: lines.measure(options.steps, count))
    whole = sum(seconds.values()) - seconds["text"]
    return {
        "lines": count,
        "step ms": milliseconds(seconds["steps"] / options.steps),
        "passes ms": milliseconds(seconds["passes"]),
        "vocoder ms": milliseconds(seconds["vocoder"]),
        "seconds of sound a second": round(count * options.steps / 75 / whole, 2),
    }


def main() -> None:
    parser = report.argument_parser("VALL-E X: how near is a step to the floor?")
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
    wanted = ValleSettings(device=options.device, precision=options.precision)
    usual = choose_run(wanted)
    options.batches = options.batches or ([1, 2, 4] if usual.device == "cpu" else [1, 8, 16, 32])
    sizes = tuple(sorted({1, *options.batches}))
    run = replace(usual, slots=sizes[-1], batch_sizes=sizes)
    state = make_weights(ValleShape(options.width, 16, options.layers))
    results = [measure_plan(replace(run, plan=plan), state, options) for plan in options.plans]
    figures: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if run.device == "cuda" else "cpu",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "driver": driver_version(),
        "plans": [result["plan"] for result in results],
        "batches": [row for result in results for row in result["batches"]],
    }
    print(f"{figures['device']}, {figures['threads']} threads, torch {torch.__version__}")
    report.print_table("A line alone, by stage", figures["plans"])
    report.print_table("Lines together", figures["batches"])
    report.write_json(options.json, figures)


if __name__ == "__main__":
    main()
