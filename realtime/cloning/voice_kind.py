"""Kinds of voices that are made of clips: each takes another clip and keeps other files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import yaml

from realtime.audio.decoding import AudioSource
from realtime.audio.samples import Samples
from realtime.characters.yaml_card import BadCard, read_card
from realtime.engines.world import voiced_seconds
from realtime.errors import BadRequest

LEAST_VOICED_SECONDS = 0.5


@dataclass(frozen=True, eq=False)
class VoiceClip:
    """A decoded clip of one channel."""

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        return self.samples.size / self.rate


@dataclass(frozen=True)
class SpokenWords:
    """The words of a clip, cleaned, and their language: one of those that characters have."""

    text: str
    language: str


class VoiceKind(Protocol):
    """A kind of voice, with what one request asks of it. Its methods block."""

    engine: ClassVar[str]
    most_seconds: ClassVar[float]  # of a clip
    endings: ClassVar[tuple[str, ...]]  # of its files, the one that is the character first

    def check(self) -> None:
        """Raise the error for which no voice can be made; called before a clip is decoded."""

    def read(self, source: AudioSource) -> VoiceClip:
        """Decode a clip; refuse one that is too short or too long, or holds no voice."""

    def files(
        self, name: str, clip: VoiceClip, words: SpokenWords, about: Mapping[str, str]
    ) -> dict[str, bytes]:
        """Make the files of a character by their names, the card last.

        `about` has further keys of the card.
        """


def check_voiced(clip: VoiceClip) -> None:
    """Refuse a clip in which hardly any voice is heard."""
    if voiced_seconds(clip.samples, clip.rate) < LEAST_VOICED_SECONDS:
        raise BadRequest(
            "The clip holds no speech: hardly any voice is heard in it.",
            code="no_speech",
            hint="Record somebody who speaks aloud, without music, near the microphone.",
            field="audio",
        )


def check_long_enough(clip: VoiceClip, least: float, most: float) -> None:
    """Refuse a clip that is too short to know a voice by."""
    if clip.seconds < least:
        raise BadRequest(
            f"The clip lasts {clip.seconds:.1f} s, which is too short to know a voice by.",
            code="audio_too_short",
            hint=f"Bring {least:g} to {most:g} seconds of one voice.",
            field="audio",
        )


def card_file(card: Mapping[str, object]) -> bytes:
    """Write a card, and read it as the folder will: a value that it cannot have is refused."""
    data = yaml.safe_dump(dict(card), allow_unicode=True, sort_keys=False).encode()
    try:
        read_card(data)
    except BadCard as error:
        raise BadRequest(f"The card would not be read: {error}.") from error
    return data
