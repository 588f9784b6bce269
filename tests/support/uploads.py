"""Uploads of recordings to /api/process, and the archives that come back."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from realtime.audio.samples import Pcm
from realtime.audio.wav import HEADER_BYTES, wav_file

RATE = 24_000


def upload(client: TestClient, *files: tuple[str, bytes], **fields: str) -> Any:
    """Send files as the field `audio`, once for each; without an engine the quickest converts."""
    fields = {"engine": "gain", "gate": "-90", **fields}
    return client.post("/api/process", files=[("audio", file) for file in files], data=fields)


def archive_of(answer: Any) -> dict[str, bytes]:
    """Return the files of an archive in their order; each must be whole."""
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def outcomes_of(answer: Any) -> list[dict[str, Any]]:
    """Return what the archive tells of each upload."""
    found: list[dict[str, Any]] = json.loads(archive_of(answer)["outcomes.json"])
    return found


def recording(pcm: Pcm, rate: int = RATE) -> bytes:
    return wav_file(pcm, rate)


def samples_of(data: bytes) -> Pcm:
    """Return the samples of a WAV file as this project writes it."""
    found: Pcm = np.frombuffer(data[HEADER_BYTES:], "<i2")
    return found
