"""Classes and functions of programs that are not installed, for files that name them."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Call:
    """A pickle of a call, which would make a folder when it is loaded."""

    def __init__(self, function: Any, mark: Path) -> None:
        self.function = function
        self.mark = mark

    def __reduce__(self) -> Any:
        return self.function, (str(self.mark),)


def foreign_class(name: str) -> type:
    """Make a class that pickles call by a full name; it must be importable while one is written."""
    module, _, short = name.rpartition(".")
    return type(short, (), {"__module__": module})


@contextmanager
def importable(*found: type) -> Iterator[None]:
    """Let classes be imported by their names, as pickles demand when they are written."""
    before = dict(sys.modules)
    for each in found:
        parts = each.__module__.split(".")
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[:count])
            sys.modules.setdefault(name, types.ModuleType(name))
        setattr(sys.modules[each.__module__], each.__name__, each)
    try:
        yield
    finally:
        for name in set(sys.modules) - set(before):
            del sys.modules[name]
