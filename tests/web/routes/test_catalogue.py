"""Models, voices and characters, in the forms that clients know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from realtime.engines.rvc import options as rvc
from realtime.settings import ModelsSettings, PresetsSettings, Settings
from realtime.web.app import create_app
from realtime.web.routes.catalogue import BY_CHARACTER
from tests.support.ddsp_files import ddsp_config, write_ddsp_voice
from tests.support.documented_client import DocumentedClient
from tests.support.rvc_files import write_voice
from tests.support.server import local_client, scripted_services

PNG = b"\x89PNG\r\n\x1a\n"
FIELDS = ["name", "display_name", "engine", "language", "native", "languages", "gender"]
FIELDS += ["description", "licence", "source", "speed", "aliases", "picture"]
OPENAI_VOICES = "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split()


def test_models_are_engines_that_speak_and_openais_names(client: TestClient) -> None:
    found = client.get("/v1/models").json()
    names = [each["id"] for each in found["data"]]
    assert found["object"] == "list"
    assert {*BY_CHARACTER, "hibari", "kokoro", "tone"} <= set(names)
    assert "gain" not in names and len(names) == len(set(names))
    assert set(found["data"][0]) == {"id", "object", "created", "owned_by"}


def test_characters_have_exactly_their_fields(client: TestClient) -> None:
    found = client.get("/api/characters").json()["characters"]
    assert len(found) >= 20
    for each in found:
        assert list(each) == FIELDS
    heart = next(each for each in found if each["name"] == "af_heart")
    assert heart["language"] == "en" and heart["picture"] is None


def test_voices_are_every_name_that_can_be_asked_for(client: TestClient) -> None:
    voices = client.get("/v1/audio/voices").json()["voices"]
    ids = [each["id"] for each in voices]
    assert all(set(each) == {"id", "name"} for each in voices)
    assert len(ids) == len(set(ids))
    assert {*OPENAI_VOICES, "af_heart", "jf_alpha"} <= set(ids)
    for name in ids:
        body = {"model": "tone", "input": "a", "voice": name}
        assert client.post("/v1/audio/speech", json=body).status_code == 200


@pytest.fixture
def pictured(web_settings: Settings, tmp_path: Path) -> TestClient:
    """Give a server with a character that has a picture and a name to escape."""
    (tmp_path / "Y'shtola 2.yaml").write_text("voice: jf_alpha\npicture: face.png\n")
    (tmp_path / "bare.yaml").write_text("voice: jf_alpha\n")
    (tmp_path / "face.png").write_bytes(PNG)
    settings = replace(web_settings, presets=PresetsSettings(path=tmp_path))
    return DocumentedClient(create_app(scripted_services(settings)))


def test_a_picture_has_an_address(pictured: TestClient) -> None:
    found = pictured.get("/api/characters").json()["characters"]
    address = {each["name"]: each["picture"] for each in found}["Y'shtola 2"]
    answer = pictured.get(address)
    assert answer.content == PNG
    assert answer.headers["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    ("name", "status"), [("bare", 404), ("nobody", 404), ("..", 404), ("%2e%2e%2fface.png", 404)]
)
def test_no_picture_is_404(pictured: TestClient, name: str, status: int) -> None:
    assert pictured.get(f"/api/characters/{name}/picture").status_code == status


def test_a_voice_of_a_converter_is_listed_apart_and_says_that_it_does_not_speak(
    web_settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "nana.yaml").write_text(
        "engine: rvc\nvoice: {file: nana.pth, key: -5, protect: 0.2}\n"
    )
    settings = replace(web_settings, presets=PresetsSettings(path=tmp_path))
    with local_client(scripted_services(settings)) as client:
        found = client.get("/api/characters").json()
        assert found["characters"] == []
        (nana,) = found["converter_voices"]
        assert (nana["name"], nana["engine"], nana["languages"]) == ("nana", "rvc", [])
        assert list(nana) == [*FIELDS, "model", "key", "formant", "options"]
        refused = client.post("/lines", json={"text": "Hello.", "character": "nana"})
        assert refused.status_code == 400
        assert "it does not speak" in refused.json()["error"]["message"]


@pytest.fixture
def brought(web_settings: Settings, tmp_path: Path) -> Iterator[Any]:
    """Give the answer of a server with a card, and models that have none."""
    presets, models = tmp_path / "presets", tmp_path / "models"
    for name in ("nana", "kyo"):
        write_voice(models / "rvc" / f"{name}.pth")
    for name, moves in (("mei", True), ("lan", False)):
        config = ddsp_config("6.1")
        config["model"]["use_pitch_aug"] = moves
        write_ddsp_voice(models / "ddsp_svc" / name, state={}, config=config)
    presets.mkdir()
    card = "engine: rvc\nvoice: {file: nana.pth, key: -5, protect: 0.2}\n"
    (presets / "nana.yaml").write_text(card)
    settings = replace(
        web_settings,
        presets=PresetsSettings(path=presets),
        models=ModelsSettings(path=models),
    )
    with local_client(scripted_services(settings)) as client:
        yield client.get("/api/characters").json()


def test_a_voice_says_what_its_engine_can_do_and_what_its_card_says(brought: Any) -> None:
    (nana,) = brought["converter_voices"]
    assert (nana["model"], nana["key"]) == ("rvc:nana", -5.0)
    assert nana["formant"] == {"minimum": 0.5, "maximum": 2.0}
    options = {each["name"]: each for each in nana["options"]}
    assert [option.name for option in rvc.OPTIONS] == list(options)
    protect, method = options["protect"], options["pitch_method"]
    assert (protect["type"], protect["minimum"], protect["maximum"]) == ("number", 0.0, 0.5)
    assert (protect["default"], protect["value"]) == (rvc.PROTECT, 0.2)
    assert options["speaker"]["type"] == "integer" and options["speaker"]["value"] is None
    assert "fcpe" in method["choices"] and method["default"] == rvc.PITCH_METHOD


def test_models_that_no_card_names_are_voices_by_their_ids(brought: Any) -> None:
    models = {each["engine"]: each for each in brought["converter_models"]}
    assert [each["id"] for each in models["rvc"]["models"]] == ["rvc:kyo"]
    formants = {each["id"]: each["formant"] for each in models["ddsp_svc"]["models"]}
    assert formants == {"ddsp_svc:lan": None, "ddsp_svc:mei": {"minimum": 0.75, "maximum": 1.33}}
    mix = {each["name"]: each for each in models["ddsp_svc"]["options"]}["speaker_mix"]
    assert (mix["type"], mix["max_length"], mix["default"]) == ("string", 100, "")


def test_a_card_whose_model_is_missing_is_described_all_the_same(
    web_settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "nana.yaml").write_text("engine: rvc\nvoice: {file: nana.pth}\n")
    models = ModelsSettings(path=tmp_path / "models")
    settings = replace(web_settings, presets=PresetsSettings(path=tmp_path), models=models)
    with local_client(scripted_services(settings)) as client:
        for others in ([], ["kyo"], ["kyo", "mei"]):
            for name in others:
                write_voice(models.path / "rvc" / f"{name}.pth")
            found = client.get("/api/characters").json()
            (nana,) = found["converter_voices"]
            assert nana["key"] is None
            assert len(nana["options"]) == len(rvc.OPTIONS)
            ids = [m["id"] for each in found["converter_models"] for m in each["models"]]
            assert ids == [f"rvc:{name}" for name in others]
