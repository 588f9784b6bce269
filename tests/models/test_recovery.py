"""The rules by which a load that failed goes on: in order, by the kind of error, bounded."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from realtime.errors import BadRequest, SettingsError, Unavailable
from realtime.models.recovery import (
    CPU,
    CUDA_LOST,
    FAILED,
    FREE,
    GIVE_UP,
    OTHER_DEVICE,
    OUT_OF_MEMORY,
    REFUSED,
    RETRY,
    Action,
    LoadFailure,
    Recovery,
    mend,
)

pytestmark = pytest.mark.anyio
LOST = RuntimeError("CUDA error: an illegal memory access was encountered")


def failure(error: Exception) -> LoadFailure:
    return LoadFailure("tone", "cuda:0", error)


def course_of(recovery: Recovery, *errors: Exception, impossible: str = "") -> list[Action]:
    """List the actions of a load that fails with these errors in turn."""
    course = recovery.course()
    return [course.next_action(failure(each), lambda name: name != impossible) for each in errors]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (LOST, CUDA_LOST),
        (torch.OutOfMemoryError("CUDA out of memory"), OUT_OF_MEMORY),
        (MemoryError(), OUT_OF_MEMORY),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), OUT_OF_MEMORY),
        (RuntimeError("CUDA failed with error out of memory"), OUT_OF_MEMORY),
        (Unavailable("no file"), REFUSED),
        (BadRequest("a bad file"), REFUSED),
        (RuntimeError("flaky"), FAILED),
        (OSError("flaky"), FAILED),
    ],
)
def test_errors_have_kinds(error: Exception, kind: str) -> None:
    assert failure(error).kind == kind


def test_what_is_built_in() -> None:
    full, flaky, refused = MemoryError(), OSError("flaky"), Unavailable("no file")
    recovery = Recovery({})
    assert course_of(recovery, full, full, full, full) == [FREE, *[OTHER_DEVICE] * 3]
    assert course_of(recovery, full, full, full, impossible=OTHER_DEVICE) == [FREE, CPU, GIVE_UP]
    assert course_of(recovery, flaky, flaky, flaky) == [RETRY, CPU, GIVE_UP]
    assert course_of(recovery, flaky, flaky, impossible=CPU) == [RETRY, GIVE_UP]
    assert course_of(recovery, refused) == course_of(recovery, LOST) == [GIVE_UP]
    assert course_of(recovery, flaky, full) == [RETRY, FREE], "each kind is counted by itself"


def test_settings_come_first_in_their_order() -> None:
    recovery = Recovery({"OSError": ["retry", "retry", "cpu"], "any": ["give_up"]})
    flaky = FileNotFoundError("flaky")
    assert course_of(recovery, flaky, flaky, flaky, flaky) == [RETRY, RETRY, CPU, GIVE_UP]
    assert course_of(recovery, MemoryError()) == [GIVE_UP]


@pytest.mark.parametrize("actions", ["retry", ["reboot"], [1], {"retry": 2}])
def test_settings_are_checked(actions: Any) -> None:
    with pytest.raises(SettingsError, match="retry, free, other_device, cpu, give_up"):
        Recovery({"any": actions})


def test_programs_come_before_settings_and_take_it_back() -> None:
    recovery = Recovery({"any": ["retry"]})
    remove = recovery.on_failure(OSError, CPU, attempts=2)
    flaky = OSError("flaky")
    assert course_of(recovery, flaky, flaky, flaky) == [CPU, CPU, RETRY]
    assert course_of(recovery, ValueError("other")) == [RETRY]
    remove()
    assert course_of(recovery, flaky) == [RETRY]
    with pytest.raises(ValueError, match="no action"):
        recovery.on_failure(OSError, "reboot")


def test_a_function_may_tell_what_matches() -> None:
    recovery = Recovery({})
    recovery.on_failure(lambda failed: failed.device == "cuda:0", CPU)
    assert course_of(recovery, OSError("flaky")) == [CPU]


async def test_a_function_may_mend() -> None:
    seen: list[str] = []

    async def ask(failed: LoadFailure) -> None:
        seen.append(failed.id)

    assert await mend(ask, failure(OSError("flaky"))) and seen == ["tone"]
    assert await mend(lambda failed: seen.append("more"), failure(OSError("flaky")))
    assert seen == ["tone", "more"]


async def test_one_that_fails_itself_ends_the_load(caplog: pytest.LogCaptureFixture) -> None:
    assert not await mend(lambda failed: 1 / 0, failure(OSError("flaky")))
    assert "the action for tone that does not load failed" in caplog.text
