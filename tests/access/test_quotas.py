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
        await quotas.account(key).charge_request()
        await quotas.account(key).charge_request()
        with pytest.raises(TooMany, match="2 requests a minute") as refused:
            await quotas.account(key).charge_request()
        assert refused.value.retry_after is not None and 1 <= refused.value.retry_after <= 60


async def test_many_at_once_get_no_more_than_there_is() -> None:
    account = Quotas(LimitsSettings(requests=20)).account("a")
    asked = (account.charge_request() for _ in range(50))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(each is None for each in found) == 20


async def test_sound_counts_even_beyond_its_limit() -> None:
    quotas = Quotas(LimitsSettings(audio_seconds=10))
    account = quotas.account("a")
    await account.charge_text(1)
    await account.charge_sound(8.0)
    await account.charge_text(1)
    await account.charge_sound(500.0)
    with pytest.raises(TooMany, match="seconds of sound"):
        await account.charge_text(1)
    await quotas.account("b").charge_text(1)


async def recording_of_one_second() -> Recording:
    recording = Recording(100)
    await recording.add(Spoken(np.ones(100, np.int16)))
    return recording


async def run_tasks() -> None:
    """Let the loop run what waits, as often as charging a recording needs."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_recording_is_counted_when_it_is_whole() -> None:
    account = Quotas(LimitsSettings(audio_seconds=1)).account("a")
    recording = await recording_of_one_second()
    account.charge_recording("miss", recording)
    await asyncio.sleep(0)
    await account.charge_text(1)
    recording.settle()
    await run_tasks()
    with pytest.raises(TooMany):
        await account.charge_text(1)


@pytest.mark.parametrize("result", ["hit", "join"])
async def test_a_recording_that_others_began_costs_no_sound(result: str) -> None:
    account = Quotas(LimitsSettings(audio_seconds=1)).account("a")
    recording = await recording_of_one_second()
    recording.settle()
    account.charge_recording(result, recording)
    await run_tasks()
    await account.charge_text(1)


async def test_nobody_is_charged_without_a_key() -> None:
    limits = LimitsSettings(requests=1, characters=1, audio_seconds=1, sockets=1)
    account = Quotas(limits).account("")
    for _ in range(2):
        await account.charge_request()
        await account.charge_text(10**9)
        await account.charge_sound(10**9)
    await account.check_sound()
    account.charge_recording("miss", await recording_of_one_second())
    with account.hold_socket(), account.hold_socket():
        pass


async def test_sockets_are_counted_while_they_are_open() -> None:
    quotas = Quotas(LimitsSettings(sockets=2))
    for _ in range(2):
        with quotas.account("a").hold_socket(), quotas.account("a").hold_socket():
            with pytest.raises(TooMany), quotas.account("a").hold_socket():
                pass
            with quotas.account("b").hold_socket():
                pass


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
    await quotas.count_refusal("2001:db8::1")
    await quotas.count_failed_login("2001:db8::1")
    with pytest.raises(TooMany, match="refused requests"):
        await quotas.check_refusals("2001:db8::2")
    with pytest.raises(TooMany, match="failed log-ins"):
        await quotas.check_logins("2001:db8::3")
    await quotas.check_refusals("2001:db9::1")
    await quotas.check_logins("2001:db9::1")


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
        await quotas.account("a").charge_request()
    with pytest.raises(Busy):
        await quotas.check_refusals("10.0.0.1")


async def test_a_redis_that_is_not_there_lets_nobody_through() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    quotas = Quotas(LimitsSettings(storage=f"redis://127.0.0.1:{port}"))
    with pytest.raises(Busy) as refused:
        await quotas.account("a").charge_request()
    assert refused.value.code == "limits_unreachable"
