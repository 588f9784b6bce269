"""Every answer carries its request's number."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from realtime.web.requests.request_id import HARMLESS, request_id


@pytest.mark.parametrize("path", ["/", "/health", "/v1/nothing", "/static/main.js"])
def test_every_answer_has_a_number_of_its_own(client: TestClient, path: str) -> None:
    numbers = {client.get(path).headers["X-Request-ID"] for _ in range(3)}
    assert len(numbers) == 3
    assert all(HARMLESS.fullmatch(number) for number in numbers)


def test_nothing_is_sniffed(client: TestClient) -> None:
    assert client.get("/v1/nothing").headers["X-Content-Type-Options"] == "nosniff"


def test_a_harmless_number_is_kept(client: TestClient) -> None:
    given = "bot-7:2026/11=a+b"
    assert client.get("/health", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["a b", "<script>", "x" * 129, 'a"b', "é"])
def test_another_one_is_replaced(given: str) -> None:
    scope = {"type": "http", "headers": [(b"x-request-id", given.encode())]}
    made = request_id(scope)
    assert made != given and HARMLESS.fullmatch(made)
    assert request_id(scope) == made, "a request keeps its number"
