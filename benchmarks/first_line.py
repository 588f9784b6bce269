"""Benchmark: how soon is the first line in each language heard, ten seconds after a start?

Each start is a real server in a process of its own. After /ready it is left alone for ten seconds,
then asked for one line a language by POST /v1/audio/speech; then for other lines of the kind, which
are warm. Starts with the warm-up and without take turns, and each text is the first one as often
as it is a warm one. The very first starts have no prepared files, as after an installation. A third
kind of start asks for lines of hibari from /ready on, while the warm-up is at work.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.first_audio import SoundTimer, whole_samples
from benchmarks.sentences import SENTENCES
from benchmarks.server import Server

WAIT_SECONDS = 10.0
PAUSE_SECONDS = 0.3  # between lines: the engine ends what was left
WARM_LINES = 3  # of each kind, after the first line
EARLY_LINES = 15  # in about 5 s
MOST_SECONDS = 120.0  # for which the warm-up is waited for where it takes longer
RATE = 24000
FINAL = ("ready", "failed", "left_out")


@dataclass(frozen=True)
class Kind:
    """A kind of line: who speaks it in which language."""

    name: str
    voice: str
    language: str

    def text(self, number: int) -> str:
        """Give one of the texts; the same number is the same text."""
        texts = SENTENCES[self.language]
        return texts[number % len(texts)]


KINDS = (
    Kind("en, hibari", "af_heart", "en"),
    Kind("en, kokoro", "af_bella", "en"),
    Kind("zh, kokoro", "zf_xiaoxiao", "zh"),
    Kind("ja, kokoro", "jf_alpha", "ja"),
)
SETTINGS = ("auto", "off")
FIRST_KIND = 2  # at the very first start the Chinese line is the first


@dataclass
class Start:
    """The figures of one start."""

    warm: str
    ready_seconds: float = 0.0
    ready_mb: float = 0.0
    waited_mb: float = 0.0
    warm_seconds: float | None = None  # from /ready until everything planned was warm
    others_percent: float = 0.0  # of the processors, used by other programs in the wait
    first: dict[str, float] = field(default_factory=dict)  # milliseconds to the first audible
    again: dict[str, list[float]] = field(default_factory=dict)


def measure_start(warm: str, models: Path, number: int, texts: int) -> Start:
    """Start a server, wait, and ask for lines: a first one of each kind, then warm ones."""
    figures = Start(warm)
    with Server(warm=warm, YAMABIKO_MODELS__PATH=str(models)) as server:
        figures.ready_seconds, figures.ready_mb = server.start_seconds, server.memory_mb("VmRSS")
        wait(server, figures)
        figures.waited_mb = server.memory_mb("VmRSS")
        # Another kind goes first at each start: with it Kokoro is loaded where nothing is warm.
        turned = [*KINDS[number % len(KINDS) :], *KINDS[: number % len(KINDS)]]
        for kind in turned:
            figures.first[kind.name] = first_audible(server.address, kind, kind.text(number))
        for kind in turned:
            numbers = ((number + more) % texts for more in range(1, WARM_LINES + 1))
            figures.again[kind.name] = [
                first_audible(server.address, kind, kind.text(other)) for other in numbers
            ]
    return figures


def measure_early_lines(warm: str, models: Path) -> list[float]:
    """Start a server, and at once ask hibari for one line after the other."""
    kind = KINDS[0]
    with Server(warm=warm, YAMABIKO_MODELS__PATH=str(models)) as server:
        return [
            first_audible(server.address, kind, kind.text(number)) for number in range(EARLY_LINES)
        ]


def wait(server: Server, figures: Start) -> None:
    """Wait ten seconds, and note when the warm-up ended and how busy other programs were."""
    begun, before, own = time.perf_counter(), processor_seconds(), server.processor_seconds()
    while (passed := time.perf_counter() - begun) < WAIT_SECONDS:
        if figures.warm_seconds is None and is_warm(server.address):
            figures.warm_seconds = passed
        time.sleep(0.1)
    busy = processor_seconds() - before - (server.processor_seconds() - own)
    figures.others_percent = 100 * busy / passed / (os.cpu_count() or 1)


def is_warm(address: str) -> bool:
    with urllib.request.urlopen(f"{address}/api/status", timeout=30) as answer:
        models = json.load(answer)["models"]
    states = [model["warm_up"]["state"] for model in models if model["warm_up"]]
    return bool(states) and all(state in FINAL for state in states)


def processor_seconds() -> float:
    """Sum the seconds in which any processor of this machine was busy."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, interrupts, soft, *_ = map(int, fields)
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


def first_audible(address: str, kind: Kind, text: str) -> float:
    """Ask for a line; return the milliseconds until its first audible sample is heard."""
    body = {"voice": kind.voice, "input": text, "language": kind.language}
    request = urllib.request.Request(
        f"{address}/v1/audio/speech",
        json.dumps(body | {"response_format": "pcm"}).encode(),
        {"Content-Type": "application/json", "Cache-Control": "no-store"},
    )
    timer = SoundTimer(RATE)
    with urllib.request.urlopen(request, timeout=MOST_SECONDS) as answer:
        for pcm in whole_samples(answer):
            if timer.add(pcm):
                break
    time.sleep(PAUSE_SECONDS)
    return 1000 * timer.heard.first_audible


def line_rows(starts: Sequence[Start]) -> list[dict[str, Any]]:
    rows = []
    for warm in SETTINGS:
        of_setting = [start for start in starts if start.warm == warm]
        for kind in KINDS:
            first = [start.first[kind.name] for start in of_setting]
            again = [figure for start in of_setting for figure in start.again[kind.name]]
            rows.append(
                {
                    "warm": warm,
                    "line": kind.name,
                    "first ms": round(statistics.median(first)),
                    "slowest first ms": round(max(first)),
                    "warm ms": round(statistics.median(again)),
                    "first / warm": round(statistics.median(first) / statistics.median(again), 2),
                }
            )
    return rows


def start_row(name: str, starts: Sequence[Start]) -> dict[str, Any]:
    warm = [start.warm_seconds for start in starts if start.warm_seconds is not None]
    return {
        "starts": name,
        "count": len(starts),
        "ready s": round(statistics.median(start.ready_seconds for start in starts), 2),
        "warm after s": round(statistics.median(warm), 1) if warm else None,
        "MB when ready": round(statistics.median(start.ready_mb for start in starts)),
        "MB after 10 s": round(statistics.median(start.waited_mb for start in starts)),
        "other programs %": round(statistics.median(start.others_percent for start in starts)),
    }


def early_row(warm: str, figures: Sequence[float]) -> dict[str, Any]:
    return {
        "warm": warm,
        "lines": len(figures),
        "first audible ms": round(statistics.median(figures)),
        "p95 ms": round(statistics.quantiles(figures, n=20)[-1]),
        "slowest ms": round(max(figures)),
    }


def run(count: int) -> dict[str, Any]:
    starts: dict[str, list[Start]] = {warm: [] for warm in SETTINGS}
    early: dict[str, list[float]] = {warm: [] for warm in SETTINGS}
    very_first = {}
    for warm in SETTINGS:
        with tempfile.TemporaryDirectory() as fresh:
            very_first[warm] = measure_start(warm, Path(fresh), FIRST_KIND, count)
    with tempfile.TemporaryDirectory() as models:
        measure_start("off", Path(models), 0, count)  # prepares the files
        for number in range(count):
            for warm in SETTINGS:
                starts[warm].append(measure_start(warm, Path(models), number, count))
                early[warm] += measure_early_lines(warm, Path(models))
                print(".", end="", flush=True)
    rows = [start_row(f"the very first, {warm}", [very_first[warm]]) for warm in SETTINGS]
    rows += [start_row(warm, starts[warm]) for warm in SETTINGS]
    first = [
        {"line": kind.name}
        | {f"{warm}, first ms": round(very_first[warm].first[kind.name]) for warm in SETTINGS}
        for kind in KINDS
    ]
    return {
        "lines": line_rows([start for each in starts.values() for start in each]),
        "starts": rows,
        "very first": first,
        "early": [early_row(warm, early[warm]) for warm in SETTINGS],
    }


def main() -> None:
    parser = report.argument_parser("How soon is the first line heard after a start?")
    parser.add_argument("--starts", type=int, default=8, help="of each setting")
    options = parser.parse_args()
    figures = run(options.starts)
    report.print_table("First audible sample, ten seconds after /ready", figures["lines"])
    report.print_table("Starts (medians)", figures["starts"])
    report.print_table("Ten seconds after the very first start", figures["very first"])
    report.print_table("Lines of hibari from /ready on", figures["early"])
    report.write_json(options.json, figures)


if __name__ == "__main__":
    main()
