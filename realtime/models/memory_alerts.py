"""Alerts about memory: one where a device has little left, and not again for a while."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from realtime.models.device_readings import Device

logger = logging.getLogger(__name__)

Level = Literal["warning", "critical"]
THRESHOLDS: tuple[tuple[Level, float], ...] = (("critical", 90.0), ("warning", 80.0))
COOLDOWN_SECONDS = 30.0  # before the same level of the same device is told again
MOST_ALERTS = 50  # that are kept


@dataclass(frozen=True)
class Alert:
    """A device whose memory is used beyond a threshold."""

    time_ms: int
    level: Level
    device: str
    percent: float
    threshold: float
    message: str


class MemoryAlerts:
    """The last alerts, and the functions that are called with each new one."""

    def __init__(self) -> None:
        self._last: deque[Alert] = deque(maxlen=MOST_ALERTS)
        self._told: dict[tuple[str, Level], int] = {}  # when, in milliseconds
        self._callbacks: list[Callable[[Alert], object]] = []

    def on_alert(self, callback: Callable[[Alert], object]) -> Callable[[], None]:
        """Call a function with each alert from now on; return the function that ends it."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def last(self) -> list[Alert]:
        """Return the alerts that are kept, the newest first."""
        return list(reversed(self._last))

    def check(self, devices: list[Device], time_ms: int) -> None:
        """Raise the alerts that these readings call for."""
        for device in devices:
            percent = device.percent
            for level, threshold in THRESHOLDS:
                if percent is not None and percent >= threshold:
                    self._raise(device, level, percent, threshold, time_ms)
                    break

    def _raise(
        self, device: Device, level: Level, percent: float, threshold: float, time_ms: int
    ) -> None:
        before = self._told.get((device.id, level))
        if before is not None and 0 <= time_ms - before < 1000 * COOLDOWN_SECONDS:
            return
        self._told[device.id, level] = time_ms
        message = f"{percent:g} % of the memory of {device.id} ({device.name}) is in use."
        alert = Alert(time_ms, level, device.id, percent, threshold, message)
        self._last.append(alert)
        logger.warning("%s", message)
        for callback in list(self._callbacks):
            try:
                callback(alert)
            except Exception:  # it is another one's code: the monitor goes on
                logger.exception("a function that is called with alerts failed")
