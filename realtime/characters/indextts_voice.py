"""A voice of IndexTTS: a clip whose voice is continued, and the emotion in which it speaks."""

from __future__ import annotations

import hashlib
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

from realtime.characters.gpt_sovits_voice import BadVoiceCard, number_reader, read_clip_name
from realtime.characters.reference_clip import CLIP_ENDINGS, ReferenceClip

# In the order of the model's vector.
EMOTIONS = ("happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm")
WHOLE = 0.8  # of a vector that names one emotion; the rest is the clip's own
PART = re.compile(r"([a-z]+)(?::(\d(?:\.\d{1,4})?))?")  # sad, sad:0.6
# Least, most, and whether only whole numbers are taken.
NUMBERS: Mapping[str, tuple[float, float, bool]] = {
    "emotion_strength": (0.0, 1.0, False),
    "segment_tokens": (20, 600, True),
    "temperature": (0.01, 5.0, False),
    "top_p": (0.01, 1.0, False),
    "top_k": (1, 1000, True),
    "repetition_penalty": (1.0, 50.0, False),
    "num_beams": (1, 10, True),
    "diffusion_steps": (1, 100, True),
}


@dataclass(frozen=True)
class IndexTtsCard:
    """The key `voice` of a character's card, read and checked; files are not looked for yet."""

    reference: str
    emotion_clip: str = ""
    emotion: tuple[float, ...] = ()  # a vector, where no clip says it
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def clips(self) -> tuple[str, ...]:
        """Name all clips that the card needs."""
        return tuple(dict.fromkeys(filter(None, (self.reference, self.emotion_clip))))


@dataclass(frozen=True, eq=False)
class IndexTtsVoice:
    """A voice, with the clips that its card names."""

    card: IndexTtsCard
    found: Mapping[str, ReferenceClip]  # by the name in the card
    family: ClassVar[str] = "indextts"

    @cached_property
    def digest(self) -> str:
        """Return 16 hexadecimal digits that change with whatever changes the voice."""
        card = self.card
        facts = (
            card.reference,
            card.emotion_clip,
            card.emotion,
            sorted(card.numbers.items()),
            sorted((name, clip.digest) for name, clip in self.found.items()),
        )
        return hashlib.sha256(f"{self.family}:{facts!r}".encode()).hexdigest()[:16]


def is_indextts_voice(value: object) -> bool:
    """Tell a clip without files of weights from other kinds of voices."""
    return isinstance(value, dict) and "reference" in value


def read_indextts_voice(value: Mapping[Any, Any]) -> IndexTtsCard:
    """Read the key `voice` of a card."""
    entries = {str(name): _entry(name, each) for name, each in value.items()}
    emotion = entries.pop("emotion", ())
    clip = emotion if isinstance(emotion, str) else ""
    reference = entries.pop("reference")
    return IndexTtsCard(reference, clip, () if clip else emotion, MappingProxyType(entries))


def read_emotions(text: str) -> tuple[float, ...]:
    """Return the vector for a text such as `sad` or `sad:0.6,calm:0.2`; empty for an empty one."""
    weights: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = PART.fullmatch(part)
        if found is None or found[1] not in EMOTIONS or found[1] in weights:
            raise BadVoiceCard(
                f"{reprlib.repr(part)} is no emotion, or stands there twice; expected are some of "
                f"{', '.join(EMOTIONS)}, with weights if there are several: sad:0.6,calm:0.2"
            )
        weights[found[1]] = float(found[2]) if found[2] else WHOLE
    return _vector(weights)


def _vector(weights: Mapping[str, float]) -> tuple[float, ...]:
    if sum(weights.values()) > 1:
        raise BadVoiceCard("the weights of emotions must not add up to more than 1")
    return tuple(weights.get(name, 0.0) for name in EMOTIONS) if any(weights.values()) else ()


def _entry(name: object, value: Any) -> Any:
    if name not in READERS:
        raise BadVoiceCard(f"{reprlib.repr(name)} is no key of it; there are: {', '.join(READERS)}")
    try:
        return READERS[str(name)](value)
    except BadVoiceCard as error:
        raise BadVoiceCard(f"{name} is {reprlib.repr(value)}; {error}") from None


def _emotion(value: Any) -> str | tuple[float, ...]:
    """Read a clip, an emotion's name, or emotions with weights."""
    if isinstance(value, str) and value.lower().endswith(CLIP_ENDINGS):
        return read_clip_name(value)
    if isinstance(value, str):
        return read_emotions(value)
    if not isinstance(value, dict) or not set(value) <= set(EMOTIONS):
        raise BadVoiceCard(f"a clip, or weights of {', '.join(EMOTIONS)} are expected")
    return _vector({name: number_reader(0.0, 1.0, False)(weight) for name, weight in value.items()})


READERS: Mapping[str, Callable[[Any], Any]] = {
    "reference": read_clip_name,
    "emotion": _emotion,
    **{name: number_reader(*bounds) for name, bounds in NUMBERS.items()},
}
