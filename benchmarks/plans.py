"""Acceleration's plans on small networks: does each run here, how soon, how fast, how right?

Calls come in inference mode and from a thread of their own, as lanes make them. A plan that did not
answer says why. On a new machine this is the first benchmark to run.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import report
from realtime.acceleration import Accelerated, Axis, Policy, accelerate
from realtime.engine_settings import PLANS, PRECISIONS
from realtime.vocoders.networks.hifigan import Generator, GeneratorShape

FRAMES = (50, 200)
LOUD = 0.1  # root mean square of the sound, its mean left out
WIDE, LAYERS = 256, 24


class Step(nn.Module):
    """A chain of small layers: starting a kernel costs more than the kernel itself."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDE, WIDE) for _ in range(LAYERS))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + torch.tanh(layer(x))
        return x


def make_step() -> tuple[nn.Module, Tensor, tuple[Axis, ...]]:
    return Step(), torch.randn(1, WIDE), ()


def make_sound() -> tuple[nn.Module, Tensor, tuple[Axis, ...]]:
    """Make a vocoder with an eighth of the published one's channels, as loud as speech."""
    network = (
        Generator(GeneratorShape(upsample_initial_channel=64)).eval().requires_grad_(False).plain()
    )
    mel = 2 * torch.randn(1, network.bands, FRAMES[-1]) - 5
    # With the weights as torch makes them, the sound is hardly more than the biases.
    for weight in network.parameters():
        if weight.dim() > 1:
            nn.init.kaiming_normal_(weight)
        else:
            nn.init.zeros_(weight)
    for _ in range(6):  # several times: after tanh the sound grows by less than the weights
        output = network(mel[..., : FRAMES[0]])
        network.conv_post.weight.mul_(LOUD / float(output.std()))
    return network, mel, (Axis(FRAMES, {0: 2}, {0: 2}, network.hop),)


NETWORKS: dict[str, Callable[[], tuple[nn.Module, Tensor, tuple[Axis, ...]]]] = {
    "step": make_step,
    "sound": make_sound,
}


def measure(name: str, plan: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure one network under one plan, in one precision."""
    torch.manual_seed(0)
    module, example, axes = NETWORKS[name]()
    run = accelerate(
        module,
        inputs=(example,),
        plan=plan,
        precision=options.precision,
        device=options.device,
        axes=axes,
        policy=Policy(folder=folder, auto_seconds=options.auto_seconds),
        name=name,
    )
    started = time.perf_counter()
    run.prepare()
    prepared = time.perf_counter() - started
    with ThreadPoolExecutor(1) as lane:
        took = lane.submit(seconds_a_call, run, example.to(options.device), options.runs).result()
    described = run.described()
    found = {
        "network": name,
        "plan": plan,
        "runs as": ", ".join(described["hits"]),
        "prepared s": round(prepared, 2),
        "call ms": round(1_000 * took, 3),
        "check": _check(described, run.mode),
        "why not": "; ".join(dict.fromkeys(item["reason"] for item in described["fallbacks"])),
    }
    run.close()
    return found


def seconds_a_call(run: Accelerated, example: Tensor, runs: int) -> float:
    """Measure the median seconds of a call, each waited for."""
    took = []
    with torch.inference_mode():
        for _ in range(runs):
            started = time.perf_counter()
            run(example)
            run.network.synchronise()
            took.append(time.perf_counter() - started)
    return statistics.median(took)


def _check(described: dict[str, Any], mode: str) -> str:
    ready = [b for b in described["buckets"] if b["plan"] == mode and b["state"] == "ready"]
    return str(ready[-1]["check"]) if ready else "-"


def parse_options() -> argparse.Namespace:
    parser = report.argument_parser("Plans on small networks: which run here, and how fast?")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--plans", nargs="+", default=PLANS, choices=PLANS)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--precision", default="fp32", choices=PRECISIONS)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--auto-seconds", type=float, default=120.0)
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    with TemporaryDirectory() as folder:
        rows = [
            measure(name, plan, options, Path(folder))
            for name in options.networks
            for plan in options.plans
        ]
    where = "the processor"
    if options.device != "cpu":
        where = torch.cuda.get_device_name(options.device)
    report.print_table(f"plans in {options.precision} on {where}", rows)
    figures = {"torch": str(torch.__version__), "device": where, "plans": rows}
    report.write_json(options.json, figures)


if __name__ == "__main__":
    main()
