"""Requests become lines: who speaks, with which engine, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from realtime.conversion.second_voices import ConvertedVoices
from realtime.errors import BadRequest, NotFound, NothingToSay, TextTooLong, YamabikoError
from realtime.services import Services, build
from realtime.settings import Settings
from realtime.speech.request import LineRequest, LineResolver

pytestmark = pytest.mark.anyio


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    services = build(settings)
    yield services
    await services.close()


@pytest.mark.parametrize(
    ("asked", "language", "character", "engine"),
    [
        (LineRequest("Hello."), "en", "af_heart", "hibari"),
        (LineRequest("Hello.", "af_bella"), "en", "af_bella", "kokoro"),
        (LineRequest("你好。"), "zh", "zf_xiaoxiao", "kokoro"),
        (LineRequest("こんにちは。"), "ja", "jf_alpha", "kokoro"),
        (LineRequest("Hello, 你好吗。"), "mix", "af_heart", "kokoro"),
        (LineRequest("你好。", "af_heart"), "zh", "af_heart", "kokoro"),
        (LineRequest("Hello.", "af_heart", engine="kokoro"), "en", "af_heart", "kokoro"),
        (LineRequest("Hello.", "alloy"), "en", "af_heart", "hibari"),
        (LineRequest("Hello 你好。", "af_heart", "en", noaccent=True), "en", "af_heart", "kokoro"),
    ],
)
async def test_who_speaks_with_which_engine(
    services: Services, asked: LineRequest, language: str, character: str, engine: str
) -> None:
    line = await services.speech.line(asked)
    assert (line.language, line.character.name, line.engine) == (language, character, engine)


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        (LineRequest(""), NothingToSay, "nothing"),
        (LineRequest("… 😀 !!"), NothingToSay, "nothing"),
        (LineRequest("a" * 5001), TextTooLong, "5000"),
        (LineRequest("a" * 50_001, longprompt=True), TextTooLong, "50000"),
        (LineRequest("a", language="fr"), BadRequest, "en, zh, ja, mix, auto"),
        (LineRequest("a", "nobody"), NotFound, "nobody"),
        (LineRequest("a", "../etc/passwd"), BadRequest, "passwd"),
        (LineRequest("a", speed=0.1), BadRequest, "0.25 to 4"),
        (LineRequest("a", speed=float("nan")), BadRequest, "0.25 to 4"),
        (LineRequest("a", seed=-1), BadRequest, "seed"),
        (LineRequest("a", engine="bell"), BadRequest, "hibari, kokoro, tone"),
        (LineRequest("a", engine="gain"), BadRequest, "gain"),
        (LineRequest("你好。", engine="hibari", noaccent=True), BadRequest, "zh"),
    ],
)
async def test_what_is_refused(
    services: Services, asked: LineRequest, error: type[YamabikoError], words: str
) -> None:
    with pytest.raises(error) as refused:
        await services.speech.line(asked)
    assert type(refused.value) is error
    assert words in refused.value.message


@pytest.fixture
def resolver(services: Services) -> LineResolver:
    voices = ConvertedVoices(services.characters, services.models)
    return LineResolver(services.settings, services.characters, services.models, voices)


@pytest.mark.parametrize(
    "asked",
    [
        LineRequest("", language="fr"),
        LineRequest("", "nobody"),
        LineRequest("", engine="bell"),
        LineRequest("", engine="gain"),
        LineRequest("", speed=9.0),
        LineRequest("", seed=-1),
    ],
)
async def test_what_no_text_can_mend_is_refused_without_one(
    resolver: LineResolver, asked: LineRequest
) -> None:
    with pytest.raises((BadRequest, NotFound)) as refused:
        resolver.check(asked)
    assert not isinstance(refused.value, NothingToSay)


async def test_what_a_text_may_still_make_good_is_not(resolver: LineResolver) -> None:
    resolver.check(
        LineRequest("", "af_bella", "ja", noaccent=True, speed=2.0, seed=3, engine="tone")
    )


async def test_what_is_there_decides_who_speaks_a_text_that_grows(resolver: LineResolver) -> None:
    begun = resolver.resolve_begun(LineRequest(""), "Hello the")
    assert (begun.language, begun.character.name, begun.engine) == ("en", "af_heart", "hibari")
    assert resolver.resolve_begun(LineRequest(""), "你好，").character.name == "zf_xiaoxiao"
