"""Each application has a state of its own."""

from __future__ import annotations

from starlette.requests import Request
from starlette.testclient import TestClient

from realtime.web.compat.gpt_sovits.state import GptSovitsState, state_of


def test_a_request_finds_the_state_of_its_application(bot: TestClient) -> None:
    state = bot.app.state.gpt_sovits  # type: ignore[attr-defined]
    assert state_of(Request({"type": "http", "app": bot.app})) is state
    assert GptSovitsState().stats is not GptSovitsState().stats
    assert GptSovitsState().styles == {}
