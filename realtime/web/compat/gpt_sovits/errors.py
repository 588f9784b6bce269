"""Errors of GPT-SoVITS' addresses: status 400 and a message, in the words of its API."""

from __future__ import annotations

import json
import re
from typing import NotRequired, TypedDict

from starlette.requests import Request
from starlette.responses import Response

VOICE = re.compile(r"/voice/[^/]+(/set)?")
# The addresses, and the message that the original has for everything that fails there. Where it
# has none, the message is the reason itself.
ADDRESSES = {
    "/tts": "tts failed",
    "/tts_with_cached_voice": "TTS with cached voice failed",
    "/tts_with_voice": "TTS with voice failed",
    "/set_gpt_weights": "change gpt weight failed",
    "/set_sovits_weights": "change sovits weight failed",
    "/set_refer_audio": "set refer audio failed",
    "/upload_voice": "upload voice failed",
    **dict.fromkeys(("/control", "/voices", "/refresh_voice_cache", "/voice_cache_status"), ""),
    **dict.fromkeys(("/performance_stats", "/reset_performance_stats"), ""),
    **dict.fromkeys(("/optimization_status", "/toggle_optimization", "/concurrent_stats"), ""),
}
# Who may not come in is told so as HTTP does: that is no matter of this API.
OWN_STATUSES = (401, 403, 405)


class GptSovitsError(TypedDict):
    """The body of an error; `Exception` has the reason where the message is a general one."""

    message: str
    Exception: NotRequired[str]


class ContractRefusal(Exception):
    """A refusal whose words the API fixes, such as `text is required`."""


def is_gpt_sovits(path: str) -> bool:
    """Return whether a path is one of GPT-SoVITS' addresses."""
    return path in ADDRESSES or VOICE.fullmatch(path) is not None


def gpt_sovits_status(status: int) -> int:
    """Return the status that its clients expect: they look for 400 alone."""
    return status if status in OWN_STATUSES else 400


def gpt_sovits_error(path: str, reason: str) -> GptSovitsError:
    """Return the body of an error at a path."""
    general = ADDRESSES.get(path)
    return {"message": general, "Exception": reason} if general else {"message": reason}


async def answer_contract_refusal(request: Request, error: Exception) -> Response:
    """Answer with the words of a refusal; as ASCII, since they may quote half a surrogate."""
    body: GptSovitsError = {"message": str(error)}
    return Response(json.dumps(body), 400, media_type="application/json")
