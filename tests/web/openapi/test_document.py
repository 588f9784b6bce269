"""The API's document has every route and nothing else, is valid, and tells this server's bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from starlette.routing import Mount, Route, WebSocketRoute

from realtime.services import build
from realtime.settings import AuthSettings, GenerateSettings, LimitsSettings, Settings
from realtime.speech.line import FASTEST, SLOWEST
from realtime.web.app import OPERATIONS, ROUTES
from realtime.web.openapi.document import make_document
from realtime.web.openapi.operation import FORM

# Answered by a middleware, so that it has no route.
BEFORE_THE_ROUTER = {("GET", "/audio/{language}/{character}/{mode}/{file}")}
BEFORE_THE_ROUTER |= {("HEAD", path) for _, path in BEFORE_THE_ROUTER}


@pytest.fixture(scope="module")
def document(settings: Settings) -> dict[str, Any]:
    return make_document(OPERATIONS, build(settings))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def routed() -> Iterator[tuple[str, str]]:
    """Yield every method and path of the application, with paths as the document has them."""
    for route in ROUTES:
        path = re.sub(r":\w+\}", "}", route.path)
        match route:
            case Route():
                assert route.methods, "a route has its methods"
                yield from ((method, path) for method in route.methods)
            case WebSocketRoute():
                yield "GET", path
            case Mount():
                yield from ((method, f"{path}/{{path}}") for method in ("GET", "HEAD"))
            case _:
                raise AssertionError(f"{route} is of an unknown kind")


def test_every_route_is_in_the_document_and_nothing_else(document: dict[str, Any]) -> None:
    documented = [(method, path) for method, path, _ in operations(document)]
    assert sorted(documented) == sorted({*routed(), *BEFORE_THE_ROUTER})


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def examples(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every example with the place of its schema in the document."""
    for method, path, operation in operations(document):
        place = f"#/paths/{path.replace('/', '~1')}/{method.lower()}"
        for number, parameter in enumerate(operation.get("parameters", ())):
            if "example" in parameter:
                yield f"{place}/parameters/{number}/schema", parameter["example"]
        bodies = {"requestBody": operation.get("requestBody", {})}
        bodies |= {f"responses/{s}": answer for s, answer in operation["responses"].items()}
        for part, body in bodies.items():
            for media_type, content in body.get("content", {}).items():
                if "example" in content:
                    named = media_type.replace("/", "~1")
                    yield f"{place}/{part}/content/{named}/schema", content["example"]


def test_its_examples_are_what_its_schemas_say(document: dict[str, Any]) -> None:
    resource = DRAFT202012.create_resource(document)
    registry: Registry[Any] = Registry().with_resource("urn:document", resource)
    found = list(examples(document))
    assert len(found) > 20
    for place, example in found:
        reference = {"$ref": f"urn:document{place}"}
        jsonschema.Draft202012Validator(reference, registry=registry).validate(example)


def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            if "ndjson" not in media_type and "jsonl" not in media_type:
                assert content.get("example"), (method, path)


def test_every_operation_is_told_in_words(document: dict[str, Any]) -> None:
    groups = {group["name"] for group in document["tags"]}
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for method, path, operation in operations(document):
        assert operation["summary"] and operation["tags"][0] in groups, (method, path)
        for parameter in operation.get("parameters", ()):
            assert parameter["description"].endswith("."), (method, path, parameter["name"])
        named = set(re.findall(r"\{(\w+)\}", path))
        given = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"]
        assert named == set(given), (method, path)


def schema_of(document: dict[str, Any], name: str, field: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]["properties"][field]
    return found


def test_bounds_are_those_of_the_code_and_of_the_settings(
    document: dict[str, Any], settings: Settings
) -> None:
    speed = schema_of(document, "OpenAiSpeech", "speed")
    assert (speed["minimum"], speed["maximum"]) == (SLOWEST, FASTEST)
    assert schema_of(document, "Line", "text")["maxLength"] == settings.limits.long_text
    other = replace(settings, limits=LimitsSettings(text=70, long_text=80))
    changed = make_document(OPERATIONS, build(other))
    assert schema_of(changed, "Line", "text")["maxLength"] == 80
    assert schema_of(changed, "OpenAiSpeech", "input")["maxLength"] == 80


def test_engines_are_those_that_there_are(document: dict[str, Any]) -> None:
    assert "tone" in schema_of(document, "Line", "engine")["enum"]
    assert "gain" not in schema_of(document, "Line", "engine")["enum"]
    engines = schema_of(document, "Upload", "engine")["enum"]
    assert {"world", "gain", "revoice"} <= set(engines) and "tone" not in engines


def test_forms_have_files_and_no_null(document: dict[str, Any]) -> None:
    body = document["paths"]["/api/process"]["post"]["requestBody"]["content"]
    assert list(body) == [FORM]
    audio = schema_of(document, "Upload", "audio")
    assert (audio["type"], audio["items"]["format"]) == ("array", "binary")
    assert schema_of(document, "Upload", "pitch")["type"] == "number"


def test_without_keys_none_is_needed_and_with_keys_one_is(settings: Settings) -> None:
    free = make_document(OPERATIONS, build(settings))
    secret = "s" * 43
    keyed = replace(settings, keys=(f"bot:{secret}",), auth=AuthSettings(bearer=False))
    needing = make_document(OPERATIONS, build(keyed))
    for document, optional in ((free, True), (needing, False)):
        line = document["paths"]["/lines"]["post"]
        assert ({} in line["security"]) is optional
        assert "401" in line["responses"]
        for path in ("/", "/health", "/login", "/static/{path}"):
            method = "post" if path == "/login" else "get"
            assert "security" not in document["paths"][path][method], path
    assert {"bearer": []} in free["paths"]["/lines"]["post"]["security"]
    assert {"bearer": []} not in needing["paths"]["/lines"]["post"]["security"]
    assert secret not in str(needing)


def test_the_bots_settings_change_what_is_told_of_their_answers(settings: Settings) -> None:
    usual = make_document(OPERATIONS, build(settings))["paths"]["/generate"]["post"]["responses"]
    assert "403" in usual and "401" not in usual
    always = replace(settings, generate=GenerateSettings(always_200=True))
    found = make_document(OPERATIONS, build(always))["paths"]["/generate"]["post"]["responses"]
    assert set(found) == {"200"}


def test_a_public_address_is_the_documents_server(settings: Settings) -> None:
    public = replace(settings, public_url="https://voice.example")
    assert make_document(OPERATIONS, build(public))["servers"] == [{"url": "https://voice.example"}]
