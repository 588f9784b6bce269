"""Engines with one character whose weights are switched while the server runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

Part = Literal["gpt", "sovits", "reference"]


@runtime_checkable
class SwitchesWeights(Protocol):
    """An engine that makes a character of the files that a client names, one after the other."""

    switched_character: str | None  # its name; None as long as no file was named

    def switch(self, part: Part, file: Path) -> None:
        """Take a file as a part of that character, or raise the error for which it cannot be.

        The file lies in the folder of models or of characters. It is called off the loop, and the
        file of a reference may be gone when it returns.
        """
