"""Sentences of v3 and v4 become sound, chunk by chunk, as if they were made in one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from realtime.audio.samples import Samples
from realtime.engines.contract import WorkCancelled
from realtime.engines.gpt_sovits.mel_speech import MelSentence, MelSound, MelSpeech
from realtime.engines.gpt_sovits.networks.mel_sovits import RATES
from realtime.engines.gpt_sovits.networks.sovits import Style
from realtime.engines.gpt_sovits.networks.spectrogram import PROMPT_MELS, prompt_mel
from realtime.vocoders.vocoder import Vocoder, WindowSettings
from tests.support.gpt_sovits_files import tensor
from tests.support.mel_networks import VERSIONS_WITH_MEL, cases_of, mel_network
from tests.support.small_vocoders import network as vocoder_network

VOCODERS = {"v3": "bigvgan_tiny", "v4": "generator_v4_tiny"}
STEPS = 3


class Noise:
    """Noise of a seed, which remembers what was asked for."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self.asked: list[tuple[int, int]] = []

    def frames(self, first: int, count: int, channels: int) -> npt.NDArray[np.float32]:
        self.asked.append((first, count))
        rows = [
            np.random.default_rng((self._seed, frame)).standard_normal(channels, np.float32)
            for frame in range(first, first + count)
        ]
        return np.stack(rows, axis=1)


class Sentence:
    """The reference numbers of a version as a sentence, with its vocoder."""

    def __init__(self, version: str, chunk: int | None = None) -> None:
        self.cases, network = cases_of(version), mel_network()
        rates = RATES[version]
        if chunk is not None:
            rates = replace(rates, prompt=chunk // 3, chunk=chunk)
        net = vocoder_network(VOCODERS[version])
        self.vocoder = Vocoder(
            net,
            bands=net.bands,
            hop=net.hop,
            sample_rate=0,
            reach=net.reach(),
            windows=WindowSettings(chunk=100),
        )
        self.speech = MelSpeech(network, self.vocoder, rates)
        with torch.inference_mode():
            self.style: Style = network.style_of([tensor(self.cases, "shared.in.refer0")], [])
        self.codes, self.phones = self._numbers("codes"), self._numbers("text")
        mel = prompt_mel(tensor(self.cases, "loop.in.raw"), PROMPT_MELS[version])
        self.known = self.speech.known_mel(
            self._numbers("prompt_codes"), self._numbers("prompt_text"), self.style, mel
        )

    def _numbers(self, name: str) -> list[int]:
        return [int(each) for each in tensor(self.cases, f"loop.in.{name}")]

    def with_noise(self, noise: Noise) -> MelSentence:
        return MelSentence(self.codes, self.phones, self.style, self.known, noise, STEPS)

    def mel(self, noise: Noise, **changes: Any) -> torch.Tensor:
        sentence = replace(self.with_noise(noise), **changes)
        return torch.cat([*self.speech.mels(sentence)], dim=1)

    def sound(self, noise: Noise, check: Callable[[], None] = lambda: None) -> Iterator[Samples]:
        return self.speech.speak(self.with_noise(noise), check)


@pytest.fixture(
    params=[v if v == "v4" else pytest.param(v, marks=pytest.mark.slow) for v in VERSIONS_WITH_MEL]
)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("chunk", [None, 75])
def test_the_sound_is_that_of_the_whole_mel(version: str, chunk: int | None) -> None:
    sentence = Sentence(version, chunk)
    mel = sentence.mel(Noise())
    expected = sentence.vocoder.render([mel])[0]
    noise = Noise()
    pieces = [*sentence.sound(noise)]
    found = np.concatenate(pieces)
    assert found.shape == expected.shape and np.abs(found - expected).max() < 1e-4
    assert len(pieces) > 1 and len(noise.asked) == (1 if chunk is None else 3)


@pytest.mark.slow
def test_the_same_seed_is_the_same_sound_and_another_is_not(version: str) -> None:
    sentence = Sentence(version)
    once, again, other = (np.concatenate([*sentence.sound(Noise(seed))]) for seed in (1, 1, 2))
    assert np.array_equal(once, again) and not np.array_equal(once, other)


def test_each_frame_has_its_own_noise_wherever_chunks_are_cut(version: str) -> None:
    noise = Noise()
    Sentence(version, 75).mel(noise)
    ends = [first + count for first, count in noise.asked]
    assert [first for first, _ in noise.asked] == [0, *ends[:-1]]


@pytest.mark.slow
def test_a_code_lasts_40_ms_at_any_rate(version: str) -> None:
    """Upstream counts pauses and, with a speed, frames otherwise from version to version."""
    sentence = Sentence(version)
    rate = {"v3": 24_000, "v4": 48_000}[version]
    samples = sum(piece.size for piece in sentence.sound(Noise()))
    assert abs(samples / rate - 0.04 * len(sentence.codes)) < 0.011
    fast = sentence.mel(Noise(), speed=1.5)
    slow = sentence.mel(Noise(), speed=0.75)
    assert 1.9 < slow.shape[1] / fast.shape[1] < 2.1


@pytest.mark.slow
def test_the_reference_is_continued(version: str) -> None:
    """Its mel and its features both count, and are of the same clip."""
    sentence = Sentence(version)
    usual = sentence.mel(Noise())
    known = sentence.known
    for other in (replace(known, mel=known.mel + 0.5), replace(known, features=-known.features)):
        assert not torch.allclose(sentence.mel(Noise(), known=other), usual, atol=1e-3)


def test_it_ends_within_a_step(version: str) -> None:
    sentence, calls = Sentence(version), 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise WorkCancelled

    with pytest.raises(WorkCancelled):
        next(sentence.sound(Noise(), check))
    assert calls == 2


@pytest.mark.slow
def test_codes_that_come_bit_by_bit_sound_as_all_at_once(version: str) -> None:
    sentence = Sentence(version)
    expected = np.concatenate([*sentence.sound(Noise())])
    sound = MelSound(sentence.speech, replace(sentence.with_noise(Noise()), codes=()))
    assert not [*sound.feed(sentence.codes[:5], False)]
    assert np.array_equal(np.concatenate([*sound.feed(sentence.codes, True)]), expected)
