"""A line is read in pieces that fit the model and of which none is tiny, whatever the prompt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from realtime.characters import Character
from realtime.characters.voices import valle_prompt
from realtime.engines.contract import CancelToken, LineState, Utterance
from realtime.engines.decoding.turn import Turn
from realtime.engines.valle import budget
from realtime.engines.valle.codes import HOP
from realtime.engines.valle.engine import ValleEngine
from realtime.engines.valle.reading import read_parts
from realtime.engines.valle.speaking import VoiceExample
from realtime.engines.valle.text import Encoded, encode_segments
from realtime.errors import NothingToSay
from realtime.settings import Settings
from realtime.text.language import Segment
from tests.support.character_files import characters_in, save_voice
from tests.support.examples import examples

TINY = 10  # symbols
TEXTS = {
    "en": st.lists(st.sampled_from("the river, ran. 1984 Oh! incomprehensibly a I'm".split())),
    "zh": st.lists(st.sampled_from("今天 天气 很好 ， 。 三百二十 我们 的 朋友 12 一".split())),
    "ja": st.lists(
        st.sampled_from("今日 は コーヒー を 飲みました 。 、 りっぱ な 東京駅 5".split())
    ),
}


Piece = tuple[Encoded, VoiceExample, int]  # the text, the example, and the most frames


class LongestSpeaker:
    """A stand-in for the model: every piece becomes as long as it may, and is remembered."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []

    def make_codes(
        self, text: Encoded, example: VoiceExample, seed: int, turn: Turn
    ) -> Iterator[torch.Tensor]:
        frames = budget.most_frames(len(text.ids), len(example.text.ids), len(example.codes))
        self.pieces.append((text, example, frames))
        yield torch.zeros(frames, 8, dtype=torch.long)

    def make_sound(self, codes: torch.Tensor) -> Any:
        return np.zeros(HOP * len(codes), np.float32)


@pytest.fixture(scope="module")
def character(tmp_path_factory: pytest.TempPathFactory) -> Character:
    folder = tmp_path_factory.mktemp("pieces")
    save_voice(folder, "Kai")
    return characters_in(folder).get("Kai")


def with_prompt(character: Character, symbols: int, frames: int) -> Character:
    """Return the character with a prompt of so many symbols and frames."""
    arrays = {
        "audio_tokens": np.zeros((1, frames, 8), np.int64),
        "text_tokens": np.full((1, symbols), 20),
        "lang_code": np.array(2),
    }
    return replace(character, voice=valle_prompt(arrays))


def speak(
    character: Character, text: str, language: str, longprompt: bool = False, first: bool = True
) -> tuple[list[str], list[Piece]]:
    """Return the text of each part of each piece, and the pieces."""
    engine, speaker = ValleEngine(Settings()), LongestSpeaker()
    engine._speaker = speaker  # type: ignore[assignment]
    parts, line_state = (Segment(text, language),), LineState(longprompt)
    utterance = Utterance(parts, character, first=first, line_state=line_state)
    chunks = list(engine.speak(utterance, CancelToken()))
    return [word.text for chunk in chunks for word in chunk.words], speaker.pieces


def count_symbols(text: str, language: str) -> int:
    try:
        return len(encode_segments((Segment(text, language),)).ids)
    except NothingToSay:
        return 0


def test_a_prompt_with_many_symbols_still_says_sentences(character: Character) -> None:
    dense = with_prompt(character, symbols=490, frames=budget.MOST_PROMPT)
    text = "今天我们一起去河边散步，看见了很多漂亮的花。明天再来吧，朋友们都会等你的。"
    words, pieces = speak(dense, text, "zh")
    assert len(pieces) < 4 and "".join(words) == text


def test_a_line_begins_with_about_a_second_and_goes_on_with_the_rest(character: Character) -> None:
    slow = with_prompt(character, symbols=50, frames=500)  # a word of these lasts half a second
    text = "Good morning, my dear old friends and neighbours"
    words, pieces = speak(slow, text, "en")
    assert words == ["Good morning,", "my dear old friends and neighbours"]
    assert [len(piece.ids) for piece, _, _ in pieces] == [12, 33]
    quick = with_prompt(character, symbols=250, frames=500)
    assert speak(quick, text, "en")[0] == [text]


def test_only_a_line_s_first_piece_is_short(character: Character) -> None:
    slow = with_prompt(character, symbols=50, frames=500)
    text = "Good morning, my dear old friends and neighbours"
    assert speak(slow, text, "en", first=False)[0] == [text]


@pytest.mark.parametrize(
    ("text", "pause"),
    [("One two. ", 0.3), ("One two, ", 0.12), ("One two ", 0.0), ("你好。", 0.3), ("你好", 0.0)],
)
def test_a_piece_is_followed_by_the_pause_that_its_text_has(text: str, pause: float) -> None:
    reading = read_parts([Segment(text, "zh" if text > "a" else "en")], None)
    assert reading is not None and reading.pause == pause


@examples(60)
@given(
    st.integers(1, budget.MOST_PROMPT_SYMBOLS),
    st.integers(1, budget.MOST_PROMPT),
    st.sampled_from(sorted(TEXTS)),
    st.integers(1, 12),
    st.booleans(),
    st.data(),
)
def test_no_text_is_dropped_and_no_piece_is_too_long_or_tiny(
    character: Character,
    symbols: int,
    frames: int,
    language: str,
    times: int,
    longprompt: bool,
    data: st.DataObject,
) -> None:
    joiner = " " if language == "en" else ""
    text = joiner.join(data.draw(TEXTS[language]) * times)
    symbols_of_text = count_symbols(text, language)
    words, pieces = speak(with_prompt(character, symbols, frames), text, language, longprompt)
    kept = "".join(words).replace(" ", "")
    if symbols_of_text:
        assert list(filter(str.isalnum, kept)) == list(filter(str.isalnum, text))
    for piece, example, most in pieces:
        frames = len(example.codes) + most
        assert frames <= budget.MOST_FRAMES
        assert len(piece.ids) + len(example.text.ids) + frames < budget.PLACES
        assert len(piece.ids) >= min(TINY, symbols_of_text)
