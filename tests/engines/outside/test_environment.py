"""Environments of engines outside: what each lacks, and the command that makes it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from realtime.engines.outside.environment import ENGINES, list_environments, python_of, read_pins
from realtime.errors import Unavailable


def write_list(folder: Path, text: str) -> None:
    (folder / "hum").mkdir(exist_ok=True)
    (folder / "hum" / "requirements.txt").write_text(text)


def install(folder: Path, *packages: str) -> None:
    venv = folder / "hum" / ".venv"
    (venv / "bin").mkdir(parents=True, exist_ok=True)
    if not (venv / "bin" / "python").exists():
        (venv / "bin" / "python").symlink_to(sys.executable)
    for package in packages:
        (venv / "lib/python3.11/site-packages" / f"{package}.dist-info").mkdir(parents=True)


def test_an_environment_is_missing_incomplete_or_installed(tmp_path: Path) -> None:
    write_list(tmp_path, "# Hum.\nhum-voices==1.0  # its voices\nnumpy==2.0.1\n")
    (found,) = list_environments(tmp_path)
    assert (found.name, found.state, found.how) == ("hum", "missing", "make engine-hum")
    install(tmp_path, "hum_voices-1.0", "numpy-1.0")
    (found,) = list_environments(tmp_path)
    assert (found.state, list(found.lacks)) == ("incomplete", ["numpy==2.0.1"])
    install(tmp_path, "numpy-2.0.1")
    (found,) = list_environments(tmp_path)
    assert (found.state, found.how) == ("installed", None)


def test_the_interpreter_of_a_missing_environment_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as missing:
        python_of("hum", tmp_path)
    assert missing.value.hint == "Run `make engine-hum`."
    write_list(tmp_path, "numpy==2.0.1\n")
    install(tmp_path)
    assert python_of("hum", tmp_path).exists()


def test_every_list_of_this_repository_pins_what_the_host_needs() -> None:
    for path in ENGINES.glob("*/requirements.txt"):
        text = path.read_text(encoding="utf-8")
        assert {"numpy", "msgspec"} <= read_pins(text).keys(), path
        lines = [line.partition("#")[0].strip() for line in text.splitlines()]
        assert all("==" in line for line in lines if line), path
