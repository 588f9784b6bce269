"""Tests of the engines' settings: they allow what the engines take, and explain themselves."""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import pytest

from realtime import engine_settings
from realtime.acceleration import policy
from realtime.configuration import load_settings
from realtime.engine_settings import setting
from realtime.errors import SettingsError
from realtime.settings import Setting, all_settings

PREFIXES = ("revoice.", "vocoder.", "acceleration.", "valle.")


@dataclass(frozen=True)
class Section:
    most: int = setting(3, "how many", least=0, most=9)
    names: Any = setting({"en": "a"}, "who")
    key: str = setting("hidden", "what nobody reads", secret=True)


def settings_of_engines() -> list[Setting]:
    return [setting for setting in all_settings() if setting.name.startswith(PREFIXES)]


def test_each_is_a_setting_with_an_explanation() -> None:
    sections = {key.name.partition(".")[0] + "." for key in settings_of_engines()}
    assert sections == set(PREFIXES)
    assert all(key.help for key in settings_of_engines())


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
        load_settings({name: value}, environ={})


def test_its_explanation_and_bounds_stand_beside_its_default() -> None:
    most, names, _ = fields(Section)
    assert most.default == 3 and dict(most.metadata) == {"help": "how many", "least": 0, "most": 9}
    assert names.metadata["help"] == "who"


def test_a_mapping_cannot_be_changed_and_a_secret_is_not_shown() -> None:
    section = Section()
    assert isinstance(section.names, MappingProxyType)
    with pytest.raises(TypeError):
        section.names["en"] = "b"
    assert "hidden" not in repr(section)
