"""Uploads of several recordings have the bounds of one together, and formats that are accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from starlette.testclient import TestClient

from realtime.services import Services
from realtime.settings import LimitsSettings, ProcessSettings, Settings
from realtime.web.app import create_app
from tests.support.documented_client import DocumentedClient, services_of
from tests.support.encoded_files import FILES, encoded_file, foreign_file
from tests.support.server import scripted_services
from tests.support.uploads import RATE, outcomes_of, recording, upload
from tests.support.voice_like_sound import pcm, voice

SOUND = pcm(voice(0.5))
GOOD = recording(SOUND)


@pytest.fixture
def small(web_settings: Settings) -> Iterator[TestClient]:
    limits = LimitsSettings(upload_bytes=400_000, upload_minutes=0.05, upload_files=3)
    formats = ProcessSettings(("wav", "opus"))
    settings = replace(web_settings, limits=limits, process=formats)
    with DocumentedClient(create_app(scripted_services(settings))) as client:
        yield client


def test_there_is_a_most_of_files(small: TestClient) -> None:
    files = [("a", GOOD)] * 3
    assert upload(small, *files).status_code == 200
    answer = upload(small, *files, ("d", GOOD))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["values"]) == (
        400,
        "too_many_files",
        {"files": 3},
    )


def test_bytes_and_minutes_are_of_all_together(small: TestClient) -> None:
    two = recording(np.tile(SOUND, 4)), recording(np.tile(SOUND, 3))
    assert upload(small, ("a", two[0])).status_code == 200
    answer = upload(small, ("a", two[0]), ("b", two[1]))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (413, "audio_too_long")
    assert error["values"] == {"seconds": pytest.approx(3.0)} and "together" in error["message"]
    answer = upload(small, *[("a", bytes(150_000))] * 3)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_decoded_sound_is_counted_too(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packets that state less than they hold give no more sound than the setting allows."""
    services: Services = services_of(client)
    limits = replace(services.settings.limits, upload_minutes=0.7 / 60)
    monkeypatch.setattr(services, "settings", replace(services.settings, limits=limits))
    stated = "realtime.audio.decoding.AudioSource._length"
    monkeypatch.setattr(stated, lambda self, container: 1e-3)
    answer = upload(client, ("a.ogg", encoded_file("ogg", RATE, SOUND)), ("b.wav", GOOD))
    assert [each["error"] and each["error"]["code"] for each in outcomes_of(answer)] == [
        None,
        "audio_too_long",
    ]


@pytest.mark.parametrize("name", FILES)
def test_only_accepted_formats_are_taken(small: TestClient, name: str) -> None:
    """The setting names the container wav and the codec opus: that one in any container."""
    answer = upload(small, ("a.wav", encoded_file(name, RATE, SOUND)))
    if name in ("wav", "opus"):
        assert answer.status_code == 200
        return
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (415, "format_not_accepted")
    came = {"ogg": "vorbis in ogg"}.get(name, f"{name} in {name}")
    assert error["values"] == {"format": came, "accepted": "wav, opus"}
    assert came in error["message"] and "wav, opus" in error["message"]


def test_a_codec_is_accepted_in_any_container(small: TestClient) -> None:
    sound = pcm(voice(0.5, rate=48_000))
    assert upload(small, ("a", foreign_file("webm", "libopus", sound, 48_000))).status_code == 200
    refused = upload(small, ("a", foreign_file("mp4", "aac", sound, 48_000)))
    assert refused.json()["error"]["values"]["format"] == "aac in mov/mp4/m4a"


def test_one_that_is_not_accepted_is_told_among_others(small: TestClient) -> None:
    answer = upload(small, ("a.flac", encoded_file("flac", RATE, SOUND)), ("b.wav", GOOD))
    error = outcomes_of(answer)[0]["error"]
    assert error["code"] == "format_not_accepted" and error["values"]["format"] == "flac in flac"


def test_the_document_tells_how_many_files_there_may_be(small: TestClient) -> None:
    document = json.loads(small.get("/openapi.json").content)
    audio = document["components"]["schemas"]["Upload"]["properties"]["audio"]
    assert (audio["type"], audio["maxItems"]) == ("array", 3)
