"""JSON of clients: reading an object, and naming in messages what came instead."""

from __future__ import annotations

import json
import reprlib
from typing import Any, NoReturn

from realtime.errors import BadRequest

KINDS = {bool: "a boolean", str: "a text", int: "a number", float: "a number"}
KINDS |= {list: "a list", dict: "an object", type(None): "null"}


def parse_object(data: str | bytes, what: str, example: str) -> dict[str, Any]:
    """Parse a JSON object; refuse anything else with a message that says what came.

    `what` begins the message, such as "The body"; `example` is shown in its hint.
    """
    try:
        found = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        reason = "it is empty" if not data.strip() else _reason(error)
        raise BadRequest(
            f"{what} is not valid JSON: {reason}.",
            code="invalid_json",
            hint=f"A JSON object is expected, like {example}.",
        ) from error
    if not isinstance(found, dict):
        raise BadRequest(
            f"{what} holds {KINDS[type(found)]}; a JSON object is expected.",
            code="invalid_json",
        )
    return found


def describe_value(value: object) -> str:
    """Describe a value as it came, in at most 60 characters."""
    if isinstance(value, list | dict):
        return KINDS[type(value)]
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int) and abs(value) > 10**40:
        return "a number that is too large"
    return reprlib.repr(value)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error)
