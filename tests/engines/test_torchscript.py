"""A model of one's own gives through the engine what it gives when it is called directly."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from realtime.engines.contract import CancelToken, Samples
from realtime.engines.torchscript import TorchScript
from realtime.engines.torchscript_model import TorchScriptModel
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, Busy, SynthesisFailed, WeightsMissing
from realtime.settings import ModelsSettings, Settings
from tests.engines.test_torchscript_file import rewritten
from tests.support.torchscript_models import (
    Doubled,
    Filter,
    Shifter,
    Words,
    exported,
    scripted,
)
from tests.support.voice_like_sound import voice

RATE = 16000
BLOCK = 320
STREAMING = {"block": BLOCK, "context": BLOCK, "causal": True}


def engine_in(folder: Path) -> TorchScript:
    return TorchScript(Settings(models=ModelsSettings(path=folder)))


def loaded(folder: Path) -> TorchScript:
    """Load the only model of a folder."""
    (name,) = engine_in(folder).find_models()
    engine = engine_in(folder).with_model(name)
    engine.load()
    return engine


def model_of(engine: TorchScript) -> TorchScriptModel:
    assert engine._loaded is not None
    return engine._loaded


def converted(engine: TorchScript, blocks: Sequence[Samples]) -> Samples:
    return np.concatenate(list(engine.convert(iter(blocks), VoiceChange(), CancelToken())))


def directly(module: torch.nn.Module, sound: Samples) -> Samples:
    with torch.inference_mode():
        return np.asarray(module(torch.from_numpy(sound)[None])[0].float())


def test_a_causal_model_in_blocks_gives_what_it_gives_for_the_whole(tmp_path: Path) -> None:
    scripted(tmp_path, "filter", Filter(), **STREAMING)
    engine = loaded(tmp_path)
    plan = engine.plan(VoiceChange())
    assert (plan.rate, plan.step, plan.latency, plan.whole) == (RATE, BLOCK, 0, False)
    sound = voice(1.0, rate=RATE)
    found = converted(engine, np.split(sound, 50))
    assert np.allclose(found, directly(Filter(), sound), atol=1e-5)


def test_several_blocks_at_once_give_the_same(tmp_path: Path) -> None:
    scripted(tmp_path, "filter", Filter(), **STREAMING)
    engine = loaded(tmp_path)
    sound = voice(1.2, rate=RATE)
    one, four = (converted(engine, np.split(sound, count)) for count in (60, 15))
    assert np.allclose(one, four, atol=1e-5)


@pytest.mark.parametrize("length", [None, 2 * BLOCK])
def test_an_exported_program_is_as_good(tmp_path: Path, length: int | None) -> None:
    exported(tmp_path, "filter", Filter(), length, **STREAMING, fixed=length is not None)
    engine = loaded(tmp_path)
    sound = voice(0.8, rate=RATE)
    found = converted(engine, np.split(sound, 10))
    assert np.allclose(found, directly(Filter(), sound), atol=1e-5)


def test_without_a_block_it_gets_the_whole(tmp_path: Path) -> None:
    scripted(tmp_path, "filter", Filter())
    engine = loaded(tmp_path)
    assert engine.plan(VoiceChange()).whole
    sound = voice(0.777, rate=RATE)
    assert np.allclose(converted(engine, [sound]), directly(Filter(), sound), atol=1e-6)


def test_pieces_of_a_model_that_is_not_causal_are_joined(tmp_path: Path) -> None:
    """Its fading begins anew with each window, so uncorrected pieces would not fit."""
    scripted(tmp_path, "shifter", Shifter(), block=1_600, context=3_210)
    engine = loaded(tmp_path)
    plan = engine.plan(VoiceChange())
    place = np.arange(3 * RATE) / RATE
    sound = (0.4 * np.sin(2 * np.pi * 160 * place)).astype(np.float32)
    found = converted(engine, np.split(sound, 30))
    assert plan.latency == 320 and not found[: plan.latency].any()
    steady = found[RATE : 3 * RATE]
    spectrum = np.abs(np.fft.rfft(steady * np.hanning(steady.size)))
    assert spectrum.argmax() * RATE / steady.size == pytest.approx(240, abs=3)
    steps = np.abs(np.diff(steady))
    joins = np.zeros(steps.size, bool)
    for shift in range(-2, 3):
        joins[plan.latency % 1_600 + shift :: 1_600] = True
    assert steps[joins].max() < 1.5 * np.percentile(steps, 99)


def test_what_comes_after_a_block_can_be_heard_too(tmp_path: Path) -> None:
    scripted(tmp_path, "filter", Filter(), block=640, context=640, ahead=160)
    engine = loaded(tmp_path)
    latency = engine.plan(VoiceChange()).latency
    assert latency == 160 + 320
    sound = voice(1.2, rate=RATE)
    found = converted(engine, np.split(sound, 30))[latency:]
    assert np.allclose(found, directly(Filter(), sound)[: found.size], atol=1e-3)


def test_other_rates_and_layouts(tmp_path: Path) -> None:
    said = {"output_rate": 32000, "layout": "batch_channel_time", "block": 320, "causal": True}
    scripted(tmp_path, "doubled", Doubled(), **said)
    engine = loaded(tmp_path)
    assert engine.plan(VoiceChange()).output_rate == 32000
    sound = voice(0.4, rate=RATE)
    assert np.allclose(converted(engine, np.split(sound, 20)), np.repeat(sound, 2), atol=1e-6)


def test_each_of_several_models_is_an_engine_of_its_own(tmp_path: Path) -> None:
    scripted(tmp_path, "filter", Filter())
    scripted(tmp_path, "doubled", Doubled(), output_rate=32000)
    assert engine_in(tmp_path).find_models() == ["doubled", "filter"]
    doubled = engine_in(tmp_path).with_model("doubled")
    doubled.load()
    assert doubled.plan(VoiceChange()).output_rate == 32000
    assert [file.name for file in doubled.weights] == ["doubled/model.pt"]
    with pytest.raises(BadRequest, match="there are: doubled, filter") as refused:
        engine_in(tmp_path).load()
    assert refused.value.field == "model"


def test_a_broken_neighbour_is_found_and_spoils_no_other(tmp_path: Path) -> None:
    scripted(tmp_path, "filter", Filter())
    broken = tmp_path / "torchscript" / "broken"
    broken.mkdir()
    (broken / "model.pt").write_bytes(b"no archive")
    assert engine_in(tmp_path).find_models() == ["broken", "filter"]
    engine_in(tmp_path).with_model("filter").load()
    with pytest.raises(BadRequest, match="broken/model.pt cannot be used"):
        engine_in(tmp_path).with_model("broken").check_files()


def test_silence_costs_nothing(tmp_path: Path) -> None:
    scripted(tmp_path, "filter", Filter(), **STREAMING)
    engine = loaded(tmp_path)
    model = model_of(engine)
    runs = []
    model.run = lambda sounds: runs.append(sounds)  # type: ignore[method-assign]
    assert not converted(engine, [np.zeros(BLOCK, np.float32)] * 50).any()
    assert not runs


def test_what_is_no_number_is_silence(tmp_path: Path) -> None:
    class Odd(torch.nn.Module):
        def forward(self, sound: torch.Tensor) -> torch.Tensor:
            return torch.log(sound) * 100.0

    scripted(tmp_path, "odd", Odd())
    found = converted(loaded(tmp_path), [voice(0.2, rate=RATE)])
    assert np.isfinite(found).all() and np.abs(found).max() <= 1.0


def test_a_model_without_sound_is_told(tmp_path: Path) -> None:
    scripted(tmp_path, "words", Words())
    with pytest.raises(SynthesisFailed, match="no sound"):
        converted(loaded(tmp_path), [voice(0.2, rate=RATE)])


def test_too_little_memory_fails_one_run_and_not_the_model(tmp_path: Path) -> None:
    scripted(tmp_path, "filter", Filter())
    engine = loaded(tmp_path)
    model = model_of(engine)
    program = model._program

    def full(*given: object) -> None:
        raise torch.OutOfMemoryError("full")

    model._program = full
    with pytest.raises(Busy) as refused:
        converted(engine, [voice(0.2, rate=RATE)])
    assert refused.value.code == "out_of_memory" and refused.value.retry_after
    model._program = program
    assert converted(engine, [voice(0.2, rate=RATE)]).any()


@pytest.mark.parametrize("autocast", [False, True])
def test_autocast_shortens_numbers_where_the_card_says_so(tmp_path: Path, autocast: bool) -> None:
    scripted(tmp_path, "filter", Filter(), autocast=autocast, device="cpu")
    sound = voice(0.3, rate=RATE)
    found = converted(loaded(tmp_path), [sound])
    exact = directly(Filter(), sound)
    with torch.autocast("cpu"):
        shortened = directly(Filter(), sound)
    assert 0 < np.abs(shortened - exact).max() < 0.02  # or the next line could not fail
    assert np.array_equal(found, shortened if autocast else exact)
    assert found.dtype == np.float32


def test_a_file_that_torch_cannot_read_is_told(tmp_path: Path) -> None:
    path = scripted(tmp_path, "filter", Filter())
    rewritten(path, {"code/__torch__.py": b"this is no program"})
    with pytest.raises(BadRequest, match="cannot be loaded") as refused:
        loaded(tmp_path)
    assert str(path) in refused.value.message


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise AssertionError('it was unpickled')",))


def test_a_pickle_among_the_inputs_of_an_export_is_refused(tmp_path: Path) -> None:
    path = exported(tmp_path, "filter", Filter(), None)
    held = io.BytesIO()
    torch.save((Evil(),), held)
    assert pickle.dumps(Evil())
    rewritten(path, {"data/sample_inputs/model.pt": held.getvalue()})
    with pytest.raises(BadRequest, match="cannot be loaded"):
        loaded(tmp_path)


def test_nothing_to_load_is_missing(tmp_path: Path) -> None:
    for engine in (engine_in(tmp_path), engine_in(tmp_path).with_model("nana")):
        with pytest.raises(WeightsMissing, match="needs a model"):
            engine.load()


@pytest.mark.gpu
def test_on_the_gpu_it_gives_the_same(tmp_path: Path) -> None:
    scripted(tmp_path, "filter", Filter(), **STREAMING, device="cuda")
    engine = loaded(tmp_path)
    assert engine.runs_on() == "cuda:0"
    sound = voice(1.0, rate=RATE)
    found = converted(engine, np.split(sound, 50))
    assert np.allclose(found, directly(Filter(), sound), atol=1e-3)


def test_it_tells_where_its_model_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.acceleration.cuda_driver.has_usable_gpu", lambda: True)
    engine = engine_in(tmp_path)
    assert engine.runs_on() == "cpu", "it has no model"
    scripted(tmp_path, "filter", Filter(), device="cpu", **STREAMING)
    scripted(tmp_path, "other", Filter(), **STREAMING)
    assert engine.with_model("filter").wanted_device() == "cpu"
    other = engine.with_model("other")
    assert (other.wanted_device(), other.runs_on()) == ("auto", "cuda:0")
    other.place("cuda:1")
    assert other.runs_on() == "cuda:1"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    other.load()
    assert other.runs_on() == "cpu", "where it runs counts"
    other.unload()
    assert other.runs_on() == "cuda:0", "the next load is placed anew"


def test_it_is_loaded_where_it_is_placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The GPU has no memory, as torch says it, and the next load is on the processor."""
    scripted(tmp_path, "filter", Filter(), device="cuda", **STREAMING)
    engine = engine_in(tmp_path).with_model("filter")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    load, asked = torch.jit.load, []

    def on_device(path: str, map_location: str) -> Any:
        asked.append(map_location)
        if map_location != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return load(path, map_location=map_location)

    monkeypatch.setattr(torch.jit, "load", on_device)
    engine.place("cuda:1")
    with pytest.raises(torch.OutOfMemoryError):
        engine.load()
    engine.unload()
    engine.place("cpu")
    engine.load()
    assert asked == ["cuda:1", "cpu"] and engine.runs_on() == "cpu"


def test_settings_place_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.acceleration.cuda_driver.has_usable_gpu", lambda: True)
    scripted(tmp_path, "filter", Filter(), **STREAMING)
    models = ModelsSettings(path=tmp_path, devices={"torchscript:filter": "cuda:1"})
    engine = TorchScript(Settings(models=models), "filter")
    assert engine.wanted_device() == engine.runs_on() == "cuda:1"
