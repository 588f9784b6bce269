"""A stream's windows: places, phases and noise agree, whatever the blocks are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from realtime.engines.contract import Samples
from realtime.engines.ddsp_svc.engine import DdspSvc
from realtime.engines.ddsp_svc.features import Singles, frame_volume, smooth_volume
from realtime.engines.ddsp_svc.model import DdspModel
from realtime.engines.ddsp_svc.options import manner_of
from realtime.engines.ddsp_svc.stream import DdspStream, window_shape
from realtime.engines.sliding_window import SlidingWindow, SoundWindow
from realtime.engines.voice_change import VoiceChange
from realtime.settings import Settings
from tests.support import ddsp_files as files
from tests.support.voice_like_sound import voice

RATE, STEP, HOP = 44_100, 882, 64
OPTIONS = (("pitch_method", "world"), ("steps", 1))
CHANGE = VoiceChange(gate=-90.0, options=OPTIONS)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = files.settings_with_voices(tmp_path_factory.mktemp("models"), "6.1", "6.2")
    files.write_small_vocoder(made.models.path, "6.1", config={"pc_aug": True})
    return made


@pytest.fixture(scope="module")
def model(settings: Settings) -> Iterator[DdspModel]:
    engine = DdspSvc(settings).with_model("v6.1")
    engine.load()
    assert engine._loaded is not None
    yield engine._loaded
    engine.unload()


class SteadyEstimator:
    """An estimator that always hears the same pitch, of no whole number of turns a window."""

    def load(self) -> None:
        pass

    def pitch(self, sound: Samples) -> Samples:
        return np.full(sound.size // 160 + 1, 173.3, np.float32)


class EchoStream(DdspStream):
    """A stream whose vocoder gives the sound that came in; it keeps what it was told."""

    heard: SoundWindow

    def _content(self, window: SoundWindow) -> Samples:
        self.heard = window
        return super()._content(window)

    def _vocoded(self, mel: Tensor, pitch: Singles, first: int, late: int) -> Samples:
        start = (first + late) * HOP - self.heard.first
        return self.heard.sound[start : start + mel.shape[2] * HOP].copy()


class PitchStream(DdspStream):
    """A stream that keeps the pitch of its frames and of its sources."""

    def __init__(self, model: DdspModel, change: VoiceChange) -> None:
        super().__init__(model, change, manner_of(change, model))
        self.settled: dict[int, float] = {}
        self.lowered: list[float] = []

    def _source_sound(self, units: Tensor, pitch: Singles, volume: Singles, first: int) -> Tensor:
        self.settled |= {first + n: float(each) for n, each in enumerate(pitch)}
        return super()._source_sound(units, pitch, volume, first)


def run(
    model: DdspModel, stream: DdspStream, sound: Samples, steps: int, change: VoiceChange = CHANGE
) -> Samples:
    windows = SlidingWindow(window_shape(model, manner_of(change, model)))
    size = steps * STEP
    pieces = [
        windows.join(stream.convert(windows.window(sound[at : at + size]), lambda: None))
        for at in range(0, sound.size - size + 1, size)
    ]
    return np.concatenate(pieces)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 7, 25])
def test_the_delay_is_exactly_the_latency(model: DdspModel, steps: int) -> None:
    sound = voice(0.8, 140.0, RATE)
    sound[20_000] = 0.9  # an impulse
    stream = EchoStream(model, CHANGE, manner_of(CHANGE, model))
    found = run(model, stream, sound, steps)
    latency = window_shape(model, manner_of(CHANGE, model)).latency
    assert not found[:latency].any()
    np.testing.assert_allclose(found[latency:], sound[: found.size - latency], atol=1e-6)


@pytest.mark.slow
def test_windows_agree_where_the_pitch_does(
    model: DdspModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Phases are carried and noise is drawn by place: other blocks give the same waveform."""
    monkeypatch.setitem(model._estimators, "world", SteadyEstimator())
    wide = torch.Generator().manual_seed(3)
    table = torch.randn(1, 1, files.CONTENT_WIDTH, generator=wide)
    monkeypatch.setattr(
        model.encoder, "units", lambda content, twice: table.repeat(1, content.size // 320, 1)
    )
    sound = voice(1.2, 170.0, RATE)
    manner = manner_of(CHANGE, model)
    short, long = (run(model, DdspStream(model, CHANGE, manner), sound, steps) for steps in (5, 13))
    size = min(short.size, long.size)
    # 0.2 % as it is; 3 % or more with one phase or one noise that begins anew in each window.
    assert np.std(short[:size] - long[:size]) < 0.005 * np.std(short)
    other = VoiceChange(gate=-90.0, seed=1, options=OPTIONS)
    seeded = run(model, DdspStream(model, other, manner), sound, 5)
    assert np.std(short - seeded) > 0.2 * np.std(short)


@pytest.mark.parametrize("version", ["6.1", "6.2"])
def test_a_level_stays_at_the_ends_of_blocks(settings: Settings, version: str) -> None:
    """The newest 20 ms are not used: there the level would be that of mirrored sound."""
    engine = DdspSvc(settings).with_model(f"v{version}")
    engine.load()
    model = engine._loaded
    assert model is not None
    times = np.arange(2 * RATE) / RATE
    vowel = sum(0.1 / n * np.sin(2 * np.pi * 150 * n * times) for n in range(1, 8))
    sound = np.asarray(vowel, np.float32)
    stream = DdspStream(model, CHANGE, manner_of(CHANGE, model))
    windows = SlidingWindow(window_shape(model, manner_of(CHANGE, model)))
    heard: dict[int, float] = {}
    for at in range(0, sound.size - 5 * STEP + 1, 5 * STEP):
        window = windows.window(sound[at : at + 5 * STEP])
        first, count = stream._frames(window)
        volume = stream._volume(window, first, count)
        piece = range((window.first + window.start) // HOP, (window.first + window.stop) // HOP)
        heard |= {frame: volume[frame - first] for frame in piece if frame > 12_000 // HOP}
    smooth = model.config.volume_window
    whole = frame_volume(sound, HOP) if smooth is None else smooth_volume(sound, HOP, RATE, smooth)
    expected = np.array([whole[frame] for frame in heard])
    change = 20 * np.log10(np.array(list(heard.values())) / expected)
    assert len(heard) > 500 and np.abs(change).max() < 0.5


def test_the_pitch_moves_by_semitones_or_to_a_target(model: DdspModel) -> None:
    sound = voice(1.0, 140.0, RATE)

    def median(change: VoiceChange) -> float:
        stream = PitchStream(model, change)
        run(model, stream, sound, 10, change)
        return float(np.median(list(stream.settled.values())))

    usual = median(CHANGE)
    higher = median(VoiceChange(gate=-90.0, pitch=12.0, options=OPTIONS))
    assert higher == pytest.approx(2 * usual, rel=0.01)
    moved = median(VoiceChange(gate=-90.0, target=250.0, speaker=usual, options=OPTIONS))
    assert moved == pytest.approx(250.0, rel=0.01)
    learnt = median(VoiceChange(gate=-90.0, target=250.0, options=OPTIONS))
    assert learnt == pytest.approx(250.0, rel=0.15)


def test_a_settled_pitch_stays(model: DdspModel) -> None:
    """A frame that was heard has the same pitch in all later windows."""
    sound = voice(1.0, 140.0, RATE)
    stream = PitchStream(model, CHANGE)
    shape = window_shape(model, stream._manner)
    windows = SlidingWindow(shape)
    size = 5 * STEP
    for at in range(0, sound.size - size + 1, size):
        before = dict(stream.settled)
        window = windows.window(sound[at : at + size])
        heard_end = (window.first + window.start) // HOP  # what the windows before gave
        stream.convert(window, lambda: None)
        for frame, pitch in before.items():
            if frame < heard_end:
                assert stream.settled[frame] == pitch


def test_a_vocal_register_lowers_the_voice_and_not_the_vocoder(model: DdspModel) -> None:
    sound = voice(0.6, 140.0, RATE)
    change = VoiceChange(gate=-90.0, options=(*OPTIONS, ("vocal_register", 5.0)))
    plain, moved = PitchStream(model, CHANGE), PitchStream(model, change)
    usual, higher = run(model, plain, sound, 10), run(model, moved, sound, 10, change)
    assert plain.settled == moved.settled and not np.allclose(usual, higher, atol=1e-3)
    one, other = (stream._comb._phases[1] for stream in (plain, moved))
    assert not np.allclose(one[1:20], other[1:20])
    assert np.allclose(plain._harmonics._phases[1], moved._harmonics._phases[1])
