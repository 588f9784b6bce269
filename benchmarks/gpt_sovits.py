"""GPT-SoVITS at full size, with random weights and forced lengths, part by part.

Parts: `steps` beside their floor, `batches` of lines, the three `texts` of the published guide,
the `first` sound, flow matching (`cfm`) step by step, the `vocoder` and what stands in its place,
and the `front`: networks that hear a clip and read Chinese.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks import report
from benchmarks.gpt_sovits_bench import TEXTS, Bench
from benchmarks.gpt_sovits_parts import PARTS
from benchmarks.step_floor import driver_version
from realtime.engine_settings import PLANS
from realtime.engines.gpt_sovits.text.reading import prepare
from realtime.engines.gpt_sovits.versions import VERSIONS

PROMISED_RATE = "0.15-0.25"  # requests a second, in the guide whose texts are measured


def read_options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = report.argument_parser("GPT-SoVITS: how near is a step to the floor, and a line?")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    versions = ["v2ProPlus", "v4"]
    parser.add_argument("--versions", nargs="+", default=versions, choices=VERSIONS)
    parser.add_argument("--plans", nargs="+", default=["eager"], help="eager compile graphs")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 4, 16], help="up to 32")
    kinds = range(len(TEXTS))
    parser.add_argument("--batch-text", type=int, default=1, choices=kinds, help="longer by number")
    parser.add_argument("--cfm-steps", nargs="+", type=int, default=[4, 8, 32])
    parser.add_argument("--vocoder-plan", default="eager", choices=("auto", *PLANS))
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="narrow networks: a quick trial")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the parts one after the other, and print each when it is done."""
    if options.threads:
        torch.set_num_threads(options.threads)
    prepare()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        cuda = bench.device != "cpu"
        figures: dict[str, Any] = {
            "threads": torch.get_num_threads(),
            "device": torch.cuda.get_device_name() if cuda else "cpu",
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "driver": driver_version(),
            "precision": bench.run.precision,
            "the guide's requests a second": PROMISED_RATE,
        }
        print(f"{figures['device']}, {figures['threads']} threads, torch {torch.__version__}")
        for name in options.parts:
            title, work = PARTS[name]
            figures[name] = work(bench)
            report.print_table(title, figures[name])
            report.write_json(options.json, figures)
    return figures


if __name__ == "__main__":
    measure(read_options())
