"""Models that speak are brought while the server runs, and spoken with through every door."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from realtime.engines import registry
from realtime.models.loaded import LoadedModels
from realtime.services import build
from realtime.settings import CacheSettings, ModelsSettings, Settings
from tests.support.brought_models import BroughtModels, bring
from tests.support.server import local_client

LINE = {"text": "abc", "character": "af_heart"}


@pytest.fixture
def client(settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    own = replace(
        settings,
        models=ModelsSettings(path=tmp_path / "models"),
        cache=CacheSettings(path=tmp_path / "cache"),
        preload=(),
    )

    def create(name: str, own: Settings) -> Any:
        return BroughtModels(own.models.path) if name == "brought" else registry.create(name, own)

    models = LoadedModels(own, create, (*registry.ENGINES, "brought"))
    with local_client(build(own, models)) as client:
        yield client


def loaded(client: TestClient) -> list[str]:
    models = client.get("/api/models").json()["models"]
    return [each["id"] for each in models if each["state"] == "loaded"]


def test_a_line_names_one_that_was_brought_just_now(client: TestClient, tmp_path: Path) -> None:
    for name in ("nana", "yuki"):
        bring(tmp_path / "models", name)
        line = client.post("/lines", json={**LINE, "engine": f"brought:{name}"})
        assert line.status_code == 200, line.text
    assert loaded(client) == ["brought:nana", "brought:yuki"]


def test_openai_s_model_names_one_that_was_brought_just_now(
    client: TestClient, tmp_path: Path
) -> None:
    bring(tmp_path / "models", "nana")
    body = {"model": "brought:nana", "input": "abc", "voice": "af_heart"}
    assert client.post("/v1/audio/speech", json=body).status_code == 200
    assert loaded(client) == ["brought:nana"]
    assert "brought:nana" in [each["id"] for each in client.get("/v1/models").json()["data"]]


def test_a_prefetch_names_one_that_was_brought_just_now(client: TestClient, tmp_path: Path) -> None:
    bring(tmp_path / "models", "nana")
    lines = [{**LINE, "engine": "brought:nana"}]
    assert client.post("/prefetch", json={"lines": lines}).status_code == 202


def test_each_model_has_recordings_of_its_own(client: TestClient, tmp_path: Path) -> None:
    """The engine alone means its only model, so its recordings are that model's."""
    bring(tmp_path / "models", "nana")
    alone = client.post("/lines", json={**LINE, "engine": "brought"}).json()["key"]
    assert alone == client.post("/lines", json={**LINE, "engine": "brought:nana"}).json()["key"]
    bring(tmp_path / "models", "yuki")
    assert alone != client.post("/lines", json={**LINE, "engine": "brought:yuki"}).json()["key"]
    refused = client.post("/lines", json={**LINE, "engine": "brought"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "unknown_model")
