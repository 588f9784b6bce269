"""Limits hold for each key and each network, and let go again."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import numpy as np
import pytest
from limits.errors import StorageError

from realtime.access.quotas import Allowance, network_of
from realtime.cache import Recording, Spoken
from realtime.errors import Busy, SettingsError, TooMany
from realtime.settings import Limits

pytestmark = pytest.mark.anyio


async def test_each_key_has_its_own() -> None:
    allowance = Allowance(Limits(requests=2))
    for key in ("a", "b"):
        await allowance.request(key)
        await allowance.request(key)
        with pytest.raises(TooMany, match="2 requests a minute") as refused:
            await allowance.request(key)
        assert refused.value.retry_after is not None and 1 <= refused.value.retry_after <= 60


async def test_many_at_once_get_no_more_than_there_is() -> None:
    allowance = Allowance(Limits(requests=20))
    asked = (allowance.request("a") for _ in range(50))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(each is None for each in found) == 20


async def test_sound_counts_even_beyond_its_limit() -> None:
    allowance = Allowance(Limits(audio_seconds=10))
    await allowance.line("a", 1)
    await allowance.sound("a", 8.0)
    await allowance.line("a", 1)
    await allowance.sound("a", 500.0)
    with pytest.raises(TooMany, match="seconds of sound"):
        await allowance.line("a", 1)
    await allowance.line("b", 1)


async def test_a_recording_is_counted_when_it_is_whole() -> None:
    allowance = Allowance(Limits(audio_seconds=1))
    recording = Recording(100)
    await recording.add(Spoken(np.ones(100, np.int16)))
    allowance.watch("a", recording)
    await asyncio.sleep(0)
    await allowance.line("a", 1)
    recording.settle()
    for _ in range(10):
        await asyncio.sleep(0)
    with pytest.raises(TooMany):
        await allowance.line("a", 1)


async def test_sockets_are_counted_while_they_are_open() -> None:
    allowance = Allowance(Limits(sockets=2))
    with allowance.socket("a"):
        with allowance.socket("a"), pytest.raises(TooMany), allowance.socket("a"):
            pass
        with allowance.socket("a"), allowance.socket("b"):
            pass
    assert not allowance._sockets


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
async def test_who_has_a_whole_network_is_one(address: str, network: str) -> None:
    assert network_of(address) == network


async def test_refusals_and_log_ins_are_counted_by_network() -> None:
    allowance = Allowance(Limits(refusals=1, logins=1))
    await allowance.was_refused("2001:db8::1")
    await allowance.failed_to_log_in("2001:db8::1")
    with pytest.raises(TooMany, match="refused requests"):
        await allowance.may_be_refused("2001:db8::2")
    with pytest.raises(TooMany, match="failed log-ins"):
        await allowance.may_log_in("2001:db8::3")
    await allowance.may_be_refused("2001:db9::1")
    await allowance.may_log_in("2001:db9::1")


@pytest.mark.parametrize("storage", ["nowhere://", "redis", "", "memcached://127.0.0.1:1"])
async def test_a_storage_that_is_none_is_told_at_the_start(storage: str) -> None:
    with pytest.raises(SettingsError, match="limits.storage"):
        Allowance(Limits(storage=storage))


async def test_a_storage_that_fails_lets_nobody_through(monkeypatch: pytest.MonkeyPatch) -> None:
    allowance = Allowance(Limits())

    async def broken(*args: Any, **kwargs: Any) -> bool:
        raise StorageError(OSError("gone"))

    monkeypatch.setattr(allowance._windows, "hit", broken)
    monkeypatch.setattr(allowance._windows, "test", broken)
    with pytest.raises(Busy):
        await allowance.request("a")
    with pytest.raises(Busy):
        await allowance.may_be_refused("10.0.0.1")


async def test_a_redis_that_is_not_there_lets_nobody_through() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    allowance = Allowance(Limits(storage=f"redis://127.0.0.1:{port}"))
    with pytest.raises(Busy) as refused:
        await allowance.request("a")
    assert refused.value.code == "limits_unreachable"
