"""Little memory is told once in a while, at two levels."""

from __future__ import annotations

import logging

import pytest

from realtime.models.memory_alerts import MOST_ALERTS, Alert, MemoryAlerts
from tests.support.fake_devices import device


def test_each_threshold_has_its_level(caplog: pytest.LogCaptureFixture) -> None:
    alerts = MemoryAlerts()
    alerts.check([device("cpu", 100, 79), device("cuda:0", 100, 80), device("cuda:1", 100, 90)], 0)
    found = [(each.device, each.level, each.percent, each.threshold) for each in alerts.last()]
    assert found == [("cuda:1", "critical", 90.0, 90.0), ("cuda:0", "warning", 80.0, 80.0)]
    assert "80 % of the memory of cuda:0 (NVIDIA Bell) is in use." in caplog.messages


def test_one_is_told_again_after_a_while() -> None:
    alerts = MemoryAlerts()
    full = [device("cuda:0", 100, 85)]
    for time_ms in (0, 29_999, 30_000, 59_999):
        alerts.check(full, time_ms)
    assert [each.time_ms for each in alerts.last()] == [30_000, 0]
    alerts.check([device("cuda:0", 100, 95)], 60_000 - 1)
    assert alerts.last()[0].level == "critical", "a worse one is told at once"
    alerts.check(full, 10)
    assert alerts.last()[0].time_ms == 10, "a clock that is set back silences nothing"


def test_only_so_many_are_kept() -> None:
    alerts = MemoryAlerts()
    for number in range(MOST_ALERTS + 10):
        alerts.check([device("cuda:0", 100, 95)], 30_000 * number)
    assert len(alerts.last()) == MOST_ALERTS


def test_functions_are_called_until_they_are_removed(caplog: pytest.LogCaptureFixture) -> None:
    alerts, told = MemoryAlerts(), list[Alert]()
    alerts.on_alert(lambda alert: 1 / 0)
    remove = alerts.on_alert(told.append)
    with caplog.at_level(logging.ERROR):
        alerts.check([device("cuda:0", 100, 95)], 0)
    assert [alert.device for alert in told] == ["cuda:0"], "one that fails keeps no other from it"
    assert "ZeroDivisionError" in caplog.text
    remove()
    alerts.check([device("cuda:0", 100, 95)], 30_000)
    assert len(told) == 1
