"""Whisper on CTranslate2: a sentence goes in, its words and its language come out.

Whisper gets little more than the sentence, since its whole window of half a minute would take five
times as long. Two seconds of silence behind the sentence stand for the rest of the window.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from realtime import blocks
from realtime.acceleration.cuda_driver import has_cuda_device
from realtime.engines import whisper_files
from realtime.engines.contract import CancelToken, Samples, Transcript
from realtime.engines.placeable import AUTO, CPU, device_in_settings, device_of_load
from realtime.settings import Settings
from realtime.text.language import LANGUAGES

RATE = 16000
BEHIND_SECONDS = 2.0  # of silence behind a sentence
PATIENT_BEHIND_SECONDS = 8.0  # the same in a second try, when the words make no sense
MOST_FRAMES = 3_000  # of 10 ms: Whisper's whole window
TOKENS_A_SECOND = 12  # the length of a text is bounded: Whisper may repeat itself without end
TOKENS_BESIDE = 16
# "These are sentences in Mandarin." After it Whisper writes simplified characters and commas.
PROMPTS = {"zh": "以下是普通话的句子。"}
OTHER_NAMES = {"yue": "zh"}  # Cantonese is read as Chinese
# Probabilities of a language. In a short sentence it is hard to tell, so the language of the
# sentence before is kept unless another one is sure.
SURE = 0.6
HARDLY = 0.1
# Limits beyond which a text is Whisper's reading of noise; texts of speech keep far from them.
REPETITIVE = 0.6  # the share of the text whose three signs have stood there before
LONG_ENOUGH = 16  # signs, from which on that share is counted
UNLIKELY = -1.0  # mean logarithm of its tokens' probability
DOUBTFUL = -0.5  # the same, where Whisper thinks that there may be no speech
NO_SPEECH = 0.7  # probability
MOST_SIGNS_A_SECOND = {"en": 32, "zh": 14, "ja": 18}
SIGNS_BESIDE = 8


class Whisper:
    """The recogniser of `revoice`; the wanted character then speaks what it wrote down."""

    name = whisper_files.ENGINE
    version = "1"
    sample_rate = RATE
    block = blocks.REVOICE

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model: Any = None
        self.pause = settings.revoice.pause_seconds
        self._placed = ""
        self.weights = whisper_files.weights(settings.revoice.model)

    def load(self) -> None:
        found = whisper_files.find_model(self._settings)
        from faster_whisper import WhisperModel

        chosen = self._settings.revoice
        threads = chosen.threads or self._settings.models.threads or os.cpu_count() or 1
        kind, _, number = self.runs_on().partition(":")
        self._model = WhisperModel(
            found.name,
            device=kind,
            device_index=int(number or 0),
            compute_type="int8" if kind == CPU else "int8_float16",
            cpu_threads=threads,
            local_files_only=True,
            files=dict(found.files) or None,
        )
        # The first run is the slow one: no caller should wait for it.
        self.recognise(np.zeros(RATE, np.float32), None, None, CancelToken())

    def check_files(self) -> None:
        whisper_files.check_brought_folder(self._settings)

    def unload(self) -> None:
        self._model, self._placed = None, ""

    @property
    def may_use_cuda(self) -> bool:
        return self.runs_on() != CPU

    def wanted_device(self) -> str:
        """Return what the settings say; its library brings a CUDA of its own."""
        wanted = device_in_settings(self._settings, self.name, self._settings.revoice.device)
        return wanted if wanted != AUTO or has_cuda_device() else CPU

    def place(self, device: str) -> None:
        self._placed = device

    def runs_on(self) -> str:
        return device_of_load(self._placed or self.wanted_device())

    def recognise(
        self, samples: Samples, language: str | None, usual: str | None, cancel: CancelToken
    ) -> Transcript:
        # A sentence whose words make no sense is tried once more with more silence behind it.
        found = language or ""
        for behind in (BEHIND_SECONDS, PATIENT_BEHIND_SECONDS):
            encoded = self._encode(samples, behind, cancel)
            if language is None:
                found, spoken = choose_language(self._language_probabilities(encoded), usual)
                if not spoken:
                    return Transcript("", found, spoken=False)
            cancel.check()
            written = self._write(encoded, found, samples.size / RATE)
            if not written.senseless:
                return Transcript(written.text, found)
        return Transcript("", found)

    def _encode(self, samples: Samples, behind: float, cancel: CancelToken) -> Any:
        cancel.check()
        silence = np.zeros(round(behind * RATE), np.float32)
        features = self._model.feature_extractor(np.concatenate([samples, silence]))
        cancel.check()
        even = min(features.shape[1] // 2 * 2, MOST_FRAMES)  # it encodes frames in pairs
        return self._model.encode(features[:, :even])

    def _language_probabilities(self, encoded: Any) -> dict[str, float]:
        if not self._model.model.is_multilingual:
            return {"en": 1.0}
        found = self._model.model.detect_language(encoded)[0]
        return {token[2:-2]: probability for token, probability in found}

    def _write(self, encoded: Any, language: str, seconds: float) -> WrittenText:
        from faster_whisper.tokenizer import Tokenizer

        whisper = self._model.model
        tokenizer = Tokenizer(
            self._model.hf_tokenizer, whisper.is_multilingual, "transcribe", language
        )
        prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        if language in PROMPTS and whisper.is_multilingual:
            prompt = [tokenizer.sot_prev, *tokenizer.encode(" " + PROMPTS[language]), *prompt]
        (result,) = whisper.generate(
            encoded,
            [prompt],
            beam_size=self._settings.revoice.beam,
            max_length=len(prompt) + TOKENS_BESIDE + round(TOKENS_A_SECOND * seconds),
            return_scores=True,
            return_no_speech_prob=True,
        )
        tokens = result.sequences_ids[0]
        # CTranslate2 divides by the tokens; Whisper's mean counts the text's end as one more.
        likely = result.scores[0] * len(tokens) / (len(tokens) + 1)
        text = tokenizer.decode(tokens).strip()
        return WrittenText(text, language, likely, result.no_speech_prob, seconds)


@dataclass(frozen=True)
class WrittenText:
    """A text of Whisper's, with its own opinion of it."""

    text: str
    language: str
    likely: float  # mean logarithm of its tokens' probability
    no_speech: float  # probability
    seconds: float  # of sound

    @property
    def senseless(self) -> bool:
        """Tell whether this is no speech: Whisper writes a text for every noise."""
        doubtful = self.no_speech > NO_SPEECH and self.likely < DOUBTFUL
        return doubtful or self.likely < UNLIKELY or self._repetitive or self._hurried

    @property
    def _repetitive(self) -> bool:
        threes = [self.text[place : place + 3] for place in range(len(self.text) - 2)]
        again = len(threes) - len(set(threes))
        return len(self.text) >= LONG_ENOUGH and again > REPETITIVE * len(threes)

    @property
    def _hurried(self) -> bool:
        most = SIGNS_BESIDE + MOST_SIGNS_A_SECOND.get(self.language, 32) * self.seconds
        return len(self.text) > most or self.text == PROMPTS.get(self.language)


def choose_language(probable: Mapping[str, float], usual: str | None) -> tuple[str, bool]:
    """Choose the language of a sentence, and tell whether this server speaks it."""
    spoken: dict[str, float] = dict.fromkeys(LANGUAGES, 0.0)
    for name, probability in probable.items():
        ours = OTHER_NAMES.get(name, name)
        if ours in spoken:
            spoken[ours] += probability
    best = max(spoken, key=spoken.__getitem__)
    top = max(probable, key=probable.__getitem__)
    if OTHER_NAMES.get(top, top) not in spoken and probable[top] >= SURE:
        return top, False
    if usual in spoken and spoken[best] < SURE and spoken[usual] >= HARDLY:
        return usual, True
    return best, True
