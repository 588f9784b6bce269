"""`/tts` as clients call it, and the faults of the original that it does not have."""

from __future__ import annotations

import http.client
import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient

from realtime.audio.wav import HEADER_BYTES
from realtime.settings import CorsSettings, Settings
from realtime.web.app import create_app
from tests.support.documented_client import DocumentedClient
from tests.support.server import JSON, LiveServer
from tests.web.compat.gpt_sovits.conftest import tones

LINE = {
    "text": "abc def.",
    "text_lang": "en",
    "ref_audio_path": "af_heart.wav",
    "prompt_lang": "en",
}
WAIT = 20.0


def line(character: str, **fields: Any) -> dict[str, Any]:
    return {**LINE, "ref_audio_path": f"clips/{character}.wav", **fields}


def ask(live: LiveServer, body: dict[str, Any]) -> httpx2.Response:
    return httpx2.post(f"{live.url}/tts", json=body, timeout=WAIT)


# as clients call it


def test_a_bot_asks_by_get(running: LiveServer) -> None:
    """nonebot and others put everything into the query, and look at the status 400 alone."""
    query = {
        **LINE,
        "text_lang": "zh",
        "text": "你好，abcdef。",
        "prompt_text": "参考音频的文字",
        "top_k": 5,
        "batch_size": 1,
        "speed_factor": 1.0,
        "streaming_mode": False,
    }
    answer = httpx2.get(f"{running.url}/tts", params=query, timeout=WAIT)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "audio/wav"
    samples, rate = soundfile.read(io.BytesIO(answer.content))
    assert samples.size / rate > 0.4
    refused = httpx2.get(f"{running.url}/tts", params={**query, "text": ""}, timeout=WAIT)
    assert refused.status_code == 400 and refused.json() == {"message": "text is required"}


def test_a_chat_page_asks_for_a_stream(running: LiveServer) -> None:
    """SillyTavern writes flags and numbers as texts, and asks for Vorbis."""
    body = line("af_heart", media_type="ogg", streaming_mode="true", top_k="15", seed="-1")
    with httpx2.stream("POST", f"{running.url}/tts", json=body, timeout=WAIT) as answer:
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert b"".join(answer.iter_bytes()).startswith(b"OggS")


def test_a_web_page_may_ask_where_the_settings_allow_it(own_settings: Settings) -> None:
    """The rules for pages are those of every other route."""
    page = {"Origin": "http://127.0.0.1:8000"}
    allowing = replace(own_settings, cors=CorsSettings(origins=(page["Origin"],)))
    with DocumentedClient(create_app(tones(allowing))) as client:
        for sent, status in ((LINE, 200), ({}, 400)):
            answer = client.post("/tts", json=sent, headers=page)
            assert answer.status_code == status
            assert answer.headers["Access-Control-Allow-Origin"] == page["Origin"]
        other = client.post("/tts", json=LINE, headers={"Origin": "http://evil.example"})
        assert "Access-Control-Allow-Origin" not in other.headers


def test_the_fork_is_asked_in_the_query_a_form_and_json(running: LiveServer) -> None:
    voice = {"voice_name": "af_heart", "text": "abc def.", "text_lang": "en", "speed_factor": 1.0}
    address = f"{running.url}/tts_with_cached_voice"
    forms: list[dict[str, Any]] = [{"params": voice}, {"data": voice}, {"json": voice}]
    answers = [httpx2.post(address, **form, timeout=WAIT) for form in forms]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.content for answer in answers}) == 1
    clip = httpx2.post(
        f"{running.url}/tts_with_voice", json={**voice, "audio_file": "b.wav"}, timeout=WAIT
    )
    assert clip.content == answers[0].content


def test_an_unknown_voice_is_told(bot: TestClient) -> None:
    answer = bot.post("/tts_with_cached_voice", params={"voice_name": "../a", "text": "abc"})
    assert answer.status_code == 400
    assert answer.json()["message"] == "TTS with cached voice failed"
    assert "cannot be a character's name" in answer.json()["Exception"]


def test_the_speed_of_a_characters_card_stays(bot: TestClient) -> None:
    lengths = [
        len(bot.post("/tts", json=line("tuned", speed_factor=speed)).content)
        for speed in (1.0, "1.5", 3.0)
    ]
    assert lengths[0] == lengths[1]  # the card says 1.5
    assert (lengths[1] - HEADER_BYTES) / (lengths[2] - HEADER_BYTES) == pytest.approx(2, rel=0.1)


# faults of the original


def test_another_request_is_answered_while_one_speaks(running: LiveServer) -> None:
    """Fault 2: the original speaks on the event loop, so that nobody else is answered."""
    with ThreadPoolExecutor() as pool:
        speaking = pool.submit(ask, running, line("waiting"))
        assert running.gated.waiting.wait(WAIT)
        try:
            assert httpx2.get(f"{running.url}/health", timeout=WAIT).status_code == 200
            assert ask(running, LINE).status_code == 200
            assert not speaking.done()
        finally:
            running.gated.gate.set()
        assert speaking.result(WAIT).status_code == 200


@pytest.mark.parametrize("chunks", [0, 1])
def test_an_error_is_an_error_and_no_silence(running: LiveServer, chunks: int) -> None:
    """Fault 3: the original answers 200 and a second of silence."""
    running.broken.chunks_before = chunks
    answer = ask(running, line("breaking"))
    assert answer.status_code == 400
    body = answer.json()
    assert body["message"] == "tts failed" and "broken" in body["Exception"]
    assert "Traceback" not in answer.text and "ZeroDivisionError" not in answer.text


def test_an_error_in_a_stream_breaks_it_off(running: LiveServer) -> None:
    """Fault 3: no silence at another rate follows, and the next request is spoken."""
    running.broken.chunks_before = 1
    with pytest.raises(httpx2.RemoteProtocolError):
        ask(running, line("breaking", streaming_mode=1))
    assert ask(running, LINE).status_code == 200
    stats = running.get("/performance_stats")
    assert (stats["total_requests"], stats["failed_requests"]) == (2, 1)


def test_an_engine_that_is_not_there_is_a_400(bot: TestClient) -> None:
    answer = bot.post("/tts", json={**LINE, "ref_audio_path": "nana_calm.wav"})
    assert answer.status_code == 400 and answer.json()["message"] == "tts failed"
    assert answer.json()["Exception"]


@pytest.mark.parametrize("media_type", ["wav", "raw"])
@pytest.mark.parametrize("streamed", [0, 1])
def test_the_loudest_sample_does_not_wrap(bot: TestClient, media_type: str, streamed: int) -> None:
    """Fault 4: the original writes +1.0 as -32768."""
    sent = line("loud", media_type=media_type, streaming_mode=streamed)
    body = bot.post("/tts", json=sent).content
    samples = np.frombuffer(body[0 if media_type == "raw" else HEADER_BYTES :], "<i2")
    assert samples.size > 20_000
    assert (samples.max(), samples.min()) in {(32767, -32767), (32767, -32768)}
    assert (samples[samples < 0].size) == pytest.approx(samples.size / 4, rel=0.01)


def test_no_path_of_a_client_is_opened(bot: TestClient, tmp_path: Path) -> None:
    """Fault 18: the original opens and loads any file that a request names."""
    secret = tmp_path / "af_heart.wav"
    secret.write_bytes(b"not a sound")
    touched: list[str] = []
    paths = {str(secret), str(tmp_path), "/etc/passwd"}

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event in ("open", "os.listdir", "os.scandir", "os.open"):
            touched.extend(str(each) for each in arguments[:1])

    watching = True
    sys.addaudithook(note)  # it cannot be removed again
    try:
        named = {"ref_audio_path": str(secret), "aux_ref_audio_paths": ["/etc/passwd"]}
        for sent in (named, {"ref_audio_path": "/etc/passwd"}):
            assert bot.post("/tts", json={**LINE, "text": "new words", **sent}).status_code == 200
            assert bot.get("/tts", params={**LINE, **sent}).status_code == 200
        open(tmp_path / "af_heart.wav", "rb").close()
    finally:
        watching = False
    assert touched.count(str(secret)) == 1, "the hook sees what is opened, here by the test alone"
    assert paths & set(touched) == {str(secret)}


@pytest.mark.parametrize("streaming_mode", [0, 1])
def test_a_client_that_goes_away_frees_the_engine(running: LiveServer, streaming_mode: int) -> None:
    """Fault 24: the original speaks to the end, and others wait."""
    body = json.dumps(line("waiting", streaming_mode=streaming_mode))
    connection = http.client.HTTPConnection(*running.address, timeout=WAIT)
    connection.request("POST", "/tts", body, JSON)
    assert running.gated.waiting.wait(WAIT)
    assert not running.gated.ended.is_set()
    connection.close()
    assert running.gated.ended.wait(WAIT)
    assert running.wait_until_idle()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_languages_may_be_written_large(bot: TestClient, method: str) -> None:
    """Fault 25: in a POST the original takes `ZH` for valid, and fails when it speaks."""
    sent = {**LINE, "text": "你好，abc。", "text_lang": "ZH", "prompt_lang": "All_ZH"}
    if method == "GET":
        answer = bot.get(f"/tts?{urlencode(sent)}")
    else:
        answer = bot.post("/tts", json=sent)
    assert answer.status_code == 200
    assert answer.content == bot.post("/tts", json={**sent, "text_lang": "zh"}).content
