"""Korean phones are those of the reference, and follow the standard rules of pronunciation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.gpt_sovits.text.korean import normalise, speak
from realtime.engines.gpt_sovits.text.symbols import encode, numbers
from tests.support.gpt_sovits_texts import lines


def phones(text: str) -> list[str]:
    return speak(normalise(text)).phones


@pytest.mark.parametrize("line", lines("ko"), ids=lambda line: line["text"])
def test_lines_are_those_of_the_reference(line: dict[str, Any]) -> None:
    found = speak(normalise(line["text"]))
    assert found.text == line["normal"]
    assert found.phones == line["phones"]
    assert list(encode(found.phones, "v2")) == line["ids"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("옷이", "오시"), ("넋이", "넉씨"), ("없어", "업써"), ("앉아", "안자"), ("닭을", "달글"),
        ("좋아", "조아"), ("많아", "마나"), ("싫어", "시러"), ("있어요", "이써요"),
        ("굳이", "구지"), ("같이", "가치"), ("붙여", "부처"), ("닫히다", "다치다"),
        ("놓고", "노코"), ("많다", "만타"), ("각하", "가카"), ("맏형", "마텽"),
        ("못하다", "모타다"),
        ("쌓네", "싼네"), ("뚫는", "뚤른"), ("괜찮아요", "괜차나요"), ("앉히다", "안치다"),
        ("국밥", "국빱"), ("옆집", "엽찝"), ("학교", "학꾜"), ("넓게", "널께"), ("앉고", "안꼬"),
        ("국물", "궁물"), ("닫는", "단는"), ("밥물", "밤물"), ("값만", "감만"), ("입는", "임는"),
        ("독립", "동닙"), ("강릉", "강능"), ("담력", "담녁"), ("신라", "실라"), ("칼날", "칼랄"),
        ("부엌", "부억"), ("꽃", "꼳"), ("앞", "압"), ("값", "갑"), ("삶", "삼"), ("닦다", "닥따"),
        ("맑게", "말께"), ("닭과", "닥꽈"), ("밟다", "밥따"), ("읽어요", "일거요"),
        ("가져", "가저"), ("희망", "히망"), ("감사합니다", "감사함니다"),
    ],
)  # fmt: skip
def test_letters_sound_as_beside_each_other(written: str, said: str) -> None:
    assert phones(written) == _spelled(said)


def _spelled(text: str) -> list[str]:
    """Return the phones of a text that is written as it sounds: each syllable alone."""
    return [phone for character in text for phone in phones(character)[:-1]] + ["."]


def test_blanks_signs_and_strange_characters() -> None:
    assert phones("네 ☆，응") == ["ㄴ", "ㅔ", "空", "停", ",", "ㅇ", "ㅡ", "ㅇ", "."]
    assert phones("ㅋㅋ!") == ["ㅋ", "ㅋ", "!"]


@given(st.text(alphabet=st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), max_size=30))
def test_any_syllables_have_phones_of_the_table(text: str) -> None:
    assert all(phone in numbers("v2") for phone in phones(text))
