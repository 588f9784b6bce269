"""Japanese phones are those of the reference, with its marks of pitch."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.gpt_sovits.text.japanese import normalise, speak
from realtime.engines.gpt_sovits.text.symbols import encode, numbers, with_unknown
from tests.support.gpt_sovits_texts import lines

LEAST_EQUAL = 0.98


def phones(text: str) -> str:
    return " ".join(speak(normalise(text)).phones)


@pytest.mark.parametrize("line", lines("ja"), ids=lambda line: line["text"])
def test_lines_are_those_of_the_reference(line: dict[str, Any]) -> None:
    found = speak(normalise(line["text"]))
    assert found.text == line["normal"]
    assert list(with_unknown(found.phones, "v2")) == line["phones"]
    assert list(encode(found.phones, "v2")) == line["ids"]


def test_hardly_any_phone_differs() -> None:
    equal = total = 0
    for line in lines("ja"):
        found = list(with_unknown(speak(normalise(line["text"])).phones, "v2"))
        blocks = SequenceMatcher(None, line["phones"], found, autojunk=False).get_matching_blocks()
        equal += sum(block.size for block in blocks)
        total += max(len(line["phones"]), len(found))
    assert equal / total >= LEAST_EQUAL


def test_words_that_differ_in_pitch_only() -> None:
    assert phones("橋の端で箸を") == "h a [ sh i ] n o # h a [ sh i d e # h a ] sh i o"


def test_a_border_is_unknown_and_so_is_all_pitch_to_v1() -> None:
    found = speak("橋の端")
    assert "UNK" in with_unknown(found.phones, "v2") and "[" in with_unknown(found.phones, "v2")
    assert "[" not in with_unknown(found.phones, "v1")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("50%", "50パーセント"),
        ("1,234円", "1234円"),
        ("12:30", "12時30分"),
        ("AI、Bluetooth", "エーアイ、ブルートゥース"),
        ("ﾊﾟﾝ", "パン"),
        ("㌔", "キロ"),
        ("すごーーーーーい", "すごーーーい"),
        ("〜はい；いいえ", "…はい、いいえ"),
    ],
)
def test_numbers_letters_and_signs_are_words(text: str, meant: str) -> None:
    assert phones(text) == phones(meant)


def test_brackets_are_borders() -> None:
    assert phones("「はい」") == "# h a ] i #"


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=40))
def test_any_text_has_phones_of_the_table(text: str) -> None:
    for phone in with_unknown(speak(normalise(text)).phones, "v2"):
        assert phone in numbers("v2")


@given(st.text(alphabet="あアーっッャん゛ﾞヴ々〆ヽ。、！ 0９a", max_size=40))
def test_odd_kana_are_read(text: str) -> None:
    speak(normalise(text))


@pytest.mark.slow
@pytest.mark.parametrize("text", ["今日は" * 3000, "ー" * 9000, "漢" * 5000, "1" * 5000])
def test_a_long_text_is_read(text: str) -> None:
    speak(text)
