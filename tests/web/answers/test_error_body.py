"""An error's body has the form of the API that was called."""

from __future__ import annotations

from realtime import errors
from realtime.web.answers.error_body import error_body
from realtime.web.answers.errors import refusal_of

OPENAI = {"path": "/v1/audio/speech"}
NATIVE = {"path": "/api/characters"}


def test_our_own_envelope() -> None:
    refusal = refusal_of(errors.NotFound("No such.", code="character_not_found", hint="Look."))
    assert error_body(NATIVE, refusal) == {
        "error": {"code": "character_not_found", "message": "No such.", "hint": "Look."}
    }


def test_openais_envelope_uses_its_names() -> None:
    error = errors.NotFound("No such.", code="character_not_found", hint="Look.", field="character")
    assert error_body(OPENAI, refusal_of(error)) == {
        "error": {
            "message": "No such. Look.",
            "type": "invalid_request_error",
            "param": "voice",
            "code": "voice_not_found",
        }
    }
    broken = error_body(OPENAI, refusal_of(errors.SynthesisFailed("It broke.")))["error"]
    assert (broken["type"], broken["param"]) == ("server_error", None)
