"""`weights convert` rewrites what is there, in a process of its own, and tells what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime import rewriting
from realtime.commands import parsed
from realtime.settings import Settings
from realtime.valle.weights import CHECKPOINT, state
from tests.valle import made

OPTIONS = parsed(["weights", "convert"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return made.settings_in(tmp_path)


def test_what_is_there_is_rewritten_and_the_rest_is_told(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    source = made.checkpoint(settings)
    assert rewriting.weights(OPTIONS, settings) == 0
    told = capfd.readouterr().out
    assert "3 tensors" in told and "pytorch_model.bin: missing" in told
    assert CHECKPOINT.rewritten(settings.models.path) is not None
    source.unlink()
    assert state(CHECKPOINT, settings).keys() == made.state().keys()
    assert rewriting.weights(OPTIONS, settings) == 0
    assert "there already" in capfd.readouterr().out


def test_a_file_that_fails_is_told_and_the_others_are_rewritten(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    made.checkpoint(settings).write_bytes(b"nothing")
    made.vocos(settings)
    assert rewriting.weights(OPTIONS, settings) == 1
    told = capfd.readouterr()
    assert "vallex-checkpoint.pt cannot be used" in told.err and "3 tensors" in told.out


def test_without_any_file_it_fails(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    assert rewriting.weights(OPTIONS, settings) == 1
    assert capfd.readouterr().out.count("missing") == 3
