"""Tests of the command line: its arguments, its output, its refusals."""

from __future__ import annotations

import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

import server
from realtime.cli.commands import parse_arguments

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "server.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=timeout)


@pytest.fixture(autouse=True)
def recordings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("YAMABIKO_CACHE__PATH", str(folder))
    return folder


def test_serve_is_the_default() -> None:
    assert parse_arguments([]).command == "serve"
    assert parse_arguments(["--port", "9"]).port == 9
    assert parse_arguments(["serve", "--log-level", "debug"]).log_level == "DEBUG"


def test_help_lists_the_commands() -> None:
    shown = run("--help").stdout.decode()
    assert all(command in shown for command in ("serve", "say", "check", "convert", "key"))


def test_say_writes_a_whole_file(tmp_path: Path) -> None:
    out = tmp_path / "abc.wav"
    done = run("say", "abc", "--engine", "tone", "-o", str(out))
    assert done.returncode == 0, done.stderr
    with wave.open(str(out)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24000)
        assert file.getnframes() == pytest.approx(0.24 * 24000, abs=24)
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.slow
def test_what_was_said_is_kept_and_said_again(recordings: Path, tmp_path: Path) -> None:
    for name in ("one.wav", "two.wav"):
        assert run("say", "abc", "--engine", "tone", "-o", str(tmp_path / name)).returncode == 0
        (kept,) = recordings.rglob("*.wav")
        assert kept.read_bytes() == (tmp_path / name).read_bytes()
    assert "1 recordings" in run("cache", "ls").stderr.decode()


def test_say_pipes_pcm() -> None:
    done = run("say", "abc", "--engine", "tone")
    pcm = np.frombuffer(done.stdout, "<i2")
    assert pcm.size == pytest.approx(0.24 * 24000, abs=24)
    assert np.abs(pcm).max() > 3000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["say", "hi", "--character", "nobody"], "nobody"),
        (["say", "..."], "nothing that can be spoken"),
        (["say", "hi", "--speed", "9"], "0.25 to 4"),
        (["say", "hi", "--option", "top k=5"], "top k"),
    ],
)
def test_what_cannot_be_said_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert server.main([*arguments, "-o", str(tmp_path / "x.wav")]) == 1
    told = capsys.readouterr().err
    assert words in told and "Traceback" not in told
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--host", "0.0.0.0"], "loopback only"), (["--config", "none.yaml"], "none.yaml")],
)
def test_a_server_that_cannot_be_started_is_told_without_a_stack_trace(
    arguments: list[str], words: str
) -> None:
    done = run("serve", *arguments)
    told = done.stderr.decode()
    assert done.returncode == 1
    assert words in told and "Traceback" not in told
