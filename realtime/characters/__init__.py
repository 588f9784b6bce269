"""Who speaks: the characters of a folder, by name and alias; it knows no engine and no web.

A character is `<name>.npz`, a voice, and `<name>.yaml`, what is said of it; either may be missing.
The folder is looked at again when somebody asks, at most once a second. What is broken is told
under its file's name while the others keep working.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from realtime.characters.assemble import cast
from realtime.characters.character import Cast, Character
from realtime.characters.names import checked_name, valid_name
from realtime.characters.voices import (
    KokoroVoice,
    VallePrompt,
    Voice,
    VoicePacks,
    content,
    read_voice,
)
from realtime.characters.watched_folder import WatchedFolder
from realtime.characters.yaml_card import MOST_BYTES, PICTURES, CharacterCard, read_card
from realtime.errors import BadRequest, NotFound

__all__ = [
    "Character",
    "Characters",
    "KokoroVoice",
    "VallePrompt",
    "Voice",
    "checked_name",
    "valid_name",
]

SECONDS_BETWEEN_LOOKS = 1.0

logger = logging.getLogger(__name__)


class Characters:
    """The characters of one folder, as they are now; any thread may ask."""

    def __init__(
        self,
        folder: Path,
        default_characters: Mapping[str, str],
        known_engines: Collection[str] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        packs: VoicePacks | None = None,
    ) -> None:
        readers = {".npz": read_voice, ".yaml": _card_of, ".yml": _card_of}
        self._folder = WatchedFolder(folder, readers, PICTURES)
        self._defaults = default_characters
        self._engines = tuple(known_engines)
        self._clock = clock
        self._packs = packs or VoicePacks()
        self._looking = threading.Lock()
        self._next_look = 0.0
        self._cast: Cast | None = None

    def get(self, name: str) -> Character:
        """By name or alias, exactly or, where that leaves no doubt, in other case."""
        return self._current().find(checked_name(name))

    def all(self) -> list[Character]:
        return list(self._current().characters.values())

    def default(self, language: str) -> Character:
        """Who speaks a language when nobody is named."""
        if language not in self._defaults:
            raise BadRequest(
                f"language is {language!r}; there are: {', '.join(self._defaults)}.",
                code="unknown_language",
                field="language",
            )
        try:
            return self.get(self._defaults[language])
        except NotFound as error:
            error.hint = f"The setting default_characters.{language} names it."
            raise

    @property
    def broken(self) -> Mapping[str, str]:
        """File name -> why, of what cannot be used."""
        return self._current().broken

    def refresh(self) -> None:
        """Looks at the folder now and reads what changed."""
        with self._looking:
            self._look()

    def _current(self) -> Cast:
        known = self._cast
        if known is None:
            with self._looking:
                return self._look()
        # While one thread reads, the others go on with the cast that there was.
        if self._clock() < self._next_look or not self._looking.acquire(blocking=False):
            return known
        try:
            return self._look()
        finally:
            self._looking.release()

    def _look(self) -> Cast:
        before = now = self._cast
        if self._folder.look() or now is None:
            self._cast = now = cast(self._folder, self._packs, self._engines)
            if before is not None:
                _tell(before, now)
        self._next_look = self._clock() + SECONDS_BETWEEN_LOOKS
        return now


def _tell(before: Cast, now: Cast) -> None:
    """What broke since the last look; what is broken at the start is told by who starts."""
    for file, why in now.broken.items():
        if before.broken.get(file) != why:
            logger.warning("character file %s cannot be used: %s", file, why)


def _card_of(path: Path) -> CharacterCard:
    return read_card(content(path, MOST_BYTES))
