"""A bar is for terminals."""

from __future__ import annotations

import sys

import pytest

from realtime.cli.progress_bar import Bar


def test_a_pipe_sees_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar("making", 2)
    bar.at(1, "1/2")
    bar.end()
    assert capsys.readouterr().err == ""


def test_a_terminal_sees_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    bar = Bar("making", 1_000)
    for done in range(1, 1_001):
        bar.at(done, f"{done}/1000")
    bar.end()
    shown = capsys.readouterr().err
    assert shown.count("\r") < 500 and shown.endswith(f"[{'#' * 30}] 1000/1000\n")
    empty = Bar("making", 0)
    empty.at(0, "0/0")
    empty.end()
    assert "#" * 30 in capsys.readouterr().err
