"""A failure of a model library ends one work with a known error, and its trace is in the log."""

from __future__ import annotations

import logging

import pytest

from realtime.engines.failure import WORKS, Work, engine_failures
from realtime.errors import Busy


@pytest.mark.parametrize("work", WORKS)
def test_a_librarys_error_becomes_ours(work: Work, caplog: pytest.LogCaptureFixture) -> None:
    did, failure = WORKS[work]
    with pytest.raises(failure) as failed, engine_failures("noisy", work):
        raise ZeroDivisionError("secret detail")
    assert did in failed.value.message
    assert "secret" not in failed.value.message + (failed.value.hint or "")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR and record.getMessage() == f"noisy failed while {work}"
    assert "secret detail" in caplog.text


def test_our_own_error_stays(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Busy, match="Full"), engine_failures("noisy", "speaking"):
        raise Busy("Full.")
    assert not caplog.records
