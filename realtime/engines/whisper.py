"""What somebody says, by Whisper on CTranslate2: one sentence in, its words and language out.

It is given little more than the sentence: a whole window of half a minute would take five times as
long. Two seconds of silence behind the sentence keep what Whisper does at the end of its window.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from realtime.engines import whisper_files
from realtime.engines.contract import CancelToken, Samples, Transcript
from realtime.errors import WeightsMissing
from realtime.settings import Settings
from realtime.text.language import LANGUAGES

RATE = 16000
BEHIND_SECONDS = 2.0
PATIENT_BEHIND_SECONDS = 8.0  # when the words make no sense with less
MOST_FRAMES = 3_000
TOKENS_A_SECOND = 12
TOKENS_BESIDE = 16
# Chinese in simplified characters and with commas; it is what Whisper learnt such lines from.
PROMPTS = {"zh": "以下是普通话的句子。"}
OTHER_NAMES = {"yue": "zh"}
# Languages are told apart by probability: sentences are short, and who spoke goes on speaking.
SURE = 0.6
HARDLY = 0.1
# Of what Whisper makes of noise or silence; speech is well on the other side of all of them.
REPETITIVE = 0.6  # of the text, as three signs that have stood there before
LONG_ENOUGH = 16  # signs from which on that is counted
UNLIKELY = -1.0  # mean logarithm of its tokens' probability
DOUBTFUL = -0.5  # the same, where it thinks that there may be no speech
NO_SPEECH = 0.7
MOST_SIGNS_A_SECOND = {"en": 32, "zh": 14, "ja": 18}
SIGNS_BESIDE = 8


class Whisper:
    """The ears of `revoice`; whatever character is wanted speaks what it understood."""

    name = whisper_files.ENGINE
    version = "1"
    sample_rate = RATE

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model: Any = None
        self.pause = settings.revoice.pause_seconds
        self.may_use_cuda = settings.revoice.device != "cpu"
        self.weights = whisper_files.weights(settings.revoice.model)

    def load(self) -> None:
        found = whisper_files.found(self._settings)
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise WeightsMissing(
                "The engine 'revoice' needs the package faster-whisper, which is not installed.",
                hint="Install it: `make serve EXTRAS=revoice`.",
            ) from error
        asked = self._settings.revoice
        threads = asked.threads or self._settings.models.threads or os.cpu_count() or 1
        self._model = WhisperModel(
            found.name,
            device=asked.device,
            compute_type="int8" if asked.device == "cpu" else "int8_float16",
            cpu_threads=threads,
            local_files_only=True,
            files=dict(found.files) or None,
        )
        # The first sentence is the slow one: it belongs to nobody who waits for an answer.
        self.recognise(np.zeros(RATE, np.float32), None, None, CancelToken())

    def unload(self) -> None:
        self._model = None

    def recognise(
        self, samples: Samples, language: str | None, usual: str | None, cancel: CancelToken
    ) -> Transcript:
        asked, language = language, language or ""
        for behind in (BEHIND_SECONDS, PATIENT_BEHIND_SECONDS):
            encoded = self._encoded(samples, behind, cancel)
            if asked is None:
                language, spoken = chosen(self._probable(encoded), usual)
                if not spoken:
                    return Transcript("", language, spoken=False)
            cancel.check()
            written = self._written(encoded, language, samples.size / RATE)
            if not written.senseless:
                return Transcript(written.text, language)
        return Transcript("", language)

    def _encoded(self, samples: Samples, behind: float, cancel: CancelToken) -> Any:
        cancel.check()
        silence = np.zeros(round(behind * RATE), np.float32)
        features = self._model.feature_extractor(np.concatenate([samples, silence]))
        cancel.check()
        even = min(features.shape[1] // 2 * 2, MOST_FRAMES)  # its frames are encoded by twos
        return self._model.encode(features[:, :even])

    def _probable(self, encoded: Any) -> dict[str, float]:
        if not self._model.model.is_multilingual:
            return {"en": 1.0}
        found = self._model.model.detect_language(encoded)[0]
        return {token[2:-2]: probability for token, probability in found}

    def _written(self, encoded: Any, language: str, seconds: float) -> Written:
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
        # The score is a mean over the tokens; the end of the text counts as one of them.
        likely = result.scores[0] * len(tokens) / (len(tokens) + 1)
        text = tokenizer.decode(tokens).strip()
        return Written(text, language, likely, result.no_speech_prob, seconds)


@dataclass(frozen=True)
class Written:
    """What Whisper wrote, and what it thinks of it itself."""

    text: str
    language: str
    likely: float
    no_speech: float
    seconds: float

    @property
    def senseless(self) -> bool:
        """Whether nobody said this: Whisper writes something for every noise."""
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


def chosen(probable: Mapping[str, float], usual: str | None) -> tuple[str, bool]:
    """The language of a sentence, and whether it is one that is spoken here."""
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
