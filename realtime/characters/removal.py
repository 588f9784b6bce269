"""Removal of a character: its files go, and clips that no other character needs."""

from __future__ import annotations

from pathlib import Path

from realtime.characters import Character, Characters
from realtime.characters.gpt_sovits_voice import GptSovitsVoice
from realtime.characters.voices import VallePrompt
from realtime.errors import BadRequest, YamabikoError

ENDINGS = (".yaml", ".yml", ".npz")  # the card first: without it the rest is no character
OF_CLIPS = (VallePrompt, GptSovitsVoice)


def remove_character(characters: Characters, folder: Path, character: Character) -> None:
    """Remove the files of a character that was made of a clip."""
    if not isinstance(character.voice, OF_CLIPS):
        raise BadRequest(
            f"{character.name!r} was not made of a clip, so it is not removed by a request.",
            hint="Remove its files from the folder of characters, or change its card.",
            field="character",
        )
    others = [each for each in characters.all() if each.name != character.name]
    needed = {clip for each in others for clip in clips_of(each)}
    names = [f"{character.name}{ending}" for ending in ENDINGS]
    names += [clip for clip in clips_of(character) if clip not in needed]
    try:
        for name in names:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise YamabikoError(
            f"The files of {character.name!r} cannot be removed: {error.strerror}."
        ) from error
    finally:
        characters.refresh()


def clips_of(character: Character) -> tuple[str, ...]:
    """Name the clips that a character's card names, beside which they lie."""
    voice = character.voice
    return voice.card.clips if isinstance(voice, GptSovitsVoice) else ()
