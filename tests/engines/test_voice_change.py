"""A change is what may be asked, and nothing else."""

from __future__ import annotations

import math
from typing import Any

import pytest

from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest


def test_nothing_said_changes_nothing() -> None:
    assert VoiceChange() == VoiceChange(None, None, None, 1.0, 0.0, "none", -60.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("pitch", -24), ("pitch", 24.0), ("target", 40), ("speaker", 800), ("formant", 0.5)]
    + [("formant", 2), ("breath", 0), ("breath", 1), ("gate", -90), ("gate", 0)],
)
def test_the_ends_of_every_range_may_be_asked(field: str, value: float) -> None:
    assert getattr(VoiceChange(**{field: value}), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [("pitch", 24.1), ("target", 39), ("formant", 0.49), ("breath", 1.01), ("gate", -91)]
    + [("gate", None), ("formant", "1"), ("breath", True), ("pitch", math.nan)]
    + [("pitch", math.inf), ("effect", "choir"), ("effect", None)],
)
def test_anything_else_is_refused_with_its_field(field: str, value: Any) -> None:
    with pytest.raises(BadRequest, match="allowed is") as refused:
        VoiceChange(**{field: value})
    assert refused.value.field == field
