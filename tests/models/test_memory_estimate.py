"""Memory that an engine took is remembered for as long as its files are the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from realtime.engines.contract import Engine
from realtime.engines.registry import create
from realtime.engines.torchscript import TorchScript
from realtime.models.memory_estimate import FACTOR, FILE, WIDE_FACTOR, MemoryEstimates
from realtime.settings import ModelsSettings, Settings


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    return replace(settings, models=ModelsSettings(path=tmp_path))


def bring_hibari(settings: Settings, size: int) -> Engine:
    """Put a file of a size in the place of Hibari's model."""
    folder = settings.models.path / "hibari"
    folder.mkdir(exist_ok=True)
    (folder / "hibari.onnx").write_bytes(bytes(size))
    return create("hibari", settings)


def test_files_tell_until_something_was_measured(own: Settings) -> None:
    hibari = bring_hibari(own, 1_000)
    assert MemoryEstimates(own).estimate(hibari) == 1_000 * FACTOR
    assert MemoryEstimates(own).estimate(create("tone", own)) == 0
    MemoryEstimates(own).record(hibari, 70_000)
    assert MemoryEstimates(own).estimate(hibari) == 70_000, "also at the next start"


def test_the_most_counts_until_the_files_change(own: Settings) -> None:
    hibari, estimates = bring_hibari(own, 1_000), MemoryEstimates(own)
    for taken in (5_000, 9_000, 7_000, 0):
        estimates.record(hibari, taken)
    assert estimates.estimate(hibari) == 9_000
    bring_hibari(own, 2_000)
    assert estimates.estimate(hibari) == 2_000 * FACTOR
    estimates.record(hibari, 4_000)
    assert estimates.estimate(hibari) == 4_000


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"hibari": 5}', '{"hibari": {"file_bytes": "x"}}', "\udcff", "1" * 99]
)
def test_a_wrong_file_is_as_none(own: Settings, text: str) -> None:
    hibari = bring_hibari(own, 1_000)
    (own.models.path / FILE).write_bytes(text.encode(errors="surrogateescape"))
    assert MemoryEstimates(own).estimate(hibari) == 1_000 * FACTOR
    MemoryEstimates(own).record(hibari, 6_000)
    assert MemoryEstimates(own).estimate(hibari) == 6_000


def test_a_folder_that_is_not_there_is_no_error(own: Settings) -> None:
    gone = replace(own, models=ModelsSettings(path=own.models.path / "gone"))
    MemoryEstimates(gone).record(create("hibari", gone), 5_000)
    assert MemoryEstimates(gone).estimate(create("hibari", gone)) > 5_000


def test_weights_that_stay_as_they_are_take_less(own: Settings) -> None:
    folder = own.models.path / "torchscript" / "nana"
    folder.mkdir(parents=True)
    (folder / "model.pt").write_bytes(bytes(1_000))
    engine = TorchScript(own, "nana")
    assert MemoryEstimates(own).estimate(engine) == 1_000 * WIDE_FACTOR


def test_each_device_has_a_measurement_of_its_own(own: Settings) -> None:
    hibari, estimates = bring_hibari(own, 1_000), MemoryEstimates(own)
    estimates.record(hibari, 3_000, "cuda:0")
    assert estimates.estimate(hibari, "cuda:0") == 3_000
    assert estimates.estimate(hibari, "cuda:1") == estimates.estimate(hibari) == 1_000 * FACTOR
