"""The API's document: every operation as OpenAPI 3.1, with the bounds of this server."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from realtime import VERSION
from realtime.access.roles import OPERATOR
from realtime.services import Services
from realtime.web.answers.error_body import (
    ErrorBody,
    OpenAiErrorBody,
    error_type,
    sent_code,
    sent_status,
)
from realtime.web.answers.errors import status_of
from realtime.web.entry.authentication import is_open
from realtime.web.entry.needed_roles import SAFE, needed_role
from realtime.web.openapi.error_codes import (
    ENTRY_ERRORS,
    FOREIGN_PAGE,
    KEY_ERRORS,
    ROLE_ERRORS,
    ErrorCode,
)
from realtime.web.openapi.headers import HEADERS, REQUEST_ID, RETRY_AFTER
from realtime.web.openapi.operation import GROUPS, JSON, AnswerSpec, Body, Operation, Parameter
from realtime.web.openapi.schemas import PREFIX, Schemas
from realtime.web.openapi.security import requirements, security_schemes
from realtime.web.requests.field_types import Schema

OPENAPI = "3.1.0"
ABOUT = """\
Yamabiko speaks texts as characters and changes voices. This document is made from the tables by
which this server checks requests, so its bounds are those of this server's settings.

Another method at one of these paths is a 405 with `Allow`. A head that is too large or too slow is
a 431 or 408, and too many connections are a 503, before any of these operations.
"""
WITH_CODES = (ErrorBody, OpenAiErrorBody)  # types of errors that have a stable code
NEEDS_OPERATOR = "Where there are keys, it needs one with the role `operator`."


def make_document(operations: Sequence[Operation], services: Services) -> dict[str, Any]:
    """Return the document of some operations as they are answered with these services."""
    return _Writer(operations, services).document()


class _Writer:
    """A writer of the document, with the schemas that operations share."""

    def __init__(self, operations: Sequence[Operation], services: Services) -> None:
        self._operations = operations
        self._services = services
        kinds: list[Any] = [error_type({"path": operation.path}) for operation in operations]
        for operation in operations:
            kinds += [kind for answer in operation.answers for kind in answer.content.values()]
        self._schemas = Schemas(kinds)
        self._tables: dict[str, Schema] = {}

    def document(self) -> dict[str, Any]:
        """Return the whole document."""
        paths: dict[str, dict[str, Any]] = {}
        for operation in self._operations:
            methods = paths.setdefault(operation.path, {})
            methods[operation.method.lower()] = self._operation(operation)
            if operation.method == "GET":
                methods["head"] = _head(methods["get"])
        return {
            "openapi": OPENAPI,
            "info": {"title": "Yamabiko", "version": VERSION, "description": ABOUT},
            "servers": [{"url": self._services.settings.public_url or "/"}],
            "tags": [{"name": name, "description": about} for name, about in GROUPS.items()],
            "paths": paths,
            "components": {
                "responses": _shared(paths),
                "schemas": {**self._tables, **self._schemas.components},
                "securitySchemes": security_schemes(),
            },
        }

    def _operation(self, operation: Operation) -> Schema:
        written: Schema = {
            "tags": [operation.group],
            "summary": operation.summary,
            "operationId": operation.id,
        }
        about = [operation.about, NEEDS_OPERATOR if needs_operator(operation) else ""]
        if any(about):
            written["description"] = " ".join(filter(None, about))
        if operation.parameters:
            written["parameters"] = [self._parameter(each) for each in operation.parameters]
        if operation.body is not None:
            written["requestBody"] = self._body(operation.body)
        written["responses"] = self._responses(operation)
        if not is_open_path(operation):
            written["security"] = requirements(operation.path, self._services)
        return written

    def _parameter(self, parameter: Parameter) -> Schema:
        field = parameter.field
        written = {
            "name": field.name,
            "in": parameter.place,
            "description": field.about,
            "required": field.needed or parameter.place == "path",
            "schema": field.schema(self._services),
        }
        return written if parameter.example is None else {**written, "example": parameter.example}

    def _body(self, body: Body) -> Schema:
        table = body.table
        in_form = body.media_type != JSON
        self._tables[table.name] = table.schema(self._services, in_form)
        schema = {"$ref": PREFIX + table.name}
        content: Schema = {body.media_type: {"schema": schema, "example": dict(body.example)}}
        for media_type, about in body.others.items():
            content[media_type] = {"schema": {"type": "string", "description": about}}
        return {"required": True, "content": content}

    def _responses(self, operation: Operation) -> Schema:
        responses = {}
        for answer in operation.answers:
            responses[str(answer.status)] = self._answer(answer)
        for status, codes in self._errors(operation).items():
            written = self._error(operation, status, codes)
            if (answered := responses.get(str(status))) is not None:
                written = _either(answered, written)
            responses[str(status)] = written
        return dict(sorted(responses.items()))

    def _answer(self, answer: AnswerSpec) -> Schema:
        written: Schema = {"description": answer.about, "headers": _headers(answer)}
        if answer.content:
            written["content"] = {
                media_type: {"schema": self._schemas.of(kind)}
                for media_type, kind in answer.content.items()
            }
        if answer.example is not None:
            written["content"][JSON]["example"] = answer.example
        return written

    def _errors(self, operation: Operation) -> dict[int, list[str]]:
        """Return the codes of an operation's errors by the status under which they are sent."""
        scope, bots = {"path": operation.path}, self._services.settings.generate
        found: dict[int, list[str]] = {}
        for error in all_errors(operation):
            status = sent_status(scope, status_of(error.kind), bots)
            names, name = found.setdefault(status, []), sent_code(scope, error.code)
            if name not in names:
                names.append(name)
        return found

    def _error(self, operation: Operation, status: int, codes: Sequence[str]) -> Schema:
        kind = error_type({"path": operation.path})
        schema = self._schemas.of(kind)
        if kind in WITH_CODES:
            code = {"properties": {"error": {"properties": {"code": {"enum": list(codes)}}}}}
            schema = {"allOf": [schema, code]}
        headers = _always(REQUEST_ID)
        if status == 429:
            headers |= _always(RETRY_AFTER)
        if status == 503:
            headers |= _sometimes(RETRY_AFTER)
        if status == 401:
            headers |= _always("WWW-Authenticate")
        named = f"{HTTPStatus(status).phrase}: {', '.join(codes)}."
        return {"description": named, "headers": headers, "content": {JSON: {"schema": schema}}}


def is_open_path(operation: Operation) -> bool:
    """Return whether an operation needs no key, as the authentication decides it."""
    kind = "websocket" if operation.upgrades else "http"
    return is_open({"type": kind, "path": operation.path})


def all_errors(operation: Operation) -> Iterable[ErrorCode]:
    """Yield the errors of an operation and those of everything that a request passes before it."""
    for group in operation.errors:
        yield from group
    yield from ENTRY_ERRORS
    if is_open_path(operation):
        return
    yield from KEY_ERRORS
    if operation.upgrades or operation.method not in SAFE:
        yield from FOREIGN_PAGE
    if needs_operator(operation):
        yield from ROLE_ERRORS


def needs_operator(operation: Operation) -> bool:
    """Return whether an operation is not open to listeners."""
    closed = not is_open_path(operation)
    return closed and needed_role(operation.method, operation.path) == OPERATOR


def _headers(answer: AnswerSpec) -> Schema:
    return _always(REQUEST_ID, *answer.headers) | _sometimes(*answer.may_have)


def _always(*names: str) -> Schema:
    return {name: {"required": True, **HEADERS[name]} for name in names}


def _sometimes(*names: str) -> Schema:
    return {name: HEADERS[name] for name in names}


def _either(answer: Schema, error: Schema) -> Schema:
    """Return an answer whose status errors have too."""
    schemas = [part["content"][JSON]["schema"] for part in (answer, error)]
    both = {"anyOf": schemas} if schemas[0] != schemas[1] else schemas[0]
    content = {**answer["content"], JSON: {**answer["content"][JSON], "schema": both}}
    return {
        "description": f"{answer['description']} {error['description']}",
        "headers": {**answer["headers"], **error["headers"]},
        "content": content,
    }


def _head(get: Schema) -> Schema:
    """Return the HEAD of a path: its GET without a body, and without an upgrade."""
    responses = {
        status: {name: part for name, part in answer.items() if name != "content"}
        for status, answer in get["responses"].items()
        if status != "101"
    }
    name = get["operationId"].replace("get", "head", 1)
    return {**get, "operationId": name, "responses": responses}


def _shared(paths: Schema) -> Schema:
    """Move the errors that several operations answer into components, and return those."""
    operations = [operation for methods in paths.values() for operation in methods.values()]
    answers = [
        (operation["responses"], status)
        for operation in operations
        for status in operation["responses"]
        if int(status) >= 400
    ]
    times = Counter(json.dumps(responses[status]) for responses, status in answers)
    names: dict[str, str] = {}
    shared: Schema = {}
    for responses, status in answers:
        written = json.dumps(responses[status])
        if times[written] == 1:
            continue
        if written not in names:
            number = 1 + sum(name.startswith(f"Errors{status}_") for name in shared)
            names[written] = f"Errors{status}_{number}"
            shared[names[written]] = responses[status]
        responses[status] = {"$ref": f"#/components/responses/{names[written]}"}
    return shared
