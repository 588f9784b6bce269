"""Benchmark: SIGKILL at any moment, under load, must leave no wrong file and serve no wrong byte.

One cache is used all along. The sound of a text is known from a server that is not killed; the
seed, which `tone` ignores, makes new lines of the same texts. Every tenth kill is in the start-up.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.client import Answer, Client, Refused
from benchmarks.server import ROOT, Server
from realtime.audio.decoding import decode
from realtime.audio.wav import HEADER_BYTES, UNKNOWN_SIZE
from realtime.errors import YamabikoError

CLIENTS = 6
EARLIEST, LATEST = 0.05, 0.6  # seconds after readiness
START_UP = 1.5  # seconds in which a kill during the start falls
# small, so that the kills meet evictions too
SETTINGS = {"YAMABIKO_CACHE__MAX_BYTES": str(32 << 20)}
LOOKED_UP = 12  # recordings that are asked for after each restart
FORMATS = ("wav", "wav", "flac", "ogg")
VOICE, RATE = "af_heart", 24000
KEY = re.compile(r"-([0-9a-f]{16})\..*$")
WORDS = "the echo answers from over there and carries every word of ours back".split()
WRONG_ANSWERS = ("wrong wav", "wrong flac", "wrong ogg")
WRONG = (*WRONG_ANSWERS, "wrong files", "orphans", "stray files", "left growing", "index wrong")

References = Mapping[str, bytes]  # the PCM of each text


def texts() -> list[str]:
    """Make short texts, and some long enough for a kill in the middle."""
    draw = random.Random(1)
    return [" ".join(draw.choices(WORDS, k=count)) + "." for count in (1, 2, 3, 5, 9, 40, 80, 160)]


def references(folder: Path) -> References:
    """Get the sound of each text from a server that is not killed."""
    with Server(folder, preload="") as server:
        client, found = Client(server.address), {}
        for text in texts():
            url = client.line(text, longprompt=is_long(text))["url"]
            growing, finished = client.sound(url), client.sound(url)
            pcm = growing.body[HEADER_BYTES:]
            if not (growing.whole and finished.whole and pcm):
                raise RuntimeError(f"no reference for {text[:40]!r}")
            if finished.body[HEADER_BYTES:] != pcm:
                raise RuntimeError(f"{text[:40]!r}: two readers got different bytes")
            found[text] = pcm
    return found


def is_long(text: str) -> bool:
    return len(text) > 100


def judge(got: Answer, kind: str, pcm: bytes) -> str:
    """Judge an answer that should be the sound of a text: `whole`, `cut`, or what is wrong."""
    if got.status != 200:
        return f"status {got.status}"
    if kind == "wav":
        came = got.body[HEADER_BYTES:]
        right = states_true_size(got) and came == pcm if got.whole else pcm.startswith(came)
    else:
        right = not got.whole or same_sound(got.body, kind, pcm)
    return ("whole" if got.whole else "cut") if right else f"wrong {kind}"


def states_true_size(got: Answer) -> bool:
    """Check that the header states the true length; only a growing one may state none."""
    stated = int.from_bytes(got.body[HEADER_BYTES - 4 : HEADER_BYTES], "little")
    grew = "content-length" not in got.headers
    return stated == len(got.body) - HEADER_BYTES or (grew and stated == UNKNOWN_SIZE)


def same_sound(data: bytes, kind: str, pcm: bytes) -> bool:
    """Compare a file with its sound: FLAC sample by sample, lossy ones by their length."""
    try:
        heard, rate = decode(data)
    except YamabikoError:
        return False
    said = np.frombuffer(pcm, "<i2")
    if kind == "flac":
        return bool(np.array_equal(heard, said))
    return abs(heard.size / rate - said.size / RATE) < 0.1


class Load:
    """The clients of one server's life: their requests and the answers."""

    def __init__(self, address: str, known: References, life: int) -> None:
        self._address, self._known, self._life = address, known, life
        self.over = threading.Event()
        self.keys: set[str] = set()

    def run(self, number: int) -> Counter[str]:
        """Run one client until the server is gone; return a tally of its answers."""
        draw, tally = random.Random(f"{self._life} {number}"), Counter[str]()
        answers: list[tuple[Answer, str, str]] = []
        client = Client(self._address)
        while not self.over.is_set():
            text, kind = draw.choice(list(self._known)), draw.choice(FORMATS)
            try:
                got = self._request(client, draw, text, kind)
            except (http.client.HTTPException, OSError):
                tally["connections lost"] += 1
                break
            except Refused as refusal:
                status = refusal.answer.status
                tally["cut" if status == 200 else f"status {status}"] += 1
                continue
            answers.append((got, kind, text))
        for got, kind, text in answers:  # judged after the load, since judging would lessen it
            found = judge(got, kind, self._known[text])
            tally[found] += 1
            tally[f"bytes {found}"] += len(got.body)
        return tally

    def _request(self, client: Client, draw: random.Random, text: str, kind: str) -> Answer:
        if draw.random() < 0.2:
            body = {"model": "tone", "voice": VOICE, "input": text, "response_format": kind}
            return client.ask(
                "/v1/audio/speech", {**body, "language": "en", "longprompt": is_long(text)}
            )
        # half of the lines are new in this life, the others may be known from an earlier one
        seed = self._life if draw.random() < 0.5 else draw.randint(0, self._life)
        answer = client.line(text, longprompt=is_long(text), seed=seed, format=kind)
        self.keys.add(answer["key"])
        return client.sound(answer["url"])


def check_files(cache: Path, known: References) -> Counter[str]:
    """Check every file of a cache whose server is ready and has not been asked for anything."""
    tally: Counter[str] = Counter()
    files = [path for path in cache.rglob("*") if path.is_file()]
    wavs = {key_of(path) for path in files if path.suffix == ".wav"}
    for path in files:
        place = path.relative_to(cache)
        if place.parts[0] == ".growing":
            tally["left growing"] += 1
        elif len(place.parts) == 1 and path.name.startswith("."):
            continue  # the lock, git's list
        elif key_of(path) is None or path.suffix[1:] not in {"json", *FORMATS}:
            tally["stray files"] += 1
        elif key_of(path) not in wavs:
            tally["orphans"] += 1
        else:
            tally["files checked"] += 1
            tally["wrong files"] += not is_right_file(path, known)
    return tally


def key_of(path: Path) -> str | None:
    found = KEY.search(path.name)
    return found and found[1]


def sidecar_of(path: Path) -> Any:
    """Read the sidecar of a recording's file; None where there is none that can be read."""
    name = KEY.sub(lambda found: f"-{found[1]}.json", path.name)
    try:
        return json.loads(path.with_name(name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def is_right_file(path: Path, known: References) -> bool:
    sidecar = sidecar_of(path)
    if sidecar is None or sidecar["key"] != key_of(path):
        return False
    pcm = known[sidecar["line"]["text"]]
    if path.suffix == ".json":
        return bool(sidecar["samples"] == len(pcm) // 2)
    data, kind = path.read_bytes(), path.suffix[1:]
    stated = sidecar if kind == "wav" else sidecar.get("files", {}).get(path.suffix)
    if stated is None or hashlib.sha256(data).hexdigest() != stated["sha256"]:
        return False
    return data[HEADER_BYTES:] == pcm if kind == "wav" else same_sound(data, kind, pcm)


def check_index(
    address: str, cache: Path, known: References, keys: set[str], draw: random.Random
) -> Counter[str]:
    """Check that the server knows and serves what is on the disk, and nothing else."""
    tally, client = Counter[str](), Client(address)
    wavs = {str(key_of(path)): path for path in sorted(cache.rglob("*-*.wav"))}
    for key in draw.sample(sorted(wavs), min(LOOKED_UP, len(wavs))):
        line = sidecar_of(wavs[key])["line"]
        asked = {name: line[name] for name in ("seed", "character", "longprompt")}
        answer = client.line(line["text"], **asked)
        tally["index wrong"] += (answer["status"], answer["key"]) != ("hit", key)
        tally[judge(client.sound(answer["url"]), "wav", known[line["text"]])] += 1
    lost = sorted(keys - set(wavs))
    for key in draw.sample(lost, min(LOOKED_UP, len(lost))):
        tally["index wrong"] += client.ask(f"/lines/{key}").status != 404
    return tally


def run_life(
    cache: Path, known: References, number: int, keys: set[str]
) -> tuple[Counter[str], float]:
    """Run one server from start to kill; return a tally, and the seconds it took to start."""
    draw = random.Random(number)
    with Server(cache, preload="", **SETTINGS) as server:
        tally = check_files(cache, known)
        tally.update(check_index(server.address, cache, known, keys, draw))
        load = Load(server.address, known, number)
        with ThreadPoolExecutor(CLIENTS) as clients:
            running = [clients.submit(load.run, client) for client in range(CLIENTS)]
            time.sleep(draw.uniform(EARLIEST, LATEST))
            server.kill()
            load.over.set()
        for client in running:
            tally.update(client.result())
        keys |= load.keys
    return tally, server.start_seconds


def kill_at_start(cache: Path, number: int) -> None:
    server = Server(cache, preload="", **SETTINGS)
    server.launch()
    time.sleep(random.Random(number).uniform(0.3, START_UP))
    server.kill()


def run_verify(cache: Path) -> str:
    """Run `cache verify` and return its verdict."""
    command = [sys.executable, "server.py", "cache", "verify"]
    environment = {**os.environ, "YAMABIKO_CACHE__PATH": str(cache)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=300)
    return "right" if done.returncode == 0 else f"exit {done.returncode}"


def run(kills: int) -> dict[str, Any]:
    tally, starts, keys = Counter[str](), [], set[str]()
    with tempfile.TemporaryDirectory(prefix="yamabiko-") as name:
        known, cache = references(Path(name) / "whole"), Path(name) / "killed"
        for number in range(1, kills + 1):
            if number % 10 == 0:
                kill_at_start(cache, number)
            else:
                found, seconds = run_life(cache, known, number, keys)
                tally.update(found)
                starts.append(seconds)
            print("." if number % 50 else f". {number}", end="", flush=True)
        with Server(cache, preload="", **SETTINGS) as server:
            tally.update(check_files(cache, known))
            tally.update(check_index(server.address, cache, known, keys, random.Random(0)))
        kept = sum(1 for _ in cache.rglob("*-*.wav"))
        verdict = run_verify(cache)
    print()
    summary = {
        "kills": kills,
        "recordings asked for": len(keys),
        "kept at the end": kept,
        **{name: tally[name] for name in ("files checked", *WRONG)},
        "verify": verdict,
        "restart s": round(statistics.median(starts), 2),
    }
    return {"summary": summary, "answers": dict(sorted(tally.items()))}


def main() -> None:
    parser = report.argument_parser(
        "Does SIGKILL at any moment leave a wrong file or serve a wrong byte?"
    )
    parser.add_argument("--kills", type=int, default=200)
    options = parser.parse_args()
    figures = run(options.kills)
    for title, row in (("Killed", figures["summary"]), ("Answers", figures["answers"])):
        report.print_table(title, [{"what": name, "found": value} for name, value in row.items()])
    report.write_json(options.json, figures)
    wrong = sum(count for name, count in figures["answers"].items() if name.startswith(WRONG))
    sys.exit(1 if wrong or figures["summary"]["verify"] != "right" else 0)


if __name__ == "__main__":
    main()
