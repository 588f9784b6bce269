"""Chinese phones are those of the reference; what its table lacks is read by a neighbour."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.gpt_sovits.text.chinese import speak, to_phones
from realtime.engines.gpt_sovits.text.chinese_normalise import normalise
from realtime.engines.gpt_sovits.text.symbols import UNKNOWN, encode, numbers
from tests.engines.gpt_sovits.text.test_chinese_normalise import DIFFERENCES
from tests.support.gpt_sovits_texts import lines

SAME = [line for line in lines("zh") if line["text"] not in DIFFERENCES]


@pytest.mark.parametrize("line", SAME, ids=lambda line: line["text"])
def test_phones_are_those_of_the_reference(line: dict[str, Any]) -> None:
    found = speak(normalise(line["text"]))
    meant = line["pypinyin"]
    assert found.phones == meant["phones"]
    assert list(encode(found.phones, "v2")) == meant["ids"]
    assert found.counts == meant["word2ph"]


@pytest.mark.parametrize("line", lines("zh"), ids=lambda line: line["text"])
def test_every_character_has_its_phones(line: dict[str, Any]) -> None:
    found = speak(normalise(line["text"]))
    assert len(found.counts) == len(found.text)
    assert sum(found.counts) == len(found.phones)


@pytest.mark.parametrize(
    ("syllable", "phones"),
    [
        ("zhi1", "zh ir1"),
        ("zi4", "z i04"),
        ("yan2", "y En2"),
        ("ye3", "y E3"),
        ("yuan2", "y van2"),
        ("jue2", "j ve2"),
        ("xun4", "x vn4"),
        ("lv4", "l v4"),
        ("an1", "AA an1"),
        ("er2", "EE er2"),
        ("ou3", "OO ou3"),
        ("wo3", "w o3"),
        (",", ","),
    ],
)
def test_a_syllable_is_an_initial_and_a_final(syllable: str, phones: str) -> None:
    assert " ".join(to_phones(syllable)) == phones


@pytest.mark.parametrize("syllable", ["ê4", "hng5", "m2", "n2", "ng4", "hm5", "r5"])
def test_a_syllable_outside_the_table_is_read_by_a_neighbour(syllable: str) -> None:
    """GPT-SoVITS fails the request here."""
    phones = to_phones(syllable)
    assert len(phones) == 2 and UNKNOWN not in phones
    assert all(phone in numbers("v1") for phone in phones)


def test_what_nobody_can_read_is_unknown() -> None:
    assert to_phones("龰") == [UNKNOWN]
    assert to_phones("bxx1") == ["b", UNKNOWN]


@pytest.mark.parametrize("text", ["欸，哼！", "哼", "噷", "呒", "嗯呣", "龥齉"])
def test_interjections_do_not_fail(text: str) -> None:
    found = speak(normalise(text))
    assert found.phones
    assert all(phone in numbers("v1") for phone in found.phones)


def test_v1_gives_a_suffix_a_tone_of_its_own() -> None:
    assert speak("一会儿").phones[-1] == "er4"
    assert speak("一会儿", suffixes=False).phones[-1] == "er5"


@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), max_size=30))
def test_any_character_has_phones_of_the_table(text: str) -> None:
    found = speak(text)
    assert len(found.counts) == len(text)
    assert all(phone in numbers("v1") for phone in found.phones)
