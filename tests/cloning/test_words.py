"""Words of a clip have one language, and a length that somebody can say."""

from __future__ import annotations

import pytest

from realtime.cloning.words import checked_language, checked_text, spoken_words
from realtime.errors import BadRequest, TextTooLong


def test_an_empty_text_has_to_be_heard() -> None:
    assert checked_text(None, 10.0) is None and checked_text(" \n", 10.0) is None
    assert checked_text(" Good  morning. ", 10.0) == "Good morning."
    with pytest.raises(TextTooLong, match="500 in 10 s"):
        checked_text("a" * 501, 10.0)


def test_its_language_is_one() -> None:
    assert spoken_words("おはよう。", "auto").language == "ja"
    assert spoken_words("我喜欢 Linux 吧。", "zh").language == "zh"
    with pytest.raises(BadRequest) as refused:
        spoken_words("你好。 Hello there, my friend, how are you?", "auto")
    assert refused.value.code == "unknown_language"
    assert checked_language("auto") == "auto"
    with pytest.raises(BadRequest):
        checked_language("ko")
