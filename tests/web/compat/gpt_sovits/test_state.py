"""Each application has a state of its own."""

from __future__ import annotations

from starlette.requests import Request
from starlette.testclient import TestClient

from realtime.web.compat.gpt_sovits.state import GptSovitsState, state_of
from tests.support import documented_client


def test_a_request_finds_the_state_of_its_application(bot: TestClient) -> None:
    state = documented_client.state_of(bot).gpt_sovits
    assert state_of(Request({"type": "http", "app": bot.app})) is state
    assert GptSovitsState().stats is not GptSovitsState().stats
    assert GptSovitsState().styles == {}
