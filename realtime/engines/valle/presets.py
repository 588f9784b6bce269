"""Prompts as VALL-E X takes them, and as files hold them.

There are two numberings of languages: files count zh, ja, en; the model counts en, zh, ja. Between
them a language goes by its name, so that one number is never taken for the other.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from realtime.characters import Character, VallePrompt
from realtime.characters.voices import PROMPT_LANGUAGES, valle_prompt
from realtime.engines.valle.codes import Codes
from realtime.engines.valle.text import LANGUAGE_IDS
from realtime.errors import BadRequest


@dataclass(frozen=True, eq=False)
class Prompt:
    """A clip's text as symbols, and its sound as eight codes for each frame."""

    codes: Codes  # (T, 8)
    ids: tuple[int, ...]
    language: str

    @property
    def language_id(self) -> int:
        """Return the language's number as the model counts."""
        return LANGUAGE_IDS[self.language]


def get_prompt(character: Character) -> Prompt:
    """Return a character's prompt; another kind of voice is a BadRequest."""
    voice = character.voice
    if not isinstance(voice, VallePrompt):
        raise BadRequest(
            f"The character {character.name!r} has no VALL-E X prompt, "
            f"so the engine 'valle' cannot speak it.",
            field="engine",
        )
    ids = tuple(int(number) for number in voice.text_tokens[0])
    return Prompt(voice.audio_tokens[0], ids, voice.language)


def pack_prompt(prompt: Prompt) -> bytes:
    """Return the file of a prompt, with the published keys and types.

    It is checked as a file that is read, so that none is written which would be refused.
    """
    arrays = {
        "audio_tokens": prompt.codes.astype(np.int64)[None],
        "text_tokens": np.array([prompt.ids], np.int64),
        "lang_code": np.array(PROMPT_LANGUAGES.index(prompt.language), np.int64),
    }
    valle_prompt(arrays)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()
