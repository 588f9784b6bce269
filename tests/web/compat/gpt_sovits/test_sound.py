"""The sound of `/tts`: its heads, its lengths, and the times that are noted of it."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

from realtime.audio.decoding import decode
from realtime.audio.wav import HEADER_BYTES
from tests.support.documented_client import services_of, state_of
from tests.support.server import forget_recordings, wait_until_kept

LINE = {
    "text": "abc def.",
    "text_lang": "en",
    "ref_audio_path": "af_heart.wav",
    "prompt_lang": "en",
}


def spoken(bot: TestClient, **fields: Any) -> Any:
    answer = bot.post("/tts", json={**LINE, **fields})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.fixture
def fresh(bot: TestClient) -> TestClient:
    forget_recordings(services_of(bot))
    return bot


def test_a_whole_wav_says_how_long_it_is(fresh: TestClient) -> None:
    for cache in ("miss", "hit"):
        answer = spoken(fresh)
        assert answer.headers["X-Cache"] == cache
        body = answer.content
        assert answer.headers["Content-Type"] == "audio/wav"
        assert int(answer.headers["Content-Length"]) == len(body)
        assert struct.unpack_from("<I", body, 4)[0] == len(body) - 8
        assert struct.unpack_from("<I", body, 40)[0] == len(body) - HEADER_BYTES
        samples, rate = soundfile.read(io.BytesIO(body), dtype="int16")
        assert rate == 24000 and np.abs(samples).max() > 3000
        wait_until_kept(fresh)


@pytest.mark.parametrize("mode", [1, 2, 3, True, "true"])
def test_a_streamed_wav_has_a_head_with_no_frames(fresh: TestClient, mode: Any) -> None:
    for cache in ("miss", "hit"):
        answer = spoken(fresh, streaming_mode=mode)
        assert answer.headers["X-Cache"] == cache
        body = answer.content
        assert body[:4] == b"RIFF" and body[8:16] == b"WAVEfmt "
        channels, rate = struct.unpack_from("<HI", body, 22)
        assert (channels, rate, struct.unpack_from("<H", body, 34)[0]) == (1, 24000, 16)
        assert body[36:44] == b"data\0\0\0\0"
        whole = spoken(fresh).content
        assert body[HEADER_BYTES:] == whole[HEADER_BYTES:]
        wait_until_kept(fresh)


@pytest.mark.parametrize("streamed", [0, 1])
def test_raw_is_samples_alone(fresh: TestClient, streamed: int) -> None:
    whole = spoken(fresh).content
    answer = spoken(fresh, media_type="raw", streaming_mode=streamed)
    assert answer.headers["Content-Type"] == "audio/raw"
    assert answer.content == whole[HEADER_BYTES:]


@pytest.mark.parametrize(("media_type", "start"), [("ogg", b"OggS"), ("aac", b"\xff\xf1")])
@pytest.mark.parametrize("streamed", [0, 1])
def test_ogg_and_aac_can_be_played(
    fresh: TestClient, media_type: str, start: bytes, streamed: int
) -> None:
    answer = spoken(fresh, media_type=media_type, streaming_mode=streamed)
    assert answer.headers["Content-Type"] == f"audio/{media_type}"
    assert answer.content.startswith(start)
    assert ("Content-Length" in answer.headers) is not bool(streamed)
    samples, rate = decode(answer.content)
    assert samples.size / rate == pytest.approx(8 * 0.08, abs=0.15)
    assert np.abs(samples).max() > 3000


def test_a_line_is_the_recording_of_our_own_doors(fresh: TestClient) -> None:
    body = spoken(fresh).content
    wait_until_kept(fresh)
    ours = {"input": LINE["text"], "voice": "af_heart", "language": "en", "response_format": "wav"}
    answer = fresh.post("/v1/audio/speech", json={**ours, "stream": False})
    assert answer.headers["X-Cache"] == "hit" and answer.content == body


def test_the_stages_are_timed(fresh: TestClient) -> None:
    stats = state_of(fresh).gpt_sovits.stats
    stats.reset()
    spoken(fresh, media_type="ogg")
    found = stats.described()
    assert found["total_requests"] == 1
    for stage in ("tts", "t2s", "postprocess", "wait"):
        assert 0 < found[f"total_{stage}_time"] <= found["total_tts_time"], stage
    spoken(fresh)
    again = stats.described()
    assert again["total_requests"] == 2
    assert again["total_t2s_time"] == found["total_t2s_time"]  # it was kept
