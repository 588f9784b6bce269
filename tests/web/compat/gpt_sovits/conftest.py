"""A client and a running server where every character speaks in tones, and two scripted engines."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

from realtime.engines.contract import CancelToken, Chunk, Utterance
from realtime.services import Services
from realtime.settings import CacheSettings, GptSovitsApiSettings, PresetsSettings, Settings
from realtime.web.app import create_app
from tests.support.documented_client import DocumentedClient
from tests.support.scripted_engines import Silent
from tests.support.server import LiveServer, scripted_services, serving
from tests.support.voice_like_sound import voice

ROOT = Path(__file__).resolve().parents[4]
CARDS = {
    "waiting": "gated",
    "breaking": "broken",
    "loud": "silent",
    "tuned": "tone",
}  # characters, and their engines


@pytest.fixture(scope="module")
def own_settings(web_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return settings with the usual characters, and one more for each engine of a test."""
    presets = tmp_path_factory.mktemp("own") / "presets"
    shutil.copytree(ROOT / "presets", presets)
    for name, engine in CARDS.items():
        shutil.copy(presets / "af_heart.npz", presets / f"{name}.npz")
        engines = f"engines: {{en: {engine}, zh: {engine}, ja: {engine}}}\n"
        (presets / f"{name}.yaml").write_text(f"aliases: [{name}-alias]\nspeed: 1.5\n{engines}")
    write_trained_voice(presets)
    return replace(
        web_settings,
        presets=PresetsSettings(path=presets),
        cache=CacheSettings(path=tmp_path_factory.mktemp("cache")),
        gpt_sovits_api=GptSovitsApiSettings(clips={"reference_01": "jf_alpha"}),
    )


def write_trained_voice(presets: Path) -> None:
    """Write a character with two clips, each with a style, as GPT-SoVITS has them."""
    for name, pitch in (("calm", 140.0), ("angry", 220.0)):
        soundfile.write(presets / f"nana_{name}.wav", voice(4.0, pitch, 16_000), 16_000)
    clip = "{reference: nana_angry.wav, text: はい。, language: ja}"
    (presets / "nana.yaml").write_text(
        "engine: gpt_sovits\ngender: female\ndescription: A voice of two moods.\n"
        "voice: {gpt: nana.ckpt, sovits: nana.pth, reference: nana_calm.wav, text: はい。, "
        f"language: ja, styles: {{angry: {clip}}}}}\n"
    )


class Loud(Silent):
    """An engine whose sound has the highest and the lowest sample."""

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        yield Chunk(np.tile(np.float32([1.0, -1.0, 1.0, 0.5]), 6000))


def tones(settings: Settings) -> Services:
    """Return services whose usual engines speak in tones."""
    services = scripted_services(settings)
    for name in ("hibari", "kokoro"):
        services.models.model(name).engine = services.models.engine("tone")
    services.models.model("silent").engine = Loud(settings)
    return services


@pytest.fixture(scope="module")
def bot(own_settings: Settings) -> Iterator[TestClient]:
    with DocumentedClient(create_app(tones(own_settings))) as client:
        yield client


@pytest.fixture
def running(own_settings: Settings, tmp_path: Path) -> Iterator[LiveServer]:
    with serving(tones(replace(own_settings, cache=CacheSettings(path=tmp_path)))) as live:
        live.gated.reset()
        yield live
