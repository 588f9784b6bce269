"""Texts are cut where GPT-SoVITS cuts them; each difference is meant and has a reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.gpt_sovits.text.cutting import LONGEST, METHODS, cut
from realtime.errors import BadRequest
from tests.support.gpt_sovits_texts import reference

CUTS: list[dict[str, Any]] = reference()["cuts"]
KEPT_STOP = "The stop that was cut at is kept: else the joined sentences have no pause."
ENGLISH_STOP = "English text that ends without a stop gets an English one."
EMPTY = "A text without anything to say has no sentences; who asked decides what that means."
# By method and the text's beginning: our sentences where they are not the reference's, and why.
DIFFERENCES: dict[tuple[str, str], tuple[list[str], str]] = {
    ("cut3", "你好，我是小明。"): (
        ["你好，我是小明。", "你好，我是小红！你好，我是小刚？你好，我是小张。再见…"],
        KEPT_STOP,
    ),
    ("cut3", "好。今天天气不错"): (
        [
            "好。今天天气不错，我们一起去公园散步吧，路上可以买两杯咖啡；顺便看看书店。",
            "价格是3.5元,不是35元.",
        ],
        KEPT_STOP,
    ),
    ("cut3", "はい。そうですね"): (
        ["はい。そうですね、少し考えます。", "では、明日の午後に返事をします！"],
        KEPT_STOP,
    ),
    ("cut4", "Hi. The "): (
        [
            "Hi. The price is 3.5 dollars.",
            " Take it, or leave it! Why not? Because.",
            " I said so.",
        ],
        KEPT_STOP,
    ),
    ("cut1", "Hi. The "): (
        [
            ".Hi. The price is 3.5 dollars.",
            " Take it, or leave it! Why not? Because. I said so.",
        ],
        ENGLISH_STOP,
    ),
    ("cut2", "Hi. The "): (
        [
            ".Hi. The price is 3.5 dollars. Take it, or leave it! Why not? Because. I said so.",
        ],
        ENGLISH_STOP,
    ),
    ("cut5", "……！？"): ([], EMPTY),
}


@pytest.mark.parametrize("case", CUTS, ids=lambda case: f"{case['method']} {case['text'][:8]}")
def test_sentences_are_those_of_the_reference(case: dict[str, Any]) -> None:
    found = list(cut(case["text"], case["language"], case["method"]))
    meant = DIFFERENCES.get((case["method"], case["text"][:8]))
    assert found == (meant[0] if meant else case["sentences"])
    assert not meant or found != case.get("sentences")


def test_every_difference_is_of_a_case_and_has_a_reason() -> None:
    assert {(case["method"], case["text"][:8]) for case in CUTS} >= DIFFERENCES.keys()
    assert all(why.endswith(".") for _, why in DIFFERENCES.values())


@pytest.mark.parametrize("method", ["cut3", "cut4"])
def test_sentences_that_are_joined_again_keep_their_pause(method: str) -> None:
    stop = "。" if method == "cut3" else "."
    assert f"好{stop}你" in cut(f"好{stop}你今天过得怎么样{stop}", "zh", method)[0]


@pytest.mark.parametrize("method", METHODS)
def test_english_never_gets_a_chinese_stop(method: str) -> None:
    assert "。" not in "".join(cut("Go on, and on, and on, and on, and on", "en", method))


@pytest.mark.parametrize("method", ["cut1", "cut2", "cut4", "cut5"])
def test_a_number_is_never_cut(method: str) -> None:
    for before in range(4):
        text = "one, " * before + "it is 3.5, 1,234.5 or 12:30 of them all, " * 5
        sentences = cut(text, "en", method)
        for number in ("3.5", "1,234.5", "12:30"):
            assert sum(sentence.count(number) for sentence in sentences) == 5, (method, number)


def test_a_short_opening_gets_a_pause_before_it() -> None:
    assert cut("好，我们现在走", "zh", "cut0") == ("。好，我们现在走。",)
    assert cut("No, we go now", "en", "cut0") == (".No, we go now.",)
    assert cut("我们现在走", "zh", "cut0") == ("我们现在走。",)


def test_too_long_a_sentence_is_cut_between_clauses_or_at_spaces() -> None:
    words = "word " * 300
    sentences = cut(words + ", end.", "en", "cut0")
    assert max(map(len, sentences)) <= LONGEST
    assert all(piece.rstrip()[-4:] in ("word", "end.") for piece in sentences)
    assert "".join(sentences) == words + ", end."
    assert list(map(len, cut("好" * 1200, "zh", "cut0"))) == [510, 510, 181]


def test_an_unknown_method_is_refused_by_name() -> None:
    with pytest.raises(BadRequest, match="'cut9'; there are cut0, cut1, cut2, cut3, cut4, cut5"):
        cut("Hello.", "en", "cut9")


@given(st.text(), st.sampled_from(["zh", "en", "ja", "auto"]), st.sampled_from(sorted(METHODS)))
def test_any_text_is_cut_into_sentences_of_bounded_length(
    text: str, language: str, method: str
) -> None:
    for sentence in cut(text, language, method):
        assert 0 < len(sentence) <= LONGEST
        assert "\n" not in sentence


@pytest.mark.parametrize("method", METHODS)
def test_letters_and_digits_are_kept_in_their_order(method: str) -> None:
    text = "甲乙。丙、丁戊！Hello 1.5，。\n\n再见……吧——好 end. One; two: three? 四"

    def spoken(of: str) -> str:
        return "".join(sign for sign in of if sign.isalnum())

    assert spoken("".join(cut(text, "zh", method))) == spoken(text)
