"""A setting is a field that explains itself."""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import pytest

from realtime.setting import setting


@dataclass(frozen=True)
class Section:
    most: int = setting(3, "how many", least=0, most=9)
    names: Any = setting({"en": "a"}, "who")
    key: str = setting("hidden", "what nobody reads", secret=True)


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
