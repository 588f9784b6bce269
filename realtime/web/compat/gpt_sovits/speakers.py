"""The character that a reference clip stands for: its path is a name here, and never opened."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from realtime.characters import Character, GptSovitsVoice
from realtime.errors import BadRequest, NotFound
from realtime.services import Services
from realtime.web.compat.gpt_sovits.chosen import ChosenVoice


@dataclass(frozen=True)
class Speaker:
    """A character and the clip that is its example; without a name the language's own one."""

    character: str | None = None
    style: str | None = None  # of the clip, where the request names one; "": the first clip
    engine: str | None = None  # that speaks instead of the character's own


async def find_speaker(services: Services, path: str, chosen: ChosenVoice) -> Speaker:
    """Find the character of a clip."""
    # Off the loop: it may read the characters' folder.
    return await asyncio.to_thread(_find, services, path, chosen)


async def find_voice(services: Services, name: str, clip: str = "") -> Speaker:
    """Find a character by its name, and its style by one of its clips, if that is one of them."""
    character = await asyncio.to_thread(services.characters.get, name)
    return Speaker(character.name, style_of(character, clip_names(clip)[1]) if clip else None)


def clip_names(path: str) -> tuple[str, str]:
    """Return the last part of a path of any system, without its suffix and with it."""
    last = re.split(r"[/\\]", path)[-1]
    stem, dot, _ = last.rpartition(".")
    return (stem if dot and stem else last), last


def audio_files(character: Character) -> dict[str, str]:
    """Return the clips that a client may choose for a character, each with its style.

    A voice without clips of its own has one under its name, which `ref_audio_path` takes.
    """
    voice = character.voice
    if not isinstance(voice, GptSovitsVoice):
        return {f"{character.name}.wav": ""}
    styles = {clip.reference: name for name, clip in voice.card.styles.items()}
    return {**styles, voice.card.clip.reference: ""}


def style_of(character: Character, clip: str) -> str | None:
    """Return the style of a character's clip; None where it has no such clip."""
    return audio_files(character).get(clip)


def _find(services: Services, path: str, chosen: ChosenVoice) -> Speaker:
    stem, last = clip_names(path)
    clips = services.settings.gpt_sovits_api.clips
    for name in (stem, last):
        if name in clips:
            return Speaker(str(clips[name]))
    for name in (stem, last):
        try:
            return Speaker(services.characters.get(name).name)
        except (NotFound, BadRequest):
            continue  # the clip of a bot is not ours
    for character in services.characters.all():
        if (style := style_of(character, last)) is not None:
            return Speaker(character.name, style)
    return _unknown_clip(services, chosen)


def _unknown_clip(services: Services, chosen: ChosenVoice) -> Speaker:
    """Return who speaks for a clip that is nobody's: the voice that clients chose, where one is."""
    character = chosen.find(services.characters.all())
    if character is None or not isinstance(character.voice, GptSovitsVoice):
        return Speaker()
    style = chosen.style if character.name == chosen.character else ""
    return Speaker(character.name, style, chosen.model(character.voice.card))
