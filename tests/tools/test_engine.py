"""The making of an engine's environment: its size is told first, and ours is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import engine

LIST = "# Hum, from hum.example.\n# It fetches 2 MB and takes {size} MB.\nnumpy==2.0.1  # why\n"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what would be installed."""
    found: list[str] = []

    def install(name: str, text: str, venv: Path) -> bool:
        found.append(f"{name} {venv.parent.name}")
        return True

    monkeypatch.setattr(engine, "install", install)
    return found


def write_list(folder: Path, size: str) -> None:
    (folder / "hum").mkdir()
    (folder / "hum" / "requirements.txt").write_text(LIST.format(size=size))


def test_the_size_is_told_first(
    tmp_path: Path, installed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write_list(tmp_path, "1")
    assert engine.main(["hum"], tmp_path) == 0
    told = capsys.readouterr().out
    assert "It fetches 2 MB and takes 1 MB." in told and "Free on this disk" in told
    assert installed == ["hum hum"]


def test_a_disk_that_is_too_small_stops_it(
    tmp_path: Path, installed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write_list(tmp_path, "999,000,000,000")
    assert engine.main(["hum"], tmp_path) == 1
    assert "too little" in capsys.readouterr().out and not installed


@pytest.mark.parametrize("arguments", [[], ["bell"], ["../hum"], ["hum", "hum"]])
def test_an_unknown_name_lists_the_known_ones(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_list(tmp_path, "1")
    assert engine.main(arguments, tmp_path) == 1
    assert "there are: hum" in capsys.readouterr().out
