"""OpenAI's own client works with the routes under /v1."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.support.scripted_engines import CHUNK_SAMPLES
from tests.support.server import LiveServer

if TYPE_CHECKING:
    import openai


@pytest.fixture
def openai_client(live: LiveServer) -> Iterator[openai.OpenAI]:
    import openai  # here: it takes a second, which other processes of a run need not wait for

    url = f"{live.url}/v1"
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=20) as client:
        yield client


def test_a_whole_answer(openai_client: openai.OpenAI) -> None:
    answer = openai_client.audio.speech.create(model="tone", voice="alloy", input="abc def")
    assert answer.response.headers["Content-Type"] == "audio/mpeg"
    assert len(answer.content) > 1_000


def test_every_field_of_the_client(openai_client: openai.OpenAI) -> None:
    answer = openai_client.audio.speech.create(
        model="tone",
        voice={"id": "af_heart"},
        input="abc",
        instructions="Softly.",
        response_format="wav",
        speed=2.0,
        stream_format="audio",
        extra_body={"stream": False, "language": "en", "seed": 7},
    )
    with wave.open(io.BytesIO(answer.content)) as file:
        assert file.getnframes() == pytest.approx(0.12 * 24000, abs=3)


def test_a_stream_while_it_is_spoken(openai_client: openai.OpenAI, live: LiveServer) -> None:
    speech = openai_client.audio.speech.with_streaming_response
    found = b""
    with speech.create(model="gated", voice="alloy", input="abc", response_format="pcm") as answer:
        assert answer.headers["X-Audio-Sample-Rate"] == "24000"
        for part in answer.iter_bytes():
            assert found or not live.gated.gate.is_set(), "the first part came first"
            live.gated.gate.set()
            found += part
    assert np.frombuffer(found, "<i2").size == 2 * CHUNK_SAMPLES


def test_a_client_that_has_heard_enough(openai_client: openai.OpenAI, live: LiveServer) -> None:
    speech = openai_client.audio.speech.with_streaming_response
    with speech.create(model="gated", voice="alloy", input="abc", response_format="pcm") as answer:
        next(answer.iter_bytes())
    assert live.gated.ended.wait(10)


def test_errors_are_the_clients_own(openai_client: openai.OpenAI, live: LiveServer) -> None:
    import openai

    create = openai_client.audio.speech.create
    with pytest.raises(openai.NotFoundError, match="nobody") as caught:
        create(model="tone", voice="nobody", input="abc")
    assert (caught.value.code, caught.value.param) == ("voice_not_found", "voice")
    assert caught.value.request_id
    with pytest.raises(openai.BadRequestError, match="nothing that can be spoken"):
        create(model="tone", voice="alloy", input="...")
    live.broken.chunks_before = 0
    with pytest.raises(openai.InternalServerError, match="failed while it spoke"):
        create(model="broken", voice="alloy", input="abc")


def test_a_broken_stream_is_noticed(openai_client: openai.OpenAI) -> None:
    speech = openai_client.audio.speech.with_streaming_response
    with speech.create(model="broken", voice="alloy", input="abc", response_format="pcm") as answer:
        with pytest.raises(Exception, match="incomplete chunked read|closed"):
            list(answer.iter_bytes())


def test_the_models_are_listed(openai_client: openai.OpenAI) -> None:
    found = {model.id: model for model in openai_client.models.list()}
    assert {"yamabiko", "tts-1", "tts-1-hd", "gpt-4o-mini-tts", "tone", "kokoro"} <= set(found)
    assert found["yamabiko"].object == "model" and found["yamabiko"].created > 0
