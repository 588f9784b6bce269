"""Any text is read as phones of the table, or refused with a clear error."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.engines.gpt_sovits.text import chinese_tones
from realtime.engines.gpt_sovits.text.cutting import LONGEST, METHODS, cut
from realtime.engines.gpt_sovits.text.mixed import LANGUAGES
from realtime.engines.gpt_sovits.text.reading import FEWEST, Phones, prepare, read, read_prompt
from realtime.engines.gpt_sovits.text.symbols import TABLES, symbols
from realtime.errors import BadRequest, NothingToSay
from realtime.text import chinese, english, pronunciations
from tests.support.examples import examples
from tests.support.gpt_sovits_texts import reference

MIXED: list[dict[str, Any]] = reference()["mixed"]
COMMA = "The comma behind the English part is a pause; the reference deletes it."
# Our phones where they are not the reference's, and why.
DIFFERENCES = {
    "请说open the door，然后等3秒。": (
        "q ing3 sh uo1 OW1 P AH0 N DH AH0 D AO1 R , r an2 h ou4 d eng3 s an1 m iao3 .",
        COMMA,
    ),
    "第1名是Kai，第2名是林檎さん。": (
        "d a ] i UNK i [ ch i ] m e e UNK z e , K AY1 , d a ] i UNK n i ] m e e UNK z e"
        " [ r i ] N g o s a N .",
        COMMA,
    ),
}
SCRIPTS = "aZ9你好们嗯龥かナ漢ｱ한ж א🎉\u0301\u200b\ud7a3𠀀㌔①½,.!?…、。，「」￥^$%&'\"-—~ \n\t"


def phones(parts: tuple[Phones, ...]) -> str:
    return " ".join(phone for part in parts for phone in part.phones)


@pytest.mark.parametrize("case", MIXED, ids=lambda case: case["text"])
def test_mixtures_are_read_as_by_the_reference(case: dict[str, Any]) -> None:
    found = read(case["text"], case["language"], "v2")
    meant = DIFFERENCES.get(case["text"])
    assert phones(found) == (meant[0] if meant else " ".join(case["phones"]))
    if not meant:
        assert [number for part in found for number in part.ids] == case["ids"]
        normal = "".join(part.normal_text for part in found)
        assert normal.replace(" ", "") == case["normal"].replace(" ", "")


@pytest.mark.parametrize(("text", "language"), [("你好呀", "yue"), ("你好", "all_yue")])
def test_cantonese_is_refused_with_what_can_be_read(text: str, language: str) -> None:
    with pytest.raises(BadRequest, match="Cantonese .*; what can .* Chinese, Japanese, English, K"):
        read(text, language, "v2")


def test_v1_refuses_korean() -> None:
    with pytest.raises(BadRequest, match="Korean .*; what can be read is Chinese, Japanese, Engl"):
        read("안녕하세요", "auto", "v1")


@pytest.mark.parametrize("text", ["", " ", "...", "……！？", "「」", "🎉", "-"])
@pytest.mark.parametrize("language", ["zh", "ja", "en", "auto", "ko"])
def test_nothing_to_say_is_an_error(text: str, language: str) -> None:
    with pytest.raises(NothingToSay):
        read(text, language, "v2")


def test_few_phones_begin_with_a_pause() -> None:
    assert phones(read("好", "zh", "v2")) == ". h ao3"
    assert phones(read("OK", "en", "v2")) == ". OW1 K EY1"
    assert len(phones(read("你好吗", "zh", "v2")).split()) == FEWEST


def test_latin_letters_in_chinese_are_heard() -> None:
    """GPT-SoVITS deletes letters that a Chinese part holds."""
    assert phones(read("这是x²吧，好", "zh", "v2")).count("EH1 K S") == 1
    assert "EY1 B IY1" in phones(read("ＡＢ好吗", "zh", "v2"))
    assert "m a ] i g o" in phones(read("我是まいご，好", "zh", "v2"))


def test_chinese_parts_know_the_phones_of_each_character() -> None:
    for part in read("你好，open，再见。", "auto", "v2"):
        if part.language == "zh":
            assert len(part.word2ph) == len(part.normal_text)
            assert sum(part.word2ph) == len(part.ids) == len(part.phones)
        else:
            assert part.word2ph == ()


def test_marks_of_silence_are_silences_and_prices_are_not() -> None:
    assert phones(read("￥你好^再见。", "zh", "v2")).startswith("SP2 n i2")
    assert "SP3" in phones(read("你好^再见。", "zh", "v2"))
    assert "SP" not in phones(read("一共￥100。", "zh", "v2"))


def test_v1_has_neither_pitch_nor_suffixes() -> None:
    assert "UNK" in phones(read("橋の端で", "ja", "v1")) and "[" not in phones(
        read("橋の端で", "ja", "v1")
    )
    assert phones(read("去胡同儿", "zh", "v1")).endswith("er2")
    assert phones(read("去胡同儿", "zh", "v2")).endswith("er5")


def test_a_prompt_ends_like_a_sentence_and_is_read_whole() -> None:
    assert phones(read_prompt("Hello there", "en", "v2")).endswith(" .")
    assert phones(read_prompt("\n你好呀\n", "zh", "v2")).endswith(" .")
    assert phones(read_prompt("你好呀！", "zh", "v2")).endswith(" !")
    long = read_prompt("今天天气很好，" * 200, "zh", "v2")
    assert sum(len(part.normal_text) for part in long) == 1400


def test_all_dictionaries_are_loaded_at_once() -> None:
    prepare()
    loaded = (chinese._tagger, english._g2p, pronunciations._words, chinese_tones._neutral_words)
    assert all(function.cache_info().currsize == 1 for function in loaded)


def test_no_part_is_longer_than_bert_reads() -> None:
    for text in ("π" * 400, "今天天气很好，" * 200, "100%，" * 150):
        parts = read(text, "zh", "v2")
        assert max(len(part.normal_text) for part in parts) <= LONGEST
        assert all(sum(part.word2ph) == len(part.ids) for part in parts)


@pytest.mark.parametrize("text", ["好……你今天好吗？？", "Wait... what?!", "ねえ、、本当に？？"])
def test_a_text_reads_the_same_cut_or_whole(text: str) -> None:
    """GPT-SoVITS shrinks runs of signs only where it does not stream."""
    whole = phones(read(cut(text, "auto", "cut0")[0], "auto", "v2"))
    assert whole.lstrip(". ") == phones(read(text, "auto", "v2")).lstrip(". ")


@pytest.mark.parametrize("method", METHODS)
def test_english_has_no_chinese_stop(method: str) -> None:
    for sentence in cut("Go on now, and on, and on", "en", method):
        assert all("。" not in part.normal_text for part in read(sentence, "en", "v2"))


@examples(200)
@given(
    st.text(alphabet=st.one_of(st.sampled_from(SCRIPTS), st.characters()), max_size=40),
    st.sampled_from(LANGUAGES["v2"]),
    st.sampled_from(TABLES),
)
def test_any_text_has_phones_or_a_clear_error(text: str, language: str, table: str) -> None:
    try:
        found = read(text, language, table)
    except BadRequest as error:
        assert error.message.endswith(".")
        return
    assert found
    for part in found:
        assert all(0 <= number < len(symbols("v2")) for number in part.ids)
        assert len(part.ids) == len(part.phones)


@pytest.mark.parametrize(
    "text",
    ["你好今天" * 2500, "今日は天気がいい。" * 1100, "word and " * 1100,
     "좋습니다 12개 " * 1000, "x" * 10_000, "1" * 10_000,
     "-" * 9_999 + "a", "ー" * 9_999 + "あ", "1." * 5000, "a你" * 2500],
)  # fmt: skip
@pytest.mark.parametrize("language", ["auto", "ja"])
def test_ten_thousand_characters_are_read(text: str, language: str) -> None:
    assert read(text, language, "v2")


WATCHED = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(refuse)
from realtime.engines.gpt_sovits.text.reading import prepare, read
prepare()
for text, language in (("今天很好。", "zh"), ("今日は天気。", "ja"), ("Frobnicators.", "en")):
    assert read(text, language, "v2")
"""


def test_nothing_is_fetched_to_read_a_text() -> None:
    subprocess.run([sys.executable, "-c", WATCHED], check=True, timeout=120)
