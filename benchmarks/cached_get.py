"""Benchmark: the speed of what is already there: a finished recording's URL, and POST /lines.

`wrk` loads our server, `php -S` and nginx in turn with the same file, in several rounds of one
run; the event loop's lag is our server's own histogram, and the processor time that of its process,
over the rounds that were ours. Programs that are not installed are named and left out.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.client import Answer, Client
from benchmarks.server import Server

PACKAGES = {"wrk": "wrk", "php": "php-cli", "nginx": "nginx-light"}
FILE_BYTES = 100_000
LAG = "yamabiko_event_loop_lag_seconds"
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
NGINX = """{user}worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  types {{ audio/wav wav; }}
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}/files; }}
}}
"""


def make_recording(client: Client, size: int) -> tuple[str, bytes]:
    """Make a recording of about so many bytes; return its address and its bytes."""
    letters = 26
    for _ in range(6):
        url = client.line(("abcdefghijklm" * letters)[:letters])["url"]
        got = wait_until_finished(client, url)
        missing = round((size - len(got.body)) / 3840)  # bytes of a letter's sound
        if not missing:
            break
        letters += missing
    return url, got.body


def wait_until_finished(client: Client, url: str) -> Answer:
    """Wait until a recording is finished, so has a length, and return it."""
    end = time.perf_counter() + 10
    while time.perf_counter() < end:
        got = client.sound(url)
        if got.status == 200 and "content-length" in got.headers:
            return got
        time.sleep(0.02)
    raise RuntimeError(f"{url} was not finished: {got.status}")


@contextmanager
def running_server(command: Sequence[str], port: int) -> Iterator[str]:
    """Run another project's server; give the address of the file once it listens."""
    quiet = subprocess.DEVNULL
    running = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}/line.wav"
    finally:
        running.terminate()
        running.wait(10)


def wait_for(port: int) -> None:
    end = time.perf_counter() + 10
    while time.perf_counter() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_peers(folder: Path, wav: bytes, stack: ExitStack) -> dict[str, str]:
    """Start the other servers that are installed; return where each serves the same file."""
    (folder / "files").mkdir()
    (folder / "files/line.wav").write_bytes(wav)
    found = {}
    if shutil.which("php"):
        port = free_port()
        command = ["php", "-S", f"127.0.0.1:{port}", "-t", str(folder / "files")]
        found["php -S"] = stack.enter_context(running_server(command, port))
    if shutil.which("nginx"):
        port = free_port()
        # nginx, started by root, would run its worker as a user who cannot read the folder.
        user = f"user {pwd.getpwuid(0).pw_name};\n" if os.geteuid() == 0 else ""
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder, port=port, user=user))
        command = ["nginx", "-e", str(folder / "error.log"), "-c", str(config)]
        found["nginx"] = stack.enter_context(running_server(command, port))
    return found


def run_wrk(url: str, seconds: int) -> dict[str, float]:
    """Run one round of `wrk`."""
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", url]
    told = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=True)
    return read_wrk(told.stdout)


def read_wrk(told: str) -> dict[str, float]:
    """Read what `wrk` prints; answers that are errors are quick, so they are refused."""
    if wrong := re.search(r"Non-2xx.*|Socket errors: .*[1-9].*", told):
        raise RuntimeError(f"wrk: {wrong[0]}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    places = dict(re.findall(r"^\s+(50|99)%\s+([\d.]+(?:us|ms|s|m))\s*$", told, re.MULTILINE))
    if rate is None or len(places) != 2:
        raise RuntimeError(f"wrk told something else:\n{told}")
    return {"requests/s": float(rate[1]), **{f"p{p} ms": milliseconds(places[p]) for p in places}}


def load(server: Server, url: str, seconds: int) -> tuple[dict[str, float], float, Counter[float]]:
    """Load our own server; return a round, its processor time a request in µs, and its lag."""
    lag_before, begun = lag_buckets(server.address), server.processor_seconds()
    got = run_wrk(url, seconds)
    spent, lag = server.processor_seconds() - begun, lag_buckets(server.address)
    lag.subtract(lag_before)
    return got, 1e6 * spent / (got["requests/s"] * seconds), lag


def milliseconds(told: str) -> float:
    number = told.rstrip("usm")
    return float(number) * UNITS[told[len(number) :]]


def lag_buckets(address: str) -> Counter[float]:
    """Count how often the loop was late by at most so many seconds, since the start."""
    text = Client(address).ask("/metrics").body.decode()
    pairs = re.findall(rf'^{LAG}_bucket{{.*?le="([^"]+)".*?}} (\S+)$', text, re.MULTILINE)
    if not pairs:
        raise RuntimeError(f"the server tells no {LAG}")
    return Counter({float(bound): int(float(count)) for bound, count in pairs})


def percentile(buckets: Mapping[float, int], share: float) -> float | None:
    """Interpolate in the bucket where it lies, as if its times were evenly spread."""
    bounds = sorted(buckets)
    wanted = share * buckets[bounds[-1]]
    below, low = 0, 0.0
    for bound in bounds:
        if buckets[bound] >= wanted > 0:
            inside = (wanted - below) / (buckets[bound] - below)
            return low + inside * ((low if bound == float("inf") else bound) - low)
        below, low = buckets[bound], bound
    return None


def measure_files(server: Server, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure all servers in turn, round by round."""
    url, wav = make_recording(Client(server.address), options.bytes)
    found: dict[str, list[dict[str, float]]] = {"yamabiko": []}
    lag: Counter[float] = Counter()
    processor: list[float] = []
    with tempfile.TemporaryDirectory(prefix="yamabiko-") as name, ExitStack() as stack:
        peers = start_peers(Path(name), wav, stack)
        for _ in range(options.rounds):
            got, spent, late = load(server, url, options.seconds)
            found["yamabiko"].append(got)
            processor.append(spent)
            lag.update(late)
            for who, address in peers.items():
                found.setdefault(who, []).append(run_wrk(address, options.seconds))
    late_seconds = percentile(lag, 0.99)
    own = {
        "processor µs": round(statistics.median(processor), 1),
        "loop lag p99 ms": None if late_seconds is None else round(1000 * late_seconds, 2),
    }
    rows = []
    for who, runs in found.items():
        names = runs[0]
        row: dict[str, Any] = {"server": who, "bytes": len(wav), "rounds": options.rounds}
        row |= {name: round(statistics.median(run[name] for run in runs), 2) for name in names}
        rows.append(row | (own if who == "yamabiko" else dict.fromkeys(own)))
    return rows


def measure_lines(server: Server, count: int) -> list[dict[str, Any]]:
    """Measure POST /lines for a line that is kept and for lines that never were."""
    client = Client(server.address)
    known = "A line that is known."
    client.sound(client.line(known)["url"])
    time.sleep(0.2)
    texts = {"known": [known] * count, "unknown": [f"Line {word}." for word in words(count)]}
    rows = []
    for name, asked in texts.items():
        took, told = [], Counter[str]()
        for text in asked:
            begun = time.perf_counter()
            answer = client.line(text)
            took.append(1000 * (time.perf_counter() - begun))
            told[answer["status"]] += 1
        p50, p95 = np.percentile(took, [50, 95])
        row = {"line": name, "requests": count, "told": json.dumps(told)}
        rows.append({**row, "p50 ms": round(float(p50), 2), "p95 ms": round(float(p95), 2)})
    return rows


def words(count: int) -> Iterator[str]:
    """Yield different words of four letters."""
    for number in range(count):
        yield "".join(chr(ord("a") + number // 26**place % 26) for place in range(4))


def main() -> None:
    parser = report.argument_parser("How fast is what is already there?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument(
        "--bytes", type=int, default=FILE_BYTES, help="over 2 MiB: read from the disk each time"
    )
    options = parser.parse_args()
    missing = [program for program in PACKAGES if not shutil.which(program)]
    for program in missing:
        print(f"{program} is not installed (Debian: {PACKAGES[program]}); we go on without it.")
    with tempfile.TemporaryDirectory(prefix="yamabiko-") as name:
        with Server(Path(name), "tone") as server:
            asked = measure_lines(server, options.lines)
            got = [] if "wrk" in missing else measure_files(server, options)
    report.print_table("POST /lines, one after the other", asked)
    report.print_table("A finished recording, 16 connections (medians of the rounds)", got)
    report.write_json(options.json, {"lines": asked, "files": got, "missing": missing})


if __name__ == "__main__":
    main()
