"""Schemas of the types of answers: classes are components, in the order of their fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from realtime.web.openapi.operation import BYTES
from realtime.web.openapi.schemas import PREFIX, Schemas


@dataclass(frozen=True)
class Inner:
    """A part."""

    size: int


@dataclass(frozen=True)
class Outer:
    """A whole."""

    state: Literal["on", "off"]
    parts: list[Inner]
    note: str | None = None
    marks: tuple[str, ...] = ()


def test_classes_are_components() -> None:
    schemas = Schemas([Outer, Outer, str, BYTES])
    assert schemas.of(Outer) == {"$ref": PREFIX + "Outer"}
    assert schemas.of(str) == {"type": "string"}
    assert schemas.of(BYTES) == {}
    assert set(schemas.components) == {"Outer", "Inner"}
    outer = schemas.components["Outer"]
    assert outer["description"] == "A whole."
    assert list(outer["properties"]) == ["state", "parts", "note", "marks"] == outer["required"]
    assert outer["properties"]["marks"] == {"type": "array", "items": {"type": "string"}}
    assert outer["properties"]["state"] == {"enum": ["off", "on"]}
