"""VALL-E X: the voice of any short clip, in three languages, on weights that people bring.

A piece of text is spoken as a whole: its first codes step by step beside other lines', then the
other seven levels, then sound. At the end of each turn the engine gives an empty chunk, so that
other lines go on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from realtime import blocks
from realtime.acceleration import Accelerated
from realtime.audio.samples import Samples
from realtime.audio.spoken import Word
from realtime.characters import Character, VallePrompt
from realtime.engines.contract import CancelToken, Chunk, LineState, Utterance
from realtime.engines.decoding.run_config import RunConfig, choose_run
from realtime.engines.decoding.runner import plan_in_force, use_gpu
from realtime.engines.decoding.turn import Turn
from realtime.engines.file_digest import FileDigests
from realtime.engines.placeable import (
    CPU,
    CUDA,
    device_in_settings,
    kind_of,
    usable_device,
    with_number,
)
from realtime.engines.torch_threads import set_torch_threads
from realtime.engines.valle import budget, weights
from realtime.engines.valle.codes import SAMPLE_RATE
from realtime.engines.valle.model import ValleModel
from realtime.engines.valle.piece_edges import add_pause, trim_and_fade
from realtime.engines.valle.presets import Prompt, get_prompt
from realtime.engines.valle.random_numbers import make_generator
from realtime.engines.valle.reading import Reading, read_pieces
from realtime.engines.valle.speaking import PieceSpeaker, VoiceExample
from realtime.engines.valle.speed import change_speed
from realtime.engines.valle.text import Encoded
from realtime.errors import Unavailable
from realtime.settings import Settings, ValleSamplingSettings
from realtime.weights import find_path, verified_path

logger = logging.getLogger(__name__)

END_OF_TURN = Chunk(np.zeros(0, np.float32))  # no sound yet; another line may go on
LEAST_EXAMPLE = 150  # frames, 2 s: shorter speech is no example for the next piece
TENSOR_FILES = (weights.CHECKPOINT, weights.VOCOS)
REVISION = 2  # raise it when the same settings give other sound: it is part of every key


class ValleEngine:
    """The engine `valle`: one model, which the lines of all streams share."""

    name = "valle"
    languages = frozenset({"en", "zh", "ja"})
    sample_rate = SAMPLE_RATE
    first_piece = 1.0  # 75 frames
    work = 0.0
    keeps_time = False
    block = blocks.TORCH
    weights = weights.SPEAKING_FILES

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._file_digests = FileDigests()
        self._run: RunConfig | None = None
        self._loaded_digests: tuple[str, ...] | None = None  # whatever files lie there now
        self._model: ValleModel | None = None
        self._speaker: PieceSpeaker | None = None

    @property
    def version(self) -> str:
        """Return the part of a recording's key that changes with whatever changes the sound.

        Before loading it is by what will be loaded, and how; afterwards by what runs.
        """
        run, valle = self._chosen_run(), self._settings.valle
        plan = run.plan if self._model is None else plan_in_force(self.accelerated)
        parts = [str(REVISION), run.kind, run.precision, plan]
        digests = zip(("model", "vocoder"), self._loaded_digests or self._digests(), strict=True)
        parts += [f"{name}={digest}" for name, digest in digests]
        if valle.reproducible:
            parts.append(f"fixed={run.slots}")
        if valle.sampling != ValleSamplingSettings():
            parts += [f"{name}={value!r}" for name, value in vars(valle.sampling).items()]
        return " ".join(parts)

    def wanted_device(self) -> str:
        return usable_device(self._settings, self.name, self._settings.valle.device)

    def place(self, device: str) -> None:
        run = _choose_run(self._settings, kind_of(device))
        # The GPU that torch takes for `cuda` keeps this name: plans are remembered by it.
        self._run = run if device == "cuda:0" else replace(run, device=device)

    def runs_on(self) -> str:
        return with_number(self._chosen_run().device)

    def _device_in_settings(self) -> str:
        return device_in_settings(self._settings, self.name, self._settings.valle.device)

    def _chosen_run(self) -> RunConfig:
        if self._run is None:  # once: to look for a GPU takes a moment
            wanted = kind_of(self._device_in_settings())
            self._run = _choose_run(self._settings, wanted)
        return self._run

    @property
    def accelerated(self) -> Sequence[Accelerated]:
        return () if self._model is None else self._model.accelerated

    def load(self) -> None:
        for file in self.weights:
            verified_path(file, self._settings)
        weights.check_vocos(self._settings)
        digests = self._digests()
        valle, vocos = (weights.load_state(file, self._settings) for file in TENSOR_FILES)
        set_torch_threads(self._settings)
        self._run = _fall_back_to_cpu(self._chosen_run(), self._settings)
        use_gpu(self._run.device)
        model = ValleModel(valle, vocos, self._run, self._settings)
        model.prepare()
        self._speaker = PieceSpeaker(model, self._settings.valle.sampling)
        self._loaded_digests, self._model = digests, model
        logger.info("valle runs on %s in %s, %s", *self.version.split()[1:4])

    def check_files(self) -> None:
        weights.check_vocos(self._settings)

    def _digests(self) -> tuple[str, ...]:
        """Return the digests of the files there are; `load` tells what is wrong with them."""
        return tuple(self._digest(find_path(file, self._settings)) for file in TENSOR_FILES)

    def _digest(self, path: Path | None) -> str:
        try:
            return "none" if path is None else self._file_digests.of(path)
        except OSError:
            return "unreadable"

    def unload(self) -> None:
        networks = self.accelerated
        self._model = self._speaker = self._loaded_digests = None
        for network in networks:
            network.close()

    def can_speak(self, character: Character) -> bool:
        return isinstance(character.voice, VallePrompt)

    def read(self, utterance: Utterance) -> list[Reading]:
        """Read a text in pieces, each short enough after the character's prompt."""
        prompt = _prompt_example(get_prompt(utterance.character))
        return read_pieces(utterance.segments, utterance.accent, prompt, utterance.first)

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        assert self._speaker is not None, "only a loaded engine speaks"
        prompt = _prompt_example(get_prompt(utterance.character))
        line_state, seed = utterance.line_state, utterance.seed
        turn = Turn(cancel.check, cancel.is_set)
        readings = utterance.reading or self.read(utterance)
        for number, reading in enumerate(readings, 1):
            example = _choose_example(line_state, prompt, seed, reading)
            codes = None
            with closing(self._speaker.make_codes(reading.text, example, seed, turn)) as turns:
                for codes in turns:
                    if codes is None:
                        yield END_OF_TURN
            assert codes is not None, "a piece ends with its codes"
            sound = self._speaker.make_sound(codes)
            line_state.pieces += 1
            if line_state.longprompt:
                line_state.kept = VoiceExample(codes.cpu().numpy(), reading.text)
            is_last = number == len(readings)
            sound = trim_and_fade(change_speed(sound, utterance.speed), number == 1, is_last)
            pause = 0.0 if is_last else reading.pause
            yield Chunk(add_pause(sound, pause), _time_words(sound, reading))


def _prompt_example(prompt: Prompt) -> VoiceExample:
    return VoiceExample(prompt.codes, Encoded(prompt.ids, (prompt.language_id,) * len(prompt.ids)))


def _choose_example(
    line_state: LineState, prompt: VoiceExample, seed: int, reading: Reading
) -> VoiceExample:
    """Return the prompt or, with `longprompt`, by chance the speech just made.

    The chance is the seed's, so that the same line is the same again.
    """
    kept = line_state.kept
    if not line_state.longprompt or not isinstance(kept, VoiceExample):
        return prompt
    if not LEAST_EXAMPLE <= len(kept.codes) <= budget.MOST_PROMPT or not reading.fits(kept):
        return prompt
    return kept if make_generator(seed, "example", line_state.pieces).random() < 0.5 else prompt


def _time_words(sound: Samples, reading: Reading) -> tuple[Word, ...]:
    """Divide a piece's sound among its parts by their symbols."""
    seconds_per_symbol = sound.size / SAMPLE_RATE / sum(reading.counts)
    words, start = [], 0
    for part, count in zip(reading.parts, reading.counts, strict=True):
        end = start + count
        text = part.text.strip()
        words.append(Word(text, start * seconds_per_symbol, end * seconds_per_symbol))
        start = end
    return tuple(words)


def _choose_run(settings: Settings, device: str) -> RunConfig:
    return choose_run(replace(settings.valle, device=device), settings.valle.reproducible)


def _fall_back_to_cpu(run: RunConfig, settings: Settings) -> RunConfig:
    """Return the run, on the processor where torch finds no GPU; with device `cuda` raise."""
    import torch

    if run.kind != CUDA or torch.cuda.is_available():
        return run
    if settings.valle.device == CUDA:
        raise Unavailable(
            "valle.device is cuda, and there is no CUDA here.", hint="Say auto or cpu."
        )
    logger.warning("valle finds no CUDA: it runs on the processor")
    return _choose_run(settings, CPU)
