"""What the engines' settings say is what the engines take."""

from __future__ import annotations

import pytest

from realtime import engine_settings
from realtime.acceleration import policy
from realtime.configuration import load
from realtime.errors import SettingsError
from realtime.settings import Key, keys

OURS = ("revoice.", "vocoder.", "acceleration.", "valle.")


def ours() -> list[Key]:
    return [key for key in keys() if key.name.startswith(OURS)]


def test_each_is_a_setting_with_an_explanation() -> None:
    sections = {key.name.partition(".")[0] + "." for key in ours()}
    assert sections == set(OURS)
    assert all(key.help for key in ours())


def test_plans_and_precisions_are_those_that_there_are() -> None:
    for plan in engine_settings.PLANS:
        policy.check(plan, "fp32")
    for precision in engine_settings.PRECISIONS:
        policy.check("auto", precision)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("valle.plan", "quick"),
        ("valle.sampling.temperature", -1.0),
        ("valle.sampling.best_of", 0),
        ("valle.slots", 65),
    ],
)
def test_impossible_values_are_refused(name: str, value: object) -> None:
    with pytest.raises(SettingsError):
        load({name: value}, environ={})
