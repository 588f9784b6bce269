"""A text that comes bit by bit is cut like a whole one; a pause or a flush speaks what is there."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.audio.playback import Playback
from realtime.errors import NothingToSay, TextTooLong
from realtime.speech.incoming_text import BEHIND_SECONDS, PAUSE_SECONDS, SOON_SECONDS, IncomingText
from realtime.text.normalise import clean, has_speech
from realtime.text.split import Piece, Splitter, split
from tests.support.examples import examples
from tests.support.fake_timer import FakeTimer, let_tasks_run

pytestmark = pytest.mark.anyio

STORY = (
    "When the rain finally stopped, nobody in the village believed it. Dr. Smith, who had seen "
    "3.5 floods, laughed. “Wait until tomorrow,” she said. And so they waited, all night long. "
)


def splitter(text: str) -> Splitter:
    return Splitter("en", 1.2)


def incoming_text(most: int = 100_000) -> tuple[IncomingText, FakeTimer]:
    def check(length: int) -> None:
        if length > most:
            raise TextTooLong(f"{length} is over {most}.")

    timer = FakeTimer()
    return IncomingText(check, timer, Playback()), timer


async def pieces_of(incoming: IncomingText) -> list[Piece]:
    found = [await incoming.first(splitter)]
    while (piece := await incoming.next()) is not None:
        found.append(piece)
    return found


def texts(pieces: list[Piece]) -> list[str]:
    return [piece.text for piece in pieces]


@examples(40)
@given(st.lists(st.integers(1, 40), max_size=60), st.booleans())
async def test_the_bits_do_not_change_the_pieces(sizes: list[int], at_once: bool) -> None:
    incoming, _ = incoming_text()
    reading = asyncio.create_task(pieces_of(incoming))
    place = 0
    for size in [*sizes, len(STORY)]:
        incoming.write(STORY[place : place + size])
        place += size
        await asyncio.sleep(0 if at_once else 0.0002)
    incoming.end()
    whole = split(clean(STORY), "en", 1.2)
    found = await reading
    assert texts(found) == texts(whole)
    assert [piece.pause for piece in found[:-1]] == [piece.pause for piece in whole[:-1]]
    assert incoming.text == STORY


async def test_a_long_text_at_once_is_cut_block_by_block() -> None:
    incoming, _ = incoming_text()
    incoming.write(STORY * 40)
    incoming.end()
    first = await incoming.first(splitter)
    assert incoming._coming, "most of the text still waits"
    assert first == split(clean(STORY * 40), "en", 1.2)[0]


async def test_a_pause_speaks_what_is_there() -> None:
    incoming, timer = incoming_text()
    reading = asyncio.create_task(pieces_of(incoming))
    incoming.write("Hello there ")
    written = timer.now()
    await timer.advance(PAUSE_SECONDS - 0.01)
    assert not reading.done() and incoming._splitter is None
    await timer.advance(0.02)
    assert incoming._splitter is not None
    assert incoming.ready_at == pytest.approx(written + PAUSE_SECONDS)
    incoming.write("And more")
    await timer.advance(10.0)
    incoming.end()
    assert [text.strip() for text in texts(await reading)] == ["Hello there", "And more"]


async def test_text_that_keeps_coming_does_not_count_as_a_pause() -> None:
    incoming, timer = incoming_text()
    reading = asyncio.create_task(pieces_of(incoming))
    for word in ("Hello ", "there ", "you."):
        incoming.write(word)
        await timer.advance(PAUSE_SECONDS - 0.01)
    incoming.end()
    assert texts(await reading) == ["Hello there you."]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("Hello there. ", BEHIND_SECONDS), ("Hello there.", SOON_SECONDS), ("你好。", BEHIND_SECONDS)],
)
async def test_the_first_clause_is_spoken_when_it_has_ended(text: str, seconds: float) -> None:
    incoming, timer = incoming_text()
    reading = asyncio.create_task(incoming.first(splitter))
    incoming.write(text)
    written = timer.now()
    await timer.advance(seconds - 0.001)
    assert not reading.done()
    await timer.advance(0.002)
    assert (await reading).text == text.strip() and incoming.ready_at == written


async def test_a_clause_within_other_text_is_one_too() -> None:
    incoming, timer = incoming_text()
    reading = asyncio.create_task(incoming.first(splitter))
    incoming.write("Hello there. How")
    await timer.advance(0.01)
    assert (await reading).text.strip() == "Hello there."


@pytest.mark.parametrize("text", ["It is 3.14 now", "Ask Dr. Smith now", "See example.com now"])
async def test_a_sign_within_a_word_ends_nothing(text: str) -> None:
    incoming, timer = incoming_text()
    reading = asyncio.create_task(pieces_of(incoming))
    for sign in text:
        incoming.write(sign)
        await timer.advance(0.033)
    incoming.end()
    assert texts(await reading) == [text]


async def test_a_first_clause_that_is_too_short_waits_for_more() -> None:
    incoming, timer = incoming_text()
    reading = asyncio.create_task(incoming.first(lambda text: Splitter("en", 1.2, 0.65)))
    incoming.write("Well, ")
    await timer.advance(0.1)
    assert not reading.done()
    incoming.write("hello there. ")
    await timer.advance(0.01)
    assert (await reading).text == "Well, hello there."


async def test_whoever_runs_dry_gets_the_clause_that_is_there() -> None:
    incoming, timer = incoming_text()
    incoming.write("Hello there. ")
    reading = asyncio.create_task(incoming.first(lambda text: Splitter("en", 1.2, 0.05)))
    await timer.advance(0.01)
    await reading
    incoming.playback.add(1.0, timer.now())
    following = asyncio.create_task(incoming.next())
    for _ in range(3):  # somebody writes on all the time
        incoming.write("and so, ")
        await timer.advance(0.2)
        assert not following.done()
    incoming.write("or ")
    await timer.advance(0.15)
    piece = await following
    assert piece is not None and piece.text.strip() == "and so, and so, and so,"


async def test_a_flush_parts_what_comes_at_once() -> None:
    incoming, timer = incoming_text()
    asked = timer.now()
    incoming.write("One.")
    incoming.flush()
    incoming.flush()
    incoming.write(" Two.")
    incoming.end()
    found = await pieces_of(incoming)
    assert texts(found) == ["One.", " Two."]
    assert found[0].pause == 0.3, "a sentence ended there"
    assert incoming.ready_at == asked


async def test_silence_waits_for_what_it_belongs_to() -> None:
    incoming, timer = incoming_text()
    reading = asyncio.create_task(pieces_of(incoming))
    incoming.write("… ")
    incoming.flush()
    await timer.advance(5.0)
    assert not reading.done()
    incoming.write("well.")
    incoming.end()
    assert texts(await reading) == ["… well."]


@pytest.mark.parametrize("text", ["", "  \n", "…!? 😀", "—" * 200])
async def test_nothing_to_say_is_told_at_the_end(text: str) -> None:
    incoming, _ = incoming_text()
    incoming.write(text)
    incoming.flush()
    incoming.end()
    assert not has_speech(clean(text))
    with pytest.raises(NothingToSay):
        await incoming.first(splitter)


async def test_too_much_text_is_refused_where_it_is_written() -> None:
    incoming, _ = incoming_text(most=10)
    incoming.write("123456789")
    with pytest.raises(TextTooLong):
        incoming.write("01")
    incoming.write("0")


async def test_what_comes_after_the_end_is_not_of_it() -> None:
    incoming, _ = incoming_text()
    incoming.write("One.")
    incoming.end()
    incoming.write("Two.")
    incoming.flush()
    incoming.end()
    assert texts(await pieces_of(incoming)) == ["One."]
    assert await incoming.next() is None


async def test_who_speaks_is_asked_with_what_is_there() -> None:
    incoming, timer = incoming_text()
    asked: list[str] = []

    def choose(text: str) -> Splitter:
        asked.append(text)
        return Splitter("en", 0.5)

    reading = asyncio.create_task(incoming.first(choose))
    for bit in ("Hel", "lo there, my old friend", " of mine. "):
        incoming.write(bit)
        await let_tasks_run()
    assert (await reading).text == "Hello "
    assert asked[-1].startswith("Hello there") and asked[0] == "He"
