"""Notices about a line: what a listener should know before judging its sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from realtime.characters import Character
from realtime.errors import shortlist
from realtime.text.language import LANGUAGES

FOREIGN_LANGUAGE = "foreign_language"
IGNORED_OPTION = "ignored_option"
NAMES = {"en": "English", "zh": "Chinese", "ja": "Japanese"}


@dataclass(frozen=True)
class LineNotice:
    """A remark on a line that is spoken all the same; `code` is stable, `message` for people."""

    code: str
    message: str


def language_notices(character: Character, languages: Iterable[str]) -> tuple[LineNotice, ...]:
    """Return the notice that a character is no native speaker of some of a line's languages."""
    foreign = set(languages) - set(character.native)
    if not foreign:
        return ()
    return (
        LineNotice(
            FOREIGN_LANGUAGE,
            f"{character.name} is a native speaker of {_named(character.native)}; "
            f"{_named(foreign)} may sound foreign.",
        ),
    )


def option_notices(engine: str, ignored: Iterable[str]) -> tuple[LineNotice, ...]:
    """Return the notice that a request has options which the engine does not."""
    names = shortlist(ignored)
    if not names:
        return ()
    return (LineNotice(IGNORED_OPTION, f"{engine} has no option {names}."),)


def _named(languages: Iterable[str]) -> str:
    return " and ".join(NAMES[language] for language in LANGUAGES if language in set(languages))
