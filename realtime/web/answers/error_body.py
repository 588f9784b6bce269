"""The body of an error in the form of the API that was called: ours, or that of somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NotRequired, TypedDict

from starlette.types import Scope

from realtime.errors import Values, YamabikoError
from realtime.settings import GenerateSettings
from realtime.web.compat.gpt_sovits.errors import (
    GptSovitsError,
    gpt_sovits_error,
    gpt_sovits_status,
    is_gpt_sovits,
)

# The names that OpenAI's API has for the core's fields and codes.
OPENAI_FIELDS = {"text": "input", "character": "voice", "engine": "model"}
OPENAI_CODES = {"character_not_found": "voice_not_found"}


class ErrorContent(TypedDict):
    """The reason of a refusal: a stable code, a message for people, and what to do."""

    code: str
    message: str
    hint: str | None
    now_ms: NotRequired[int]
    values: NotRequired[dict[str, str | int | float]]


class ErrorBody(TypedDict):
    """The body of an error."""

    error: ErrorContent


class OpenAiErrorContent(TypedDict):
    """The reason of a refusal as OpenAI's API tells it; `param` is the field."""

    message: str
    type: Literal["invalid_request_error", "server_error"]
    param: str | None
    code: str
    now_ms: NotRequired[int]


class OpenAiErrorBody(TypedDict):
    """The body of an error under /v1."""

    error: OpenAiErrorContent


class BotsBody(TypedDict):
    """The body of every answer of /generate; `code` is a status, or a text by a setting."""

    audioURL: str | None
    code: int | str
    error: str | None


AnyErrorBody = ErrorBody | OpenAiErrorBody | BotsBody | GptSovitsError


@dataclass(frozen=True)
class Refusal:
    """An error as a client gets it."""

    status: int
    code: str
    message: str
    hint: str | None = None
    field: str | None = None
    headers: Mapping[str, str] | None = None
    now_ms: int | None = None  # the server's time, where a client may need to correct its own
    values: Values | None = None


# The bots' contract has one answer for every reason why a bot is not let in.
INVALID_REQUEST = Refusal(403, "invalid_request", "Invalid Request")


def sent_status(scope: Scope, status: int, bots: GenerateSettings) -> int:
    """Return the status under which the API that was called sends an error."""
    if is_gpt_sovits(scope["path"]):
        return gpt_sovits_status(status)
    if not is_for_bots(scope):
        return status
    if bots.always_200:
        return 200
    return INVALID_REQUEST.status if status == 401 else status


def sent_code(scope: Scope, code: str) -> str:
    """Return the code by which the API that was called names an error."""
    return OPENAI_CODES.get(code, code) if is_for_openai(scope) else code


def error_type(scope: Scope) -> type[AnyErrorBody]:
    """Return the type of an error's body in the API that was called."""
    if is_gpt_sovits(scope["path"]):
        return GptSovitsError
    if is_for_bots(scope):
        return BotsBody
    return OpenAiErrorBody if is_for_openai(scope) else ErrorBody


def error_body(scope: Scope, refusal: Refusal) -> AnyErrorBody:
    """Return the body: OpenAI's under /v1, that of bots and GPT-SoVITS, our own elsewhere."""
    hinted = f"{refusal.message} {refusal.hint}" if refusal.hint else refusal.message
    if is_gpt_sovits(scope["path"]):
        return gpt_sovits_error(scope["path"], hinted)
    if is_for_bots(scope):
        return bots_body(scope, refusal.status, error=hinted)
    if is_for_openai(scope):
        return _openai_body(refusal, hinted)
    error = own_error(refusal)
    if refusal.now_ms is not None:
        error["now_ms"] = refusal.now_ms
    return {"error": error}


def _openai_body(refusal: Refusal, message: str) -> OpenAiErrorBody:
    error: OpenAiErrorContent = {
        "message": message,
        "type": "invalid_request_error" if refusal.status < 500 else "server_error",
        "param": refusal.field and OPENAI_FIELDS.get(refusal.field, refusal.field),
        "code": OPENAI_CODES.get(refusal.code, refusal.code),
    }
    if refusal.now_ms is not None:
        error["now_ms"] = refusal.now_ms
    return {"error": error}


def own_error(error: Refusal | YamabikoError) -> ErrorContent:
    """Return an error in our own form; it has `values` where there are any."""
    content: ErrorContent = {"code": error.code, "message": error.message, "hint": error.hint}
    if error.values:
        content["values"] = dict(error.values)
    return content


def is_for_openai(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == "/v1" or path.startswith("/v1/")


def is_for_bots(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == "/generate"


def bots_body(
    scope: Scope, code: int, url: str | None = None, error: str | None = None
) -> BotsBody:
    """Return an answer of /generate; some bots were written for codes that are texts."""
    return {
        "audioURL": url,
        "code": str(code) if bots_settings(scope).string_codes else code,
        "error": error,
    }


def bots_settings(scope: Scope) -> GenerateSettings:
    """Return the settings of /generate; an application without services has the defaults."""
    app = scope.get("app")
    settings: GenerateSettings = app.state.services.settings.generate if app else GenerateSettings()
    return settings
