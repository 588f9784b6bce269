"""Voices of DDSP-SVC convert sound: by whole path, with small weights in the published formats."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from realtime.engines.contract import CancelToken, Samples, WorkCancelled
from realtime.engines.ddsp_svc.engine import DdspSvc
from realtime.engines.ddsp_svc.options import FORMANTS
from realtime.engines.options import OptionValue, options_of
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, Unavailable, WeightsMissing
from realtime.settings import Settings
from tests.support import ddsp_files as files
from tests.support.half_an_hour import WORDS, onsets_of_words
from tests.support.voice_like_sound import voice

LIGHT: tuple[tuple[str, OptionValue], ...] = (("pitch_method", "world"), ("steps", 1))
RATE = 44_100


def opened(settings: Settings, version: str) -> DdspSvc:
    engine = DdspSvc(settings).with_model(f"v{version}")
    engine.load()
    return engine


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return files.settings_with_voices(tmp_path_factory.mktemp("models"), "6.1", "6.2", "6.3")


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[DdspSvc]:
    made = opened(settings, "6.1")
    yield made
    made.unload()


@pytest.fixture(scope="module")
def sound() -> Samples:
    return voice(1.5, 140.0, RATE)


def wish(*options: tuple[str, OptionValue], **change: float) -> VoiceChange:
    given = {**dict(LIGHT), **dict(options)}
    fields: dict[str, Any] = {"gate": -90.0, **change}
    return VoiceChange(options=options_of(given), **fields)


def convert(
    engine: DdspSvc, sound: Samples, change: VoiceChange | None = None, seconds: float = 0.5
) -> Samples:
    change = change or wish()
    size = round(seconds * 50) * engine.plan(change).step
    blocks = [sound[at : at + size] for at in range(0, sound.size - size + 1, size)]
    return np.concatenate(list(engine.convert(iter(blocks), change, CancelToken())))


def spectra(sound: Samples) -> torch.Tensor:
    window = torch.hann_window(1_024)
    found = torch.stft(torch.from_numpy(sound), 1_024, 256, window=window, return_complex=True)
    return (found.abs() + 1e-3).log()


def distance(one: Samples, other: Samples) -> float:
    size = min(one.size, other.size)
    return float((spectra(one[:size]) - spectra(other[:size])).abs().mean())


@pytest.mark.parametrize("version", ["6.2", "6.3"])
def test_a_voice_of_each_version_is_heard(settings: Settings, sound: Samples, version: str) -> None:
    engine = opened(settings, version)
    found = convert(engine, sound)
    assert found.size == sound.size // 22_050 * 22_050
    assert np.isfinite(found).all() and 0.01 < np.abs(found).max() <= 1.0


@pytest.mark.slow
def test_a_voice_of_60_is_heard(tmp_path: Path, sound: Samples) -> None:
    found = convert(opened(files.settings_with_voices(tmp_path, "6.0"), "6.0"), sound)
    assert np.isfinite(found).all() and 0.01 < np.abs(found).max() <= 1.0


@pytest.mark.slow
def test_the_same_sound_in_other_blocks_is_nearer_than_another_seed(
    engine: DdspSvc, sound: Samples
) -> None:
    short, long = convert(engine, sound, seconds=0.1), convert(engine, sound, seconds=0.26)
    other = convert(engine, sound, wish(seed=1), seconds=0.1)
    assert distance(short, long) < 0.7 * distance(short, other)


def test_silence_gives_silence_and_costs_no_run(
    engine: DdspSvc, sound: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = engine.plan(wish())
    quiet = np.zeros(4 * plan.block, np.float32)
    found = convert(engine, np.concatenate([sound[: plan.block], quiet]))
    assert np.abs(found[: 2 * plan.block]).max() > 0.01
    assert not found[plan.block + plan.latency + plan.context :].any()
    monkeypatch.setattr("realtime.engines.ddsp_svc.stream.DdspStream.convert", None)
    assert not convert(engine, quiet).any()


def test_quiet_parts_are_silent_where_the_gate_says_so(engine: DdspSvc, sound: Samples) -> None:
    assert not convert(engine, 0.01 * sound, wish(gate=-20.0)).any()
    assert convert(engine, 0.01 * sound, wish(gate=-80.0)).any()


def test_numbers_that_are_none_become_silence(
    engine: DdspSvc, sound: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine._loaded is not None
    encoder = engine._loaded.encoder
    usual = encoder.units

    def broken(content: Samples, *, twice: bool = False) -> torch.Tensor:
        units = usual(content, twice=twice)
        units[:, 10:20] = torch.nan
        return units

    monkeypatch.setattr(encoder, "units", broken)
    found = convert(engine, sound)
    assert np.isfinite(found).all() and (found == 0.0).any()


@pytest.mark.slow
def test_speakers_differ_and_can_be_mixed(engine: DdspSvc, sound: Samples) -> None:
    first, third = (convert(engine, sound, wish(("speaker", each))) for each in (1, 3))
    assert distance(first, third) > 0.01
    assert np.array_equal(convert(engine, sound, wish(("speaker_mix", "1:1"))), first)
    mixed = convert(engine, sound, wish(("speaker_mix", "1:0.3, 3:0.7")))
    assert distance(mixed, first) > 0.003 and distance(mixed, third) > 0.003


@pytest.mark.slow
def test_options_of_the_flow_change_the_sound(engine: DdspSvc, sound: Samples) -> None:
    usual = convert(engine, sound)
    for option in (("steps", 3), ("method", "rk4"), ("t_start", 0.9), ("t_start", 1.0)):
        assert distance(convert(engine, sound, wish(option)), usual) > 1e-3
    # Below what the voice was trained with, that is taken.
    assert np.array_equal(convert(engine, sound, wish(("t_start", 0.1))), usual)


def test_without_the_flow_windows_are_shorter(engine: DdspSvc) -> None:
    assert engine.plan(wish(("t_start", 1.0))).context < engine.plan(wish()).context


@pytest.mark.slow
def test_formants_move_where_the_voice_was_trained_for_it(
    engine: DdspSvc, sound: Samples, settings: Settings
) -> None:
    assert distance(convert(engine, sound, wish(formant=1.2)), convert(engine, sound)) > 1e-3
    with pytest.raises(BadRequest, match=r"formant is 2; voices of DDSP-SVC take 0\.75 to 1\.33"):
        engine.plan(wish(formant=2.0))
    bounds = engine.formant_range()
    assert bounds == FORMANTS
    for bound in bounds:
        assert engine.plan(wish(formant=bound))
    state = files.widened(files.ddsp_weights("6.1"), files.CONTENT_WIDTH)
    del state["ddsp_model.unit2ctrl.aug_shift_embed.weight"]
    folder = settings.models.path / "ddsp_svc" / "plain"
    files.write_ddsp_voice(folder, "6.1", state=state)
    plain = DdspSvc(settings).with_model("plain")
    plain.load()
    assert plain.formant_range() is None
    assert plain.plan(wish())
    with pytest.raises(BadRequest, match="without use_pitch_aug"):
        plain.plan(wish(formant=1.2))


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("speaker", 4), "no speaker 4: this voice has 1 to 3"),
        (("speaker_mix", "1:0.5,7:0.5"), "no speaker 7"),
        (("speaker_mix", "1:0.5,1:0.5"), "speaker 1 twice"),
        (("speaker_mix", "0:0.5"), "no speaker 0"),
        (("speaker_mix", "1:0"), "no weight above 0"),
        (("speaker_mix", "1:."), "'1:.'"),
        (("speaker_mix", "1"), "'1'"),
        (("speaker_mix", "{1: 0.5}"), "expected are speakers with weights"),
        (("speaker_mix", "1:__import__('os')"), "expected are speakers with weights"),
        (("vocal_register", 2.0), "trained with pc_aug"),
        (("pitch_method", "sorcery"), "no pitch method 'sorcery'"),
    ],
)
def test_wishes_that_the_voice_cannot_fulfil_are_refused(
    engine: DdspSvc, option: tuple[str, float | str], told: str
) -> None:
    change = wish(option)
    with pytest.raises(BadRequest, match=told):
        engine.plan(change)
        list(engine.convert(iter([np.ones(22_050, np.float32)]), change, CancelToken()))


def test_a_cancel_stops_within_a_block(engine: DdspSvc, sound: Samples) -> None:
    cancel = CancelToken()
    stream = engine.convert(iter([sound[:22_050]] * 2), wish(("steps", 200)), cancel)
    model = engine._loaded
    assert model is not None
    usual = model.voice.refine

    def cancelled(*arguments: Any, **named: Any) -> torch.Tensor:
        cancel.set()
        return usual(*arguments, **named)

    model.voice.refine = cancelled  # type: ignore[method-assign]
    try:
        with pytest.raises(WorkCancelled):
            next(stream)
    finally:
        del model.voice.refine


def test_voices_share_the_encoder_and_the_vocoder_and_all_goes(settings: Settings) -> None:
    first, second = (opened(settings, version) for version in ("6.2", "6.3"))
    one, other = first._loaded, second._loaded
    assert one is not None and other is not None
    assert one.encoder is other.encoder and one.vocoder is other.vocoder
    gone = [weakref.ref(each) for each in (one, other, one.voice)]
    del one, other
    first.unload()
    second.unload()
    gc.collect()
    assert not any(each() for each in gone)


@pytest.mark.slow
def test_two_voices_at_once_give_what_each_gives_alone(settings: Settings, sound: Samples) -> None:
    engines = [opened(settings, version) for version in ("6.2", "6.3")]
    parts = [sound[at : at + 22_050] for at in (0, 22_050)]
    alone = [list(each.convert(iter(parts), wish(), CancelToken())) for each in engines]
    streams = [each.convert(iter(parts), wish(), CancelToken()) for each in engines]
    for number in range(len(parts)):
        for stream, expected in zip(streams, alone, strict=True):
            assert np.array_equal(next(stream), expected[number])


def test_a_voice_costs_no_more_than_its_file(engine: DdspSvc, settings: Settings) -> None:
    """A second voice costs its own tensors: all else is shared."""
    assert engine._loaded is not None
    tensors = (each.numel() * each.element_size() for each in engine._loaded.voice.parameters())
    file = settings.models.path / "ddsp_svc" / "v6.1" / "model_100.pt"
    assert sum(tensors) < 1.1 * file.stat().st_size


def test_a_loaded_voice_has_computed_a_window(engine: DdspSvc) -> None:
    """The first block of a stream loads nothing: the usual estimator is there."""
    assert engine._loaded is not None and "fcpe" in engine._loaded._estimators


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    settings = files.settings_with_voices(tmp_path, "6.1")
    with pytest.raises(BadRequest, match="has no model 'nana'"):
        DdspSvc(settings).with_model("nana").load()
    with pytest.raises(BadRequest, match="one must be named"):
        DdspSvc(settings).load()
    (tmp_path / "nsf_hifigan" / "config.json").unlink()
    with pytest.raises(WeightsMissing, match=r"nsf_hifigan/config\.json"):
        opened(settings, "6.1")


def test_a_vocoder_of_another_mel_is_refused(tmp_path: Path) -> None:
    settings = files.settings_with_voices(tmp_path, "6.1")
    files.write_small_vocoder(tmp_path, "6.0")
    with pytest.raises(
        Unavailable, match="64 samples and 24 bands.* has 44100, 512 and 40"
    ) as told:
        opened(settings, "6.1")
    assert told.value.code == "bad_weights"


def test_a_voice_for_another_encoder_is_refused(tmp_path: Path) -> None:
    settings = files.settings_with_voices(tmp_path, "6.1")
    files.write_ddsp_voice(tmp_path / "ddsp_svc" / "v6.1", "6.1", step=200)
    with pytest.raises(Unavailable, match=r"it takes 24 numbers of content; ContentVec gives 768"):
        opened(settings, "6.1")


def test_voices_are_folders_with_weights(settings: Settings) -> None:
    folder = settings.models.path / "ddsp_svc"
    (folder / "empty").mkdir(exist_ok=True)
    (folder / ".hidden").mkdir(exist_ok=True)
    (folder / ".hidden" / "model_1.pt").touch()
    found = DdspSvc(settings).find_models()
    assert {"v6.1", "v6.2", "v6.3"} <= set(found) and not {"empty", ".hidden"} & set(found)
    assert not DdspSvc(settings).has_model("../ddsp_svc/v6.1")


@pytest.mark.slow
def test_half_an_hour_does_not_drift(engine: DdspSvc) -> None:
    onsets, lacks = onsets_of_words(engine, wish())
    assert lacks == 0 and len(onsets) == WORDS
    assert np.ptp(onsets[1:]) < 0.02, "the first word alone has nothing before it"
