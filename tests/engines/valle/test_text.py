"""The front end gives the reference's ids, and what differs from it is known and has a reason."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest

from realtime.engines.valle.text import (
    IDS,
    LANGUAGE_IDS,
    SYMBOLS,
    decode,
    encode,
    encode_segments,
    read,
)
from realtime.errors import NothingToSay
from realtime.text.language import Segment

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "valle"
LINES: list[dict[str, Any]] = json.loads((FIXTURES / "text.json").read_text(encoding="utf-8"))
DIFFERENCES = {
    item["text"]: item
    for item in json.loads((FIXTURES / "differences.json").read_text(encoding="utf-8"))
}
EXACT = ("zh", "mix")
LEAST_EQUAL = 0.98


@pytest.mark.parametrize("line", LINES, ids=[line["text"] for line in LINES])
def test_ids_and_languages_are_those_of_the_reference(line: dict[str, Any]) -> None:
    text = encode(line["text"], line["language"])
    if line["text"] in DIFFERENCES:
        assert line["language"] not in EXACT
        assert decode(text.ids) == DIFFERENCES[line["text"]]["symbols"]
        assert decode(text.ids) != line["symbols"]
        return
    assert decode(text.ids) == line["symbols"]
    assert list(text.ids) == line["ids"]
    assert list(text.languages) == [LANGUAGE_IDS[name] for name in line["languages"]]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_hardly_any_id_differs(language: str) -> None:
    equal = total = 0
    for line in LINES:
        if line["language"] == language:
            ids = encode(line["text"], language).ids
            blocks = SequenceMatcher(None, line["ids"], ids, autojunk=False)
            equal += sum(block.size for block in blocks.get_matching_blocks())
            total += max(len(line["ids"]), len(ids))
    assert equal / total >= LEAST_EQUAL


def test_every_difference_is_of_a_line_and_has_a_reason() -> None:
    texts = {line["text"] for line in LINES}
    assert texts >= DIFFERENCES.keys()
    assert all(item["reason"].endswith(".") for item in DIFFERENCES.values())


def test_there_are_seventy_symbols_of_one_character_each() -> None:
    assert len(SYMBOLS) == len(IDS) == 70
    assert all(len(symbol) == 1 for symbol in SYMBOLS[5:])
    assert (IDS["!"], IDS["_"], IDS["~"], IDS["θ"], IDS["↓"]) == (5, 16, 41, 64, 69)


def test_tagged_and_untagged_mixtures_are_one() -> None:
    tagged = encode("[EN]Hello![EN][ZH]你好。[ZH]", "mix")
    assert encode("Hello!你好。", "mix") == encode("Hello!你好。", "auto") == tagged
    kana = encode("[JA]ありがとう。[JA][EN]Bye.[EN]", "mix")
    assert encode("ありがとう。Bye.", "mix") == kana
    assert set(tagged.languages) == {0, 1} and set(kana.languages) == {0, 2}


def test_an_accent_changes_the_languages_and_no_sound() -> None:
    native = encode("[EN]Hello![EN][ZH]你好。[ZH]", "mix")
    accented = encode("[EN]Hello![EN][ZH]你好。[ZH]", "mix", accent="ja")
    assert accented.ids == native.ids
    assert set(accented.languages) == {LANGUAGE_IDS["ja"]}


@pytest.mark.parametrize(
    ("text", "language"), [("Hello.", "en"), ("你好。", "zh"), ("はい。", "ja")]
)
def test_one_language_sounds_alike_with_its_own_accent(text: str, language: str) -> None:
    assert encode(text, language) == encode(text, language, accent=language)


def test_a_line_break_is_a_space() -> None:
    assert encode("one\ntwo", "en") == encode("one two", "en")


@pytest.mark.parametrize(
    "text", ["", "   ", "...", "!?", "... !", "「」", "[EN][EN]", "[ZH]。[ZH]"]
)
def test_nothing_to_say_is_an_error(text: str) -> None:
    with pytest.raises(NothingToSay):
        encode(text, "en")


def test_a_segment_that_says_nothing_is_left_out() -> None:
    parts = (Segment("Hello.", "en"), Segment("…", "ja"))
    assert encode_segments(parts) == encode("Hello.", "en")


@pytest.mark.parametrize("language", ["en", "zh", "ja"])
@pytest.mark.parametrize(
    "text",
    [
        "🙂 naïve café № ½ x² ∑ ©",
        "한국어 привет",
        "1234567890123456789012345",
        "1.2.3,4,5 -7 007 99:99 $ £.5 €1,000.00",
        "a" * 400,
        "\u3400\U00020000々〆〇",
        "ｶﾀｶﾅ ＡＢＣ １２３",
        "'''--- ~~ __ [[ ]] \\ * # ^ ` = ⁼",
        "ーーー っっっ んんん ゔゎヵヶ",
    ],
)
def test_anything_is_read_without_a_fault(text: str, language: str) -> None:
    assert set(read(text, language)) <= set(SYMBOLS)
