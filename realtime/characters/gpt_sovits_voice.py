"""A voice of GPT-SoVITS: two files of weights, and clips of the voice with what is said in them."""

from __future__ import annotations

import hashlib
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, ClassVar

from realtime.characters.reference_clip import CLIP_ENDINGS, ReferenceClip

GPT_ENDINGS = (".ckpt", ".safetensors")
SOVITS_ENDINGS = (".pth", ".safetensors")
LANGUAGES = ("en", "zh", "ja")
MOST_MORE = 8  # further clips, whose style is averaged with that of the first
MOST_STYLES = 32
MOST_TEXT = 500  # characters that are said in a clip
MOST_PATH = 200
DEFAULT_STYLE = ""
# Least, most, and whether only whole numbers are taken.
NUMBERS: Mapping[str, tuple[float, float, bool]] = {
    "top_k": (1, 1025, True),
    "top_p": (0.01, 1.0, False),
    "temperature": (0.01, 5.0, False),
    "repetition_penalty": (0.5, 5.0, False),
    "speed": (0.25, 4.0, False),
    "sample_steps": (1, 128, True),
}


class BadVoiceCard(ValueError):
    """An error of the key `voice`; the message says what is expected."""


@dataclass(frozen=True)
class SpokenClip:
    """A clip with what is said in it; without a text only the style is taken from it."""

    reference: str
    text: str = ""
    language: str = ""


@dataclass(frozen=True)
class GptSovitsCard:
    """The key `voice` of a character's card, read and checked; files are not looked for yet."""

    gpt: str
    sovits: str
    clip: SpokenClip
    more: tuple[str, ...] = ()
    styles: Mapping[str, SpokenClip] = field(default_factory=lambda: MappingProxyType({}))
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def clips(self) -> tuple[str, ...]:
        """Name all clips that the card needs."""
        others = (clip.reference for clip in self.styles.values())
        return tuple(dict.fromkeys((self.clip.reference, *self.more, *others)))


@dataclass(frozen=True, eq=False)
class GptSovitsVoice:
    """A voice, with the clips that its card names."""

    card: GptSovitsCard
    found: Mapping[str, ReferenceClip]  # by the name in the card
    family: ClassVar[str] = "gpt_sovits"

    @cached_property
    def digest(self) -> str:
        """Return 16 hexadecimal digits that change with whatever changes the voice."""
        card = self.card
        facts = (
            card.gpt,
            card.sovits,
            card.clip,
            card.more,
            sorted(card.styles.items(), key=lambda item: item[0]),
            sorted(card.numbers.items()),
            sorted((name, clip.digest) for name, clip in self.found.items()),
        )
        return hashlib.sha256(f"{self.family}:{facts!r}".encode()).hexdigest()[:16]

    @property
    def model(self) -> str:
        """Return the name of the model that speaks: its two files without folders and endings."""
        return model_name(self.card.gpt, self.card.sovits)

    @property
    def language(self) -> str:
        return self.card.clip.language

    def spoken(self, style: str = DEFAULT_STYLE) -> SpokenClip:
        """Return the clip of a style; KeyError where there is no such style."""
        return self.card.styles[style] if style else self.card.clip


def model_name(gpt: str, sovits: str) -> str:
    """Name a pair of files: by the stem that both share, or by both."""
    first, second = (_stem(path) for path in (gpt, sovits))
    return first if first == second else f"{first}+{second}"


def _stem(path: str) -> str:
    """Return a file's name without folders and endings; a converted file has two endings."""
    name = PurePosixPath(path).name.removesuffix(".safetensors")
    return name.removesuffix(".ckpt").removesuffix(".pth")


def is_trained_voice(value: object) -> bool:
    """Tell a voice of weights from a blend, whose values are weights in numbers."""
    return isinstance(value, dict) and bool({"gpt", "sovits"} & {*value})


def read_trained_voice(value: Mapping[str, Any]) -> GptSovitsCard:
    """Read the key `voice` of a card."""
    entries = {name: _entry(READERS, name, each) for name, each in value.items()}
    missing = [name for name in ("gpt", "sovits", "reference") if name not in entries]
    if missing:
        raise BadVoiceCard(f"it needs {', '.join(missing)}")
    numbers = {name: entries.pop(name) for name in NUMBERS if name in entries}
    clip = _clip(entries)
    return GptSovitsCard(clip=clip, numbers=MappingProxyType(numbers), **entries)


def _clip(entries: dict[str, Any]) -> SpokenClip:
    """Take the keys of a clip out of a mapping; a text needs the language it is in."""
    text, language = entries.pop("text", ""), entries.pop("language", "")
    if text and not language:
        raise BadVoiceCard(f"text needs its language beside it, one of {', '.join(LANGUAGES)}")
    return SpokenClip(entries.pop("reference"), text, language)


def _entry(readers: Mapping[str, Callable[[Any], Any]], name: object, value: Any) -> Any:
    if name not in readers:
        raise BadVoiceCard(f"{reprlib.repr(name)} is no key of it; there are: {', '.join(readers)}")
    try:
        return readers[str(name)](value)
    except BadVoiceCard as error:
        raise BadVoiceCard(f"{name} is {reprlib.repr(value)}; {error}") from None


def _file(*endings: str) -> Callable[[Any], str]:
    """Make a reader of a path without a way out of its folder."""

    def read(value: Any) -> str:
        path = PurePosixPath(value) if isinstance(value, str) else PurePosixPath()
        inside = not path.is_absolute() and ".." not in path.parts and path.name
        plain = isinstance(value, str) and value.isprintable() and len(value) <= MOST_PATH
        if not inside or not plain or "\\" in value or not value.lower().endswith(endings):
            raise BadVoiceCard(f"a file that ends with {' or '.join(endings)} is expected")
        return str(path)

    return read


def read_clip_name(value: Any) -> str:
    """Read the name of a clip that lies beside the card."""
    name = _file(*CLIP_ENDINGS)(value)
    if "/" in name:
        raise BadVoiceCard("a file beside this one is expected")
    return name


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise BadVoiceCard(f"a text of at most {MOST_TEXT} characters is expected")
    return " ".join(value.split())


def _language(value: Any) -> str:
    if value not in LANGUAGES:
        raise BadVoiceCard(f"one of {', '.join(LANGUAGES)} is expected")
    return str(value)


def _more(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_MORE:
        raise BadVoiceCard(f"a list of at most {MOST_MORE} clips is expected")
    return tuple(map(read_clip_name, value))


def _styles(value: Any) -> Mapping[str, SpokenClip]:
    if not isinstance(value, dict) or len(value) > MOST_STYLES:
        raise BadVoiceCard(f"at most {MOST_STYLES} styles with their clips are expected")
    return MappingProxyType({_style_name(name): _style(each) for name, each in value.items()})


def _style_name(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= 40:
        raise BadVoiceCard("the name of a style has 1 to 40 letters")
    return value


def _style(value: Any) -> SpokenClip:
    if not isinstance(value, dict) or "reference" not in value:
        raise BadVoiceCard("a style has a reference, and may have its text and language")
    return _clip({name: _entry(CLIP_READERS, name, each) for name, each in value.items()})


def number_reader(least: float, most: float, whole: bool = False) -> Callable[[Any], float]:
    """Make a reader of a number within bounds."""

    def read(value: Any) -> float:
        kinds = int if whole else (int, float)
        if not isinstance(value, kinds) or isinstance(value, bool) or not least <= value <= most:
            kind = "whole number" if whole else "number"
            raise BadVoiceCard(f"a {kind} from {least:g} to {most:g} is expected")
        return value

    return read


CLIP_READERS: Mapping[str, Callable[[Any], Any]] = {
    "reference": read_clip_name,
    "text": _text,
    "language": _language,
}
READERS: Mapping[str, Callable[[Any], Any]] = {
    "gpt": _file(*GPT_ENDINGS),
    "sovits": _file(*SOVITS_ENDINGS),
    **CLIP_READERS,
    "more": _more,
    "styles": _styles,
    **{name: number_reader(*bounds) for name, bounds in NUMBERS.items()},
}
