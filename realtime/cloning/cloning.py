"""The maker of characters out of clips: one way for every kind of voice.

The request's text, name and language are checked before its sound is decoded. Clips are made into
voices one at a time, each in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from realtime import blocks
from realtime.audio.decoding import AudioSource
from realtime.characters import Character, Characters, checked_name
from realtime.cloning.gpt_sovits_kind import GptSovitsKind
from realtime.cloning.new_files import write_new_files
from realtime.cloning.pair_choice import PairNames
from realtime.cloning.valle_kind import Encode, ValleKind
from realtime.cloning.voice_kind import VoiceKind
from realtime.cloning.words import checked_language, checked_text, spoken_words, transcribe
from realtime.engines.valle import codec
from realtime.errors import BadRequest, NotFound, Taken, YamabikoError
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings
from realtime.threads import run_in_thread

ENGINES = (ValleKind.engine, GptSovitsKind.engine)  # for which voices are made; the first if asked
MOST_FILE_NAME = 255  # bytes, on the usual file systems
NOTHING: Mapping[str, str] = {}


class Cloning:
    """The maker of characters out of clips."""

    def __init__(
        self,
        settings: Settings,
        characters: Characters,
        models: LoadedModels,
        encode: Encode = codec.encode_clip,
    ) -> None:
        self._settings = settings
        self._characters = characters
        self._models = models
        self._encode = encode
        self._one_clip = asyncio.Lock()

    def kind(self, engine: str = "", weights: PairNames | None = None) -> VoiceKind:
        """Return the kind of voice for an engine; weights are named for GPT-SoVITS alone."""
        if engine == GptSovitsKind.engine:
            return GptSovitsKind(self._settings, weights or PairNames())
        if engine not in ("", ValleKind.engine):
            raise BadRequest(
                f"The engine {engine[:60]!r} speaks no voices of clips; "
                f"those that do are: {', '.join(ENGINES)}.",
                code="unknown_engine",
                field="engine",
            )
        if weights:
            raise BadRequest(
                f"gpt, sovits and model name weights of {GptSovitsKind.engine!r}.",
                hint=f"Say engine: {GptSovitsKind.engine} too.",
                field="engine",
            )
        return ValleKind(self._settings, self._encode)

    async def make(
        self,
        name: str,
        source: AudioSource,
        text: str | None = None,
        language: str = "auto",
        kind: VoiceKind | None = None,
        about: Mapping[str, str] = NOTHING,
    ) -> Character:
        """Make the character and return it; a clip that is refused leaves no file.

        Without `text` a recogniser writes down what is said in the clip. `about` has further keys
        of the character's card.
        """
        kind = kind or self.kind()
        blocks.require_block(blocks.TORCH, "Making a character of a clip")
        name = await asyncio.to_thread(self._check_name, name, kind)
        said = checked_text(text, kind.most_seconds)
        checked_language(language)
        async with self._one_clip:
            await asyncio.to_thread(kind.check)
            clip = await run_in_thread(kind.read, source)
            if said is None:
                words = await transcribe(clip, language, self._models)
            else:
                words = spoken_words(said, language)
            files = await run_in_thread(kind.files, name, clip, words, about)
            await run_in_thread(self._write, name, files)
        return await asyncio.to_thread(self._new_character, name)

    def _check_name(self, name: str, kind: VoiceKind) -> str:
        """Return the name; refuse one that is taken in any case, or that no file can have."""
        name = checked_name(name)
        if len(f"{name}.yaml".encode()) > MOST_FILE_NAME:
            raise BadRequest(
                "The name is too long for a file.", code="bad_character_name", field="name"
            )
        known = [*self._characters.all(), *self._characters.converter_voices()]
        if len(known) >= self._settings.presets.most:
            raise BadRequest(
                f"There are {len(known)} characters, and no more are made.",
                code="too_many_characters",
                hint="The setting presets.most says how many there may be.",
            )
        taken = {each.casefold() for one in known for each in (one.name, *one.aliases)}
        folder = self._settings.presets.path
        there = any((folder / f"{name}{ending}").exists() for ending in kind.endings)
        if name.casefold() in taken or there:
            raise _taken(name)
        return name

    def _write(self, name: str, files: Mapping[str, bytes]) -> None:
        folder = self._settings.presets.path
        try:
            write_new_files(folder, files)
        except FileExistsError as error:
            raise _taken(name) from error
        except OSError as error:
            raise YamabikoError(
                f"The character cannot be written into {folder}: {error.strerror}."
            ) from error

    def _new_character(self, name: str) -> Character:
        self._characters.refresh()
        try:
            return self._characters.get(name)
        except NotFound as error:
            raise YamabikoError(f"The new character was lost: {error.message}") from error


def _taken(name: str) -> Taken:
    return Taken(
        f"There is a character {name!r} already, or a file of this name.",
        code="character_exists",
        hint="Choose another name, or remove that character's files.",
        field="name",
    )
