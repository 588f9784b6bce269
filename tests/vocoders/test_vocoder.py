"""A mel in windows sounds as it does whole, for every length, size and batch, and as a stream."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from realtime.audio.samples import Samples
from realtime.errors import BadRequest, Busy, OutOfMemory
from realtime.vocoders.memory_limit import ENDLESS, LONG, MemoryLimit
from realtime.vocoders.networks.base import MelNet
from realtime.vocoders.vocoder import Vocoder, WindowSettings
from tests.support.concurrent_threads import run_in_threads
from tests.support.examples import examples
from tests.support.small_vocoders import network, small

KINDS = ("bigvgan", "hifigan")
LONGEST = 3_000


@functools.cache
def net(kind: str) -> MelNet:
    return small(kind)


@functools.cache
def mel(bands: int) -> torch.Tensor:
    return torch.randn(bands, LONGEST, generator=torch.Generator().manual_seed(3))


def vocoder(
    made: MelNet,
    windows: WindowSettings,
    memory: MemoryLimit | None = None,
    network: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> Vocoder:
    return Vocoder(
        network or made,
        bands=made.bands,
        hop=made.hop,
        sample_rate=24_000,
        reach=made.reach(),
        windows=windows,
        memory=memory,
    )


def whole(made: MelNet, given: torch.Tensor) -> Samples:
    with torch.inference_mode():
        samples: Samples = made(given[None])[0, 0].numpy()
    return samples


@functools.cache
def whole_of(name: str, length: int) -> Samples:
    """Return the sound of a published network for the first frames of `mel`."""
    made = network(name).plain()
    return whole(made, mel(made.bands)[:, :length])


def close(found: Samples, expected: Samples) -> bool:
    return found.shape == expected.shape and float(np.abs(found - expected).max(initial=0)) <= 1e-5


@examples(40)
@given(
    st.sampled_from(KINDS),
    st.lists(st.integers(1, 400) | st.integers(1, LONGEST), min_size=1, max_size=3),
    st.integers(1, 600),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.booleans(),
)
def test_windows_joined_are_the_whole(
    kind: str, lengths: list[int], chunk: int, batch: int, ratio: float, shaped: bool
) -> None:
    made = net(kind)
    mels = [mel(made.bands)[:, :length] for length in lengths]
    windows = WindowSettings(chunk, ratio, batch, prepared_only=shaped)
    rendered = vocoder(made, windows).render(mels)
    for given_mel, found in zip(mels, rendered, strict=True):
        assert close(found, whole(made, given_mel))


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", ["bigvgan_tiny", "generator_v4_tiny"])
@pytest.mark.parametrize("chunk", [160, 333, 500])
@pytest.mark.parametrize("batch", [1, 4])
def test_windows_of_the_published_networks_joined_are_the_whole(
    name: str, chunk: int, batch: int
) -> None:
    made = network(name).plain()
    for length in (1, 2, 38, 39, 76, 77, 159, 160, 161, 499, 500, 501, 1_000, 2_999, LONGEST):
        given_mel = mel(made.bands)[:, :length]
        (found,) = vocoder(made, WindowSettings(chunk, batch=batch)).render([given_mel])
        assert close(found, whole_of(name, length)), length


@pytest.mark.slow
@examples(30)
@given(
    st.sampled_from(KINDS),
    st.integers(1, 1_200),
    st.lists(st.integers(1, 300), min_size=1, max_size=6),
    st.integers(1, 400),
    st.integers(1, 40),
    st.booleans(),
)
def test_a_stream_is_the_whole_however_the_mel_comes(
    kind: str, length: int, steps: list[int], chunk: int, first: int, shaped: bool
) -> None:
    made = net(kind)
    given_mel = mel(made.bands)[:, :length]
    stream = vocoder(made, WindowSettings(chunk, first=first, prepared_only=shaped)).stream()
    pieces: list[Samples] = []
    done = 0
    while done < length:
        step = steps[len(pieces) % len(steps)]
        pieces += stream.feed(given_mel[:, done : done + step])
        done += step
    pieces += stream.finish()
    assert close(np.concatenate(pieces), whole(made, given_mel))


def test_a_stream_speaks_as_soon_as_it_can_and_keeps_little() -> None:
    made = net("bigvgan")
    reach = made.reach()
    stream = vocoder(made, WindowSettings(200, first=8)).stream()
    assert list(stream.feed(mel(made.bands)[:, : 8 + reach.after])) == []
    (first,) = stream.feed(mel(made.bands)[:, 8 + reach.after : 9 + reach.after])
    assert first.size == 8 * made.hop
    for start in range(9 + reach.after, 2_900, 100):
        list(stream.feed(mel(made.bands)[:, start : start + 100]))
        assert stream._held is not None and stream._held.shape[1] < 500
    list(stream.finish())
    with pytest.raises(ValueError, match="ended"):
        stream.feed(mel(made.bands)[:, :3])


def test_what_overlaps_is_told() -> None:
    made, told = net("bigvgan"), []
    reach = made.reach()
    counted = Vocoder(
        made,
        bands=made.bands,
        hop=made.hop,
        sample_rate=24_000,
        reach=reach,
        windows=WindowSettings(100, batch=1),
        count_overlap=lambda computed, kept: told.append((computed, kept)),
    )
    counted.render([mel(6)[:, :500]])
    list(counted.stream().feed(mel(6)[:, :50]))
    assert told[0] == (100, 100 - reach.after)
    assert told[1] == (100, 100 - reach.both)
    assert told[-1] == (16 + reach.after, 16)  # a stream's first window


def test_a_mel_shorter_than_any_window_and_none_at_all() -> None:
    made = net("hifigan")
    empty, short = vocoder(made, WindowSettings(300)).render([mel(6)[:, :0], mel(6)[:, :1]])
    assert empty.size == 0
    assert close(short, whole(made, mel(6)[:, :1]))
    assert list(vocoder(made, WindowSettings(300)).stream().finish()) == []


def test_two_threads_at_once_each_hear_their_own() -> None:
    made = net("hifigan")
    shared = vocoder(made, WindowSettings(100, batch=4))
    wrong: list[int] = []

    def speak(number: int) -> None:
        for turn in range(6):
            given_mel = mel(made.bands)[:, 10 * number + turn : 700 + 11 * number]
            if not close(shared.render([given_mel])[0], whole(made, given_mel)):
                wrong.append(number)

    run_in_threads(4, speak)
    assert not wrong


def small_memory(
    made: MelNet, most: int, error: Exception | None = None
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Run on a device on which only `most` frames fit."""

    def run(mels: torch.Tensor) -> torch.Tensor:
        if mels.shape[0] * mels.shape[2] > most:
            raise error or torch.OutOfMemoryError("no more")
        sound: torch.Tensor = made(mels)
        return sound

    return run


@pytest.mark.slow
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("error", [None, OutOfMemory("full"), MemoryError("full")])
def test_too_little_memory_makes_windows_smaller_and_the_sound_stays(
    streamed: bool, error: Exception | None
) -> None:
    made = net("bigvgan")
    memory = MemoryLimit(1, lambda: ENDLESS)
    tight = vocoder(made, WindowSettings(400, batch=3), memory, small_memory(made, 120, error))
    given_mel = mel(made.bands)[:, :1_500]
    if streamed:
        stream = tight.stream()
        found = np.concatenate([*stream.feed(given_mel), *stream.finish()])
    else:
        (found,) = tight.render([given_mel])
    assert close(found, whole(made, given_mel))
    assert memory.frames_per_window(1) < LONG, "it shrank"


def test_memory_that_is_known_to_be_short_is_not_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = net("bigvgan")
    memory = MemoryLimit(1_000, lambda: 250_000)
    run = small_memory(made, 200)
    (found,) = vocoder(made, WindowSettings(400, batch=1), memory, run).render([mel(6)[:, :900]])
    assert close(found, whole(made, mel(6)[:, :900]))
    assert not caplog.records, "it never had to shrink"


def test_where_nothing_fits_it_says_so() -> None:
    made = net("hifigan")
    with pytest.raises(Busy) as caught:
        vocoder(made, WindowSettings(100), None, small_memory(made, 5)).render([mel(6)[:, :300]])
    assert caught.value.code == "out_of_memory"


@pytest.mark.parametrize("shape", [(5, 10), (6,), (1, 6, 10)])
def test_what_is_no_mel_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadRequest) as caught:
        vocoder(net("hifigan"), WindowSettings(100)).render([torch.zeros(shape)])
    assert caught.value.code == "bad_mel"


def test_work_can_be_ended_between_two_runs() -> None:
    made, runs = net("hifigan"), 0

    def check() -> None:
        nonlocal runs
        runs += 1
        if runs == 2:
            raise InterruptedError

    windows = WindowSettings(chunk=100, batch=1)
    with pytest.raises(InterruptedError):
        vocoder(made, windows).render([mel(made.bands)], check)
    assert runs == 2
