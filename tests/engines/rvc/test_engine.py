"""The engine with small random weights: its files, its options and its streams."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.audio import crossfade
from realtime.audio.samples import Samples
from realtime.engines.contract import Converter, TakesOptions
from realtime.engines.placeable import Placeable
from realtime.engines.rvc.engine import Rvc
from realtime.engines.rvc.stream import RvcStream
from realtime.engines.rvc.voice import FrameWindow, RvcVoice
from realtime.engines.several_models import SeveralModels
from realtime.engines.voice_change import VoiceChange
from realtime.engines.voice_features.pitch import share_pitch
from realtime.errors import BadRequest, Unavailable, WeightsMissing
from realtime.settings import ModelsSettings, Settings
from tests.support.contentvec_files import SMALL, small_state, write_fairseq
from tests.support.half_an_hour import WORDS, onsets_of_words
from tests.support.rvc_files import index_bytes, write_index, write_voice
from tests.support.rvc_models import FixedPitch, bring_rvc, convert, local_content
from tests.support.voice_like_sound import voice

BLOCK = 3_200
SOUND = voice(0.8, 150.0, 16_000)
OPEN = VoiceChange(gate=-90.0)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rvc]:
    made = Rvc(bring_rvc(tmp_path_factory.mktemp("models"))).with_model("nana")
    made.load()
    yield made
    made.unload()


def with_options(**options: Any) -> VoiceChange:
    return VoiceChange(gate=-90.0, options=tuple(sorted(options.items())))


def distance(one: Samples, other: Samples) -> float:
    return float(np.sqrt(np.mean((one - other) ** 2) / np.mean(one**2)))


@pytest.fixture
def agreeing(engine: Rvc, monkeypatch: pytest.MonkeyPatch) -> Rvc:
    """Give what is heard by its place alone, as a trained encoder and estimator nearly do."""
    model = engine._loaded
    assert model is not None
    monkeypatch.setattr(model, "content", local_content)
    monkeypatch.setitem(model._estimators, "fcpe", FixedPitch())
    return engine


def test_it_is_what_it_says(engine: Rvc) -> None:
    for kind in (Converter, SeveralModels, Placeable, TakesOptions):
        assert isinstance(engine, kind)
    assert engine.find_models() == ["nana"] and engine.has_model("nana")
    assert not engine.has_model("../nana") and not engine.has_model("")
    assert engine.runs_on() == "cpu"


def test_its_files_are_the_voice_its_index_and_what_voices_share(engine: Rvc) -> None:
    names = [f"{file.engine}/{file.name}" for file in engine.weights]
    assert names[:3] == [
        "rvc/nana.pth",
        "rvc/added_IVF3_Flat_nprobe_1_nana_v2.index",
        "contentvec/hubert_base.pt",
    ]
    assert names[3].startswith("fcpe/")


@pytest.mark.slow
def test_the_options_change_the_sound(engine: Rvc) -> None:
    usual = convert(engine, SOUND, BLOCK, OPEN)
    assert np.isfinite(usual).all() and 1e-3 < np.abs(usual).max() <= 1
    for changed in (
        with_options(index_share=0.0),
        with_options(speaker=3),
        with_options(pitch_method="world"),
        with_options(rms_mix=0.0),
        VoiceChange(gate=-90.0, pitch=4.0),
        VoiceChange(gate=-90.0, target=300.0),
        VoiceChange(gate=-90.0, formant=1.2),
        VoiceChange(gate=-90.0, effect="whisper"),
        VoiceChange(gate=-90.0, seed=1),
    ):
        assert distance(usual, convert(engine, SOUND, BLOCK, changed)) > 0.02, changed
    again = convert(engine, SOUND, BLOCK, VoiceChange(gate=-90.0))
    assert np.array_equal(usual, again)


@pytest.mark.slow
def test_protect_matters_where_there_is_no_pitch(engine: Rvc) -> None:
    noise = np.random.default_rng(2).standard_normal(4 * BLOCK).astype(np.float32) * 0.1
    loose, tight = (
        convert(engine, noise, BLOCK, with_options(protect=protect)) for protect in (0.5, 0.0)
    )
    assert distance(loose, tight) > 0.02


def test_a_speaker_that_is_not_there_is_refused(engine: Rvc) -> None:
    with pytest.raises(BadRequest, match="this voice has 0 to 4"):
        engine.plan(with_options(speaker=5))


def test_silence_gives_silence_and_costs_no_run(
    engine: Rvc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RvcStream, "convert", None)
    assert not convert(engine, np.zeros(2 * BLOCK, np.float32), BLOCK, OPEN).any()


@pytest.mark.slow
def test_noise_stays_unvoiced(engine: Rvc, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaps of the pitch are not filled: a breath must not buzz."""
    pitches: list[np.ndarray] = []
    sound_of = RvcVoice.sound

    def spy(self: RvcVoice, window: FrameWindow, *rest: Any) -> Samples:
        assert window.pitch is not None
        pitches.append(window.pitch[window.start : window.stop])
        return sound_of(self, window, *rest)

    monkeypatch.setattr(RvcVoice, "sound", spy)
    noise = np.random.default_rng(2).standard_normal(4 * BLOCK).astype(np.float32) * 0.1
    convert(engine, noise, BLOCK, OPEN)
    assert np.mean(np.concatenate(pitches) > 0) < 0.1
    pitches.clear()
    convert(engine, SOUND, BLOCK, OPEN)
    assert np.mean(np.concatenate(pitches) > 0) > 0.3


@pytest.mark.slow
def test_the_pitch_is_the_same_for_short_and_long_blocks(
    agreeing: Rvc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The estimator hears other windows; what a frame sounds at differs by less than 10 cents."""
    model = agreeing._loaded
    assert model is not None
    monkeypatch.setitem(model._estimators, "fcpe", share_pitch("fcpe", agreeing._settings, "cpu"))
    sung: dict[int, float] = {}

    def spy(self: RvcVoice, window: FrameWindow, noise: Any, *rest: Any) -> Samples:
        assert window.pitch is not None
        for frame in range(window.start, window.stop):
            sung.setdefault(noise._frame + frame, window.pitch[frame])
        return np.zeros((window.stop - window.start) * self.hop, np.float32)

    monkeypatch.setattr(RvcVoice, "sound", spy)
    sound = voice(2.0, 150.0, 16_000)
    pitches = []
    for block in (1_600, 4_160):
        sung.clear()
        convert(agreeing, sound, block, OPEN)
        pitches.append(np.array([sung[frame] for frame in range(20, 160)]))
    voiced = (pitches[0] > 0) & (pitches[1] > 0)
    assert voiced.sum() > 40 and np.mean((pitches[0] > 0) != (pitches[1] > 0)) < 0.1
    cents = 1_200 * np.abs(np.log2(pitches[0][voiced] / pitches[1][voiced]))
    assert np.quantile(cents, 0.9) < 10


def test_windows_of_any_length_make_one_sound(
    agreeing: Rvc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The published programs begin each window with other noise and phase 0, and mend the join."""
    offsets: list[int] = []
    look = crossfade.Joiner._offset

    def spy(self: crossfade.Joiner, start: Samples, rest: Samples) -> int:
        offsets.append(look(self, start, rest))
        return offsets[-1]

    monkeypatch.setattr(crossfade.Joiner, "_offset", spy)
    sound = voice(2.4, 150.0, 16_000)[:38_400]
    short, long = (convert(agreeing, sound, block, OPEN) for block in (1_600, 4_800))
    other_seed = convert(agreeing, sound, 4_800, VoiceChange(gate=-90.0, seed=1))
    late = 40_000  # output samples, behind the start of the stream
    apart = distance(long[late:], short[late:])
    assert apart < 0.1 < 0.4 < distance(long[late:], other_seed[late:])
    assert set(offsets) == {0}


def test_the_delay_is_that_of_the_plan(agreeing: Rvc, monkeypatch: pytest.MonkeyPatch) -> None:
    """A voice that gives the sound that it got, at its own rate."""
    heard: list[Samples] = []
    keep = local_content

    def content(sound: Samples) -> Samples:
        heard.append(sound)
        return keep(sound)

    def sound(self: RvcVoice, window: FrameWindow, *rest: Any) -> Samples:
        part = heard[-1][window.start * 160 : window.stop * 160]
        return np.repeat(part, 5)[::2]

    monkeypatch.setattr(agreeing._loaded, "content", content)
    monkeypatch.setattr(RvcVoice, "sound", sound)
    times = np.arange(32_000) / 16_000
    sine = 0.5 * np.sin(2 * np.pi * 220 * times).astype(np.float32)
    plan = agreeing.plan(OPEN)
    found = convert(agreeing, sine, BLOCK, OPEN)
    late = plan.latency * plan.output_rate // plan.rate
    assert not found[:late].any()
    expected = np.repeat(sine, 5)[::2][: found.size - late]
    np.testing.assert_allclose(found[late + 8_000 :], expected[8_000:], atol=0.01)
    steps = np.abs(np.diff(found[late + 8_000 :])).max()
    assert steps <= 2 * np.abs(np.diff(expected)).max()


def test_numbers_that_are_none_never_come_out(engine: Rvc, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(sound: Samples) -> Samples:
        return np.full((sound.size // 320 - 1, 768), np.nan, np.float32)

    monkeypatch.setattr(engine._loaded, "content", broken)
    found = convert(engine, SOUND, BLOCK, with_options(rms_mix=0.0))
    assert np.isfinite(found).all()


@pytest.mark.slow
@pytest.mark.parametrize(("version", "pitch"), [("v1", True), ("v2", False)])
def test_other_voices_convert_too(tmp_path: Path, version: str, pitch: bool) -> None:
    settings = bring_rvc(tmp_path, [])
    write_voice(tmp_path / "rvc" / "deep" / "kyo.pth", version, pitch)
    engine = Rvc(settings).with_model("kyo")
    engine.load()
    plan = engine.plan(OPEN)
    found = convert(engine, SOUND, BLOCK, OPEN)
    assert found.size == SOUND.size // BLOCK * BLOCK * plan.output_rate // plan.rate
    assert np.isfinite(found).all() and np.abs(found).max() > 1e-3


def test_a_second_voice_shares_what_is_heard_and_all_goes_with_the_last(tmp_path: Path) -> None:
    settings = bring_rvc(tmp_path, ["nana", "kyo"])
    first, second = (Rvc(settings).with_model(name) for name in ("nana", "kyo"))
    first.load()
    second.load()
    assert first._loaded is not None and second._loaded is not None
    assert first._loaded._encoder is second._loaded._encoder
    assert first._loaded.estimator("fcpe") is second._loaded.estimator("fcpe")
    left = [weakref.ref(first._loaded), weakref.ref(first._loaded._encoder)]
    sounds = [convert(each, SOUND, BLOCK, OPEN) for each in (first, second)]
    assert distance(*sounds) > 0.02
    first.unload()
    gc.collect()
    assert left[0]() is None and left[1]() is not None
    second.unload()
    gc.collect()
    assert left[1]() is None


def test_a_loaded_voice_reads_no_file_and_keeps_its_weights_once(tmp_path: Path) -> None:
    """Leave nothing for the first block of a stream; packed weights are not there twice."""
    engine = Rvc(bring_rvc(tmp_path)).with_model("nana")
    engine.load()
    assert engine._loaded is not None
    network = engine._loaded.voice._network
    weights = [layer.weight for layer in network.dec.modules() if getattr(layer, "packed", None)]
    assert weights and all(weight.untyped_storage().nbytes() == 4 for weight in weights)
    for path in tmp_path.rglob("*.*"):
        path.unlink()
    assert np.abs(convert(engine, SOUND, BLOCK, OPEN)).max() > 1e-3


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    settings = Settings(models=ModelsSettings(path=tmp_path))
    with pytest.raises(WeightsMissing, match=str(tmp_path / "rvc")):
        Rvc(settings).load()
    write_voice(tmp_path / "rvc" / "nana.pth")
    with pytest.raises(BadRequest, match="one must be named"):
        Rvc(settings).load()
    with pytest.raises(BadRequest, match="no model 'kyo'"):
        Rvc(settings).with_model("kyo").load()
    with pytest.raises(WeightsMissing, match="hubert_base.pt"):
        Rvc(settings).with_model("nana").load()


def test_parts_that_do_not_fit_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    settings = bring_rvc(tmp_path)
    engine = Rvc(settings).with_model("nana")
    index = tmp_path / "rvc" / "added_IVF3_Flat_nprobe_1_nana_v2.index"
    write_index(index, numbers=256)
    with pytest.raises(Unavailable, match=r"nana_v2.index cannot be used.*256"):
        engine.load()
    index.write_bytes(index_bytes([np.ones((3, 768), np.float32)])[:-9])
    with pytest.raises(Unavailable, match=r"nana_v2.index cannot be used"):
        engine.load()
    index.unlink()
    (tmp_path / "rvc" / "nana.pth").write_bytes(b"\x80\x02cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(Unavailable, match=r"nana.pth cannot be used"):
        Rvc(settings).with_model("nana").load()
    assert engine._loaded is None


def test_v1_needs_an_encoder_with_its_projection(tmp_path: Path) -> None:
    settings = bring_rvc(tmp_path, [])
    write_voice(tmp_path / "rvc" / "old.pth", "v1")
    state = {name: value for name, value in small_state(SMALL).items() if "final_proj" not in name}
    write_fairseq(tmp_path / "contentvec" / "hubert_base.pt", state)
    with pytest.raises(Unavailable, match="final_proj"):
        Rvc(settings).with_model("old").load()


@pytest.mark.slow
def test_half_an_hour_does_not_drift(engine: Rvc) -> None:
    onsets, lacks = onsets_of_words(engine, OPEN)
    assert lacks == 0 and len(onsets) == WORDS
    assert np.ptp(onsets[1:]) < 0.02, "the first word alone has nothing before it"
