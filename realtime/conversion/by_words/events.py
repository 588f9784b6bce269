"""Events of a revoiced microphone: speech started or stopped, and notices of what is not spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LEFT_OUT = "More was said than can be spoken in time: a sentence is left out."
SOUND_LEFT_OUT = "{ms:.0f} ms of the microphone were not taken in time and are left out."
NOT_SPOKEN = "That was in another language ({language}): here en, zh and ja are spoken."


@dataclass(frozen=True)
class SentenceHeard:
    """The start or the end of a sentence; at its end with what was understood, if anything."""

    event: Literal["speech_started", "speech_stopped"]
    text: str | None = None
    language: str | None = None


@dataclass(frozen=True)
class RevoicingNotice:
    """A notice that something which was said will not be spoken; the microphone goes on."""

    code: Literal["left_out", "not_spoken"]
    message: str


def sentence_left_out() -> RevoicingNotice:
    return RevoicingNotice("left_out", LEFT_OUT)


def sound_left_out(seconds: float) -> RevoicingNotice:
    return RevoicingNotice("left_out", SOUND_LEFT_OUT.format(ms=1000 * seconds))


def other_language(language: str) -> RevoicingNotice:
    return RevoicingNotice("not_spoken", NOT_SPOKEN.format(language=language))
