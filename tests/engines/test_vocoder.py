"""The engine `vocoder`: what it may be given, and that it stops between two runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from realtime.engines.contract import CancelToken, WorkCancelled
from realtime.engines.vocoder import VocoderEngine
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, Unavailable, WeightsMissing
from realtime.settings import Settings, VocoderSettings
from tests.support.vocoder_files import bring_bigvgan, bring_hifigan
from tests.support.vocoder_server import RATE, settings_for
from tests.support.voice_like_sound import voice


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vocoder") / "models"
    bring_hifigan(folder)
    return folder


@pytest.fixture(scope="module")
def engine(settings: Settings, models: Path) -> Iterator[VocoderEngine]:
    made = VocoderEngine(settings_for(settings, models), "hifigan")
    made.load()
    yield made
    made.unload()


@pytest.mark.parametrize("size", [0, 1, 2, 1_000, 1_281])
def test_any_length_comes_back_as_long(engine: VocoderEngine, size: int) -> None:
    sound = voice(1.0, rate=RATE)[:size]
    (found,) = engine.convert(iter([sound]), VoiceChange(), CancelToken())
    assert found.dtype == np.float32 and found.size == size * 3 // 2


def test_it_stops_between_two_runs(engine: VocoderEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording of an hour would keep the engine busy long after its listener has left."""
    cancel = CancelToken()
    (network,) = engine.accelerated
    inner, runs = network.module.forward, []

    def forward(mels: torch.Tensor) -> torch.Tensor:
        runs.append(mels.shape)
        cancel.set()
        sound: torch.Tensor = inner(mels)
        return sound

    monkeypatch.setattr(network.module, "forward", forward)
    sound = voice(9.0, rate=RATE)
    with pytest.raises(WorkCancelled):
        list(engine.convert(iter([sound]), VoiceChange(), cancel))
    assert 1 <= len(runs) <= 2


def test_a_vocoder_that_does_not_open_leaves_none_behind(settings: Settings, models: Path) -> None:
    wrong = replace(settings_for(settings, models), vocoder=VocoderSettings(device="cuda"))
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    made = VocoderEngine(wrong, "hifigan")
    with pytest.raises(Unavailable, match="no device 'cuda'"):
        made.load()
    assert made.accelerated == ()


@pytest.mark.parametrize(
    ("device", "gpu", "expected"),
    [
        ("auto", False, "cpu"),
        ("auto", True, "cuda:0"),
        ("cuda", True, "cuda:0"),
        ("cuda:1, cuda:0", True, "cuda:1"),
        ("cpu", True, "cpu"),
    ],
)
def test_it_tells_where_it_would_run(
    settings: Settings,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    gpu: bool,
    expected: str,
) -> None:
    monkeypatch.setattr("realtime.acceleration.cuda_driver.has_usable_gpu", lambda: gpu)
    own = settings_for(settings, models, {"device": device})
    assert VocoderEngine(own, "hifigan").runs_on() == expected
    assert VocoderEngine(own).runs_on() == "cpu", "it has no vocoder"


@pytest.mark.parametrize(
    ("listed", "placed", "opened"),
    [
        ("auto", "cuda:1", "cuda:1"),
        ("cuda", "cuda:0", "cuda"),
        ("cuda:0,cuda:1", "cuda:0", "cuda:0,cuda:1"),
        ("cuda:0,cuda:1", "cpu", "cpu"),
        ("cuda:0,cuda:1", "cuda:1", "cuda:1"),
        ("cpu,cpu:0", "", "cpu,cpu:0"),
    ],
)
def test_it_is_opened_where_it_is_placed(
    settings: Settings,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    listed: str,
    placed: str,
    opened: str,
) -> None:
    """Several devices share the work where their first one is the device of the model."""
    asked: list[str] = []

    def open_vocoder(name: str, settings: Settings) -> None:
        asked.append(settings.vocoder.device)

    monkeypatch.setattr("realtime.engines.vocoder.open_vocoder", open_vocoder)
    made = VocoderEngine(settings_for(settings, models, {"device": listed}), "hifigan")
    if placed:
        made.place(placed)
        assert made.runs_on() == placed
    made.load()
    assert asked == [opened]


def test_a_whole_vocoder_is_found_and_half_of_another_is_told(
    settings: Settings, tmp_path: Path
) -> None:
    (bring_bigvgan(tmp_path) / "bigvgan_generator.pt").unlink()
    made = VocoderEngine(settings_for(settings, tmp_path))
    assert [file.name for file in made.weights] == ["config.json", "bigvgan_generator.pt"]
    with pytest.raises(WeightsMissing, match="needs bigvgan_generator.pt"):
        made.check_files()
    bring_hifigan(tmp_path)
    assert made.find_models() == ["hifigan"]
    hifigan = made.with_model("hifigan")
    assert [file.name for file in hifigan.weights] == ["vocoder.pth"]
    hifigan.check_files()
    with pytest.raises(WeightsMissing, match="needs bigvgan_generator.pt"):
        made.with_model("bigvgan").load()


def test_the_engine_alone_loads_none_of_several(settings: Settings, tmp_path: Path) -> None:
    bring_hifigan(tmp_path)
    bring_bigvgan(tmp_path)
    made = VocoderEngine(settings_for(settings, tmp_path))
    assert made.find_models() == ["bigvgan", "hifigan"]
    with pytest.raises(BadRequest, match="there are: bigvgan, hifigan"):
        made.load()
