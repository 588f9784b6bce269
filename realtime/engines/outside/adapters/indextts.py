"""The adapter of IndexTTS-2.5: the package `indextts25-inference`, in an environment of its own.

It runs where our libraries are not: it imports nothing but numpy and the package.
"""

from __future__ import annotations

import importlib
import random
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import numpy as np

from realtime.engines.outside.adapter import (
    Adapter,
    AdapterError,
    CancelFlag,
    Chunk,
    ReportProgress,
)
from realtime.engines.outside.protocol import Speak, SpokenWord

PACKAGE = "indextts25"
SAMPLE_RATE = 22_050
MODEL = "from IndexTeam/IndexTTS-2.5, bilibili Model Use License"
CONTENT = "from facebook/w2v-bert-2.0, MIT"
VOCODER = "from nvidia/bigvgan_v2_22khz_80band_256x, MIT"
# Each file of models/indextts/ with where it comes from and its licence.
FILES = (
    *(
        (name, MODEL)
        for name in (
            "config.yaml",
            "gpt.pth",
            "s2mel.pth",
            "codec.pth",
            "wav2vec2bert_stats.pt",
            "feat1.pt",
            "feat2.pt",
            "multilingual_zh_ja_yue_char_del.tiktoken",
        )
    ),
    ("hf_cache/w2v-bert-2.0/config.json", CONTENT),
    ("hf_cache/w2v-bert-2.0/preprocessor_config.json", CONTENT),
    ("hf_cache/w2v-bert-2.0/model.safetensors", CONTENT),
    ("hf_cache/campplus_cn_common.bin", "from funasr/campplus, Apache-2.0"),
    ("hf_cache/bigvgan/config.json", VOCODER),
    ("hf_cache/bigvgan/bigvgan_generator.pt", VOCODER),
)
LANGUAGES = {"en": "EN", "zh": "ZH", "ja": "JA"}
SAMPLING = (
    "temperature",
    "top_p",
    "top_k",
    "repetition_penalty",
    "num_beams",
    "diffusion_steps",
)
MOST_SAID = 300  # characters of an error of the package
SHORTEST, LONGEST = 0.5, 2.0  # of the factor by which the model stretches speech


class IndexTtsAdapter(Adapter):
    name = "indextts"
    version = "2.5"
    languages = tuple(LANGUAGES)
    sample_rate = SAMPLE_RATE

    def check(self, options: dict[str, Any]) -> list[str]:
        folder = Path(options["model_dir"])
        return [f"{name} ({origin})" for name, origin in FILES if not (folder / name).is_file()]

    def load(self, options: dict[str, Any], progress: ReportProgress) -> dict[str, Any]:
        progress(0.0, "the libraries")
        try:
            package = importlib.import_module(PACKAGE)
            progress(0.3, "the weights")
            self._tts = package.IndexTTS25(
                model_dir=options["model_dir"],
                attn_backend=options["attention"],
                fp16=options["fp16"],
                device=options["device"],
            )
        except ImportError as error:
            raise AdapterError(
                f"The package of IndexTTS cannot be used: {error}.",
                hint="Run `make engine-indextts`; docs/indextts.md says more.",
            ) from error
        except FileNotFoundError as error:
            raise AdapterError(
                f"IndexTTS misses a file: {error}.",
                "WeightsMissing",
                hint="docs/indextts.md lists the files and where they come from.",
            ) from error
        except Exception as error:
            raise described(error, "could not be loaded", "Unavailable") from error
        return {"package": str(getattr(package, "__version__", ""))}

    def speak(self, request: Speak, cancel: CancelFlag) -> Iterator[Chunk]:
        """Yield each segment; the model is asked whether it is wanted between two of them."""
        numbers = StreamRandomness(request.seed)
        numbers.enter()
        text = "".join(part.text for part in request.segments)
        segments, place = self._tts.stream(text, **stream_arguments(request)), 0
        try:
            while not cancel.is_set():
                try:
                    found = next(segments, None)
                except Exception as error:
                    raise described(error, "failed in this line", "SynthesisFailed") from error
                if found is None:
                    return
                numbers.leave()
                said, place = spoken_part(text, str(found.text), place)
                yield chunk_of(found, said)
                numbers.enter()
        finally:
            close = getattr(segments, "close", None)
            if close is not None:
                close()


def described(error: Exception, what: str, kind: str) -> AdapterError:
    """Return an error of the package in words for people; its trace goes to the log."""
    traceback.print_exception(type(error), error, error.__traceback__)
    said = " ".join(str(error).split())[:MOST_SAID]
    return AdapterError(
        f"IndexTTS {what}: {type(error).__name__}: {said}.",
        kind,
        hint="The server's log says more.",
    )


def stream_arguments(request: Speak) -> dict[str, Any]:
    """Return the arguments of the package for a piece of a line."""
    voice = request.voice
    found: dict[str, Any] = {name: voice[name] for name in SAMPLING if name in voice}
    if voice.get("emotion"):
        found["emo_vector"] = list(voice["emotion"])
    # The package counts how long speech takes, and we how quick it is.
    factor = min(max(1.0 / request.speed, SHORTEST), LONGEST)
    return {
        "voice": voice["reference"],
        "lang": LANGUAGES[language_of(request)],
        "speed": factor,
        "emotion": voice.get("emotion_clip") or None,
        "emotion_strength": voice.get("emotion_strength", 1.0),
        "segment_tokens": voice.get("segment_tokens", 60),
        "include_silence": True,
        **found,
    }


def language_of(request: Speak) -> str:
    """Return the language of a piece: the model reads all of it in one."""
    if request.accent in LANGUAGES:
        return str(request.accent)
    letters: dict[str, int] = {}
    for part in request.segments:
        letters[part.language] = letters.get(part.language, 0) + len(part.text.strip())
    known = {language: count for language, count in letters.items() if language in LANGUAGES}
    return max(known, key=lambda language: known[language], default="en")


def chunk_of(found: Any, said: str) -> Chunk:
    """Return a segment's sound, with its text as one word; a pause has none."""
    sound = np.clip(np.asarray(found.audio, np.float32).reshape(-1), -1.0, 1.0)
    return sound, [SpokenWord(said, 0.0, sound.size / SAMPLE_RATE)] if said else []


def spoken_part(text: str, segment: str, start: int) -> tuple[str, int]:
    """Return the part of a text from `start` on that a segment says, and where it ends.

    The package tells a segment as its model reads it: with other punctuation and case, which are
    passed over here, and with numbers in words, which are not found: then the part is empty.
    """
    places = [place for place in range(start, len(text)) if text[place].isalnum()]
    letters = "".join(text[place].lower()[:1] for place in places)
    wanted = "".join(letter.lower()[:1] for letter in segment if letter.isalnum())
    at = letters.find(wanted) if wanted else -1
    if at < 0:
        return "", start
    end = places[at + len(wanted) - 1] + 1
    while end < len(text) and not text[end].isalnum() and not text[end].isspace():
        end += 1
    return text[places[at] : end], end


class StreamRandomness:
    """The random numbers of one stream, which takes turns with others in one process.

    The package has no seed: it draws from the numbers that the whole process shares.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._kept: Optional[tuple[Any, ...]] = None

    def enter(self) -> None:
        """Set the numbers of the process to those of the stream."""
        torch = sys.modules.get("torch")
        if self._kept is None:
            random.seed(self._seed)
            np.random.seed(self._seed % 2**32)
            if torch is not None:
                torch.manual_seed(self._seed % 2**63)
            return
        own, arrays, cpu, gpus = self._kept
        random.setstate(own)
        np.random.set_state(arrays)
        if torch is not None and cpu is not None:
            torch.set_rng_state(cpu)
            if gpus is not None:
                torch.cuda.set_rng_state_all(gpus)

    def leave(self) -> None:
        """Keep where the stream's numbers are."""
        torch = sys.modules.get("torch")
        cpu = None if torch is None else torch.get_rng_state()
        on_gpu = torch is not None and torch.cuda.is_available()
        gpus = torch.cuda.get_rng_state_all() if torch is not None and on_gpu else None
        self._kept = (random.getstate(), np.random.get_state(), cpu, gpus)
