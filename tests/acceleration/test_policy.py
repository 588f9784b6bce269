"""Every setting of acceleration reaches the networks; names are checked."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from realtime.acceleration.accelerate import MAKERS
from realtime.acceleration.policy import LADDER, Policy, candidates, check, ladder
from realtime.configuration import load_settings
from realtime.engine_settings import PLANS
from realtime.errors import BadRequest
from realtime.settings import AccelerationSettings, Settings

CHANGED = {
    "enabled": False,
    "path": "somewhere",
    "cache_bytes": 1,
    "auto_seconds": 2.0,
    "graphs": 3,
    "graph_bytes": 4,
    "tuned": True,
    "memory_fraction": 0.5,
    "autocast": True,
    "clear_memory": False,
    "idle_seconds": 6.0,
}
ELSEWHERE = {"idle_seconds"}  # the server's own, not a network's


def test_every_setting_has_an_effect() -> None:
    assert set(CHANGED) == {item.name for item in fields(AccelerationSettings)}
    for name in set(CHANGED) - ELSEWHERE:
        settings = load_settings({f"acceleration.{name}": CHANGED[name]}, {})
        assert Policy.of(settings) != Policy.of(Settings()), name


def test_the_folder_comes_from_the_settings() -> None:
    assert Policy.of(Settings()).folder == Path("cache/.engines")
    assert Policy().folder is None


@pytest.mark.parametrize("plan", LADDER)
def test_every_ladder_begins_with_its_plan_and_ends_with_eager(plan: str) -> None:
    assert ladder(plan)[0] == plan and ladder(plan)[-1] == "eager"
    assert set(ladder(plan)) <= set(LADDER)
    check(plan, "fp32")


def test_settings_ladder_and_makers_have_the_same_plans() -> None:
    assert set(PLANS) == {"auto", *LADDER} and set(MAKERS) == set(LADDER)


def test_what_follows_a_plan_that_cannot_run() -> None:
    assert ladder("tensorrt") == ("tensorrt", "graphs", "eager_graphs", "compile", "eager")
    assert ladder("graphs") == ("graphs", "eager_graphs", "compile", "eager")
    for plan in ("eager_graphs", "compile", "onnx"):
        assert ladder(plan) == (plan, "eager")
    assert ladder("eager") == ("eager",)


def test_auto_measures_first_what_is_cheap_to_make() -> None:
    """Plans that take minutes to make come last."""
    assert candidates("cpu") == ("eager", "onnx", "compile")
    assert candidates("cuda") == ("eager", "eager_graphs", "compile", "graphs", "tensorrt")


def test_names_that_do_not_exist() -> None:
    with pytest.raises(BadRequest, match="no plan 'cudagraph'; there are: auto, eager"):
        check("cudagraph", "fp32")
    with pytest.raises(BadRequest, match="no precision 'fp64'"):
        check("auto", "fp64")
