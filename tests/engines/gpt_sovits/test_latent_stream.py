"""Sound in chunks is nearly that of the whole, without steps, gaps or repetition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch

from realtime.audio.samples import Samples
from realtime.engines.gpt_sovits.codes import FRAMES
from realtime.engines.gpt_sovits.latent_stream import LatentStream
from realtime.engines.gpt_sovits.networks.sovits import SovitsDecoder, Style
from realtime.engines.gpt_sovits.random_numbers import SentenceNoise
from tests.engines.gpt_sovits.networks.test_sovits import load, make_style
from tests.engines.gpt_sovits.networks.test_sovits import speak as speak_whole

PHONES = [5, 9, 12, 40, 41]
CODES = [*range(0, 640, 16)]


def start(seed: int = 3, **more: Any) -> tuple[SovitsDecoder, Style, LatentStream]:
    reference, network = load("sovits_v2proplus_tiny")
    style = make_style(reference, network, 1)
    noise = SentenceNoise(seed, PHONES)
    return network, style, LatentStream(network, PHONES, style, noise, **more)


def join(sounds: Iterable[Samples]) -> Samples:
    return np.concatenate([np.zeros(0, np.float32), *sounds])


def in_chunks(stream: LatentStream, counts: list[int]) -> list[Samples]:
    ends = np.cumsum(counts).tolist()
    return [join(stream.feed(CODES[:end], end == ends[-1])) for end in ends]


def test_all_at_once_is_the_network_alone() -> None:
    network, style, stream = start()
    (sound,) = in_chunks(stream, [40])
    noise = SentenceNoise(3, PHONES).frames(0, FRAMES * 40, network.shape.latent)
    with torch.inference_mode():
        expected = speak_whole(
            network, torch.tensor(CODES), torch.tensor(PHONES), style, torch.from_numpy(noise)[None]
        )
    np.testing.assert_allclose(sound, expected[0, 0].numpy(), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("counts", [[16, 16, 8], [3, 3, 3, 31], [39, 1], [1, 1, 38]])
def test_chunks_are_as_long_as_the_whole_and_nearly_the_same(counts: list[int]) -> None:
    network, _, stream = start()
    sound = np.concatenate(in_chunks(stream, counts))
    (whole,) = in_chunks(start()[2], [40])
    assert sound.size == whole.size == 40 * FRAMES * network.hop
    assert np.corrcoef(sound, whole)[0, 1] > 0.9
    # A step would be larger than any between two samples of the whole.
    assert np.abs(np.diff(sound)).max() < 1.5 * np.abs(np.diff(whole)).max()


def test_the_first_chunk_holds_back_what_is_not_certain_yet() -> None:
    network, _, stream = start(held_frames=4)
    first = join(stream.feed(CODES[:16], False))
    assert first.size == (16 * FRAMES - 4) * network.hop
    assert join(stream.feed(CODES[:16], False)).size == 0
    assert join(stream.feed(CODES[:16], True)).size == 4 * network.hop


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 3.0])
def test_speed_changes_the_length_alone(speed: float) -> None:
    network, _, stream = start(speed=speed)
    sound = np.concatenate(in_chunks(stream, [16, 24]))
    assert sound.size == int(40 * FRAMES / speed) * network.hop
    assert np.isfinite(sound).all()


def test_another_seed_is_another_sound() -> None:
    one, other = (np.concatenate(in_chunks(start(seed)[2], [16, 24])) for seed in (1, 2))
    assert not np.allclose(one, other)
