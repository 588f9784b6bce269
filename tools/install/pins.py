"""The pins of requirements.txt by their blocks, and stamps of what is installed."""

from __future__ import annotations

import hashlib
from pathlib import Path


def blocks(text: str) -> dict[str, list[str]]:
    """Sort the pins by the block that they stand in: a line "#: name" starts one."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("#: "):
            name = line[3:].strip()
            found[name] = []
        elif pin := line.partition("#")[0].strip():
            found[name].append(pin)
    return found


class Stamps:
    """A folder with one empty file for each block that is installed, named by its pins."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, name: str, pins: list[str]) -> bool:
        """Tell whether a block is installed with these very pins."""
        return self._path(name, pins).exists()

    def add(self, name: str, pins: list[str]) -> None:
        """Note that a block is installed; its older stamps go, since its older pins went."""
        self._folder.mkdir(exist_ok=True)
        for old in self._folder.glob(f"{name}-*"):
            old.unlink()
        self._path(name, pins).touch()

    def _path(self, name: str, pins: list[str]) -> Path:
        digest = hashlib.sha256("\n".join(pins).encode()).hexdigest()[:16]
        return self._folder / f"{name}-{digest}"
