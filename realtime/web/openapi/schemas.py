"""JSON Schemas of the types that answers are made of, written by msgspec."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from realtime.web.openapi.operation import BYTES
from realtime.web.requests.field_types import Schema

PREFIX = "#/components/schemas/"


class Schemas:
    """The schemas of some types; a class among them, or inside them, is a component."""

    def __init__(self, kinds: Iterable[Any]) -> None:
        self._kinds: list[Any] = []
        for kind in kinds:
            if kind is not BYTES and kind not in self._kinds:
                self._kinds.append(kind)
        self._schemas, self.components = msgspec.json.schema_components(
            self._kinds, ref_template=PREFIX + "{name}"
        )
        for component in self.components.values():
            _require_defaults(component)

    def of(self, kind: Any) -> Schema:
        """Return the schema of a type; that of bytes says nothing."""
        return {} if kind is BYTES else self._schemas[self._kinds.index(kind)]


def _require_defaults(component: Schema) -> None:
    """Make fields with a default needed: an answer always has them."""
    for name, field in component.get("properties", {}).items():
        if "default" in field:
            del field["default"]
            component["required"] = [*component.get("required", ()), name]
