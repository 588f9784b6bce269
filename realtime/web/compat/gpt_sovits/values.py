"""Values that a client sent: in the query, in a form, or as JSON, and each perhaps as a text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.requests import Request

from realtime.errors import BadRequest
from realtime.json_input import describe_value
from realtime.services import Services
from realtime.web.requests.field_types import Field, Schema
from realtime.web.requests.fields import object_in
from realtime.web.requests.json_body import content_type_of

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
MOST_FIELDS = 100
MOST_FIELD_BYTES = 1 << 20
FLAGS = {"true": True, "1": True, "false": False, "0": False}

Values = Mapping[str, Any]


@dataclass(frozen=True)
class LooseField(Field):
    """A field whose value may come as a number, a flag or a text; others are ignored."""

    default: Any = None

    def schema(self, services: Services) -> Schema:
        return {} if self.default is None else {"default": self.default}


@dataclass(frozen=True)
class NeededLooseField(LooseField):
    """A field of that kind that must be there."""

    needed: ClassVar[bool] = True


async def sent_values(request: Request) -> Values:
    """Return the values of the query and of the body; nulls are left out."""
    values: dict[str, Any] = dict(request.query_params)
    if request.method == "POST":
        values |= await _body_values(request)
    return {name: value for name, value in values.items() if value is not None}


async def _body_values(request: Request) -> Mapping[str, Any]:
    """Read a body by what it holds: curl sends JSON as a form where nobody tells it the type."""
    body = await request.body()
    if not body.strip():
        return {}
    if content_type_of(request) in FORMS and not body.lstrip().startswith(b"{"):
        form = await request.form(
            max_files=0, max_fields=MOST_FIELDS, max_part_size=MOST_FIELD_BYTES
        )
        return dict(form)
    return object_in(body)


def text_of(values: Values, name: str, default: str = "") -> str:
    """Return a text; the default where it is absent, empty, or no text."""
    value = values.get(name)
    return value if isinstance(value, str) and value else default


def choice_of(values: Values, name: str, default: str) -> str:
    """Return a text that is one of some, in lower case; another kind of value is none of them."""
    value = values.get(name, default)
    return value.lower() if isinstance(value, str) else describe_value(value)


def number_of(values: Values, name: str) -> float | None:
    """Return a finite number, also where it comes as a text; None where it is absent or empty."""
    value = _scalar(values, name)
    if value is None:
        return None
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise _expected(name, value, "a number")
    return number


def whole_of(values: Values, name: str) -> int | None:
    """Return a whole number, also where it comes as a text; None where it is absent or empty."""
    value = _scalar(values, name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = number_of(values, name)
    if number is None:
        return None
    if not number.is_integer():
        raise _expected(name, value, "a whole number")
    # By way of a float a long whole number in a text would lose its last digits.
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else int(number)


def flag_of(values: Values, name: str) -> bool | None:
    """Return a yes or no, also where it comes as a text; None where it is absent or empty."""
    value = _scalar(values, name)
    if value is None:
        return None
    found = FLAGS.get(str(value).lower())
    if found is None:
        raise _expected(name, value, "true or false")
    return found


def _scalar(values: Values, name: str) -> str | int | float | None:
    """Return a text, number or flag; None where there is none: lists and objects are ignored."""
    value = values.get(name)
    return value if isinstance(value, str | int | float) and value != "" else None


def _expected(name: str, value: object, allowed: str) -> BadRequest:
    return BadRequest(f"{name} is {describe_value(value)}; expected is {allowed}.", field=name)
