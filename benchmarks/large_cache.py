"""Benchmark: the cost of a cache of 100,000 recordings: scan at the start, memory, a hit.

The recordings are copies, with sound of their own, of one that the server itself has kept. Both
caches, the large one and one of 100, are served at the same time and asked in turn. Their files
have just been written, so the scan finds them in the system's memory.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks import report
from benchmarks.client import Client
from benchmarks.server import Server
from realtime.audio.wav import wav_header

FEW = 100
ASKED = 200
SAMPLES = 100
RATE = 24000
FOLDERS = tuple(product(("en", "zh", "ja", "mix"), ("af_heart", "af_bella"), ("short", "long")))


def written_sidecar(folder: Path) -> Any:
    """Return a sidecar as the server writes it."""
    with Server(folder, preload="") as server:
        client = Client(server.address)
        client.sound(client.line("Echo.")["url"])
        end = time.perf_counter() + 10
        while time.perf_counter() < end:
            for path in folder.rglob("*.json"):
                return json.loads(path.read_text(encoding="utf-8"))
            time.sleep(0.05)
    raise RuntimeError("the server kept no recording")


def fill(cache: Path, count: int, sidecar: Any) -> list[tuple[str, bytes]]:
    """Write so many recordings; return the address and the bytes of each."""
    found = []
    for number, place in zip(range(count), folders_in_turn(), strict=False):
        language, character, mode = place
        pcm = random.Random(number).randbytes(2 * SAMPLES)
        wav = wav_header(RATE, SAMPLES) + pcm
        key = hashlib.sha256(b"%d" % number).hexdigest()[:16]
        text = f"Echo number {number}."
        line = {**sidecar["line"], "text": text, "character": character, "language": language}
        line["longprompt"] = mode == "long"
        own = {"key": key, "line": line, "samples": SAMPLES}
        own |= {"duration": SAMPLES / RATE, "sample_rate": RATE, "words": []}
        own["sha256"] = hashlib.sha256(wav).hexdigest()
        name = f"echo-number-{number}-{key}"
        folder = cache / language / character / mode
        if number < len(FOLDERS):
            folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.wav").write_bytes(wav)
        (folder / f"{name}.json").write_text(json.dumps({**sidecar, **own}), encoding="utf-8")
        found.append((quote(f"/audio/{language}/{character}/{mode}/{name}.wav"), wav))
    return found


def folders_in_turn() -> Iterator[tuple[str, str, str]]:
    while True:
        yield from FOLDERS


def scan_seconds(log: list[str]) -> float | None:
    """Read the seconds of the scan from the server's log."""
    for line in log:
        found = re.search(r"recordings.*?([\d.]+) ?(ms|s)\b", line)
        if found:
            return float(found[1]) / (1000 if found[2] == "ms" else 1)
    return None


def time_hit(client: Client, wanted: tuple[str, bytes]) -> float:
    """Measure one hit, in milliseconds."""
    begun = time.perf_counter()
    got = client.sound(wanted[0])
    took = time.perf_counter() - begun
    if got.body != wanted[1]:
        raise RuntimeError(f"{wanted[0]} gave {got.status} and {len(got.body)} bytes")
    return 1000 * took


def time_hits(servers: list[Server], kept: list[list[tuple[str, bytes]]]) -> list[dict[str, Any]]:
    """Ask for each server's recordings in turn: once from its files, and once more."""
    draw, clients = random.Random(1), [Client(server.address) for server in servers]
    for client, recordings in zip(clients, kept, strict=True):
        for wanted in recordings[:20]:  # the first requests of a process are its slowest
            time_hit(client, wanted)
    drawn = [draw.sample(recordings[20:], min(ASKED, len(recordings) - 20)) for recordings in kept]
    took: list[dict[str, list[float]]] = [{"first": [], "again": []} for _ in servers]
    for turn in ("first", "again"):
        for number in range(ASKED):
            for client, recordings, times in zip(clients, drawn, took, strict=True):
                if turn == "again" or number < len(recordings):
                    times[turn].append(time_hit(client, recordings[number % len(recordings)]))
    return [
        {f"{turn} GET p50 ms": round(statistics.median(found), 2) for turn, found in times.items()}
        for times in took
    ]


def server_figures(server: Server, recordings: int) -> dict[str, Any]:
    return {
        "recordings": recordings,
        "scan s": scan_seconds(server.log),
        "exec to ready s": round(server.start_seconds, 2),
        "idle MB": round(server.memory_mb("VmRSS")),
    }


def run(count: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="yamabiko-") as name:
        root = Path(name)
        sidecar = written_sidecar(root / "one")
        caches = [root / "few", root / "many"]
        kept = [
            fill(cache, size, sidecar) for cache, size in zip(caches, (FEW, count), strict=True)
        ]
        rows = []
        with Server(caches[0], preload="") as few:
            rows.append(server_figures(few, FEW))
            with Server(caches[1], preload="") as many:
                rows.append(server_figures(many, count))
                for row, found in zip(rows, time_hits([few, many], kept), strict=True):
                    row |= found
                for row, server in zip(rows, (few, many), strict=True):
                    row["MB then"] = round(server.memory_mb("VmRSS"))
        return rows


def main() -> None:
    parser = report.argument_parser("What does a cache of 100,000 recordings cost?")
    parser.add_argument("--recordings", type=int, default=100_000)
    options = parser.parse_args()
    rows = run(options.recordings)
    report.print_table("A large cache beside a small one", rows)
    report.write_json(options.json, {"caches": rows})


if __name__ == "__main__":
    main()
