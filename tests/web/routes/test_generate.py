"""POST /generate keeps the bots' contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from realtime.settings import CacheSettings, GenerateSettings, Settings
from realtime.web.app import create_app
from tests.support.documented_client import DocumentedClient, services_of
from tests.support.server import scripted_services, wait_until_kept

BODY = {"textPrompt": "Hi.", "character": "af_heart", "language": "en"}


def serve_tones(settings: Settings) -> Iterator[TestClient]:
    services = scripted_services(settings)
    # The bots name no engine: here every character speaks in tones.
    services.models.model("hibari").engine = services.models.engine("tone")
    services.models.model("kokoro").engine = services.models.engine("tone")
    with DocumentedClient(create_app(services)) as client:
        yield client


@pytest.fixture
def bot(web_settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    yield from serve_tones(replace(web_settings, cache=CacheSettings(path=tmp_path)))


@pytest.fixture
def old_bot(web_settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    old = GenerateSettings(string_codes=True, always_200=True)
    yield from serve_tones(replace(web_settings, cache=CacheSettings(path=tmp_path), generate=old))


def post_generate(bot: TestClient, **fields: Any) -> tuple[int, dict[str, Any]]:
    answer = bot.post("/generate", json={**BODY, **fields})
    return answer.status_code, answer.json()


def test_it_answers_when_the_recording_is_finished(bot: TestClient) -> None:
    status, body = post_generate(
        bot, noaccent=False, longprompt=True, posttime="2026/01/01 00:00:00"
    )
    assert (status, set(body)) == (200, {"audioURL", "code", "error"})
    assert (body["code"], body["error"]) == (200, None)
    assert "/audio/en/af_heart/long/hi-" in body["audioURL"]
    assert bot.get(body["audioURL"]).headers["x-cache"] == "hit"


def test_who_does_not_wait_is_answered_at_once(bot: TestClient) -> None:
    status, body = post_generate(bot, wait=False)
    assert (status, body["code"]) == (200, 200)
    assert bot.get(body["audioURL"]).status_code == 200


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"character": "nobody"}, 404, "Character not found"),
        ({"character": "../../etc"}, 404, "Character not found"),
        ({"language": "fr"}, 400, "Language not supported"),
        ({"language": "fr", "character": "nobody"}, 400, "Language not supported"),
        ({"character": "nobody", "textPrompt": "..."}, 404, "Character not found"),
        ({"textPrompt": None}, 400, "textPrompt is missing; a text is expected."),
        ({"noaccent": "yes"}, 400, "noaccent is 'yes'; expected is true or false."),
    ],
)
def test_errors_are_the_bots(
    bot: TestClient, fields: dict[str, Any], status: int, error: str
) -> None:
    assert post_generate(bot, **fields) == (
        status,
        {"audioURL": None, "code": status, "error": error},
    )


def test_a_notice_is_a_header_since_the_body_is_the_contracts(bot: TestClient) -> None:
    answer = bot.post("/generate", json={**BODY, "character": "zf_xiaoxiao"})
    assert answer.headers["X-Notice"].startswith("foreign_language;")
    assert set(answer.json()) == {"audioURL", "code", "error"}
    assert "X-Notice" not in bot.post("/generate", json=BODY).headers


def test_unknown_fields_are_ignored(bot: TestClient) -> None:
    assert post_generate(bot, mood="happy")[0] == 200


def test_a_body_that_is_none_is_answered_in_the_same_shape(bot: TestClient) -> None:
    answer = bot.post("/generate", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    large = bot.post("/generate", json={**BODY, "textPrompt": "a" * 200_000})
    assert (large.status_code, large.json()["code"]) == (413, 413)
    assert set(large.json()) == {"audioURL", "code", "error"}


def test_a_failing_engine_is_500_with_its_reason(
    bot: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = services_of(bot)

    def broken(*_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(services.models.engine("tone"), "speak", broken)
    status, body = post_generate(bot)
    assert (status, body["code"], body["audioURL"]) == (500, 500, None)
    assert "failed while it spoke" in body["error"]


def test_old_bots_get_texts_and_always_200(old_bot: TestClient) -> None:
    assert post_generate(old_bot)[1]["code"] == "200"
    expected = {"audioURL": None, "code": "404", "error": "Character not found"}
    assert post_generate(old_bot, character="nobody") == (200, expected)


@pytest.mark.parametrize(
    "shape",
    [
        "/en/af_heart/short/Hi..wav",
        "/en/af_heart/Hi..wav",
        "/en/short/af_heart/Hi..wav",
    ],
)
def test_published_addresses_find_the_recording(bot: TestClient, shape: str) -> None:
    assert bot.get(shape).status_code == 404
    body = post_generate(bot)[1]
    assert bot.get(shape).content == bot.get(body["audioURL"]).content


def test_a_published_address_falls_back_to_the_newest(bot: TestClient) -> None:
    found = bot.post("/lines", json={"text": "Hi.", "language": "en", "seed": 5}).json()
    sound = bot.get(found["url"]).content
    wait_until_kept(bot)  # it is heard before it is kept
    assert bot.get("/en/af_heart/Hi..wav").content[44:] == sound[44:]
    assert bot.get("/en/af_heart/Hi!.wav").status_code == 404
