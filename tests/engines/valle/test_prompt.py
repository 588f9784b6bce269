"""The state with which a line begins."""

from __future__ import annotations

from realtime.engines.valle.codes import BEGIN
from realtime.engines.valle.prompt import LinePrompt


def test_a_line_without_codes_begins_at_the_beginning() -> None:
    ids, languages = [5, 5, 5], [0, 0, 0]
    assert LinePrompt(ids, languages, []).make_line(1, int).first_state == (BEGIN, 0, 3)
    assert LinePrompt(ids, languages, [8, 9]).make_line(1, int).first_state == (9, 2, 5)
