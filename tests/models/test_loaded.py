"""Models by name, each as the kind of engine that its user needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from realtime.engine_settings import RevoiceSettings
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


async def test_it_is_told_where_engines_run(monkeypatch: pytest.MonkeyPatch) -> None:
    on_gpu = replace(Settings(), revoice=RevoiceSettings(device="cuda"))
    models = LoadedModels(on_gpu, names=("hibari", "revoice"))
    devices = {state.name: state.device for state in models.states()}
    assert devices == {"hibari": "cpu", "revoice": "cuda:0"}
    assert models.device() == "cuda:0", "nothing is loaded: where it would be"
    monkeypatch.setattr("realtime.models.loaded.find_parts", lambda file, settings: [])
    assert models.device() == "cpu", "an engine without its files runs nowhere"
