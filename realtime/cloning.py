"""Cloning: a clip of a voice becomes a character of the engine `valle`, kept in one file.

The request's text, name and language are checked before its sound is decoded. Clips are encoded
one at a time, each in a thread.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np

from realtime import blocks
from realtime.audio.decoding import AudioSource
from realtime.audio.samples import Resampler, Samples, from_pcm16
from realtime.characters import Character, Characters, checked_name
from realtime.conversion.by_words.sentence import Sentence
from realtime.conversion.by_words.transcriber import RECOGNISER, Transcriber
from realtime.engines.valle import codec
from realtime.engines.valle.codes import Codes
from realtime.engines.valle.presets import Prompt, pack_prompt
from realtime.engines.valle.text import Encoded, encode_segments
from realtime.engines.valle.weights import ENCODEC
from realtime.engines.world import voiced_seconds
from realtime.errors import (
    BadRequest,
    NotFound,
    NothingToSay,
    Taken,
    TextTooLong,
    Unavailable,
    YamabikoError,
)
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings
from realtime.text.language import LANGUAGES, resolve_language, segments
from realtime.text.normalise import clean
from realtime.threads import run_in_thread
from realtime.weights import verified_path

ASKABLE = ("auto", *LANGUAGES)
RATE = 24_000  # Hz, of EnCodec
LEAST_CLIP_SECONDS, MOST_CLIP_SECONDS = 3.0, 15.0
LEAST_VOICED_SECONDS = 0.5
MOST_TEXT = 500  # characters; nobody says more in a clip
MOST_FILE_NAME = 255  # bytes, on the usual file systems
# Frames a symbol in real speech are 4 to 12; far beyond, the text is not that of the clip.
LEAST_FRAMES, MOST_FRAMES = 2, 40

Encode = Callable[[Samples, Settings], Codes]


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

    async def make(
        self, name: str, source: AudioSource, text: str | None = None, language: str = "auto"
    ) -> Character:
        """Make the character and return it; a clip that is refused leaves no file.

        Without `text` a recogniser writes down what is said in the clip.
        """
        blocks.require_block(blocks.TORCH, "Making a character of a clip")
        name = await asyncio.to_thread(self._check_name, name)
        said = checked_text(text)
        if language not in ASKABLE:
            raise unknown_language(language)
        async with self._one_clip:
            await asyncio.to_thread(verified_path, ENCODEC, self._settings)
            clip = await run_in_thread(read_clip, source)
            if said is None:
                said, language = await self._transcribe(clip, language)
            prompt = await run_in_thread(self._prompt, clip, said, clip_language(said, language))
            await run_in_thread(self._write, name, pack_prompt(prompt))
        return await asyncio.to_thread(self._new_character, name)

    def _check_name(self, name: str) -> str:
        """Return the name; refuse one that is taken in any case, or that no file can have."""
        name = checked_name(name)
        if len(f"{name}.npz".encode()) > MOST_FILE_NAME:
            raise BadRequest(
                "The name is too long for a file.", code="bad_character_name", field="name"
            )
        known = self._characters.all()
        if len(known) >= self._settings.presets.most:
            raise BadRequest(
                f"There are {len(known)} characters, and no more are made.",
                code="too_many_characters",
                hint="The setting presets.most says how many there may be.",
            )
        taken = {each.casefold() for one in known for each in (one.name, *one.aliases)}
        folder = self._settings.presets.path
        if name.casefold() in taken or any(
            (folder / f"{name}{end}").exists() for end in (".npz", ".yaml")
        ):
            raise _taken(name)
        return name

    async def _transcribe(self, clip: Samples, language: str) -> tuple[str, str]:
        """Return the words of the clip and their language."""
        import soxr

        async with AsyncExitStack() as stack:
            try:
                lease = await stack.enter_async_context(self._models.recogniser(RECOGNISER).lease())
            except (Unavailable, BadRequest) as error:
                raise BadRequest(
                    "The text that is spoken in the clip is needed: no recogniser is ready here.",
                    code="text_required",
                    hint=f"Say it in the field text. {error.message} {error.hint or ''}".strip(),
                    field="text",
                ) from error
            samples = soxr.resample(clip, RATE, lease.engine.sample_rate)
            found = await Transcriber(lease, language).transcribe(Sentence(samples, 0))
        if found.language not in LANGUAGES or not found.spoken:
            raise unknown_language(found.language)
        text = clean(found.text)
        if not text:
            raise BadRequest(
                "No words are understood in the clip.",
                code="no_speech",
                hint="If somebody does speak in it, say the words in the field text.",
                field="audio",
            )
        return text[:MOST_TEXT], found.language

    def _prompt(self, clip: Samples, text: str, language: str) -> Prompt:
        """Encode clip and text; refuse a text that cannot be what is said in the clip."""
        symbols = encoded_text(text, language)
        codes = self._encode(clip, self._settings)
        if not LEAST_FRAMES <= len(codes) / len(symbols.ids) <= MOST_FRAMES:
            raise BadRequest(
                f"The text cannot be what is said in the clip: {len(symbols.ids)} sounds "
                f"in {clip.size / RATE:.1f} s.",
                code="text_does_not_fit",
                hint="Give exactly the words of the clip.",
                field="text",
            )
        return Prompt(codes, symbols.ids, language)

    def _write(self, name: str, data: bytes) -> None:
        """Write the character's file: it appears whole, and never replaces another one."""
        folder = self._settings.presets.path
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(prefix=".made-", suffix=".part", dir=folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fchmod(handle, 0o644)  # mkstemp makes a file that only its owner can read
                    os.fsync(handle)
                # A link fails where the name exists; a rename would replace that file.
                os.link(part, folder / f"{name}.npz")
            finally:
                Path(part).unlink(missing_ok=True)
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


def read_clip(source: AudioSource) -> Samples:
    """Decode the clip at 24 kHz, mono; refuse one that is too short or holds no voice."""
    resampler = Resampler(source.rate, RATE)
    parts = [resampler.feed(part) for part in source.parts()]
    samples = from_pcm16(np.concatenate([*parts, resampler.finish()]))
    samples = samples[: round(MOST_CLIP_SECONDS * RATE)]  # filters may add a sample or two
    seconds = samples.size / RATE
    if seconds < LEAST_CLIP_SECONDS:
        raise BadRequest(
            f"The clip lasts {seconds:.1f} s, which is too short to know a voice by.",
            code="audio_too_short",
            hint=f"Bring {LEAST_CLIP_SECONDS:g} to {MOST_CLIP_SECONDS:g} seconds of one voice.",
            field="audio",
        )
    if voiced_seconds(samples, RATE) < LEAST_VOICED_SECONDS:
        raise BadRequest(
            "The clip holds no speech: hardly any voice is heard in it.",
            code="no_speech",
            hint="Record somebody who speaks aloud, without music, near the microphone.",
            field="audio",
        )
    return samples


def checked_text(text: str | None) -> str | None:
    """Return the cleaned text; None where a recogniser has to write it."""
    if text is None or not text.strip():
        return None
    if len(text) > MOST_TEXT:
        raise TextTooLong(
            f"The text has {len(text)} characters; nobody says more than {MOST_TEXT} "
            f"in {MOST_CLIP_SECONDS:g} s.",
            field="text",
            values={"length": len(text), "limit": MOST_TEXT},
        )
    return clean(text)


def clip_language(text: str, language: str) -> str:
    """Return the one language of a clip; refuse a text in several."""
    found = resolve_language(text, language)
    if found not in LANGUAGES:
        raise BadRequest(
            "The text is in several languages; a voice has one of its own.",
            code="unknown_language",
            hint=f"Name it in the field language: {', '.join(LANGUAGES)}.",
            field="language",
        )
    return found


def encoded_text(text: str, language: str) -> Encoded:
    try:
        return encode_segments(segments(text, language), language)
    except NothingToSay as error:
        raise BadRequest(
            "The text holds nothing that can be spoken.", code="nothing_to_say", field="text"
        ) from error


def unknown_language(language: str) -> BadRequest:
    return BadRequest(
        f"The language is {language[:40]!r}; there are: {', '.join(LANGUAGES)}.",
        code="unknown_language",
        field="language",
    )


def _taken(name: str) -> Taken:
    return Taken(
        f"There is a character {name!r} already.",
        code="character_exists",
        hint="Choose another name, or remove that character's files.",
        field="name",
    )
