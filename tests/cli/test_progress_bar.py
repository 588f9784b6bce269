"""Tests of the progress bar: it is for terminals only."""

from __future__ import annotations

import sys

import pytest

from realtime.cli.progress_bar import ProgressBar


def test_a_pipe_sees_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar("making", 2)
    bar.update(1, "1/2")
    bar.close()
    assert capsys.readouterr().err == ""


def test_a_terminal_sees_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    bar = ProgressBar("making", 1_000)
    for done in range(1, 1_001):
        bar.update(done, f"{done}/1000")
    bar.close()
    shown = capsys.readouterr().err
    assert shown.count("\r") < 500 and shown.endswith(f"[{'#' * 30}] 1000/1000\n")
    empty = ProgressBar("making", 0)
    empty.update(0, "0/0")
    empty.close()
    assert "#" * 30 in capsys.readouterr().err
