"""Codes of errors that an operation can answer, in groups; a code's class gives its status."""

from __future__ import annotations

from dataclasses import dataclass

from realtime.errors import (
    BadRequest,
    Busy,
    Forbidden,
    NoRoom,
    NotFound,
    NothingToSay,
    OutOfMemory,
    Refused,
    SynthesisFailed,
    Taken,
    TextTooLong,
    TooLarge,
    TooMany,
    TooSlow,
    Unavailable,
    WeightsMissing,
    WrongContentType,
    YamabikoError,
)


@dataclass(frozen=True)
class ErrorCode:
    """A code of a class of errors."""

    kind: type[YamabikoError]
    code: str


def codes(kind: type[YamabikoError], *names: str) -> tuple[ErrorCode, ...]:
    """Return codes of a class; without names the class's own."""
    return tuple(ErrorCode(kind, name) for name in names or (kind.default_code,))


# Before every route: its host, the size and the time of its body; and a fault of the server.
ENTRY_ERRORS = (
    *codes(Forbidden, "host_not_allowed"),
    *codes(TooSlow),
    *codes(TooLarge),
    *codes(YamabikoError, "internal_error"),
)
# Where a key is needed.
KEY_ERRORS = (
    *codes(Refused, "malformed", "unknown_key", "bad_signature", "stale", "future", "replayed"),
    *codes(TooMany),
    *codes(Busy, "nonces_full", "limits_unreachable"),
)
FOREIGN_PAGE = codes(Forbidden, "origin_not_allowed")
ROLE_ERRORS = codes(Forbidden, "forbidden_role")
QUOTA_ERRORS = codes(TooMany)
JSON_ERRORS = (*codes(BadRequest, "bad_request", "invalid_json"), *codes(WrongContentType))
FORM_ERRORS = (
    *codes(BadRequest, "bad_request", "unknown_field", "no_audio", "empty_name"),
    *codes(BadRequest, "unsupported_format", "bad_audio", "too_many_files"),
    *codes(TooLarge, "audio_too_long"),
    *codes(WrongContentType),
    *codes(Busy, "too_many_uploads"),
)
UNKNOWN_FIELD = codes(BadRequest, "unknown_field")
LINK_ERRORS = codes(BadRequest, "bad_host")
# From a request to a line.
LINE_ERRORS = (
    *codes(BadRequest, "bad_request", "unknown_engine", "unknown_model", "unknown_language"),
    *codes(BadRequest, "language_not_supported", "bad_character_name"),
    *codes(NothingToSay),
    *codes(TextTooLong),
    *codes(NotFound, "character_not_found"),
    *codes(Unavailable),
)
FORMAT_ERRORS = codes(BadRequest, "unsupported_format")
# A recording is opened: it is there, or it begins to grow.
OPENING_ERRORS = codes(Busy, "busy", "stopping", "too_many_listeners")
# An engine is loaded, and works until the first sound is there.
ENGINE_ERRORS = (
    *codes(Unavailable, "engine_unavailable", "bad_weights"),
    *codes(Unavailable, "upstream_unreachable", "upstream_denied", "upstream_paused"),
    *codes(SynthesisFailed, "upstream_failed", "upstream_timeout"),
    *codes(BadRequest, "upstream_refused"),
    *codes(WeightsMissing),
    *codes(BadRequest, "bad_model"),
    *codes(Busy, "queue_full"),
    *codes(OutOfMemory),
    *codes(NoRoom),
    *codes(Busy, "engine_restarting"),
    *codes(SynthesisFailed, "engine_crashed", "engine_stalled", "engine_too_large"),
)
SYNTHESIS_ERRORS = (
    *OPENING_ERRORS,
    *ENGINE_ERRORS,
    *codes(Busy, "abandoned", "unloaded"),
    *codes(NothingToSay),
    *codes(SynthesisFailed, "synthesis_failed", "nothing_said", "cannot_keep"),
)
RECORDING_ERRORS = codes(NotFound, "recording_not_found")
# Where a clip becomes a character.
CLONING_ERRORS = (
    *codes(BadRequest, "audio_too_short", "no_speech", "text_required"),
    *codes(BadRequest, "text_does_not_fit", "too_many_characters"),
    *codes(Taken, "character_exists"),
    *codes(SynthesisFailed, "conversion_failed"),
    *codes(YamabikoError),
)
