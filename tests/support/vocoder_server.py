"""A server with the files of a small vocoder, and recordings that it sounds again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from realtime.audio.decoding import decode
from realtime.audio.samples import Pcm
from realtime.audio.wav import wav_file
from realtime.services import build
from realtime.settings import AccelerationSettings, ModelsSettings, Settings, VocoderSettings
from realtime.web.app import create_app
from tests.support.documented_client import DocumentedClient
from tests.support.voice_like_sound import pcm, voice

RATE = 32_000  # of HiFi-GAN's mel
OUTPUT_RATE = 48_000
SMALL = {"vocoder_chunk_size": 100, "batch": 1}  # so that a recording is several windows
SECONDS = 1.5  # of the recording


def settings_for(
    settings: Settings,
    models: Path,
    vocoder: dict[str, Any] | None = None,
    acceleration: dict[str, Any] | None = None,
) -> Settings:
    """Give settings with these folders, and with these values of the two sections."""
    return replace(
        settings,
        models=ModelsSettings(path=models, retry_seconds=0.0),
        vocoder=VocoderSettings(**(SMALL | (vocoder or {}))),
        acceleration=AccelerationSettings(
            **({"path": models.parent / "engines"} | (acceleration or {}))
        ),
    )


@contextmanager
def vocoder_client(
    settings: Settings,
    models: Path,
    vocoder: dict[str, Any] | None = None,
    acceleration: dict[str, Any] | None = None,
) -> Iterator[TestClient]:
    """Run a server with these files and settings."""
    services = build(settings_for(settings, models, vocoder, acceleration))
    with DocumentedClient(create_app(services)) as client:
        yield client


def recording(seconds: float = SECONDS, rate: int = RATE) -> Pcm:
    return pcm(voice(seconds, rate=rate))


def post(client: TestClient, sound: Pcm | None = None, rate: int = RATE, **fields: str) -> Any:
    """Upload a recording to the engine `vocoder`."""
    data = wav_file(recording() if sound is None else sound, rate)
    return client.post(
        "/api/process",
        files={"audio": ("voice.wav", data)},
        data={"engine": "vocoder", **fields},
    )


def sounded_again(client: TestClient, sound: Pcm | None = None, **fields: str) -> Pcm:
    """Return the sound of an upload's answer at the vocoder's own rate."""
    answer = post(client, sound, sample_rate=str(OUTPUT_RATE), **fields)
    assert answer.status_code == 200, answer.text
    found, rate = decode(answer.content)
    assert rate == OUTPUT_RATE and np.abs(found).max() > 0
    return found


def networks(client: TestClient) -> list[dict[str, Any]]:
    """Return the vocoder's networks as /api/acceleration describes them."""
    found: list[dict[str, Any]] = client.get("/api/acceleration").json()["networks"]
    assert all(each["engine"] == "vocoder" for each in found)
    return found
