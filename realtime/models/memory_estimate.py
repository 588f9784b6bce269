"""Estimates of the memory that engines need, so that none is loaded for which there is no room.

An engine that was loaded on this machine before needs what it took then, on the device that it took
it of. Before its first load the size of its files tells.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator

from realtime.engines.contract import Engine
from realtime.engines.several_models import id_of
from realtime.files import write_whole
from realtime.models.device_readings import PROCESSOR
from realtime.settings import Settings
from realtime.weights import find_parts

logger = logging.getLogger(__name__)


FILE = "memory.json"
FACTOR = 7  # bytes of memory for a byte of 8-bit weights, as Kokoro takes with its dictionaries
WIDE_FACTOR = 2  # for a byte of weights that are kept as they are: they are read, then placed
WIDE_SUFFIXES = (".pt", ".pt2", ".pth", ".ckpt", ".bin", ".safetensors")
MOST_BYTES = 1 << 18  # of the file, and an engine has 100 of them


class MemoryEstimates:
    """Measured sizes of engines in memory, kept in a file for the next start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.models.path / FILE
        self._lock = threading.Lock()  # of the file

    def estimate(self, engine: Engine, device: str = PROCESSOR) -> int:
        """Estimate the bytes that an engine will take of a device; this looks at files."""
        files = list(self._files(engine))
        size = sum(count for _, count in files)
        with self._lock:
            known, taken = self._read().get(entry_name(engine, device), (0, 0))
        if size and known == size:
            return taken
        wide = sum(count for name, count in files if name.endswith(WIDE_SUFFIXES))
        return WIDE_FACTOR * wide + FACTOR * (size - wide)

    def record(self, engine: Engine, taken: int, device: str = PROCESSOR) -> None:
        """Remember the bytes that an engine took of a device.

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
            name = entry_name(engine, device)
            known, before = found.get(name, (0, 0))
            if known == size and before >= taken:
                return
            found[name] = (size, taken)
            self._write(found)

    def file_bytes(self, engine: Engine) -> int:
        """Count the bytes of the files that an engine would load."""
        return sum(count for _, count in self._files(engine))

    def _files(self, engine: Engine) -> Iterator[tuple[str, int]]:
        """Yield the name and size of each file that an engine reads its weights from."""
        for file in engine.weights:
            for part in find_parts(file, self._settings):
                yield file.name, part.stat().st_size

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


def entry_name(engine: Engine, device: str) -> str:
    """Return the name of a measurement in the file: `kokoro`, `torchscript:nana@cuda:0`."""
    id = id_of(engine)
    return id if device == PROCESSOR else f"{id}@{device}"
