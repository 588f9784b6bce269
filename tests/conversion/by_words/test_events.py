"""Notices name what is left out."""

from __future__ import annotations

from realtime.conversion.by_words.events import other_language, sentence_left_out, sound_left_out


def test_notices_say_what_is_not_spoken() -> None:
    assert sentence_left_out().code == "left_out"
    assert "1500 ms" in sound_left_out(1.5).message
    notice = other_language("ko")
    assert notice.code == "not_spoken"
    assert "ko" in notice.message and "ja" in notice.message
