"""Headers of answers are described once, and only those that answers have."""

from __future__ import annotations

from realtime.web.app import OPERATIONS
from realtime.web.openapi.headers import HEADERS, REQUEST_ID, RETRY_AFTER


def test_every_header_of_an_answer_is_described_and_no_other() -> None:
    answers = [answer for operation in OPERATIONS for answer in operation.answers]
    used = {name for answer in answers for name in (*answer.headers, *answer.may_have)}
    assert used | {REQUEST_ID, RETRY_AFTER, "WWW-Authenticate"} == set(HEADERS)


def test_a_header_is_told_in_words_and_as_a_schema() -> None:
    for name, header in HEADERS.items():
        assert header["description"].endswith("."), name
        assert header["schema"]["type"] in ("string", "integer"), name
