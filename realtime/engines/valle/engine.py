"""VALL-E X: the voice of any short clip, in three languages, on weights that people bring.

A piece of text is spoken as a whole: its first codes step by step beside other lines', then the
other seven levels, then sound. Between turns the engine gives empty chunks, so that others go on.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from realtime.acceleration import Accelerated
from realtime.audio.spoken import Word
from realtime.engines.contract import CancelToken, Chunk, LineState, Utterance
from realtime.engines.valle import budget, weights
from realtime.engines.valle.device_choice import Run, chosen
from realtime.engines.valle.file_digest import Fingerprints
from realtime.engines.valle.model import ValleModel
from realtime.engines.valle.piece_edges import followed, joinable
from realtime.engines.valle.presets import Prompt, prompt_of
from realtime.engines.valle.random_numbers import generator
from realtime.engines.valle.reading import Reading, pieces
from realtime.engines.valle.speaking import Speaking, VoiceExample, Watch
from realtime.engines.valle.speed import Samples, hastened
from realtime.engines.valle.text import Encoded
from realtime.errors import Unavailable
from realtime.settings import Settings, ValleSamplingSettings
from realtime.weights import find_path, verified_path

logger = logging.getLogger(__name__)

SAMPLE_RATE = 24_000
QUIET = Chunk(np.zeros(0, np.float32))  # a turn is over, and nothing to be heard is there yet
LEAST_PROMPT = 150  # frames that what was said must have to be the next example
TENSORS = (weights.CHECKPOINT, weights.VOCOS)
REVISION = 2  # counts changes of what is said with the same settings


class ValleEngine:
    """One model, in which the lines of all its streams go on together."""

    name = "valle"
    languages = frozenset({"en", "zh", "ja"})
    sample_rate = SAMPLE_RATE
    first_piece = 1.0  # 75 frames
    work = 0.0
    keeps_time = False
    weights = weights.SPEAKING

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._fingerprints = Fingerprints()
        self._run: Run | None = None
        self._files: tuple[str, ...] | None = None  # what was loaded, whatever lies there now
        self._model: ValleModel | None = None
        self._speaking: Speaking | None = None

    @property
    def version(self) -> str:
        """Part of a recording's key: whatever rounds or chooses otherwise says something else.

        Before loading it is what will be loaded, and how; from then on what runs.
        """
        if self._run is None:
            self._run = chosen(self._settings)  # once: what is found may take a moment
        run, said = self._run, self._settings.valle
        plan = run.plan if self._model is None else in_force(self.accelerated)
        parts = [str(REVISION), run.device, run.precision, plan]
        digests = zip(("model", "vocoder"), self._files or self._found(), strict=True)
        parts += [f"{name}={digest}" for name, digest in digests]
        if said.reproducible:
            parts.append(f"fixed={run.slots}")
        if said.sampling != ValleSamplingSettings():
            parts += [f"{name}={value!r}" for name, value in vars(said.sampling).items()]
        return " ".join(parts)

    @property
    def accelerated(self) -> Sequence[Accelerated]:
        return () if self._model is None else self._model.quick

    def load(self) -> None:
        for file in self.weights:
            verified_path(file, self._settings)
        weights.check_vocos(self._settings)
        files = self._found()
        valle, vocos = (weights.state(file, self._settings) for file in TENSORS)
        self._use_threads()
        self._run = _possible(self._run or chosen(self._settings), self._settings)
        model = ValleModel(valle, vocos, self._run, self._settings)
        model.prepare()
        self._speaking = Speaking(model, self._settings.valle.sampling)
        self._files, self._model = files, model
        logger.info("valle runs on %s in %s, %s", *self.version.split()[1:4])

    def _found(self) -> tuple[str, ...]:
        """Which files there are; what is wrong with them is told when they are loaded."""
        return tuple(self._fingerprint(find_path(file, self._settings)) for file in TENSORS)

    def _fingerprint(self, path: Path | None) -> str:
        try:
            return "none" if path is None else self._fingerprints.of(path)
        except OSError:
            return "unreadable"

    def _use_threads(self) -> None:
        import torch

        if self._settings.models.threads:  # of this lane's thread alone
            torch.set_num_threads(self._settings.models.threads)

    def unload(self) -> None:
        networks = self.accelerated
        self._model = self._speaking = self._files = None
        for network in networks:
            network.close()

    def read(self, utterance: Utterance) -> list[Reading]:
        """The pieces that are said one after the other, each short enough after the prompt."""
        prompt = _heard(prompt_of(utterance.character))
        return pieces(utterance.segments, utterance.accent, prompt, utterance.first)

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        assert self._speaking is not None, "only a loaded engine speaks"
        original = _heard(prompt_of(utterance.character))
        line_state, seed = utterance.line_state, utterance.seed
        watch = Watch(cancel.check, cancel.is_set)
        readings = utterance.reading or self.read(utterance)
        for number, reading in enumerate(readings, 1):
            heard = _example(line_state, original, seed, reading)
            codes = None
            with closing(self._speaking.say(reading.words, heard, seed, watch)) as turns:
                for codes in turns:
                    if codes is None:
                        yield QUIET
            assert codes is not None, "a piece ends with its codes"
            sound = self._speaking.sound(codes)
            line_state.pieces += 1
            if line_state.longprompt:
                line_state.kept = VoiceExample(codes.cpu().numpy(), reading.words)
            ends = number == len(readings)
            sound = joinable(hastened(sound, utterance.speed), number == 1, ends)
            pause = 0.0 if ends else reading.pause
            yield Chunk(followed(sound, pause), _words(sound, reading))


def in_force(networks: Sequence[Accelerated]) -> str:
    """The plan that runs; where networks differ each one's, and which sizes run otherwise."""
    plans = [network.mode for network in networks] or ["eager"]
    told = plans[0] if len(set(plans)) == 1 else "+".join(plans)
    failed = [(network.name, network.failed) for network in networks if network.failed]
    return f"{told}!{zlib.crc32(repr(failed).encode()):08x}" if failed else told


def _heard(prompt: Prompt) -> VoiceExample:
    return VoiceExample(prompt.codes, Encoded(prompt.ids, (prompt.language_id,) * len(prompt.ids)))


def _example(
    line_state: LineState, original: VoiceExample, seed: int, reading: Reading
) -> VoiceExample:
    """The prompt, or what was just said, by a choice of the seed's."""
    kept = line_state.kept
    if not line_state.longprompt or not isinstance(kept, VoiceExample):
        return original
    if not LEAST_PROMPT <= len(kept.codes) <= budget.MOST_PROMPT or not reading.fits(kept):
        return original
    return kept if generator(seed, "example", line_state.pieces).random() < 0.5 else original


def _words(sound: Samples, reading: Reading) -> tuple[Word, ...]:
    """Each part's share of a piece's sound."""
    seconds = sound.size / SAMPLE_RATE / sum(reading.counts)
    words, start = [], 0
    for part, count in zip(reading.parts, reading.counts, strict=True):
        words.append(Word(part.text.strip(), start * seconds, (start + count) * seconds))
        start += count
    return tuple(words)


def _possible(run: Run, settings: Settings) -> Run:
    """The wanted run, on the processor where there is no GPU and none was asked for."""
    import torch

    if run.device != "cuda" or torch.cuda.is_available():
        return run
    if settings.valle.device == "cuda":
        raise Unavailable(
            "valle.device is cuda, and there is no CUDA here.", hint="Say auto or cpu."
        )
    logger.warning("valle finds no CUDA: it runs on the processor")
    said = replace(settings.valle, device="cpu")
    return chosen(replace(settings, valle=said))
