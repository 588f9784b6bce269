"""English phones are those of the reference; each difference has a reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.gpt_sovits.text.english import speak
from realtime.engines.gpt_sovits.text.english_normalise import normalise
from realtime.engines.gpt_sovits.text.symbols import encode, numbers
from tests.engines.gpt_sovits.text import test_english_normalise
from tests.support.gpt_sovits_texts import lines

UNKNOWN_WORDS = (
    "Words outside the dictionary are read by the project's English reader; the reference tears "
    "them into shorter words, and guesses the rest with a network that is not installed here."
)
OTHER_EDITION = "The CMU dictionary here is of another year, and its usual reading has AH for IH."
# Our phones where they are not the reference's, and why; other differences are of the text.
DIFFERENCES = {
    "I have three apples and twelve oranges.": (
        "AY1 HH AE1 V TH R IY1 AE1 P AH0 L Z AH0 N D T W EH1 L V AO1 R AH0 N JH AH0 Z .",
        OTHER_EDITION,
    ),
    "Yamabiko's voice echoes in the moonvalley.": (
        "Y AE2 M AH0 B IH1 K OW0 Z V OY1 S EH1 K OW0 Z IH0 N DH AH0 M UW1 N V AH0 L IY0 .",
        UNKNOWN_WORDS,
    ),
    "Zxqv blorptastic!": (
        "Z IY2 EH2 K S K Y UW2 V IY1 B L AO0 R P T AE1 S T IH0 K !",
        UNKNOWN_WORDS,
    ),
}
SAME = [
    line
    for line in lines("en")
    if line["text"] not in {**DIFFERENCES, **test_english_normalise.DIFFERENCES}
]


def phones(text: str) -> str:
    return " ".join(speak(normalise(text)).phones)


@pytest.mark.parametrize("line", SAME, ids=lambda line: line["text"])
def test_phones_are_those_of_the_reference(line: dict[str, Any]) -> None:
    found = speak(normalise(line["text"]))
    assert found.phones == line["phones"]
    assert list(encode(found.phones, "v2")) == line["ids"]


@pytest.mark.parametrize("text", DIFFERENCES)
def test_differences_are_as_they_are_known(text: str) -> None:
    assert phones(text) == DIFFERENCES[text][0]
    line = next(line for line in lines("en") if line["text"] == text)
    assert phones(text) != " ".join(line["phones"])


def test_at_most_six_lines_differ() -> None:
    assert len(SAME) >= len(lines("en")) - 6


@pytest.mark.parametrize("sign", list(";:，"))
def test_every_pause_is_heard(sign: str) -> None:
    """GPT-SoVITS deletes these signs."""
    assert phones(f"One{sign} two") == "W AH1 N , T UW1"


def test_a_doctor_is_no_drive() -> None:
    assert phones("Dr. Lee") == "D AA1 K T ER0 L IY1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A or a", "EY1 AO1 R AH0"),
        ("I want to read it.", "AY1 W AA1 N T T UW1 R IY1 D IH1 T ."),
        ("I have read it.", "AY1 HH AE1 V R EH1 D IH1 T ."),
        ("They house us.", "DH EY1 HH AW1 Z AH1 S ."),
        ("My house is here.", "M AY1 HH AW1 S IH1 Z HH IY1 R ."),
        ("He closes it.", "HH IY1 K L OW1 Z IH0 Z IH1 T ."),
        ("my ai is here", "M AY1 EY1 AY1 IH1 Z HH IY1 R"),
        ("Li's cats", "L IY1 Z K AE1 T S"),
        ("well-known", "W EH1 L N OW1 N"),
        ("OK", ", OW1 K EY1"),
    ],
)
def test_words(text: str, said: str) -> None:
    assert phones(text) == said


@given(st.text(alphabet="abcxyzABC'-., ?!", max_size=60))
def test_any_text_has_phones_of_the_table(text: str) -> None:
    found = speak(normalise(text)).phones
    assert found and all(phone in numbers("v1") for phone in found)


def test_a_word_without_end_is_read_in_parts() -> None:
    assert speak("x" * 2000).phones
