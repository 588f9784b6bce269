"""Speaking of transcripts: the language, the rate, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from realtime.conversion.by_words.speaker import PIECE_SECONDS, SentenceSpeaker
from realtime.engines.contract import Transcript
from realtime.errors import BadRequest, NotFound
from realtime.services import Services
from realtime.settings import Settings
from realtime.speech.request import LineRequest
from tests.support.fake_recogniser import (
    LevelDetector,
    ScriptedRecogniser,
    joined,
    services_with_fakes,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    services = services_with_fakes(settings, LevelDetector(), ScriptedRecogniser())
    yield services
    await services.close()


async def test_it_is_as_long_as_the_line_at_any_rate(services: Services) -> None:
    for rate in (8000, 24000, 48000):
        speaker = SentenceSpeaker(services.speech, LineRequest("", "af_heart", engine="tone"), rate)
        parts = [pcm async for pcm in speaker.speak(Transcript("abcdefghij", "en"))]
        assert all(0 < part.size <= PIECE_SECONDS * rate for part in parts)
        assert joined(parts).size == pytest.approx(0.8 * rate, abs=2)


async def test_nothing_of_it_is_kept(services: Services) -> None:
    await services.cache.start()
    speaker = SentenceSpeaker(services.speech, LineRequest("", "af_heart", engine="tone"), 24000)
    assert [pcm async for pcm in speaker.speak(Transcript("a secret", "en"))]
    assert not list(services.settings.cache.path.rglob("*secret*"))


@pytest.mark.parametrize(
    ("requested", "said", "spoken"),
    [("auto", "ja", "ja"), ("auto", "en", "en"), ("mix", "en", "mix"), ("zh", "zh", "zh")],
)
async def test_it_speaks_the_language_that_was_heard_or_requested(
    services: Services, monkeypatch: pytest.MonkeyPatch, requested: str, said: str, spoken: str
) -> None:
    asked: list[LineRequest] = []
    line = services.speech.line

    async def note(request: LineRequest) -> object:
        asked.append(request)
        return await line(request)

    monkeypatch.setattr(services.speech, "line", note)
    request = LineRequest(
        "", "jf_alpha", requested, noaccent=True, speed=1.5, seed=4, engine="tone"
    )
    speaker = SentenceSpeaker(services.speech, request, 24000)
    assert [pcm async for pcm in speaker.speak(Transcript("abc", said))]
    (found,) = asked
    assert found == LineRequest("abc", "jf_alpha", spoken, True, speed=1.5, seed=4, engine="tone")


async def test_everything_but_the_text_is_checked_first(
    services: Services,
) -> None:
    with pytest.raises(NotFound):
        await SentenceSpeaker(services.speech, LineRequest("", "nobody"), 24000).check()
    with pytest.raises(BadRequest):
        await SentenceSpeaker(services.speech, LineRequest("", None, "fr"), 24000).check()
    await SentenceSpeaker(services.speech, LineRequest("", "af_heart"), 24000).check()
