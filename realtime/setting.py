"""One setting as a field: its default, its explanation and its bounds."""

from __future__ import annotations

import types
from dataclasses import field
from typing import Any


def setting(default: Any, help: str, **limits: Any) -> Any:
    """A field with its explanation and, where it has any, `least`, `most` or `one_of`."""
    metadata = {"help": help, **limits}
    if isinstance(default, dict):
        return field(default_factory=lambda: types.MappingProxyType(default), metadata=metadata)
    return field(default=default, metadata=metadata, repr=not limits.get("secret"))
