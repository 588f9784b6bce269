"""Work ends when it is done, when it breaks, or when nobody waits for it."""

from __future__ import annotations

import asyncio

import pytest

from realtime.cancellation import run_unless
from realtime.errors import Busy

pytestmark = pytest.mark.anyio


async def wait_for_ever() -> None:
    await asyncio.Event().wait()


async def return_soon() -> None:
    await asyncio.sleep(0)


async def test_work_that_is_done_ends_the_wait() -> None:
    stopped = asyncio.Event()

    async def abandoned() -> None:
        try:
            await wait_for_ever()
        finally:
            stopped.set()

    assert await run_unless(return_soon(), abandoned())
    assert stopped.is_set()


async def test_the_error_of_work_is_raised() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_unless(work(), wait_for_ever())


async def test_abandoned_work_is_cancelled_and_awaited() -> None:
    stopped = asyncio.Event()

    async def work() -> None:
        try:
            await wait_for_ever()
        finally:
            await asyncio.sleep(0)
            stopped.set()

    assert not await run_unless(work(), return_soon())
    assert stopped.is_set()


@pytest.mark.parametrize("error, logged", [(Busy("full"), False), (ValueError("a fault"), True)])
async def test_a_fault_of_abandoned_work_is_only_logged(
    error: Exception, logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        try:
            await wait_for_ever()
        finally:
            raise error

    assert not await run_unless(work(), return_soon())
    assert ("a fault" in caplog.text) == logged


async def test_a_cancelled_caller_takes_both_along() -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await wait_for_ever()
        finally:
            stopped.set()

    task = asyncio.create_task(run_unless(work(), wait_for_ever()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stopped.is_set()
