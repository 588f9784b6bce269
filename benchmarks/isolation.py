"""Benchmark: each of many listeners hears their own line, and nothing of another's.

Different sentences by different characters are asked for all at once over HTTP from a real server;
each answer is heard by Whisper base and must be nearest to the sentence that was asked for.
"""

from __future__ import annotations

import json
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.listening import Listener, errors, units
from benchmarks.sentences import SENTENCES
from benchmarks.server import Server

RATE = 24000
VOICES = ("af_heart", "af_bella", "am_michael", "bf_emma", "bm_george", "af_nicole")


def sentences_for(count: int) -> list[tuple[str, str]]:
    """List so many different sentences, each with a character; `af_heart` speaks on hibari."""
    voices = cycle(VOICES)
    texts = SENTENCES["en"] + [f"And then {text[0].lower()}{text[1:]}" for text in SENTENCES["en"]]
    return [(text, next(voices)) for text in texts[:count]]


def spoken(address: str, text: str, voice: str) -> Any:
    body = {"input": text, "voice": voice, "response_format": "pcm", "language": "en"}
    request = urllib.request.Request(
        f"{address}/v1/audio/speech",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=300) as answer:
        return np.frombuffer(answer.read(), "<i2")


def run(count: int) -> dict[str, Any]:
    wanted = sentences_for(count)
    with Server() as server, ThreadPoolExecutor(count) as listeners:
        sounds = list(listeners.map(lambda one: spoken(server.address, *one), wanted))
    listener = Listener(Path(tempfile.gettempdir()) / "yamabiko-whisper-base")
    rows = []
    for (text, voice), pcm in zip(wanted, sounds, strict=True):
        heard = listener.hear(pcm, RATE, "en")
        rows.append({"voice": voice, "said": text, "heard": heard})
        rows[-1] |= judge(text, heard, [other for other, _ in wanted])
    return {"listeners": rows}


def judge(text: str, heard: str, others: list[str]) -> dict[str, Any]:
    """Count wrong words, and tell whether the line is nearer than any other one."""
    words = units(heard, "en")
    own = errors(units(text, "en"), words)
    nearest = min(errors(units(other, "en"), words) for other in others if other != text)
    return {"words": len(units(text, "en")), "wrong": own, "own": own < nearest}


def main() -> None:
    parser = report.argument_parser("Does each of many listeners hear their own line?")
    parser.add_argument("--listeners", type=int, default=32)
    options = parser.parse_args()
    figures = run(options.listeners)
    rows = figures["listeners"]
    wrong, words = (sum(row[name] for row in rows) for name in ("wrong", "words"))
    figures["summary"] = {
        "listeners": len(rows),
        "heard their own": sum(row["own"] for row in rows),
        "wrong words %": round(100 * wrong / words, 2),
    }
    report.print_table("At once", [figures["summary"]])
    report.print_table("Not word by word", [row for row in rows if row["wrong"]])
    report.write_json(options.json, figures)


if __name__ == "__main__":
    main()
