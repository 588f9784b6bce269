"""Limits hold for each key and each network, and let go again."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import numpy as np
import pytest
from limits.errors import StorageError

from realtime.access.quotas import Quotas, network_of
from realtime.audio.spoken import Spoken
from realtime.cache import Recording
from realtime.errors import Busy, SettingsError, TooMany
from realtime.settings import LimitsSettings

pytestmark = pytest.mark.anyio


async def test_each_key_has_its_own() -> None:
    quotas = Quotas(LimitsSettings(requests=2))
    for key in ("a", "b"):
        await quotas.request(key)
        await quotas.request(key)
        with pytest.raises(TooMany, match="2 requests a minute") as refused:
            await quotas.request(key)
        assert refused.value.retry_after is not None and 1 <= refused.value.retry_after <= 60


async def test_many_at_once_get_no_more_than_there_is() -> None:
    quotas = Quotas(LimitsSettings(requests=20))
    asked = (quotas.request("a") for _ in range(50))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(each is None for each in found) == 20


async def test_sound_counts_even_beyond_its_limit() -> None:
    quotas = Quotas(LimitsSettings(audio_seconds=10))
    await quotas.line("a", 1)
    await quotas.sound("a", 8.0)
    await quotas.line("a", 1)
    await quotas.sound("a", 500.0)
    with pytest.raises(TooMany, match="seconds of sound"):
        await quotas.line("a", 1)
    await quotas.line("b", 1)


async def test_a_recording_is_counted_when_it_is_whole() -> None:
    quotas = Quotas(LimitsSettings(audio_seconds=1))
    recording = Recording(100)
    await recording.add(Spoken(np.ones(100, np.int16)))
    quotas.watch("a", recording)
    await asyncio.sleep(0)
    await quotas.line("a", 1)
    recording.settle()
    for _ in range(10):
        await asyncio.sleep(0)
    with pytest.raises(TooMany):
        await quotas.line("a", 1)


async def test_sockets_are_counted_while_they_are_open() -> None:
    quotas = Quotas(LimitsSettings(sockets=2))
    with quotas.socket("a"):
        with quotas.socket("a"), pytest.raises(TooMany), quotas.socket("a"):
            pass
        with quotas.socket("a"), quotas.socket("b"):
            pass
    assert not quotas._sockets


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
    quotas = Quotas(LimitsSettings(refusals=1, logins=1))
    await quotas.was_refused("2001:db8::1")
    await quotas.failed_to_log_in("2001:db8::1")
    with pytest.raises(TooMany, match="refused requests"):
        await quotas.may_be_refused("2001:db8::2")
    with pytest.raises(TooMany, match="failed log-ins"):
        await quotas.may_log_in("2001:db8::3")
    await quotas.may_be_refused("2001:db9::1")
    await quotas.may_log_in("2001:db9::1")


@pytest.mark.parametrize("storage", ["nowhere://", "redis", "", "memcached://127.0.0.1:1"])
async def test_a_storage_that_is_none_is_told_at_the_start(storage: str) -> None:
    with pytest.raises(SettingsError, match="limits.storage"):
        Quotas(LimitsSettings(storage=storage))


async def test_a_storage_that_fails_lets_nobody_through(monkeypatch: pytest.MonkeyPatch) -> None:
    quotas = Quotas(LimitsSettings())

    async def broken(*args: Any, **kwargs: Any) -> bool:
        raise StorageError(OSError("gone"))

    monkeypatch.setattr(quotas._windows, "hit", broken)
    monkeypatch.setattr(quotas._windows, "test", broken)
    with pytest.raises(Busy):
        await quotas.request("a")
    with pytest.raises(Busy):
        await quotas.may_be_refused("10.0.0.1")


async def test_a_redis_that_is_not_there_lets_nobody_through() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    quotas = Quotas(LimitsSettings(storage=f"redis://127.0.0.1:{port}"))
    with pytest.raises(Busy) as refused:
        await quotas.request("a")
    assert refused.value.code == "limits_unreachable"
