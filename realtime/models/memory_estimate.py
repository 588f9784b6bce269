"""Estimates of the memory that engines need, so that none is loaded for which there is no room.

An engine that was loaded on this machine before needs what it took then. Before its first load the
size of its files tells: networks are widened from 8 to 32 bits, and dictionaries come to them.
"""

from __future__ import annotations

import json
import logging
import threading

from realtime.engines.contract import Engine
from realtime.files import write_whole
from realtime.settings import Settings
from realtime.weights import find_parts

logger = logging.getLogger(__name__)

FILE = "memory.json"
FACTOR = 7  # bytes of memory for a byte of weights, as Kokoro takes with its dictionaries
MOST_BYTES = 1 << 16  # of the file, and an engine has 100 of them


class MemoryEstimates:
    """Measured sizes of engines in memory, kept in a file for the next start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.models.path / FILE
        self._lock = threading.Lock()  # of the file

    def estimate(self, engine: Engine) -> int:
        """Estimate the bytes that an engine will take; this looks at files."""
        size = self.file_bytes(engine)
        with self._lock:
            known, taken = self._read().get(engine.name, (0, 0))
        return taken if size and known == size else FACTOR * size

    def record(self, engine: Engine, taken: int) -> None:
        """Remember the bytes that an engine took.

        The most that was ever seen counts: a second load in one process takes memory that the
        first one left there. Other weights begin anew.
        """
        try:
            size = self.file_bytes(engine)
        except OSError:
            return  # a file was taken away after it was read
        if not size or taken <= 0:
            return
        with self._lock:
            found = self._read()
            known, before = found.get(engine.name, (0, 0))
            if known == size and before >= taken:
                return
            found[engine.name] = (size, taken)
            self._write(found)

    def file_bytes(self, engine: Engine) -> int:
        """Count the bytes of the files that an engine would load."""
        files = (find_parts(file, self._settings) for file in engine.weights)
        return sum(part.stat().st_size for parts in files for part in parts)

    def _read(self) -> dict[str, tuple[int, int]]:
        """Read the file; one that is missing or wrong holds nothing."""
        try:
            with self._path.open("rb") as file:
                content = json.loads(file.read(MOST_BYTES))
            return {
                str(name): (int(entry["file_bytes"]), int(entry["taken_bytes"]))
                for name, entry in content.items()
            }
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def _write(self, found: dict[str, tuple[int, int]]) -> None:
        content = {
            name: {"file_bytes": size, "taken_bytes": taken}
            for name, (size, taken) in sorted(found.items())
        }
        try:
            write_whole(self._path, json.dumps(content, indent=1).encode())
        except OSError as error:
            logger.debug("what engines take is not remembered: %s", error)
