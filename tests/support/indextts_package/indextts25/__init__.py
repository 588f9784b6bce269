"""A stand-in of the package indextts25-inference: the same signatures and yields, and its faults.

The text of a line says what goes wrong: print, warn, globals, raise, crash, hang, slow.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__version__ = "0.2.0"

SAMPLE_RATE = 22050
PAUSE_SECONDS = 0.2  # between segments
LETTER_SECONDS = 0.05
KNOWN = {
    *("temperature", "top_p", "top_k", "num_beams", "repetition_penalty", "do_sample"),
    *("max_mel_tokens", "diffusion_steps", "inference_cfg_rate", "emo_vector"),
}


@dataclass(frozen=True)
class Chunk:
    """A segment's sound, or a pause with an empty text."""

    audio: npt.NDArray[np.float32]
    text: str
    sample_rate: int
    elapsed: float
    is_silence: bool


class IndexTTS25:
    """The model, whose sound tells what it was asked for."""

    def __init__(
        self,
        model_dir: str | Path = "checkpoints",
        config: str | Path | None = None,
        attn_backend: str = "sdpa",
        fp16: bool = False,
        device: str | None = None,
        verbose: bool = False,
    ) -> None:
        path = Path(config) if config else Path(model_dir) / "config.yaml"
        if not path.exists():
            raise FileNotFoundError(f"Config not found: {path}")
        if attn_backend == "flash":
            raise ImportError('attn_backend="flash" requires flash-attn.')
        if (Path(model_dir) / "gpt.pth").read_bytes() == b"broken":
            raise RuntimeError("Missing key(s) in state_dict: text_embedding.weight")
        self.heard: dict[tuple[str, int], float] = {}  # what each clip was found to be, once

    def warm(self, voice: str | Path, lang: str = "ES") -> None:
        for _ in self.stream("Hola.", voice, lang):
            pass

    def stream(
        self,
        text: str,
        voice: str | Path,
        lang: str = "ES",
        speed: float = 1.0,
        emotion: str | Path | None = None,
        emotion_strength: float = 1.0,
        segment_tokens: int = 60,
        include_silence: bool = False,
        **sampling: Any,
    ) -> Iterator[Chunk]:
        unknown = set(sampling) - KNOWN
        if unknown:
            raise TypeError(f"unexpected arguments: {sorted(unknown)}")
        if lang not in ("EN", "ZH", "ES", "JA", "AR"):
            raise ValueError(f"lang {lang!r}")
        level = self._listen(voice) / 2
        level += self._listen(emotion) * emotion_strength / 8 if emotion else 0.0
        level += float(np.dot(sampling.get("emo_vector", [0.0] * 8), np.arange(8))) / 64
        for number, segment in enumerate(_segments(text, segment_tokens)):
            if number and include_silence:
                yield _chunk(np.zeros(round(PAUSE_SECONDS * SAMPLE_RATE), np.float32), "")
            for word in segment.split():
                _act(word.strip("."))
            count = round(len(segment) * LETTER_SECONDS * speed * SAMPLE_RATE)
            noise = np.random.default_rng(random.getrandbits(32)).uniform(-0.01, 0.01, count)
            yield _chunk((level + noise).astype(np.float32), segment)

    def _listen(self, clip: str | Path) -> float:
        """Hear a clip once, as long as its file is the same."""
        key = str(clip), Path(clip).stat().st_mtime_ns
        if key not in self.heard:
            self.heard[key] = zlib.crc32(Path(clip).read_bytes()) / 2**32
            print(f"heard {Path(clip).name}")
        return self.heard[key]


def _chunk(audio: npt.NDArray[np.float32], text: str) -> Chunk:
    return Chunk(audio, text, SAMPLE_RATE, 0.0, not text)


def _segments(text: str, tokens: int) -> list[str]:
    """Cut a text at full stops, and what is longer than a segment between words."""
    found = []
    for sentence in text.replace(". ", ".\n").splitlines():
        words: list[str] = []
        for word in sentence.split():
            if words and len(" ".join([*words, word])) > tokens:
                found.append(" ".join(words))
                words = []
            words.append(word)
        if words:
            found.append(" ".join(words))
    return found


def _act(word: str) -> None:
    if word == "print":
        print("a line of the package\n" * 50)
    elif word == "globals":
        os.chdir("/")
        os.environ["HF_HUB_CACHE"] = "elsewhere"
        sys.stdout = sys.stderr
        np.seterr(all="raise")
    elif word == "raise":
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    elif word == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    elif word == "hang":
        time.sleep(3_600)
    elif word == "slow":
        time.sleep(0.5)
