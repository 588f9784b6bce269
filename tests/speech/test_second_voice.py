"""Lines in a second voice: their sound, words and times, their keys, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from realtime.audio.samples import Pcm
from realtime.audio.spoken import Word
from realtime.errors import BadRequest, NotFound
from realtime.services import Services
from realtime.settings import Settings
from realtime.speech.line import Line
from realtime.speech.request import LineRequest
from tests.support.fake_converters import Factor
from tests.support.polling import until
from tests.support.server import services_with

pytestmark = pytest.mark.anyio

ASKED = LineRequest("abc def.", engine="tone")


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    services = services_with(settings, extra=(Factor,))
    await services.cache.start()
    yield services
    await services.close()


async def spoken(services: Services, line: Line) -> tuple[Pcm, list[Word], dict[str, float]]:
    parts = [part async for part in services.speech.say(line, keep=False)]
    words = [word for part in parts for word in part.words]
    timing = next(part.timing for part in parts if part.timing)
    return np.concatenate([part.pcm for part in parts]), words, timing


async def test_what_is_spoken_goes_through_the_converter(services: Services) -> None:
    plain, words, timing = await spoken(services, await services.speech.line(ASKED))
    line = await services.speech.line(replace(ASKED, then="gain"))
    changed, same_words, later = await spoken(services, line)
    assert changed.size == plain.size and words == same_words
    np.testing.assert_allclose(changed[4_000:], plain[4_000:] / 2, atol=1)
    assert set(later) == set(timing) and later["first_audio"] > 0


async def test_a_line_has_one_key_in_each_voice(services: Services) -> None:
    async def key(**fields: Any) -> str:
        line = await services.speech.line(replace(ASKED, **fields))
        return services.speech.address(line).key

    keys = [await key(), await key(then="gain"), await key(then="factor"), await key(seed=5)]
    keys.append(await key(then="gain", seed=5))
    assert len(set(keys)) == 5 and keys[1] == await key(then="gain")


async def test_it_is_kept_with_the_name_of_its_voice(services: Services) -> None:
    line = await services.speech.line(replace(ASKED, then="gain"))
    async with services.speech.open(line, finish=True) as opened:
        assert opened.result == "miss"
    await until(lambda: not services.cache.busy)
    async with services.speech.open(line) as opened:
        assert opened.result == "hit"


async def test_a_listener_who_leaves_frees_both_engines(services: Services) -> None:
    line = await services.speech.line(replace(ASKED, text="abc " * 500, then="gain"))
    heard = services.speech.say(line, keep=False)
    await anext(heard)
    used = [services.models.synthesizer("tone"), services.models.converter("gain")]
    assert [len(model.users) for model in used] == [1, 1]
    await heard.aclose()
    await until(lambda: all(model.is_free for model in used))


async def test_voices_side_by_side_are_those_of_each_alone(services: Services) -> None:
    lines = [
        await services.speech.line(replace(ASKED, text=text, then=then))
        for text, then in (("abc", "gain"), ("fed", "factor"), ("bad", None))
    ]
    alone = [(await spoken(services, line))[0] for line in lines]
    together = await asyncio.gather(*(spoken(services, line) for line in lines))
    for one, (other, _, _) in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("then", "error", "told"),
    [
        ("af_heart", BadRequest, "then is 'af_heart', who speaks"),
        ("nobody_at_all", NotFound, "nobody_at_all"),
    ],
)
async def test_what_is_no_voice_of_a_converter_is_refused(
    services: Services, then: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        await services.speech.line(replace(ASKED, then=then))
