"""POST /v1/audio/speech: formats, lengths, headers, and the status of each refusal."""

from __future__ import annotations

import base64
import io
import json
import re
import struct
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from realtime.audio.decoding import decode
from realtime.audio.formats import FORMATS
from tests.support.documented_client import services_of
from tests.support.durations import PLAYERS, TRUE, duration_told, tells_truly
from tests.support.server import wait_until_kept
from tests.web.answers.test_server_sent_events import read_events
from tests.web.conftest import Speak

RATE = 24000
LETTER = 0.08 * RATE


def samples(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm, "<i2")


def test_mp3_is_the_default(client: TestClient) -> None:
    answer = client.post("/v1/audio/speech", json={"model": "tone", "input": "abc"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "audio/mpeg"
    pcm, _ = decode(answer.content)
    assert 0.2 < pcm.size / RATE < 0.5


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_arrives_with_its_tail(speak: Speak, name: str, whole: bool) -> None:
    text = "abc def ghi jkl mno pqr stu vwx yza bcd efg."
    answer = speak(input=text, response_format=name, stream=not whole)
    assert answer.headers["Content-Type"] == FORMATS[name].content_type
    assert ("Content-Length" in answer.headers) is whole
    body = answer.content
    pcm, rate = (samples(body), RATE) if name == "pcm" else decode(body)
    expected = sum(letter.isascii() for letter in text) * LETTER / RATE
    assert expected - 0.1 <= pcm.size / rate <= expected + 0.15
    tail = pcm[-round(0.3 * rate) :]
    assert np.abs(tail).max() > 2000, "the last letter is heard"


@pytest.mark.parametrize("name", TRUE)
def test_a_whole_file_tells_its_true_duration(speak: Speak, tmp_path: Path, name: str) -> None:
    text, path = "abc def ghi.", tmp_path / f"spoken.{name}"
    for _ in ("spoken afresh", "spoken before"):
        path.write_bytes(speak(input=text, response_format=name, stream=False).content)
        seconds = samples(speak(input=text).content).size / RATE
        for player in PLAYERS:
            assert tells_truly(player, path, seconds), (player, duration_told(player, path))


def test_pcm_is_the_sound_itself(speak: Speak) -> None:
    found = samples(speak(input="abc").content)
    assert found.size == 3 * LETTER
    assert 8000 < np.abs(found).max() < 11000


def test_a_growing_wav_says_so(speak: Speak) -> None:
    body = speak(response_format="wav").content
    assert struct.unpack_from("<I", body, 4) == struct.unpack_from("<I", body, 40) == (2**32 - 1,)
    assert body[44:] == speak().content


def test_a_whole_wav_has_true_sizes(speak: Speak) -> None:
    answer = speak(response_format="wav", stream=False)
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        assert file.readframes(file.getnframes()) == speak().content


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_another_rate(speak: Speak, rate: int) -> None:
    answer = speak(sample_rate=rate)
    assert answer.headers["X-Audio-Sample-Rate"] == str(rate)
    assert samples(answer.content).size == pytest.approx(0.24 * rate, abs=8)


def test_what_the_headers_tell(speak: Speak) -> None:
    headers = speak().headers
    assert headers["X-Audio-Sample-Rate"] == "24000"
    assert headers["X-Audio-Channels"] == "1"
    assert headers["X-Audio-Encoding"] == "pcm_s16le"
    assert headers["X-Audio-Bits-Per-Sample"] == "16"
    assert headers["X-Cache"] == "miss"
    assert headers["X-Accel-Buffering"] == "no"
    assert re.fullmatch(
        r"text;dur=[\d.]+, queue;dur=[\d.]+, first_audio;dur=[\d.]+", headers["Server-Timing"]
    )
    coded = speak(response_format="opus", sample_rate=22050).headers
    assert coded["X-Audio-Encoding"] == "opus"
    assert coded["X-Audio-Sample-Rate"] == str(FORMATS["opus"].rate_for(22050)), "what it has"
    assert "X-Audio-Bits-Per-Sample" not in coded


@pytest.mark.parametrize("events", [{}, {"stream_format": "sse"}, {"stream": False}])
@pytest.mark.parametrize("again", range(2))
def test_a_line_in_a_foreign_language_has_a_notice(
    speak: Speak, events: dict[str, Any], again: int
) -> None:
    assert "X-Notice" not in speak(**events).headers
    foreign = speak(voice="zf_xiaoxiao", **events)
    message = "zf_xiaoxiao is a native speaker of Chinese; English may sound foreign."
    assert foreign.headers["X-Notice"] == f'foreign_language; message="{message}"'


def test_speed_changes_the_length(speak: Speak) -> None:
    assert samples(speak(speed=2).content).size == pytest.approx(1.5 * LETTER, abs=3)
    assert samples(speak(speed=0.25).content).size == pytest.approx(12 * LETTER, abs=3)


def test_the_character_changes_the_sound(speak: Speak) -> None:
    by_name, other = speak(voice="af_bella").content, speak(voice="af_heart").content
    assert by_name != other
    assert speak(voice={"id": "af_bella"}).content == by_name


def test_an_alias_is_its_character(speak: Speak, client: TestClient) -> None:
    known = client.get("/api/characters").json()["characters"]
    owner = next(each["name"] for each in known if "alloy" in each["aliases"])
    assert speak(voice="alloy").content == speak(voice=owner).content


def test_events_carry_the_same_sound(speak: Speak) -> None:
    answer = speak(stream_format="sse", return_timestamps=True)
    found = read_events(answer.content)
    deltas = [each["audio"] for each in found if each["type"] == "speech.audio.delta"]
    assert b"".join(map(base64.b64decode, deltas)) == speak().content
    words = [w["text"] for each in found if "words" in each for w in each["words"]]
    assert words == ["a", "b", "c"]
    usage = found[-1]["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (3, 5)


@pytest.mark.parametrize(
    ("fields", "status", "param", "code"),
    [
        ({"input": None}, 400, "input", "bad_request"),
        ({"input": ""}, 400, "input", "nothing_to_say"),
        ({"input": " …!? 🙂\n"}, 400, "input", "nothing_to_say"),
        ({"input": "a" * 5_001}, 400, "input", "text_too_long"),
        ({"input": "a" * 50_001, "longprompt": True}, 400, "input", "text_too_long"),
        ({"voice": "nobody"}, 404, "voice", "voice_not_found"),
        ({"voice": "../secret"}, 400, "voice", None),
        ({"voice": "\ud800"}, 400, "voice", None),
        ({"voice": "x" * 65}, 400, "voice", None),
        ({"speed": 4.5}, 400, "speed", "bad_request"),
        ({"seed": 2**63}, 400, "seed", "bad_request"),
        ({"sample_rate": 11025}, 400, "sample_rate", "bad_request"),
        ({"language": "xx"}, 400, "language", "unknown_language"),
        ({"response_format": "wma"}, 400, "response_format", "unsupported_format"),
        ({"stream_format": "ws"}, 400, "stream_format", "bad_request"),
        ({"model": "gain"}, 400, "model", "unknown_engine"),
        ({"model": "hibari", "input": "你好。"}, 400, "model", "language_not_supported"),
        ({"model": "silent"}, 400, "input", "nothing_to_say"),
        ({"model": "silent", "stream": False}, 400, "input", "nothing_to_say"),
        ({"model": "silent", "stream_format": "sse"}, 400, "input", "nothing_to_say"),
    ],
)
def test_what_cannot_be_done_has_its_status(
    speak: Speak, fields: dict[str, Any], status: int, param: str, code: str | None
) -> None:
    answer = speak(**fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param)
    assert code is None or error["code"] == code
    assert set(error) == {"message", "type", "param", "code"}
    assert len(answer.content) < 2_000


def test_the_limit_is_told(speak: Speak) -> None:
    message = speak(input="a" * 5_001).json()["error"]["message"]
    assert "5000" in message and "longprompt" in message


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b", "a\u202eb"])
def test_odd_characters_are_spoken_around(speak: Speak, text: str) -> None:
    assert speak(input=text).status_code == 200


def recordings_of(client: TestClient) -> int:
    return len(services_of(client).cache.index)


def test_what_was_spoken_is_spoken_no_more(client: TestClient, speak: Speak) -> None:
    first = speak(response_format="wav")
    assert first.headers["X-Cache"] == "miss"
    wait_until_kept(client)
    again = speak(response_format="wav")
    assert again.headers["X-Cache"] == "hit"
    assert int(again.headers["Content-Length"]) == len(again.content)
    assert struct.unpack_from("<I", again.content, 40) == (len(again.content) - 44,)
    assert again.content[44:] == first.content[44:]
    assert speak(response_format="pcm").content == first.content[44:]
    assert speak(response_format="mp3").headers["X-Cache"] == "hit"


def test_a_known_line_still_has_its_events(client: TestClient, speak: Speak) -> None:
    fields = {"stream_format": "sse", "return_timestamps": True}
    first = speak(**fields)
    wait_until_kept(client)
    again = speak(**fields)
    assert (first.headers["X-Cache"], again.headers["X-Cache"]) == ("miss", "hit")

    def sound_and_words(answer: Any) -> tuple[bytes, list[object]]:
        events = [json.loads(line[6:]) for line in answer.text.splitlines() if "data: " in line]
        sound = b"".join(base64.b64decode(event.get("audio", "")) for event in events)
        return sound, [word for event in events for word in event.get("words", [])]

    assert sound_and_words(first) == sound_and_words(again)


def test_who_wants_nothing_stored_is_spoken_to_afresh(client: TestClient, speak: Speak) -> None:
    speak()
    wait_until_kept(client)
    before = recordings_of(client)
    body = json.dumps({"model": "tone", "input": "abc", "response_format": "pcm"})
    for text in ("abc", "abcd"):
        answer = client.post(
            "/v1/audio/speech",
            content=body.replace("abc", text),
            headers={"Content-Type": "application/json", "Cache-Control": "no-cache, no-store"},
        )
        assert answer.headers["X-Cache"] == "miss"
    wait_until_kept(client)
    assert recordings_of(client) == before
