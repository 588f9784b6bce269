"""Notices come as a header that any client can read."""

from __future__ import annotations

from email.message import Message
from email.utils import collapse_rfc2231_value

import pytest

from realtime.speech.notices import LineNotice
from realtime.web.answers.notices import notice_headers


def read(header: str) -> tuple[str, str]:
    """Read a header as the standard library does: its value, and its message."""
    message = Message()
    message["X-Notice"] = header
    parameters = dict(message.get_params(header="x-notice", failobj=[]))
    text = parameters["message"]
    if isinstance(text, tuple):
        text = collapse_rfc2231_value(text)
    return next(iter(parameters)), text


@pytest.mark.parametrize("text", ["plain.", 'a "b" \\ c; d, e', "山びこ speaks; 100 %", "a\nb\x7f"])
def test_a_message_of_any_text_is_read_again(text: str) -> None:
    header = notice_headers([LineNotice("foreign_language", text)])["X-Notice"]
    assert header.isascii() and header.isprintable()
    assert read(header) == ("foreign_language", text)


def test_without_a_notice_there_is_no_header() -> None:
    assert notice_headers([]) == {}


def test_several_are_a_list() -> None:
    header = notice_headers([LineNotice("one", "1"), LineNotice("two", "2")])["X-Notice"]
    assert header == 'one; message="1", two; message="2"'
