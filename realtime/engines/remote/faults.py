"""The errors of servers elsewhere, as ours: a stable code, and what the server said in one line."""

from __future__ import annotations

import json
from typing import Any

from realtime.errors import BadRequest, Busy, SynthesisFailed, Unavailable, YamabikoError

MOST_SAID = 300  # characters of a server's text in our message
TRY_AGAIN_SECONDS = 5.0
UNREACHABLE, TIMEOUT, FAILED = "upstream_unreachable", "upstream_timeout", "upstream_failed"
OUTAGES = (UNREACHABLE, TIMEOUT, FAILED)  # that a circuit breaker counts


class ConnectionFailed(Exception):
    """A request that failed before its first byte of sound, and may be made again."""

    def __init__(self, error: YamabikoError) -> None:
        super().__init__(error.message)
        self.error = error


def is_outage(error: BaseException) -> bool:
    """Tell whether an error says that the server does not work."""
    return isinstance(error, YamabikoError) and error.code in OUTAGES


def unreachable(label: str, reason: str) -> Unavailable:
    return Unavailable(
        f"The server of {label} cannot be reached: {reason}.",
        code="upstream_unreachable",
        hint="Look whether it runs, and at its url in the settings.",
        retry_after=TRY_AGAIN_SECONDS,
    )


def timed_out(label: str, seconds: float, setting: str) -> SynthesisFailed:
    return SynthesisFailed(
        f"The server of {label} did not answer within {seconds:g} s.",
        code="upstream_timeout",
        hint=f"The setting remote.{setting} says how long it may take.",
    )


def failed(label: str, reason: str) -> SynthesisFailed:
    return SynthesisFailed(
        f"The server of {label} failed: {reason}.",
        code="upstream_failed",
        hint="Its own log may say more; trying again may help.",
    )


def refused(label: str, status: int, said: str) -> BadRequest:
    return BadRequest(
        f"The server of {label} refuses the line (status {status}): {said}.",
        code="upstream_refused",
        hint="Look at the character's card: its voice is what the server is asked for.",
    )


def denied(label: str, status: int, said: str) -> Unavailable:
    return Unavailable(
        f"The server of {label} takes no requests of ours (status {status}): {said}.",
        code="upstream_denied",
        hint="Look at key_file or key_variable of this server in the settings.",
    )


def paused(label: str, failures: int, seconds: float) -> Unavailable:
    return Unavailable(
        f"The server of {label} failed {failures} times in a row and is left alone for now.",
        code="upstream_paused",
        hint="It is tried again by itself; the settings remote.breaker_* say when.",
        retry_after=seconds,
    )


def of_status(label: str, status: int, said: str) -> YamabikoError:
    """Make the error of an answer whose status is no success."""
    if status in (401, 403):
        return denied(label, status, said)
    if status == 429:
        return Busy(f"The server of {label} is busy: {said}.", retry_after=TRY_AGAIN_SECONDS)
    if 400 <= status < 500:
        return refused(label, status, said)
    if 300 <= status < 400:
        return failed(label, f"it sends us elsewhere (status {status}), which is not followed")
    return failed(label, f"status {status}, {said}")


def said_in(body: bytes, secret: str = "") -> str:
    """Return what a server said in an error's body: one line, bounded, without our key."""
    try:
        text = _message(json.loads(body))
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace")
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    if secret:
        line = line.replace(secret, "…")
    line = line.rstrip(".")
    shown = line if len(line) <= MOST_SAID else f"{line[:MOST_SAID]}…"
    return shown or "it says nothing more"


def _message(content: Any) -> str:
    """Find the message in the bodies of OpenAI's, GPT-SoVITS' and FastAPI's errors."""
    if not isinstance(content, dict):
        return str(content)
    error = content.get("error", content)
    if not isinstance(error, dict):
        return str(error)
    parts = [error[name] for name in ("message", "Exception", "detail", "hint") if error.get(name)]
    return " ".join(str(part) for part in parts) or json.dumps(content, ensure_ascii=False)
