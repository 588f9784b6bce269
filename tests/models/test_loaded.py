"""Models by name, each as the kind of engine that its user needs."""

from __future__ import annotations

import pytest

from realtime.errors import BadRequest
from realtime.models.loaded import LoadedModels
from realtime.settings import Settings

pytestmark = pytest.mark.anyio


async def test_an_unknown_engine_names_the_known_ones() -> None:
    models = LoadedModels(Settings(), names=("tone", "gain"))
    with pytest.raises(BadRequest, match="tone, gain"):
        await models.load("third")


@pytest.mark.parametrize(
    ("kind", "name", "does"),
    [
        ("synthesizer", "gain", "converts voices; an engine that speaks"),
        ("converter", "tone", "speaks; an engine that converts voices"),
        ("detector", "tone", "speaks; an engine that detects speech"),
        ("recogniser", "silero", "detects speech; an engine that recognises speech"),
    ],
)
async def test_an_engine_of_another_kind_is_refused(kind: str, name: str, does: str) -> None:
    right = {"synthesizer": "tone", "converter": "gain", "detector": "silero"}
    right["recogniser"] = "revoice"
    models = LoadedModels(Settings(), names=tuple(right.values()))
    assert getattr(models, kind)(right[kind]).engine is models.engine(right[kind])
    with pytest.raises(BadRequest, match=f"{name!r} {does} is needed. There are: {right[kind]}."):
        getattr(models, kind)(name)
    with pytest.raises(BadRequest, match=f"no engine 'bell'. There are: {right[kind]}."):
        getattr(models, kind)("bell")
