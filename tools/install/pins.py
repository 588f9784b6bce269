"""The pins of both lists of requirements by their blocks, and stamps of what is installed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LIST = "requirements.txt"
NO_DEPS = "requirements-no-deps.txt"  # packages that come without what they depend on


@dataclass(frozen=True)
class Block:
    """The pins of a block."""

    pins: Sequence[str] = ()
    no_deps: Sequence[str] = ()

    @property
    def all(self) -> list[str]:
        return [*self.pins, *self.no_deps]


def read(folder: Path) -> dict[str, Block]:
    """Read the blocks of both lists; the names and their order are those of the first."""
    found, no_deps = (
        blocks((folder / name).read_text(encoding="utf-8")) for name in (LIST, NO_DEPS)
    )
    return {name: Block(pins, no_deps.get(name, ())) for name, pins in found.items()}


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

    def has(self, name: str, pins: Sequence[str]) -> bool:
        """Tell whether a block is installed with these very pins."""
        return self._path(name, pins).exists()

    def add(self, name: str, pins: Sequence[str]) -> None:
        """Note that a block is installed; its older stamps go, since its older pins went."""
        self._folder.mkdir(exist_ok=True)
        for old in self._folder.glob(f"{name}-*"):
            old.unlink()
        self._path(name, pins).touch()

    def _path(self, name: str, pins: Sequence[str]) -> Path:
        digest = hashlib.sha256("\n".join(pins).encode()).hexdigest()[:16]
        return self._folder / f"{name}-{digest}"
