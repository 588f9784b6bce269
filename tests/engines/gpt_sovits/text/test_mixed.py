"""A text is cut by its languages, as a request's language wants it, and nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.gpt_sovits.text.mixed import LANGUAGES, known_language, parts
from realtime.errors import BadRequest
from tests.support.gpt_sovits_texts import reference

MIXED: list[dict[str, Any]] = reference()["mixed"]
# The reference's detector guesses at short words; here the request's language counts.
DIFFERENCES = {
    "请说open the door，然后等3秒。": [
        ("请说", "zh"),
        ("open the door，", "en"),
        ("然后等3秒。", "zh"),
    ],
}


def cut(text: str, language: str) -> list[tuple[str, str]]:
    return [(part.text, part.language) for part in parts(text, language)]


@pytest.mark.parametrize("case", MIXED, ids=lambda case: case["text"])
def test_parts_are_those_of_the_reference(case: dict[str, Any]) -> None:
    whole = [{"text": case["text"], "lang": case["language"]}]
    meant = [(part["text"], part["lang"]) for part in case["segments"] or whole]
    assert cut(case["text"], case["language"]) == DIFFERENCES.get(case["text"], meant)


@pytest.mark.parametrize(
    ("text", "language", "meant"),
    [
        ("你知道まいご吗？", "auto", "zh ja zh"),
        ("「我们」は中国語です。", "auto", "zh ja"),
        ("了解。すぐ行きます。", "auto", "ja"),
        ("我有5kg米和60km/h。", "zh", "zh"),
        ("It weighs 5kg and more.", "en", "en"),
        ("4S店", "zh", "zh en zh"),
        ("3 apples", "auto", "en"),
        ("买3个apple，2个pear。", "auto", "zh en zh en"),
        ("apples 5 pears", "zh", "en"),
        ("iPhone 15很好", "zh", "en zh"),
        ("カラオケ好", "zh", "ja zh"),
        ("日本語", "ja", "ja"),
        ("日本語", "all_zh", "zh"),
        ("日本語", "all_yue", "yue"),
        ("你好 world", "auto_yue", "yue en"),
        ("Hello 世界", "en", "en zh"),
        ("2024", "ja", "ja"),
        ("…！", "auto", "zh"),
    ],
)
def test_languages_of_parts(text: str, language: str, meant: str) -> None:
    assert " ".join(name for _, name in cut(text, language)) == meant


@given(st.text(), st.sampled_from(LANGUAGES["v2"]))
def test_the_parts_are_the_text(text: str, language: str) -> None:
    found = parts(text, language)
    assert "".join(part.text for part in found) == text
    names = [part.language for part in found]
    assert all(name != following for name, following in zip(names, names[1:], strict=False))


def test_an_unknown_language_is_refused_by_name() -> None:
    assert known_language("ZH", "v2") == "zh"
    with pytest.raises(BadRequest, match="'fr'; there are auto, auto_yue, en, zh, ja, yue, ko"):
        known_language("fr", "v2")
    with pytest.raises(BadRequest, match="'ko'; there are auto, en, zh, ja, all_zh, all_ja"):
        known_language("ko", "v1")
