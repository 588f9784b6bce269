"""Every operation, asked in many ways, answers as the API's document says, and never with a 500."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from realtime.audio.wav import header_for_size
from realtime.cache.address import FOLDERS
from realtime.engines import registry
from realtime.models.loaded import LoadedModels
from realtime.services import build
from realtime.settings import CacheSettings, LimitsSettings, PresetsSettings, Settings
from realtime.web.app import OPERATIONS
from tests.support.keyed_server import SECRET
from tests.support.server import LiveServer, serving

ROOT = Path(__file__).resolve().parents[3]
ENGINES = ("tone", "gain", "world")  # those that are quick
CARD = "engines: {en: tone, zh: tone, ja: tone}\n"
CHARACTER = "af_heart"
# Weights and an upgrade are needed, a key that there is, and schemathesis asks for no document.
NOT_TRIED = {"POST /api/characters", "GET /ws", "POST /login", "GET /openapi.json"}
# They need weights, a clip of a character, a voice that was uploaded; or refuse everything.
NOT_TRIED |= {"GET /set_gpt_weights", "GET /set_sovits_weights", "GET /set_refer_audio"}
NOT_TRIED |= {"POST /set_refer_audio", "POST /upload_voice", "DELETE /voice/{name}", "GET /control"}
QUICK = {
    "seed": 1,
    "generation": {"max-examples": 4, "deterministic": True, "database": "none"},
    "phases": {"coverage": {"enabled": False}, "stateful": {"enabled": False}},
    "without": ("HEAD",),
}
LONG = {"generation": {"max-examples": 25, "database": "none"}}


@pytest.fixture(scope="module")
def own_settings(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with one character, that the tone engine speaks for."""
    presets = tmp_path_factory.mktemp("presets")
    shutil.copy(ROOT / "presets" / f"{CHARACTER}.npz", presets)
    (presets / f"{CHARACTER}.yaml").write_text(CARD + "picture: face.png\n")
    shutil.copy(ROOT / "docs" / "images" / "page-360-light.png", presets / "face.png")
    return replace(
        settings,
        warm=(),
        presets=PresetsSettings(path=presets),
        cache=CacheSettings(path=tmp_path_factory.mktemp("cache")),
        default_characters=dict.fromkeys(("en", "zh", "ja", "mix"), CHARACTER),
    )


def make_recording(live: LiveServer, headers: dict[str, str]) -> dict[str, str]:
    """Make recordings, and return the parts of the last one's path."""
    for language in FOLDERS:
        line = {"text": "abc", "language": language, "engine": "tone"}
        answer = httpx2.post(f"{live.url}/lines", json=line, headers=headers, timeout=60)
    assert live.wait_until_idle()
    path = answer.json()["url"].partition("/audio/")[2].partition("?")[0].split("/")
    return dict(zip(("language", "character", "mode", "file"), path, strict=True))


def sound() -> bytes:
    time = np.arange(8_000) / 16_000
    samples = (8_000 * np.sin(2 * np.pi * 220 * time)).astype("<i2").tobytes()
    return header_for_size(16_000, 44 + len(samples)) + samples


def fuzz(settings: Settings, headers: dict[str, str], config: dict[str, Any]) -> None:
    from tests.support.api_fuzzer import ApiFuzzer

    services = build(settings, LoadedModels(settings, registry.create, ENGINES))
    with serving(services) as live:
        recording = make_recording(live, headers)
        fuzzer = ApiFuzzer(live.url, recording, sound(), headers, **config)
        report = fuzzer.run()
    assert report.errors == []
    assert report.failures == [], "\n\n".join(report.failures)
    # Without an answer that is no error an operation was not really tried.
    tried = {label for label, statuses in report.statuses.items() if min(statuses) < 400}
    left = {f"{each.method} {each.path}" for each in OPERATIONS} - tried
    assert left <= NOT_TRIED, report.statuses


@pytest.mark.slow
def test_every_operation_keeps_its_promises(own_settings: Settings) -> None:
    fuzz(own_settings, {}, QUICK)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_every_operation_keeps_its_promises_for_long(own_settings: Settings) -> None:
    fuzz(own_settings, {}, LONG)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_with_keys_no_operation_forgets_to_ask_for_one(own_settings: Settings) -> None:
    limits = LimitsSettings(requests=1 << 30, characters=1 << 30, refusals=1 << 30)
    auth = replace(own_settings.auth, shift_seconds=1.0)
    keyed = replace(own_settings, keys=(f"bot:{SECRET}",), limits=limits, auth=auth)
    fuzz(keyed, {"Authorization": f"Bearer bot:{SECRET}"}, LONG)
