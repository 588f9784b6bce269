"""Options of engines: what a request may hold, what an engine takes of it, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from realtime.engines.contract import TakesOptions
from realtime.engines.options import MOST_OPTIONS, EngineOption, options_of, taken_options
from realtime.engines.tone import Tone
from realtime.errors import BadRequest
from realtime.settings import Settings
from tests.support.documented_client import services_of
from tests.support.raw_socket import RawSocket
from tests.support.scripted_engines import Tunable
from tests.support.server import local_client, services_with, serving


def test_options_are_sorted_and_null_is_absent() -> None:
    assert options_of({"top_k": 5, "cut": "cut0", "temperature": None}) == (
        ("cut", "cut0"),
        ("top_k", 5),
    )
    assert options_of(None) == options_of({}) == ()


@pytest.mark.parametrize(
    "values",
    [
        [],
        "top_k",
        {"top k": 1},
        {"top_k\n": 1},
        {"": 1},
        {"\ud800": 1},
        {"a" * 41: 1},
        {5: 1},
        {"top_k": [1]},
        {"top_k": {}},
        {"top_k": float("nan")},
        {"top_k": float("inf")},
        {"top_k": 10**400},
        {"cut": "a" * 101},
        {f"o{number}": number for number in range(MOST_OPTIONS + 1)},
    ],
    ids=lambda values: repr(values)[:20],
)
def test_what_no_option_can_be_is_refused(values: object) -> None:
    with pytest.raises(BadRequest) as refused:
        options_of(values)
    assert refused.value.field == "options" and len(refused.value.message) < 300


def test_an_engine_takes_its_own_options_in_one_form() -> None:
    given = options_of({"top_k": 5.0, "temperature": 1, "super_sampling": True, "other": 1})
    taken = dict(taken_options(given, Tunable.options))
    assert taken == {"top_k": 5, "temperature": 1.0, "super_sampling": True}
    assert (type(taken["top_k"]), type(taken["temperature"])) == (int, float)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("top_k", 0, "a whole number from 1 to 100"),
        ("top_k", 1.5, "a whole number from 1 to 100"),
        ("top_k", True, "a whole number from 1 to 100"),
        ("top_k", "5", "a whole number from 1 to 100"),
        ("temperature", 2.5, "a number from 0.01 to 2"),
        ("temperature", "hot", "a number from 0.01 to 2"),
        ("super_sampling", 1, "true or false"),
        ("cut", "cut9", "one of cut0, cut5"),
        ("cut", 5, "one of cut0, cut5"),
    ],
)
def test_a_value_out_of_bounds_is_named_with_its_bounds(
    name: str, value: bool | float | str, allowed: str
) -> None:
    with pytest.raises(BadRequest, match=f"^{name} is .*; expected is {allowed}"):
        taken_options(((name, value),), Tunable.options)


@pytest.mark.parametrize("option", Tunable.options, ids=lambda option: option.name)
def test_the_default_of_an_option_is_one_of_its_values(option: EngineOption) -> None:
    default = option.schema()["default"]
    assert taken_options(((option.name, default),), [option]) == ((option.name, default),)


def test_an_engine_says_by_its_options_that_it_takes_some() -> None:
    assert isinstance(Tunable(Settings()), TakesOptions)
    assert not isinstance(Tone(Settings()), TakesOptions)


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[TestClient]:
    with local_client(services_with(settings, extra=(Tunable,))) as client:
        yield client


def spoke_with(client: TestClient) -> dict[str, object]:
    engine: Tunable = services_of(client).models.engine("tunable")
    return dict(engine.spoke_with)


def test_openai_speech_hands_options_to_the_engine(client: TestClient) -> None:
    body = {"input": "abc", "model": "tunable", "response_format": "pcm"}
    answer = client.post("/v1/audio/speech", json={**body, "options": {"top_k": 7, "other": 1}})
    assert answer.status_code == 200 and spoke_with(client) == {"top_k": 7}
    assert answer.headers["X-Notice"] == 'ignored_option; message="tunable has no option other."'
    refused = client.post("/v1/audio/speech", json={**body, "options": {"top_k": 700}})
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "options"
    assert "top_k is 700" in refused.json()["error"]["message"]


def test_lines_keep_apart_what_options_change(client: TestClient) -> None:
    def key(**options: object) -> str:
        body = {"text": "abcd", "engine": "tunable", "options": options}
        return str(client.post("/lines", json=body).json()["key"])

    assert key(top_k=3) == key(top_k=3.0) != key(top_k=4)


def test_say_hands_options_to_the_engine(settings: Settings) -> None:
    services = services_with(settings, extra=(Tunable,))
    with serving(services) as live, RawSocket(live.address) as raw:
        raw.until("ready")
        raw.say("say", id="a", text="abcde", engine="tunable", options={"cut": "cut0"})
        assert raw.until("done", "error")[-1].json["type"] == "done"
        raw.say("say", id="b", text="abcde", engine="tunable", options={"cut": "cut9"})
        refused = raw.until("done", "error")[-1].json
    engine: Tunable = services.models.engine("tunable")
    assert dict(engine.spoke_with) == {"cut": "cut0"}
    assert refused["type"] == "error" and "cut0, cut5" in refused["message"]


def test_the_document_lists_the_options_of_engines(client: TestClient) -> None:
    line = client.get("/openapi.json").json()["components"]["schemas"]["Line"]
    options = line["properties"]["options"]["properties"]["top_k"]["anyOf"]
    (top_k,) = (each for each in options if each["description"].startswith("Of tunable: "))
    assert (top_k["minimum"], top_k["maximum"], top_k["default"]) == (1, 100, 15)
