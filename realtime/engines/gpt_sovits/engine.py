"""GPT-SoVITS: voices that people trained, in three languages, each with two files of weights.

A model is a pair of files. It speaks every character of this engine: a character brings a clip,
whose voice and manner are continued.
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
from realtime.audio.samples import silence
from realtime.audio.spoken import Word
from realtime.characters import Character, GptSovitsVoice
from realtime.engines.contract import CancelToken, Chunk, Utterance
from realtime.engines.decoding.run_config import RunConfig, choose_run
from realtime.engines.decoding.runner import plan_in_force, use_gpu
from realtime.engines.decoding.turn import Turn
from realtime.engines.file_digest import FileDigests
from realtime.engines.gpt_sovits import options, weights
from realtime.engines.gpt_sovits.manner import Manner
from realtime.engines.gpt_sovits.pairs import Pair, find_pair, find_pairs, output_rate
from realtime.engines.gpt_sovits.sentence import ReadSentence, SentenceReader
from realtime.engines.gpt_sovits.sentences import read_sentences
from realtime.engines.gpt_sovits.speaker import VoiceSpeaker
from realtime.engines.gpt_sovits.text.polyphones import find_polyphones, polyphones_folder
from realtime.engines.placeable import kind_of, usable_device, with_number
from realtime.engines.several_models import id_of, unknown_model
from realtime.engines.torch_threads import set_torch_threads
from realtime.engines.voice_features.shared import share
from realtime.errors import BadRequest, NothingToSay, WeightsMissing, shortlist
from realtime.settings import Settings
from realtime.vocoders import checkpoints
from realtime.weights import WeightFile, find_path

logger = logging.getLogger(__name__)

END_OF_TURN = Chunk(np.zeros(0, np.float32))  # no sound yet; another line may go on
REVISION = 1  # raise it when the same settings give other sound: it is part of every key
FILES = "a GPT file (.ckpt) and a SoVITS file (.pth) in models/gpt_sovits/"


class GptSovits:
    """The engine of one pair of files in the models folder, or of none."""

    name = weights.ENGINE
    languages = frozenset({"en", "zh", "ja"})
    work = 0.0
    keeps_time = False
    block = blocks.TORCH
    options = options.OPTIONS

    def __init__(self, settings: Settings, model: str = "") -> None:
        self.model = model
        self._settings = settings
        self._file_digests = FileDigests()
        self._run: RunConfig | None = None
        self._loaded_digests: tuple[str, ...] | None = None  # whatever files lie there now
        self._loaded_facts: list[str] = []  # the same for what else changes the sound
        self._speaker: VoiceSpeaker | None = None
        self._rate: int | None = None
        self._found: Pair | None = None

    def find_models(self) -> list[str]:
        return [pair.name for pair in find_pairs(self._settings)]

    def has_model(self, model: str) -> bool:
        return find_pair(model, self._settings) is not None

    def with_model(self, model: str) -> GptSovits:
        return GptSovits(self._settings, model)

    def files_of(self, model: str) -> str:
        return FILES

    @property
    def weights(self) -> tuple[WeightFile, ...]:
        """Return the files that it needs in any case: the pair's, and HuBERT's."""
        pair = self._pair()
        own = () if pair is None else (pair.gpt, pair.sovits)
        folder = self._settings.models.path / self.name
        return (weights.HUBERT, *(weights.brought(str(path.relative_to(folder))) for path in own))

    @property
    def sample_rate(self) -> int:
        if self._rate is None:
            pair = self._pair()
            self._rate = 32_000 if pair is None else output_rate(pair)
        return self._rate

    @property
    def first_piece(self) -> float:
        """Return the seconds of a first piece: few for v3 and v4, whose codes do not stream."""
        return 4.0 if self.sample_rate == 32_000 else 1.5

    @property
    def version(self) -> str:
        """Return the part of a recording's key that changes with whatever changes the sound."""
        run = self._chosen_run()
        plan = run.plan if self._speaker is None else plan_in_force(self.accelerated)
        digests = zip(("gpt", "sovits"), self._loaded_digests or self._digests(), strict=True)
        chunks = self._settings.gpt_sovits
        parts = [str(REVISION), run.kind, run.precision, plan]
        parts += [f"{name}={digest}" for name, digest in digests]
        parts.append(f"chunks={chunks.first_codes}/{chunks.overlap_codes}")
        return " ".join([*parts, *(self._loaded_facts or self._other_facts())])

    def wanted_device(self) -> str:
        return usable_device(self._settings, id_of(self), self._settings.gpt_sovits.device)

    def place(self, device: str) -> None:
        run = choose_run(replace(self._settings.gpt_sovits, device=kind_of(device)))
        # The GPU that torch takes for `cuda` keeps this name: plans are remembered by it.
        self._run = run if device == "cuda:0" else replace(run, device=device)

    def runs_on(self) -> str:
        return with_number(self._chosen_run().device)

    @property
    def accelerated(self) -> Sequence[Accelerated]:
        return () if self._speaker is None else self._speaker.model.accelerated

    def load(self) -> None:
        from realtime.engines.gpt_sovits.front import FrontNetworks
        from realtime.engines.gpt_sovits.model import GptSovitsModel
        from realtime.engines.gpt_sovits.voice_files import open_voice
        from realtime.engines.gpt_sovits.voice_prompt import PromptStore

        self.check_files()
        pair = self._pair()
        assert pair is not None, "check_files refuses it"
        digests, run = self._digests(), self._chosen_run()
        set_torch_threads(self._settings)
        use_gpu(run.device)
        files = open_voice(pair.gpt, pair.sovits, self._settings, pair.stated)
        model = GptSovitsModel(files, run, self._settings)
        model.prepare()
        self._speaker = VoiceSpeaker(
            model,
            share(FrontNetworks, self._settings, run.device),
            PromptStore(self._settings.cache.path),
            [digests[1], self._digest_of(weights.HUBERT.path_in(self._settings.models.path))],
            find_polyphones(self._settings),
        )
        self._loaded_digests, self._rate = digests, files.version.rate
        self._loaded_facts = self._other_facts()
        logger.info(
            "%s is %s; it runs on %s in %s",
            id_of(self),
            files.version.name,
            run.device,
            run.precision,
        )

    def check_files(self) -> None:
        """Refuse a pair that is not there, and a folder in which there is none."""
        if self.model:
            if self._pair() is None:
                raise unknown_model(self.name, self.model, self.find_models(), FILES)
            return
        if there := self.find_models():
            raise unknown_model(self.name, "", there)
        raise WeightsMissing(
            f"The engine {self.name!r} has no pair of files yet; looked into "
            f"{self._settings.models.path / self.name}.",
            hint=f"Put {FILES}; docs/gpt_sovits.md says more.",
        )

    def unload(self) -> None:
        speaker, self._speaker = self._speaker, None
        self._loaded_digests = self._run = self._found = None
        self._loaded_facts = []
        if speaker is not None:
            speaker.model.close()

    def can_speak(self, character: Character) -> bool:
        return isinstance(character.voice, GptSovitsVoice)

    def keep_prompt(self, character: Character) -> None:
        assert self._speaker is not None, "only a loaded engine has prompts"
        self._speaker.prompt(_voice_of(character), "")

    def has_prompt(self, character: Character) -> bool:
        speaker, voice = self._speaker, character.voice
        return speaker is not None and isinstance(voice, GptSovitsVoice) and speaker.has(voice, "")

    def read(self, utterance: Utterance) -> list[ReadSentence]:
        """Cut and read a text off the lane; a text without any phone is refused."""
        method = str(dict(utterance.options).get(options.CUT, options.DEFAULT_CUT))
        reader = SentenceReader() if self._speaker is None else self._speaker.reader
        found = read_sentences(utterance.segments, utterance.accent, method, reader)
        if not found:
            raise NothingToSay("The engine has no sound for this text.", field="text")
        return found

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        assert self._speaker is not None, "only a loaded engine speaks"
        speaker, voice = self._speaker, _voice_of(utterance.character)
        given = dict(utterance.options)
        prompt = speaker.prompt(voice, _style(voice, str(given.get(options.STYLE, ""))))
        turn = Turn(cancel.check, cancel.is_set)
        pause = silence(float(given.get(options.PAUSE, options.DEFAULT_PAUSE)), self.sample_rate)
        sentences = utterance.reading or self.read(utterance)
        for number, sentence in enumerate(sentences):
            manner = self._manner(utterance, voice, streams=utterance.first and not number)
            if number:
                yield Chunk(pause)
            made = 0
            with closing(speaker.speak(sentence, prompt, manner, turn)) as sounds:
                for sound in sounds:
                    made += 0 if sound is None else sound.size
                    yield END_OF_TURN if sound is None else Chunk(np.clip(sound, -1.0, 1.0))
            yield Chunk(np.zeros(0, np.float32), (_word(sentence, made, self.sample_rate),))

    def _manner(self, utterance: Utterance, voice: GptSovitsVoice, streams: bool) -> Manner:
        given, own = dict(utterance.options), self._settings.gpt_sovits
        return Manner(
            options.sampling_of(voice.card.numbers, utterance.options),
            utterance.speed,
            utterance.seed,
            int(given.get(options.FIRST_CODES, own.first_codes)) if streams else 0,
            int(given.get(options.OVERLAP, own.overlap_codes)),
            int(given.get(options.STEPS, voice.card.numbers.get(options.STEPS, 0))),
        )

    def _other_facts(self) -> list[str]:
        """Return what changes the sound besides the pair: how Chinese is read, and the vocoder."""
        facts = ["plain" if polyphones_folder(self._settings) is None else "g2pw"]
        name = {24_000: "bigvgan", 48_000: "hifigan"}.get(self.sample_rate)
        if name is not None:
            file = checkpoints.FILES[name][-1]
            digest = self._digest_of(find_path(file, self._settings) or Path())
            facts += [f"{name}={digest}", self._settings.vocoder.precision]
        return facts

    def _pair(self) -> Pair | None:
        """Find the model's files: again only where they are gone, and never while it is loaded.

        Each request asks, on the event loop.
        """
        if self._speaker is None and (self._found is None or not self._found.is_there):
            self._found = find_pair(self.model, self._settings) if self.model else None
        return self._found

    def _chosen_run(self) -> RunConfig:
        if self._run is None:  # once: to look for a GPU takes a moment
            wanted = kind_of(self.wanted_device())
            self._run = choose_run(replace(self._settings.gpt_sovits, device=wanted))
        return self._run

    def _digests(self) -> tuple[str, str]:
        """Return the digests of both files; `load` tells what is wrong with them."""
        pair = self._pair()
        if pair is None:
            return "none", "none"
        return self._digest_of(pair.gpt), self._digest_of(pair.sovits)

    def _digest_of(self, path: Path) -> str:
        try:
            return self._file_digests.of(path)
        except OSError:
            return "unreadable"


def _voice_of(character: Character) -> GptSovitsVoice:
    if not isinstance(character.voice, GptSovitsVoice):
        raise BadRequest(
            f"The character {character.name!r} has no clip for GPT-SoVITS, "
            "so the engine 'gpt_sovits' cannot speak it.",
            field="engine",
        )
    return character.voice


def _style(voice: GptSovitsVoice, style: str) -> str:
    if style and style not in voice.card.styles:
        there = shortlist(voice.card.styles) or "none"
        raise BadRequest(
            f"There is no style {style!r}; the character has: {there}.", field="options"
        )
    return style


def _word(sentence: ReadSentence, samples: int, rate: int) -> Word:
    """Return the words of a sentence whose sound has just ended."""
    return Word(sentence.said, -samples / rate, 0.0)
