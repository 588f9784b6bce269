"""The fields of a JSON object, each read by its name and checked.

null is the same as absent: clients send it for fields that they leave open.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from realtime.errors import BadRequest
from realtime.json_input import describe_value, parse_object

EXAMPLE = '{"input": "Hello."}'


def object_in(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body; refuse anything else and say what came."""
    return parse_object(body, "The body", EXAMPLE)


class Fields:
    """The values that a client sent."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def refuse_unknown(self, allowed: Collection[str]) -> None:
        """Refuse fields with other names: a misspelt one would be ignored without a word."""
        for name in self._values:
            if name not in allowed:
                raise BadRequest(
                    f"There is no field {describe_value(name)}; there are: {', '.join(allowed)}.",
                    code="unknown_field",
                    field=str(name)[:60],
                )

    def text(self, name: str) -> str | None:
        value = self._values.get(name)
        if value is not None and not isinstance(value, str):
            refuse(name, value, "a text")
        return value

    def needed_text(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise BadRequest(f"{name} is missing; a text is expected.", field=name)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.optional_flag(name)
        return default if value is None else value

    def optional_flag(self, name: str) -> bool | None:
        value = self._values.get(name)
        if value is not None and not isinstance(value, bool):
            refuse(name, value, "true or false")
        return value

    def number(self, name: str, least: float, most: float) -> float | None:
        value = self._values.get(name)
        if value is None:
            return None
        # Compared before it is made a float: a whole number may be too large for one.
        if not is_number(value) or not least <= value <= most:
            refuse(name, value, f"a number from {least:g} to {most:g}")
        return float(value)

    def whole(self, name: str, least: int, most: int) -> int | None:
        value = self._values.get(name)
        if value is None:
            return None
        # JSON has one kind of numbers: 2.0 is whole.
        if not is_number(value) or value != int(value) or not least <= value <= most:
            refuse(name, value, f"a whole number from {least} to {most}")
        return int(value)

    def one_of(self, name: str, allowed: Collection[str], default: str) -> str:
        value = self.text(name)
        if value is not None and value not in allowed:
            refuse(name, value, f"one of {', '.join(allowed)}")
        return default if value is None else value

    def number_of(self, name: str, allowed: Collection[int]) -> int | None:
        value = self._values.get(name)
        if value is not None and (not is_number(value) or value not in allowed):
            refuse(name, value, f"one of {', '.join(map(str, allowed))}")
        return None if value is None else int(value)

    def value(self, name: str) -> object:
        """Return a value as it came, for a reader of its own."""
        return self._values.get(name)

    def rows(self, name: str) -> list[Any]:
        value = self._values.get(name)
        if not isinstance(value, list):
            refuse(name, value, f"a list of {name}")
        return value

    def names(self, name: str, most: int) -> tuple[str, ...]:
        value = self._values.get(name)
        names = value if isinstance(value, list) and len(value) <= most else None
        if names is None or not all(isinstance(each, str) for each in names):
            refuse(name, value, f"a list of at most {most} names")
        return tuple(names)

    def name_or_id(self, name: str) -> str | None:
        """Return a name, also where it comes as {"id": name}."""
        given = self._values.get(name)
        if given is None:
            return None
        value = given.get("id") if isinstance(given, dict) else given
        if not isinstance(value, str):
            refuse(name, given if value is None else value, "a name")
        return value


def is_number(value: object) -> bool:
    """Return whether a value is a finite number; Python's bool is an int, but JSON's is not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def refuse(name: str, value: object, allowed: str) -> NoReturn:
    raise BadRequest(f"{name} is {describe_value(value)}; expected is {allowed}.", field=name)
