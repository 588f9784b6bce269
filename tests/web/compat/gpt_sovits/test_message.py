"""A change that was made is told in one word."""

from __future__ import annotations

from realtime.web.compat.gpt_sovits.message import SUCCESS, Message


def test_the_word_is_that_of_the_api() -> None:
    assert {"message": "success"} == SUCCESS and set(Message.__annotations__) == {"message"}
