"""Parts that several voices of a device use, made once and held as long as any of them does."""

from __future__ import annotations

import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from realtime.settings import Settings

Made = TypeVar("Made")
_shared: weakref.WeakValueDictionary[tuple[Any, Path, str], Any] = weakref.WeakValueDictionary()
_sharing = threading.Lock()


def share(kind: Callable[[Settings, str], Made], settings: Settings, device: str) -> Made:
    """Return the part of this kind for a device; who asks while it is in use gets the same.

    It goes when nobody holds it any more: an engine drops it when it unloads.
    """
    place = (kind, settings.models.path, device)
    with _sharing:
        found: Made | None = _shared.get(place)
        if found is None:
            found = _shared[place] = kind(settings, device)
        return found


class SharedPart(ABC, Generic[Made]):
    """A part whose network is loaded when it is first needed, by one thread."""

    def __init__(self, settings: Settings, device: str) -> None:
        self._settings = settings
        self._device = device
        self._loading = threading.Lock()
        self._made: Made | None = None

    def load(self) -> None:
        """Load the network unless it is; a file that is missing or wrong is an Unavailable."""
        self._network()

    def _network(self) -> Made:
        with self._loading:
            if self._made is None:
                self._made = self._open()
            return self._made

    @abstractmethod
    def _open(self) -> Made:
        """Read the network's file."""
