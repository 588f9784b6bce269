"""Tests of the examples for bots, run against a real server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.server import Server

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "bots.md").read_text(encoding="utf-8")
OURS = "http://127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def output(command: list[str], server: Server, example: str) -> str:
    done = subprocess.run(
        [*command, example.replace(OURS, server.address)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("example", blocks("sh"))
def test_the_commands_work(server: Server, example: str) -> None:
    answer = json.loads(output(["sh", "-c"], server, example.replace("curl ", "curl -sS ")))
    assert answer.get("code") == 200 or answer["total"] == 2


@pytest.mark.parametrize("example", blocks("python"))
def test_the_program_works(server: Server, example: str) -> None:
    example += "\nassert (first + rest)[:4] == b'OggS'"
    status, url = output([sys.executable, "-c"], server, example).split()
    assert status in ("hit", "join", "miss")
    assert url.startswith(server.address) and url.endswith(".ogg")


def test_the_answers_have_the_fields_that_are_shown(server: Server) -> None:
    (shown,) = blocks("json")
    answer = json.loads(output(["sh", "-c"], server, blocks("sh")[0].replace("curl ", "curl -sS ")))
    assert set(json.loads(shown)) == set(answer)
    plain = re.compile(r"-[0-9a-f]{16}")
    expected = plain.sub("", json.loads(shown)["audioURL"]).removeprefix(OURS)
    assert plain.sub("", answer["audioURL"]).removeprefix(server.address) == expected
