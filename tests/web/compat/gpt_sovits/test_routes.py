"""Routes of GPT-SoVITS' API are in the application and in its document."""

from __future__ import annotations

from realtime.web import app
from realtime.web.compat.gpt_sovits import routes


def test_they_are_in_the_application() -> None:
    assert routes.ROUTES and all(route in app.ROUTES for route in routes.ROUTES)
    assert all(operation in app.OPERATIONS for operation in routes.OPERATIONS)
    assert {operation.group for operation in routes.OPERATIONS} == {"GPT-SoVITS"}
