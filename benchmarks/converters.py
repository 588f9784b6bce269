"""RVC and DDSP-SVC at full size, with random weights: parts, recordings, live blocks, memory.

On a GPU the blocks include those of 20 ms, whose delay in the server counts, and those of 100 ms,
of which several streams share the device.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks import report
from benchmarks.converter_bench import ConverterBench, Rows
from benchmarks.converter_memory import measure_memory
from benchmarks.converter_models import VOICES
from benchmarks.converter_parts import measure_parts
from benchmarks.converter_streams import measure_blocks, measure_files

PARTS: dict[str, tuple[str, Callable[[ConverterBench], Rows]]] = {
    "memory": ("Memory of a voice, and of a second one", measure_memory),
    "parts": ("Seconds of computing for a second of sound", measure_parts),
    "files": ("Recordings, through the engine", measure_files),
    "blocks": ("Live blocks, through the engine", measure_blocks),
}
PUBLISHED: Rows = [
    {"program": "RVC, its own live window", "delay ms": "170", "with": "sound card included"},
    {"program": "RVC, its own live window", "delay ms": "90", "with": "ASIO"},
    {"program": "DDSP-SVC, its own window", "delay ms": ">= 370", "with": "its usual settings"},
    {"program": "w-okada's voice changer", "delay ms": "~500", "with": "measured by users"},
]


def read_options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = report.argument_parser("What do RVC and DDSP-SVC cost, and what is live here?")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--voices", nargs="+", default=list(VOICES), choices=VOICES)
    parser.add_argument("--steps", nargs="+", type=int, default=[0, 4], help="of a flow; 0: none")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=float, default=4.0, help="of sound for a part")
    parser.add_argument("--index", type=int, default=20_000, help="vectors beside a voice of RVC")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="narrow networks: a quick trial")
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the parts one after the other, and print each when it is done."""
    with tempfile.TemporaryDirectory() as folder:
        bench = ConverterBench(options, Path(folder))
        figures: dict[str, Any] = {
            "device": bench.device,
            "threads": bench.threads,
            "torch": torch.__version__,
            "published": PUBLISHED,
        }
        print(f"{bench.device}, threads {bench.threads}, torch {torch.__version__}")
        for name in options.parts:
            title, work = PARTS[name]
            figures[name] = work(bench)
            report.print_table(title, figures[name])
            report.write_json(options.json, figures)
    report.print_table("Published by others, on their machines", PUBLISHED)
    return figures


if __name__ == "__main__":
    measure(read_options())
