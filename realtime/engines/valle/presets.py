"""A prompt as VALL-E X takes it, and as it is kept in a file; it knows no network.

Two numberings of languages exist: files count zh, ja, en; the model counts en, zh, ja. A language's
name stands between them, so that neither is ever taken for the other.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from realtime.characters import Character, VallePrompt
from realtime.characters.voices import PROMPT_LANGUAGES, valle_prompt
from realtime.engines.valle.text import LANGUAGE_IDS, decoded
from realtime.errors import BadRequest

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Prompt:
    """What was said in a clip, and how: symbols, and eight codes for each of its frames."""

    codes: Codes  # (T, 8)
    ids: tuple[int, ...]
    language: str

    @property
    def language_id(self) -> int:
        """As the model counts."""
        return LANGUAGE_IDS[self.language]

    @property
    def symbols(self) -> str:
        return decoded(self.ids)


def prompt_of(character: Character) -> Prompt:
    """A character's prompt; who has another kind of voice is refused."""
    voice = character.voice
    if not isinstance(voice, VallePrompt):
        raise BadRequest(
            f"The character {character.name!r} has no VALL-E X prompt, "
            f"so the engine 'valle' cannot speak it.",
            field="engine",
        )
    ids = tuple(int(number) for number in voice.text_tokens[0])
    return Prompt(voice.audio_tokens[0], ids, voice.language)


def packed(prompt: Prompt) -> bytes:
    """The file of a prompt, with the keys and types that are published; it is held against them."""
    arrays = {
        "audio_tokens": prompt.codes.astype(np.int64)[None],
        "text_tokens": np.array([prompt.ids], np.int64),
        "lang_code": np.array(PROMPT_LANGUAGES.index(prompt.language), np.int64),
    }
    valle_prompt(arrays)
    made = io.BytesIO()
    np.savez(made, allow_pickle=False, **arrays)
    return made.getvalue()
