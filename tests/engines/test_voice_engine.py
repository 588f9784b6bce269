"""An engine of voices that people trained: its names, its place, its version and its streams."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from realtime.acceleration import cuda_driver
from realtime.audio.samples import Samples
from realtime.engines.contract import CancelToken, WorkCancelled
from realtime.engines.placeable import Placeable
from realtime.engines.several_models import SeveralModels
from realtime.engines.sliding_window import SoundWindow, WindowShape
from realtime.engines.voice_change import VoiceChange
from realtime.engines.voice_engine import VoiceEngine
from realtime.errors import BadRequest, WeightsMissing
from realtime.settings import ModelsSettings, Settings
from realtime.weights import WeightFile

RATE = 8_000


class Doubled:
    """A voice, and its stream: twice as loud."""

    version = "7"

    def __init__(self, device: str) -> None:
        self.device = device
        self.runs = 0

    def convert(self, window: SoundWindow, check: Callable[[], None]) -> Samples:
        check()
        self.runs += 1
        return window.sound[window.start : window.stop] * 2


class Doubler(VoiceEngine[Doubled]):
    name = "doubler"
    revision = "3"
    files = "NAME.voice in models/doubler/"
    file_block_steps = 10

    def find_models(self) -> list[str]:
        return sorted(path.stem for path in self._folder.glob("*.voice"))

    def has_model(self, model: str) -> bool:
        return model in self.find_models()

    def _own_files(self) -> list[Path]:
        return [self._folder / f"{self.model}.voice"] if self.model else []

    def _shared_files(self) -> tuple[WeightFile, ...]:
        return (WeightFile("shared", "encoder.pt"),)

    def _check_voice(self) -> None:
        if not self._own_files()[0].read_bytes():
            raise BadRequest("empty")

    def _open(self) -> Doubled:
        return Doubled(self.runs_on())

    def _window_shape(self, voice: Doubled, change: VoiceChange) -> WindowShape:
        return WindowShape(RATE, RATE, context=160)

    def _begin(self, voice: Doubled, change: VoiceChange) -> Doubled:
        return voice


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "doubler"
    folder.mkdir()
    (folder / "nana.voice").write_bytes(b"nana")
    return folder


def engine_in(folder: Path, model: str = "", **devices: str) -> Doubler:
    return Doubler(Settings(models=ModelsSettings(path=folder.parent, devices=devices)), model)


def test_it_is_of_several_models_and_placeable(folder: Path) -> None:
    engine = engine_in(folder).with_model("nana")
    assert isinstance(engine, SeveralModels) and isinstance(engine, Placeable)
    assert engine.files_of("kyo") == "kyo.voice in models/doubler/"
    names = [f"{file.engine}/{file.name}" for file in engine.weights]
    assert names == ["doubler/nana.voice", "shared/encoder.pt"]


def test_a_voice_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(BadRequest, match="has no model 'kyo'; there are: nana"):
        engine_in(folder, "kyo").load()
    with pytest.raises(BadRequest, match="one must be named"):
        engine_in(folder).load()
    (folder / "nana.voice").write_bytes(b"")
    with pytest.raises(BadRequest, match="empty"):
        engine_in(folder, "nana").check_files()
    (folder / "nana.voice").unlink()
    with pytest.raises(WeightsMissing, match="has no voice yet"):
        engine_in(folder).load()


def test_its_device_is_the_placed_one_until_it_is_unloaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_driver, "has_usable_gpu", lambda: False)
    engine = engine_in(folder, "nana", doubler="auto")
    assert engine.wanted_device() == engine.runs_on() == "cpu", "there is no GPU"
    monkeypatch.setattr(cuda_driver, "has_usable_gpu", lambda: True)
    assert (engine.wanted_device(), engine.runs_on()) == ("auto", "cuda:0")
    engine.place("cpu")
    engine.load()
    assert engine.runs_on() == "cpu" and engine.block_seconds is not None
    engine.unload()
    assert engine.runs_on() == "cuda:0" and engine.block_seconds is None


def test_the_version_is_of_the_files_that_were_loaded(folder: Path) -> None:
    engine = engine_in(folder, "nana")
    before = engine.version
    assert before.startswith("3 ")
    engine.load()
    (folder / "nana.voice").write_bytes(b"another")
    assert engine.version == before
    engine.unload()
    assert engine.version != before


def test_a_stream_goes_through_windows_and_silence_costs_no_run(folder: Path) -> None:
    engine = engine_in(folder, "nana", doubler="cpu")
    engine.load()
    plan = engine.plan(VoiceChange())
    assert (plan.step, plan.block, plan.file_block, plan.context) == (160, 4_000, 1_600, 160)
    loaded = engine._voice()
    ran = loaded.runs
    loud = np.full(plan.block, 0.25, np.float32)
    sounds = list(
        engine.convert(iter([loud, loud * 4, loud * 0, loud * 0]), VoiceChange(), CancelToken())
    )
    assert np.array_equal(sounds[0], loud * 2)
    assert np.array_equal(sounds[1], np.ones_like(loud)), "it is cut off at 1"
    assert not sounds[3].any() and loaded.runs == ran + 3, "a window begins in the block before"


def test_a_cancelled_stream_ends(folder: Path) -> None:
    engine = engine_in(folder, "nana")
    engine.load()
    cancel = CancelToken()
    sounds = engine.convert(iter([np.ones(160, np.float32)] * 2), VoiceChange(), cancel)
    next(sounds)
    cancel.set()
    with pytest.raises(WorkCancelled):
        next(sounds)
