"""Every error that reaches a person, in one tree; it knows no HTTP: the doors give statuses.

YamabikoError
├── BadRequest          what came cannot be done: a wrong field, an impossible value
│   ├── BadMessage      a message of a socket that cannot be read
│   ├── NothingToSay    the text holds nothing that can be spoken
│   └── TextTooLong     the text is over its limit
├── NotFound            no such character, voice or recording
├── Taken               what would be made is there already
├── TooLarge            a body over its bound in bytes
├── TooSlow             a body that does not come in time
├── WrongContentType    a body in a form that is not read here
├── Refused             who asks is not known, or may not
├── Forbidden           what no credentials help against: another page, another name
├── TooMany             a limit of the one who asks is reached
├── Busy                a bound is reached; the same request may succeed later
│   ├── OutOfMemory     of a device's memory: a smaller piece may pass
│   └── InUse           an engine that somebody uses stays loaded
├── Unavailable         an engine cannot run now
│   └── WeightsMissing  because files are not there
├── SynthesisFailed     an engine broke in the middle of a line
└── SettingsError       the settings cannot be used; the server does not start
"""

from __future__ import annotations

from collections.abc import Iterable


class YamabikoError(Exception):
    """Carries what a person needs: a stable code, a message, and a hint on what to do."""

    default_code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        field: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint
        self.field = field
        self.retry_after = retry_after

    def copy(self) -> YamabikoError:
        """The same for somebody else: a raised one keeps its raiser's trace."""
        return type(self)(
            self.message,
            code=self.code,
            hint=self.hint,
            field=self.field,
            retry_after=self.retry_after,
        )


class BadRequest(YamabikoError):
    default_code = "bad_request"


class BadMessage(BadRequest):
    """Also carries the `id` that stands in the message, when it can be read."""

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


class Unavailable(YamabikoError):
    default_code = "engine_unavailable"


class WeightsMissing(Unavailable):
    default_code = "weights_missing"


class SynthesisFailed(YamabikoError):
    default_code = "synthesis_failed"


class SettingsError(YamabikoError):
    default_code = "bad_settings"


def shortlist(names: Iterable[str], most: int = 12) -> str:
    """What exists, for a message: the first few names and how many more there are."""
    known = list(names)
    shown = ", ".join(known[:most])
    return shown if len(known) <= most else f"{shown} and {len(known) - most} more"
