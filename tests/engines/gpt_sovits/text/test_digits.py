"""Digits of other scripts are digits."""

from __future__ import annotations

from realtime.engines.gpt_sovits.text.digits import plain_digits
from realtime.engines.gpt_sovits.text.reading import read


def test_digits_of_all_scripts_become_plain() -> None:
    assert plain_digits("٣ ３ ३ 3 ③ ½") == "3 3 3 3 ③ ½"
    assert plain_digits("abc 12") == "abc 12"


def test_they_are_read_in_every_language() -> None:
    for language in ("zh", "ja", "en"):
        arabic, plain = (read(text, language, "v2") for text in ("٣٤ 好", "34 好"))
        assert [part.phones for part in arabic] == [part.phones for part in plain]
