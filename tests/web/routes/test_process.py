"""An upload comes back in another voice, or with a status that says why not."""

from __future__ import annotations

import http.client
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from realtime.audio.decoding import decode
from realtime.audio.formats import FORMATS
from realtime.audio.samples import RATES, from_pcm16
from realtime.audio.wav import HEADER_BYTES, wav_file, wav_header
from realtime.engines.world import median_pitch
from realtime.errors import SynthesisFailed
from realtime.services import Services
from realtime.settings import LimitsSettings, ModelsSettings, Settings
from realtime.web.app import create_app
from tests.support.documented_client import DocumentedClient, services_of
from tests.support.durations import PLAYERS, TRUE, duration_told, tells_truly
from tests.support.encoded_files import FILES, encoded_file, foreign_file
from tests.support.fake_converters import Factor
from tests.support.keyed_server import FakeTime, keyed_services, signed_headers
from tests.support.server import (
    LiveServer,
    local_client,
    scripted_services,
    services_with,
    serving,
)
from tests.support.voice_like_sound import pcm, voice

RATE = 24000
SOUND = pcm(voice(1.0))


def wav(sound: Any = SOUND, rate: int = RATE) -> bytes:
    return wav_file(sound, rate)


def ask(client: TestClient, data: bytes = b"", name: str = "voice.wav", **fields: str) -> Any:
    fields = {"engine": "gain", "gate": "-90", **fields}
    return client.post("/api/process", files={"audio": (name, data or wav())}, data=fields)


def test_a_recording_comes_back_as_an_attachment(client: TestClient) -> None:
    answer = ask(client)
    assert answer.status_code == 200 and answer.headers["content-type"] == "audio/wav"
    named = 'attachment; filename="processed_audio.wav"'
    assert answer.headers["content-disposition"] == named
    assert int(answer.headers["content-length"]) == len(answer.content) == len(wav())
    assert answer.content[:HEADER_BYTES] == wav()[:HEADER_BYTES]
    found = np.frombuffer(answer.content[HEADER_BYTES:], "<i2")
    assert np.abs(found[2_000:] - SOUND[2_000:] / 2).max() <= 1


def test_the_default_is_world_and_a_character_lends_its_pitch(client: TestClient) -> None:
    data = wav(pcm(voice(3.0, pitch=110.0)))
    answer = client.post(
        "/api/process", files={"audio": ("a", data)}, data={"character": "af_heart"}
    )
    found, rate = decode(answer.content)
    heard = median_pitch(from_pcm16(found[rate:]), rate)
    services: Services = services_of(client)
    target = services.characters.get("af_heart").median_pitch
    assert heard is not None and target is not None and abs(12 * np.log2(heard / target)) < 1.0


def test_noise_is_taken_out_where_it_is_asked(client: TestClient) -> None:
    noise = np.random.default_rng(2).normal(0, 1_500, RATE).astype(np.int16)
    plain, cleaned = (
        np.frombuffer(ask(client, wav(noise), denoise=name).content[HEADER_BYTES:], "<i2")
        for name in ("off", "light")
    )
    assert cleaned.size == plain.size == noise.size
    assert np.std(cleaned[4_000:]) < 0.1 * np.std(plain[4_000:])
    assert ask(client, denoise="loud").status_code == 400


def test_several_recordings_are_cleaned_as_each_is_alone(client: TestClient) -> None:
    other = pcm(voice(0.5, pitch=220.0))
    fields = {"engine": "gain", "gate": "-90", "denoise": "light"}
    files = [("audio", (f"{n}.wav", wav(sound))) for n, sound in enumerate((SOUND, other))]
    answer = client.post("/api/process", files=files, data=fields)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        found = [archive.read(name) for name in sorted(archive.namelist())]
    assert found[0] == ask(client, denoise="light").content
    assert found[1] == ask(client, wav(other), denoise="light").content


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("rate", [RATES[0], RATES[-1]])
def test_every_format_and_rate(client: TestClient, name: str, rate: int) -> None:
    answer = ask(client, format=name, sample_rate=str(rate))
    assert answer.headers["content-type"] == FORMATS[name].content_type
    assert answer.headers["content-disposition"].endswith(f'processed_audio.{name}"')
    data = answer.content if name != "pcm" else wav_header(rate, rate) + answer.content
    found, found_rate = decode(data)
    assert found_rate == FORMATS[name].rate_for(rate)
    assert 1.0 - 1e-3 <= found.size / found_rate < 1.3


@pytest.mark.parametrize("name", TRUE)
@pytest.mark.parametrize("came", ["wav", "ogg"])
def test_the_answer_tells_its_true_duration(
    client: TestClient, tmp_path: Path, name: str, came: str
) -> None:
    """An upload in Ogg states no number of samples: the answer's length is known at its end."""
    upload = encoded_file(came, RATE, SOUND)
    answer = ask(client, upload, format=name)
    path = tmp_path / f"processed.{name}"
    path.write_bytes(answer.content)
    wanted = len(ask(client, upload, format="pcm").content) / 2 / RATE
    for player in PLAYERS:
        assert tells_truly(player, path, wanted), (player, duration_told(player, path))
    if name in ("wav", "flac", "mp3"):
        assert int(answer.headers["content-length"]) == len(answer.content)


def test_an_answer_that_breaks_before_it_is_whole_has_its_status(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recording(*_: Any) -> Any:
        async def breaks() -> Any:
            yield SOUND
            raise SynthesisFailed("It broke.")

        return breaks()

    services: Services = services_of(client)
    monkeypatch.setattr(services.voice_changer, "recording", recording)
    answer = ask(client, format="flac")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "synthesis_failed")


@pytest.mark.parametrize("rate", [4_000, 11_025, 32_000, 96_000])
def test_a_recording_keeps_a_rate_that_nobody_could_ask_for(client: TestClient, rate: int) -> None:
    answer = ask(client, wav(pcm(voice(0.2, rate=rate)), rate))
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-audio-sample-rate"] == str(rate)
    found, found_rate = decode(answer.content)
    assert (found.size, found_rate) == (round(0.2 * rate), rate)


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_read_whatever_it_is_called(client: TestClient, name: str) -> None:
    answer = ask(client, encoded_file(name, RATE, SOUND), name="holiday.jpeg")
    found, rate = decode(answer.content)
    assert 0.95 < found.size / rate < 1.15


def test_what_a_browser_recorded_is_read(client: TestClient) -> None:
    data = foreign_file("webm", "libopus", pcm(voice(1.0, rate=48000)), 48000)
    assert ask(client, data, name="blob").status_code == 200


def form(disposition: str, content: bytes = b"") -> tuple[bytes, dict[str, str]]:
    head = f"--x\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    if content:
        head = b'--x\r\nContent-Disposition: form-data; name="engine"\r\n\r\ngain\r\n' + head
    return head + content + b"\r\n--x--\r\n", headers


@pytest.mark.parametrize(
    "disposition, code",
    [
        ('name="other"', "unknown_field"),
        ('name="engine"', "no_audio"),
        ('name="audio"', "no_audio"),
        ('name="audio"; filename=""', "empty_name"),
        ('name="audio"; filename="a.wav"', "bad_audio"),
    ],
)
def test_a_form_without_a_recording(client: TestClient, disposition: str, code: str) -> None:
    body, headers = form(disposition)
    answer = client.post("/api/process", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


BROKEN = {
    "text": (b"This is no sound at all, but it is long enough to look at.", "unsupported_format"),
    "pickle": (b"\x80\x04K\x01." * 100, "unsupported_format"),
    "nothing in it": (wav_header(RATE, 0), "bad_audio"),
    "1 Hz": (wav(rate=1), "bad_audio"),
    "1 MHz": (wav(rate=1_000_000), "bad_audio"),
    "half a head": (wav()[:20], "unsupported_format"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_recording(client: TestClient, name: str) -> None:
    data, code = BROKEN[name]
    answer = ask(client, data)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code), answer.text


def test_no_numbers_and_infinite_ones_are_heard_as_something(client: TestClient) -> None:
    import soundfile

    samples = np.tile(np.array([np.nan, np.inf, -np.inf, 0.1], np.float32), 6_000)
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype="FLOAT")
    answer = ask(client, file.getvalue(), engine="world")
    assert answer.status_code == 200 and len(answer.content) == HEADER_BYTES + 48_000


@pytest.mark.parametrize(
    "fields, status, code",
    [
        ({"character": "nobody"}, 404, "character_not_found"),
        ({"engine": "bell"}, 400, "unknown_engine"),
        ({"engine": "tone"}, 400, "unknown_engine"),
        ({"format": "midi"}, 400, "unsupported_format"),
        ({"sample_rate": "1234"}, 400, "bad_request"),
        ({"pitch": "25"}, 400, "bad_request"),
        ({"pitch": "nan"}, 400, "bad_request"),
        ({"pitch": "high"}, 400, "bad_request"),
        ({"effect": "echo"}, 400, "bad_request"),
        ({"volume": "11"}, 400, "unknown_field"),
    ],
)
def test_what_cannot_be_asked(
    client: TestClient, fields: dict[str, str], status: int, code: str
) -> None:
    answer = ask(client, **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


def test_what_is_left_open_in_a_form_is_left_open(client: TestClient) -> None:
    assert ask(client, character="", pitch="", sample_rate="", format="").status_code == 200


def test_another_type_of_body(client: TestClient) -> None:
    answer = client.post("/api/process", content=wav(), headers={"Content-Type": "audio/wav"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "wrong_content_type")
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/api/process", content=b"--y\r\n\r\n", headers=headers)
    assert answer.status_code == 400


@pytest.fixture
def small(web_settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    limits = LimitsSettings(upload_bytes=100_000, upload_minutes=0.05)
    settings = replace(web_settings, limits=limits, models=ModelsSettings(path=tmp_path))
    with DocumentedClient(create_app(scripted_services(settings))) as client:
        yield client


def test_an_engine_without_its_model(small: TestClient) -> None:
    answer = ask(small, wav(SOUND[:1_000]), engine="torchscript")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "weights_missing")
    assert "retry-after" not in answer.headers


def test_too_large_and_too_long(small: TestClient) -> None:
    answer = ask(small, bytes(200_000))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    bomb = foreign_file("flac", "flac", np.zeros(30 * 8000, np.int16), rate=8000)
    assert len(bomb) < 50_000
    answer = ask(small, bomb)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "audio_too_long")


def test_a_head_that_promises_more_than_there_is(client: TestClient) -> None:
    data = wav_header(RATE, 10**8) + SOUND.tobytes()
    answer = ask(client, data)
    assert len(answer.content) == len(wav())


def test_who_leaves_frees_the_engine(live: LiveServer) -> None:
    body, headers = form('name="audio"; filename="a.wav"', wav(pcm(voice(20.0))))
    connection = http.client.HTTPConnection(*live.address, timeout=20)
    connection.request("POST", "/api/process", body, headers)
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read(100)
    connection.sock.close()
    answer.close()
    services = live.services
    for _ in range(2_000):
        if not any(jobs for _, jobs in services.models.job_counts()):
            break
        live.answer("GET", "/health").read()
    assert not any(jobs for _, jobs in services.models.job_counts())


@pytest.mark.slow
def test_nothing_is_left_on_disk(live: LiveServer, tmp_path: Path, monkeypatch: Any) -> None:
    """A file over a megabyte waits on the disk without a name, and is gone afterwards."""
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    body, headers = form('name="audio"; filename="../../etc/x.wav"', wav(np.tile(SOUND, 60)))
    connection = http.client.HTTPConnection(*live.address, timeout=60)
    connection.request("POST", "/api/process?x=1", body, headers)
    answer = connection.getresponse()
    assert not list(tmp_path.iterdir())
    assert len(answer.read()) == HEADER_BYTES + 2 * 60 * RATE
    assert not list(tmp_path.iterdir())
    connection.close()


def test_a_signed_upload(web_settings: Settings) -> None:
    body, headers = form('name="audio"; filename="a.wav"', wav(np.tile(SOUND, 60)))
    assert len(body) > 2 << 20
    fake_time = FakeTime()
    with serving(keyed_services(web_settings, fake_time)) as live:
        for sent, status in ((body, 200), (body[:-60] + bytes(60), 401)):
            asked = signed_headers(fake_time, "POST", "/api/process", body)
            connection = http.client.HTTPConnection(*live.address, timeout=60)
            connection.request("POST", "/api/process", sent, {**headers, **asked})
            answer = connection.getresponse()
            assert answer.status == status, answer.read()
            if status == 200:
                assert len(answer.read()) > 60 * 2 * RATE
            connection.close()


@pytest.fixture(scope="module")
def tunable(settings: Settings) -> Iterator[TestClient]:
    with local_client(services_with(settings, extra=(Factor,))) as client:
        yield client


def test_options_of_the_engine_change_the_sound(tunable: TestClient) -> None:
    def sound(**fields: str) -> Any:
        answer = ask(tunable, engine="factor", **fields)
        assert answer.status_code == 200, answer.text
        return np.frombuffer(answer.content[HEADER_BYTES:], "<i2").astype(float)

    loud = sound(options='{"factor": 2}')
    np.testing.assert_allclose(loud, np.clip(2.0 * sound(), -32768, 32767), atol=2)
    np.testing.assert_array_equal(sound(options=""), sound(options="{}"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ('{"factor": 5}', "factor is 5; expected is a number from 0 to 4"),
        ('{"steps": 5}', "factor has no option 'steps'; there are: factor"),
        ("{factor: 5}", "options"),
        ("[" * 4_000, "options"),
    ],
)
def test_options_that_the_engine_cannot_have(tunable: TestClient, options: str, told: str) -> None:
    answer = ask(tunable, engine="factor", options=options)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert told in answer.json()["error"]["message"]


def test_an_engine_without_options_says_so(client: TestClient) -> None:
    answer = ask(client, options='{"factor": 1}')
    assert answer.status_code == 400
    assert "gain has no option 'factor'; it has none" in answer.json()["error"]["message"]


def test_the_document_lists_the_options_of_converters(tunable: TestClient) -> None:
    upload = tunable.get("/openapi.json").json()["components"]["schemas"]["Upload"]
    (factor,) = upload["properties"]["options"]["properties"]["factor"]["anyOf"]
    assert (factor["minimum"], factor["maximum"], factor["default"]) == (0.0, 4.0, 1.0)
