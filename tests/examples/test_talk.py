"""Tests of the example that talks: its file is what was said, and it prints errors."""

from __future__ import annotations

import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.server import Server

ROOT = Path(__file__).resolve().parent.parent.parent
TALK = ROOT / "examples" / "talk.py"
KEY = "bot:" + "k" * 43


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(preload="tone", YAMABIKO_KEYS=KEY, YAMABIKO_AUTH__KEYS_PATH="none.yaml") as server:
        yield server


def run_talk(server: Server, *arguments: str, key: str = KEY, typed: str = "") -> tuple[int, str]:
    url = "ws" + server.address.removeprefix("http") + "/ws"
    command = [sys.executable, str(TALK), "--url", url, "--key", key, "--engine", "tone"]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=60, input=typed
    )
    return done.returncode, done.stderr


def test_it_writes_what_it_heard(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    code, told = run_talk(server, "abc. def.", "gh", "--out", str(out), "--speed", "1000")
    assert code == 0, told
    assert told.count("first sound") == 2
    with wave.open(str(out)) as file:
        letters = file.getnframes() / file.getframerate() / 0.08
    assert file.getframerate() == 24000
    assert round(letters) == len("abc. def.") + len("gh")


def test_lines_come_from_standard_input_too(server: Server) -> None:
    code, told = run_talk(server, typed="abc\n\ndef\n")
    assert code == 0 and told.count("first sound") == 2, told


def test_what_cannot_be_said_is_told(server: Server) -> None:
    code, told = run_talk(server, "abc", "--character", "nobody")
    assert "character_not_found" in told, told


def test_without_a_key_nobody_talks(server: Server) -> None:
    code, told = run_talk(server, "abc", key="bot:" + "x" * 43)
    assert code != 0 and "401" in told
