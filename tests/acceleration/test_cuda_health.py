"""Errors after which CUDA answers this process no more are remembered; others are not."""

from __future__ import annotations

import pytest

from realtime.acceleration.cuda_health import CudaHealth, is_fatal

LOST = "CUDA error: device-side assert triggered"
TOLD = f"The following operation failed in the interpreter.\n  {LOST}\nCompile with more."


@pytest.mark.parametrize(
    ("error", "fatal"),
    [
        (RuntimeError(LOST), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), True),
        (RuntimeError("CUDA error: unspecified launch failure"), True),
        (RuntimeError("CUDA failed with error the launch timed out and was terminated"), True),
        (RuntimeError("CUDA out of memory"), False),
        (RuntimeError("device-side assert triggered"), False),
        (ValueError(LOST), False),
    ],
)
def test_some_errors_end_cuda(error: Exception, fatal: bool) -> None:
    assert is_fatal(error) is fatal


def test_the_first_one_is_remembered_with_its_line(caplog: pytest.LogCaptureFixture) -> None:
    health = CudaHealth()
    health.note(RuntimeError("flaky"))
    assert health.error is None
    try:
        raise ValueError("it could not speak") from RuntimeError(TOLD)
    except ValueError as error:
        health.note(error)
    health.note(RuntimeError("CUDA error: unspecified launch failure"))
    assert health.error == LOST
    assert "until a restart" in caplog.text
