"""The warm-up prepares what the characters can need, as far as files and memory are there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from realtime.engines.registry import create
from realtime.models.memory_estimate import FACTOR, MemoryEstimates
from realtime.settings import ModelsSettings, Settings
from realtime.warm_up import plan
from realtime.warm_up.plan import MARGIN_BYTES, WarmUpPlanner, WarmUpState
from tests.support import small_valle
from tests.support.hidden_libraries import TORCH, hide
from tests.support.server import services_with, serving
from tests.warm_up.test_warm_up import wait_for

GIGABYTE = 1 << 30


@pytest.fixture
def auto(settings: Settings, tmp_path: Path) -> Settings:
    """Settings whose folder of models is empty, so that no engine has been there before."""
    return replace(settings, warm=("auto",), models=ModelsSettings(path=tmp_path / "models"))


def have(monkeypatch: pytest.MonkeyPatch, free: int | None) -> None:
    monkeypatch.setattr(plan, "free_bytes", lambda: free)


def plan_of(settings: Settings) -> list[WarmUpState]:
    services = services_with(settings)
    return WarmUpPlanner(settings, services.models, services.characters).plan()


def engines(settings: Settings) -> list[tuple[str, str]]:
    return [(each.engine, each.state) for each in plan_of(settings)]


def test_it_is_the_engines_of_the_characters(
    auto: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    have(monkeypatch, 64 * GIGABYTE)
    assert engines(auto) == [("hibari", "waiting"), ("kokoro", "waiting")]
    assert engines(replace(auto, warm=("off",))) == []
    assert engines(replace(auto, warm=())) == []
    named = replace(auto, warm=("world", "valle", "world"))
    assert engines(named) == [("world", "waiting"), ("valle", "waiting")]


def test_an_engine_without_its_files_is_left_out(
    auto: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    have(monkeypatch, 64 * GIGABYTE)
    own = replace(small_valle.settings_for(auto, tmp_path), default_characters={})
    own.presets.path.mkdir()
    small_valle.write_voice(own.presets.path)
    (left,) = plan_of(own)
    assert (left.engine, left.state) == ("valle", "left_out")
    assert left.reason is not None and "vallex-checkpoint.pt" in left.reason
    small_valle.write_files(own)
    assert engines(own) == [("valle", "waiting")]
    with monkeypatch.context() as hiding:
        hide(hiding, TORCH)
        (left,) = plan_of(own)
    assert left.reason == "torch is not installed: run `make serve EXTRAS=torch`"
    # A file that would have to be fetched is not there either.
    assert engines(replace(own, allow_downloads=True)) == [("valle", "waiting")]


def test_memory_bounds_it(auto: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    estimates = MemoryEstimates(auto)
    hibari, kokoro = (estimates.estimate(create(name, auto)) for name in ("hibari", "kokoro"))
    assert kokoro > 300 << 20 and hibari < 100 << 20
    have(monkeypatch, MARGIN_BYTES + hibari + kokoro)
    assert engines(auto) == [("hibari", "waiting"), ("kokoro", "waiting")]
    have(monkeypatch, MARGIN_BYTES + hibari + kokoro - 1)
    assert engines(auto) == [("hibari", "waiting"), ("kokoro", "left_out")]
    have(monkeypatch, MARGIN_BYTES)
    assert [state for _, state in engines(auto)] == ["left_out", "left_out"]
    assert engines(replace(auto, warm=("kokoro",))) == [("kokoro", "waiting")], "a person said so"
    have(monkeypatch, None)
    assert [state for _, state in engines(auto)] == ["waiting", "waiting"], "it is not known"


def test_what_was_measured_counts(auto: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    auto.models.path.mkdir()
    estimates = MemoryEstimates(auto)
    estimates.record(create("kokoro", auto), 2 * GIGABYTE)
    hibari = estimates.estimate(create("hibari", auto))
    have(monkeypatch, MARGIN_BYTES + hibari + 2 * GIGABYTE - 1)
    assert engines(auto) == [("hibari", "waiting"), ("kokoro", "left_out")]
    have(monkeypatch, MARGIN_BYTES + hibari + 2 * GIGABYTE)
    assert engines(auto) == [("hibari", "waiting"), ("kokoro", "waiting")]
    assert FACTOR > 1


def test_what_is_left_out_is_told(
    auto: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    have(monkeypatch, MARGIN_BYTES + (100 << 20))
    with serving(services_with(auto, "hibari")) as live:
        found = wait_for(live, "kokoro", "left_out")
        assert "and there is room for 105 MB" in found["reason"]
        assert wait_for(live, "hibari", "ready")["languages"] == []
        models = live.get("/api/models")["models"]
        assert next(each for each in models if each["name"] == "kokoro")["state"] == "unloaded"
    plans = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    assert len(plans) == 1 and "none; left out: kokoro (it takes about" in plans[0]


def test_memory_is_looked_at_again_before_a_load(
    auto: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other programs may have taken it since the plan was made."""
    free = iter([64 * GIGABYTE] * 2)
    monkeypatch.setattr(plan, "free_bytes", lambda: next(free, 0))
    with serving(services_with(auto, "tone")) as live:
        assert "room for 0 MB" in wait_for(live, "hibari", "left_out")["reason"]
        wait_for(live, "kokoro", "left_out")
