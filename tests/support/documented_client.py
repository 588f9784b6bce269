"""A client that holds every answer against the API's document."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, NamedTuple

import httpx2
import jsonschema
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.testclient import TestClient

from realtime.services import Services

DOCUMENT = "urn:document"
_contracts: dict[tuple[Any, ...], ApiContract] = {}  # of this process, by what they are made from
WITH_SLASHES = ("rest", "path")  # parameters that take the rest of a path


class DocumentedAnswer(NamedTuple):
    """An answer of the document, and the place of it there."""

    described: dict[str, Any]
    pointer: str


class ApiContract:
    """The API's document, as far as it says what may be answered."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        closed = copy.deepcopy(document)
        _close(closed["components"]["schemas"])
        resource = DRAFT202012.create_resource(closed)
        self._registry: Registry[Any] = Registry().with_resource(DOCUMENT, resource)
        self._paths = [(_pattern(path), path) for path in document["paths"]]
        self._validators: dict[str, jsonschema.Draft202012Validator] = {}

    def path_of(self, target: str) -> str | None:
        """Return the documented path that a request's path is an instance of."""
        return next((path for pattern, path in self._paths if pattern.fullmatch(target)), None)

    def check(self, method: str, target: str, answer: httpx2.Response) -> None:
        """Assert that the document has an answer's status, media type, headers and body."""
        what = f"{method} {target}: {answer.status_code}"
        path = self.path_of(target)
        if path is None:
            assert answer.status_code in (404, 405, 401, 403), f"{what}: no such path"
            return
        if method.lower() not in self.document["paths"][path]:
            assert answer.status_code in (405, 401, 403), f"{what}: no such method"
            return
        found = self._answer(method.lower(), path, str(answer.status_code), what)
        for name, header in found.described.get("headers", {}).items():
            assert name in answer.headers or not header.get("required"), f"{what}: no {name}"
        content = found.described.get("content")
        if method == "HEAD" or not answer.is_closed or not hasattr(answer, "_content"):
            return
        if not content:
            assert not answer.content, f"{what}: a body that is not documented"
            return
        media_type = answer.headers.get("Content-Type", "").partition(";")[0]
        named = _media_type(media_type, content)
        assert named is not None, f"{what}: {media_type!r} is not documented"
        if media_type == "application/json":
            self._validate(found.pointer, named, json.loads(answer.content), what)

    def _answer(self, method: str, path: str, status: str, what: str) -> DocumentedAnswer:
        responses = self.document["paths"][path][method]["responses"]
        assert status in responses, f"{what} is not documented; documented are {list(responses)}"
        described = responses[status]
        if "$ref" in described:
            name = described["$ref"].rpartition("/")[2]
            pointer = f"/components/responses/{name}"
            return DocumentedAnswer(self.document["components"]["responses"][name], pointer)
        return DocumentedAnswer(described, f"/paths/{_escaped(path)}/{method}/responses/{status}")

    def _validate(self, pointer: str, media_type: str, body: Any, what: str) -> None:
        place = f"{DOCUMENT}#{pointer}/content/{_escaped(media_type)}/schema"
        if place not in self._validators:
            self._validators[place] = jsonschema.Draft202012Validator(
                {"$ref": place}, registry=self._registry
            )
        wrong = [
            f"{error.json_path}: {error.message}"
            for error in self._validators[place].iter_errors(body)
        ]
        assert not wrong, f"{what}: {body} is not what the document says: {wrong}"


class DocumentedClient(TestClient):
    """A client of an application; an answer that is not in the API's document fails the test."""

    contract: ApiContract | None = None

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        answer = super().send(request, **options)
        if self.contract is None:
            self.contract = _contract_of(state_of(self))
        self.contract.check(request.method, request.url.path, answer)
        return answer


def state_of(client: TestClient) -> State:
    """Return the state of the application that a client asks."""
    assert isinstance(client.app, Starlette)
    return client.app.state


def services_of(client: TestClient) -> Services:
    found: Services = state_of(client).services
    return found


@contextmanager
def held_lease(client: TestClient, lease: AbstractAsyncContextManager[Any]) -> Iterator[None]:
    """Hold a lease on the loop of a client's application."""
    assert client.portal is not None, "the client is entered"
    with client.portal.wrap_async_context_manager(lease):
        yield


def _contract_of(state: State) -> ApiContract:
    """Return the contract of an application; applications of one document share it.

    To write a document takes longer than most tests. It is made from the settings but for their
    folders, from the engines, and from whether there are keys.
    """
    services = state.services
    settings = re.sub(r"PosixPath\('[^']*'\)", "a path", repr(services.settings))
    engines = sorted({(each.engine.name, repr(type(each.engine))) for each in services.models})
    made_from = (settings, tuple(engines), bool(services.guard.keys))
    if made_from not in _contracts:
        _contracts[made_from] = ApiContract(json.loads(state.document.written(services)))
    return _contracts[made_from]


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", path)
    for number in range(1, len(parts), 2):
        parts[number] = ".*" if parts[number] in WITH_SLASHES else "[^/]+"
    parts[::2] = map(re.escape, parts[::2])
    return re.compile("".join(parts), re.DOTALL)


def _media_type(media_type: str, content: dict[str, Any]) -> str | None:
    """Return the documented name of a media type, which may be a range such as image/*."""
    kind = media_type.partition("/")[0]
    return next((name for name in (media_type, f"{kind}/*", "*/*") if name in content), None)


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _close(schema: Any) -> None:
    """Make every object refuse properties that it does not describe."""
    if isinstance(schema, list):
        for each in schema:
            _close(each)
    elif isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for each in schema.values():
            _close(each)
