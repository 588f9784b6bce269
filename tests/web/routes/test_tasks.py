"""Tasks are listed, made, preloaded, cleaned up and forgotten over HTTP."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from realtime.errors import SettingsError
from realtime.services import build
from realtime.settings import Settings
from tests.support.server import local_client

NIGHT = {"models": ["gain", "world"], "priority": 2, "memory_limit_mb": 2_048}


def test_the_default_tasks_are_there(client: TestClient) -> None:
    tasks = {task["name"]: task for task in client.get("/api/tasks").json()["tasks"]}
    assert {"voice_synthesis", "voice_conversion", "voice_creation"} <= tasks.keys()
    assert tasks["voice_creation"]["memory_limit_mb"] == 6_144
    assert tasks["voice_creation"]["cleanup"] is False and tasks["voice_creation"]["keeps"] == []


def test_a_task_lives_its_life(client: TestClient) -> None:
    path = "/api/tasks/game-night"
    assert client.get(path).status_code == 404
    made = client.put(path, json=NIGHT).json()
    assert made == {**NIGHT, "device": "auto", "cleanup": True, "name": "game-night", "keeps": []}
    loaded = client.post(f"{path}/preload").json()
    assert loaded == {"results": {"gain": "loaded", "world": "loaded"}}
    assert client.get(path).json()["keeps"] == ["gain", "world"]
    refused = client.post("/api/models/gain/unload")
    assert refused.status_code == 409 and "game-night" in refused.json()["error"]["message"]
    cleaned = client.post(f"{path}/cleanup").json()
    assert cleaned == {"results": {"gain": "unloaded", "world": "unloaded"}}
    assert client.delete(path).status_code == 204
    assert client.delete(path).json()["error"]["code"] == "task_not_found"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "models"),
        ({"models": "gain"}, "models"),
        ({"models": ["gain"] * 33}, "at most 32"),
        ({"models": [], "priority": 1.5}, "priority"),
        ({"models": [], "memory_limit_mb": 0}, "memory_limit_mb"),
        ({"models": [], "pin": True}, "pin"),
        ({"models": ["bell"]}, "bell"),
    ],
)
def test_a_wrong_profile_is_refused(client: TestClient, body: object, named: str) -> None:
    refused = client.put("/api/tasks/wrong", json=body)
    assert refused.status_code == 400 and named in refused.json()["error"]["message"]
    assert client.get("/api/tasks/wrong").status_code == 404


def test_settings_have_tasks(settings: Settings) -> None:
    own = replace(settings, tasks={"night": {"models": ["gain"], "cleanup": False}})
    with local_client(build(own)) as client:
        assert client.get("/api/tasks/night").json()["models"] == ["gain"]
    with pytest.raises(SettingsError, match="no model 'bell'"):
        build(replace(settings, tasks={"night": {"models": ["bell"]}}))
