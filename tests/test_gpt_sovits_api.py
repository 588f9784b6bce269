"""Tests of docs/gpt_sovits_api.md: its commands run against a real server, its tables are whole."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from benchmarks.server import Server
from realtime.web.compat.gpt_sovits.errors import ADDRESSES
from realtime.web.compat.gpt_sovits.parameters import LANGUAGES, MEDIA_TYPES, TTS_FIELDS

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "gpt_sovits_api.md").read_text(encoding="utf-8")
OURS = "http://127.0.0.1:8000"
COMMANDS = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_work(server: Server, command: str, tmp_path: Path) -> None:
    asked = command.replace(OURS, server.address).replace("curl ", "curl -sS --fail-with-body ")
    done = subprocess.run(
        ["sh", "-c", asked], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr + done.stdout
    if written := re.search(r"-o (\S+)", command):
        samples, _ = soundfile.read(tmp_path / written[1])
        assert samples.size > 10_000
    else:
        assert json.loads(done.stdout)


def test_every_parameter_and_every_address_is_told() -> None:
    words = set(re.findall(r"\w+", TEXT))
    assert {field.name for field in TTS_FIELDS} | set(LANGUAGES) | set(MEDIA_TYPES) <= words
    assert {address.lstrip("/") for address in ADDRESSES} <= words
    assert all(f"{message}" in TEXT for message in list(ADDRESSES.values())[:2])
