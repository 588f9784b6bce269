"""Errors that reach a person, in one tree; HTTP statuses for them are given in `web`.

YamabikoError
├── BadRequest          a wrong field or an impossible value in a request
│   ├── BadMessage      a message of a socket that cannot be read
│   ├── NothingToSay    a text without anything that can be spoken
│   └── TextTooLong     a text over its limit
├── NotFound            no such character, voice or recording
├── Taken               a name that exists already
├── TooLarge            a body over its limit in bytes
├── TooSlow             a body that does not arrive in time
├── WrongContentType    a body of a type that is not read here
├── Refused             credentials that are missing, unknown or not enough
├── Forbidden           a page or a host name that no credentials make allowed
├── TooMany             a limit of this client is reached
├── Busy                a limit of the server is reached; the same request may succeed later
│   ├── OutOfMemory     too little memory of a device: a smaller piece may pass
│   └── InUse           an engine in use, which cannot be unloaded
├── Unavailable         an engine that cannot run now
│   └── WeightsMissing  because its files are missing
├── SynthesisFailed     an engine that failed within a line
└── SettingsError       settings that cannot be used; the server does not start
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Values = Mapping[str, str | int | float]


class YamabikoError(Exception):
    """An error for people: a stable code, a message, and a hint on what to do.

    `values` are the facts in the message, by which a page says it in another language: its texts,
    in `static/words/errors`, have places of the same names.
    """

    default_code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        field: str | None = None,
        retry_after: float | None = None,
        values: Values | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint
        self.field = field
        self.retry_after = retry_after
        self.values: Values = values or {}

    def copy(self) -> YamabikoError:
        """Copy it for another waiter: raising one object twice would mix their tracebacks."""
        return type(self)(
            self.message,
            code=self.code,
            hint=self.hint,
            field=self.field,
            retry_after=self.retry_after,
            values=self.values,
        )


class BadRequest(YamabikoError):
    default_code = "bad_request"


class BadMessage(BadRequest):
    """An error of a socket's message, with the `id` in it when that can be read."""

    id: str | None = None


class NothingToSay(BadRequest):
    default_code = "nothing_to_say"


class TextTooLong(BadRequest):
    default_code = "text_too_long"


class NotFound(YamabikoError):
    default_code = "not_found"


class Taken(YamabikoError):
    default_code = "taken"


class TooLarge(YamabikoError):
    default_code = "too_large"


class WrongContentType(YamabikoError):
    default_code = "wrong_content_type"


class TooSlow(YamabikoError):
    default_code = "too_slow"


class Refused(YamabikoError):
    default_code = "malformed"


class Forbidden(YamabikoError):
    default_code = "forbidden"


class TooMany(YamabikoError):
    default_code = "rate_limited"


class Busy(YamabikoError):
    default_code = "busy"


class OutOfMemory(Busy):
    default_code = "out_of_memory"


class InUse(Busy):
    default_code = "model_in_use"


class NoRoom(Busy):
    default_code = "no_room"


class Unavailable(YamabikoError):
    default_code = "engine_unavailable"


class WeightsMissing(Unavailable):
    default_code = "weights_missing"


class SynthesisFailed(YamabikoError):
    default_code = "synthesis_failed"


class ConversionFailed(SynthesisFailed):
    default_code = "conversion_failed"


class SettingsError(YamabikoError):
    default_code = "bad_settings"


def shortlist(names: Iterable[str], most: int = 12) -> str:
    """List names for a message: the first few, and how many more there are."""
    known = list(names)
    shown = ", ".join(known[:most])
    return shown if len(known) <= most else f"{shown} and {len(known) - most} more"
