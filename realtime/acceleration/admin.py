"""The accelerated networks of a server: reported, switched, and prepared in quiet moments."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

from realtime.acceleration.accelerated import Accelerated
from realtime.errors import NotFound, shortlist
from realtime.model_id import split_id
from realtime.settings import AccelerationSettings

logger = logging.getLogger(__name__)

Networks = Callable[[], Iterable[tuple[str, Accelerated]]]  # with the ids of their models


class AccelerationAdmin:
    """A view of the networks of all engines that are loaded; it holds none of them."""

    def __init__(self, networks: Networks, settings: AccelerationSettings) -> None:
        self._networks = networks
        self._settings = settings
        self.enabled = settings.enabled
        self._seen: WeakSet[Accelerated] = WeakSet()  # that have the switch for all

    def switch(self, enabled: bool, engine: str | None = None, network: str | None = None) -> None:
        """Switch all networks, those of an engine, or one.

        A switch for all holds for networks that are loaded later, too.
        """
        self._switch_newcomers()  # first, or the switch for all would later undo this one
        chosen = self._chosen(engine, network)
        if engine is None and network is None:
            self.enabled = enabled
        for found in chosen:
            found.switch(enabled)

    def clear_memory(self, engine: str | None = None, network: str | None = None) -> None:
        """Give back what torch holds unused on the devices of these networks."""
        for found in self._chosen(engine, network):
            found.clear_memory()

    def prepare_when_quiet(self) -> bool:
        """Prepare one bucket of a network that has been quiet; return whether one was."""
        self._switch_newcomers()
        if not self.enabled or not self._settings.idle_seconds:
            return False
        seconds = self._settings.idle_seconds
        return any(found.prepare_when_quiet(seconds) for _, found in self._networks())

    def described(self) -> dict[str, Any]:
        """Give the report on every network."""
        self._switch_newcomers()
        return {
            "enabled": self.enabled,
            "idle_seconds": self._settings.idle_seconds,
            "memory_fraction": self._settings.memory_fraction or None,
            "networks": [
                {"engine": split_id(model)[0], "model": model, **found.described()}
                for model, found in self._networks()
            ],
        }

    def _switch_newcomers(self) -> None:
        """Switch the networks that were loaded after all were switched on or off."""
        for _, found in self._networks():
            if found not in self._seen:
                self._seen.add(found)
                if found.enabled is not self.enabled:
                    found.switch(self.enabled)

    def _chosen(self, engine: str | None, network: str | None) -> list[Accelerated]:
        known = list(self._networks())
        chosen = [
            found
            for name, found in known
            if engine in (None, name, split_id(name)[0]) and network in (None, found.name)
        ]
        if not chosen and (engine is not None or network is not None):
            names = shortlist(f"{name}/{found.name}" for name, found in known)
            wanted = "/".join(filter(None, (engine, network)))
            raise NotFound(
                f"There is no accelerated network {wanted!r}.",
                code="network_not_found",
                hint=f"There are: {names}." if names else "No engine with one is loaded.",
            )
        return chosen
