"""The characters of a folder, by name and alias.

A character is `<name>.npz`, its voice, and `<name>.yaml`, its card; either may be missing. The
folder is read again when a character is asked for, at most once a second. A broken file is reported
under its name while the other characters keep working.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from realtime.characters.assemble import assemble
from realtime.characters.bounded_file import read_at_most
from realtime.characters.character import Character, CharacterSet
from realtime.characters.converter_voice import ConverterVoice
from realtime.characters.gpt_sovits_voice import GptSovitsVoice
from realtime.characters.indextts_voice import IndexTtsVoice
from realtime.characters.names import checked_name, valid_name
from realtime.characters.reference_clip import CLIP_ENDINGS, read_clip_file
from realtime.characters.remote_voice import RemoteVoice
from realtime.characters.voices import (
    KokoroVoice,
    VallePrompt,
    Voice,
    VoicePacks,
    read_voice,
)
from realtime.characters.watched_folder import Reader, WatchedFolder
from realtime.characters.yaml_card import MOST_BYTES, PICTURES, CharacterCard, read_card
from realtime.errors import BadRequest, NotFound

__all__ = [
    "Character",
    "Characters",
    "ConverterVoice",
    "GptSovitsVoice",
    "IndexTtsVoice",
    "KokoroVoice",
    "RemoteVoice",
    "VallePrompt",
    "Voice",
    "checked_name",
    "valid_name",
]

SECONDS_BETWEEN_READS = 1.0

logger = logging.getLogger(__name__)


class Characters:
    """The characters of one folder, as they are now; safe to use from any thread."""

    def __init__(
        self,
        folder: Path,
        default_characters: Mapping[str, str],
        known_engines: Collection[str] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        packs: VoicePacks | None = None,
    ) -> None:
        readers: dict[str, Reader] = dict.fromkeys(CLIP_ENDINGS, read_clip_file)
        readers |= {".npz": read_voice, ".yaml": _read_card_file, ".yml": _read_card_file}
        self._folder = WatchedFolder(folder, readers, PICTURES)
        self._defaults = default_characters
        self._engines = tuple(known_engines)
        self._clock = clock
        self._packs = packs or VoicePacks()
        self._reading = threading.Lock()
        self._next_read = 0.0
        self._known: CharacterSet | None = None

    def get(self, name: str) -> Character:
        """Find a character by name or alias, also in other case where only one fits."""
        return self._current().find(checked_name(name))

    def all(self) -> list[Character]:
        """List the characters that speak."""
        return [each for each in self._current().characters.values() if not each.converts]

    def converter_voices(self) -> list[Character]:
        """List the characters that other voices can be changed into."""
        return [each for each in self._current().characters.values() if each.converts]

    def default(self, language: str) -> Character:
        """Return the character that speaks a language when a request names none."""
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
        """Return the files that cannot be used: name -> reason."""
        return self._current().broken

    def refresh(self) -> None:
        """Read what changed in the folder, now."""
        with self._reading:
            self._read()

    def _current(self) -> CharacterSet:
        known = self._known
        if known is None:
            with self._reading:
                return self._read()
        # While one thread reads, the others go on with the characters known before.
        if self._clock() < self._next_read or not self._reading.acquire(blocking=False):
            return known
        try:
            return self._read()
        finally:
            self._reading.release()

    def _read(self) -> CharacterSet:
        before = self._known
        now = before
        if self._folder.refresh() or now is None:
            now = assemble(self._folder, self._packs, self._engines)
            self._known = now
            if before is not None:  # the faults of the first reading are logged at the start
                _log_new_faults(before, now)
        self._next_read = self._clock() + SECONDS_BETWEEN_READS
        return now


def _log_new_faults(before: CharacterSet, now: CharacterSet) -> None:
    for file, reason in now.broken.items():
        if before.broken.get(file) != reason:
            logger.warning("character file %s cannot be used: %s", file, reason)


def _read_card_file(path: Path) -> CharacterCard:
    return read_card(read_at_most(path, MOST_BYTES))
