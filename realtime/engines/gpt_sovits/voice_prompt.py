"""Prompts: references as codes and styles, which a model goes on from. Each is made once."""

from __future__ import annotations

import hashlib
import io
import logging
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from realtime.characters.gpt_sovits_voice import GptSovitsVoice, SpokenClip
from realtime.engines.gpt_sovits.front import FrontNetworks
from realtime.engines.gpt_sovits.reference import Clip, read_reference, read_style, sound_at
from realtime.files import write_whole

if TYPE_CHECKING:
    from realtime.engines.gpt_sovits.networks.sovits import Sovits, Style
    from realtime.networks.mel import MelFormat

logger = logging.getLogger(__name__)

REVISION = 1  # raise it when prompts are computed in another way
FOLDER = ".prompts"  # in the folder of the cache
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class VoicePrompt:
    """A reference as a model takes it."""

    codes: npt.NDArray[np.int64]  # semantic codes of what is said; none without a text
    style: Floats  # (style,)
    content_style: Floats  # (cross,)
    mel: Floats  # (bands, frames) as v3 and v4 go on from it, else (0, 0)

    def style_on(self, device: str) -> Style:
        import torch

        from realtime.engines.gpt_sovits.networks.sovits import Style

        whole, content = (
            torch.from_numpy(each.copy())[None, :, None].to(device)
            for each in (self.style, self.content_style)
        )
        return Style(whole, content)


def prompt_key(voice: GptSovitsVoice, style: str, digests: Sequence[str]) -> str:
    """Name a prompt by the clips it is made of, and by the files that made it."""
    spoken = voice.spoken(style)
    clips = [voice.found[name].digest for name in (spoken.reference, *voice.card.more)]
    facts = (REVISION, bool(spoken.text), clips, *digests)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def make_prompt(
    voice: GptSovitsVoice,
    style: str,
    front: FrontNetworks,
    sovits: Sovits,
    mel_format: MelFormat | None,
) -> VoicePrompt:
    """Compute the prompt of a voice's style; a clip that will not do is a BadRequest."""
    import torch

    spoken = voice.spoken(style)
    main = read_reference(_read_clip(voice, spoken.reference))
    clips = [main, *(read_style(_read_clip(voice, name)) for name in voice.card.more)]
    speakers = [front.speaker(clip) for clip in clips] if sovits.shape.speaker else []
    with torch.inference_mode():
        found = sovits.style_of([front.spectrogram(clip) for clip in clips], speakers)
        codes = _codes(spoken, main, front, sovits)
    return VoicePrompt(
        codes,
        found.whole[0, :, 0].cpu().numpy(),
        found.content[0, :, 0].cpu().numpy(),
        np.zeros((0, 0), np.float32) if mel_format is None else _mel(main, mel_format),
    )


def _codes(
    spoken: SpokenClip, clip: Clip, front: FrontNetworks, sovits: Sovits
) -> npt.NDArray[np.int64]:
    if not spoken.text:  # codes without the text that they say would be taken for new speech
        return np.zeros(0, np.int64)
    codes: npt.NDArray[np.int64] = sovits.codes_of(front.content(clip)).cpu().numpy()
    return codes


def _mel(clip: Clip, mel_format: MelFormat) -> Floats:
    from realtime.engines.gpt_sovits.networks.spectrogram import prompt_mel

    mel: Floats = prompt_mel(sound_at(clip, mel_format.sample_rate), mel_format)[0].numpy()
    return mel


def _read_clip(voice: GptSovitsVoice, name: str) -> bytes:
    return voice.found[name].path.read_bytes()


class PromptStore:
    """Prompts on disk: small files of plain arrays. One that cannot be read is made again."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / FOLDER

    def find(self, key: str) -> VoicePrompt | None:
        try:
            data = io.BytesIO(self._path(key).read_bytes())
            with np.load(data, allow_pickle=False) as file:
                arrays = [file[name] for name in ("codes", "style", "content_style", "mel")]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        kinds = (np.int64, np.float32, np.float32, np.float32)
        if any(array.dtype != kind for array, kind in zip(arrays, kinds, strict=True)):
            return None
        return VoicePrompt(*arrays)

    def keep(self, key: str, prompt: VoicePrompt) -> None:
        """Write a prompt; without it the next start only takes longer."""
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **vars(prompt))
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._path(key), file.getvalue())
        except OSError as error:
            logger.warning("the prompt of a voice cannot be kept: %s", error)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"
