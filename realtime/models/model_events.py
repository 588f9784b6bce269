"""The events of models, the newest thousand: asked for, loaded, used, unloaded, failed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from realtime.change_event import ChangeEvent

EventName = Literal[
    "requested", "started", "completed", "failed", "unloaded", "hit", "miss", "cleaned"
]
MOST_EVENTS = 1_000


@dataclass(frozen=True)
class ModelEvent:
    """An event of a model; `reason` says why it failed, or why it was cleaned away."""

    time_ms: int
    event: EventName
    id: str
    device: str
    reason: str | None


class ModelEvents:
    """The events that are kept, for people and for programs that follow them."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.changed = ChangeEvent()
        self.count = 0  # of all that there ever were
        self._clock = clock
        self._events: deque[ModelEvent] = deque(maxlen=MOST_EVENTS)

    def add(self, event: EventName, id: str, device: str, reason: str | None = None) -> None:
        """Keep an event. Of hits in a row the last one stays: a busy model has many a second."""
        newest = self._events[-1] if self._events else None
        if newest and event == "hit" and (newest.event, newest.id) == ("hit", id):
            self._events.pop()
        else:
            self.count += 1
        self._events.append(ModelEvent(round(1000 * self._clock()), event, id, device, reason))
        self.changed.announce()

    def last(self, most: int = MOST_EVENTS) -> list[ModelEvent]:
        """Return the last events, the newest first."""
        return list(reversed(self._events))[:most]
