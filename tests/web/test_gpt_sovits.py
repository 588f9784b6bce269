"""Characters of GPT-SoVITS by every door: files as people bring them, over real sockets."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import soundfile
import soxr

from realtime.audio.samples import Samples
from realtime.engines.gpt_sovits import speaking
from realtime.settings import GptSovitsSettings, ModelsSettings, Settings, VocoderSettings
from tests.support.gpt_sovits_files import write_front
from tests.support.gpt_sovits_voices import (
    bring_character,
    bring_pair,
    bring_vocoder,
    settings_in,
)
from tests.support.raw_socket import BINARY, RawSocket
from tests.support.server import LiveServer, scripted_services, serving

TEXT = "これは小さな試験です。"
VOICES = {"one": "v1", "two": "v2ProPlus", "three": "v3", "four": "v4"}
RATES = {"one": 32_000, "two": 32_000, "three": 24_000, "four": 48_000}
SOCKET_RATE = 24_000  # unless a client asks for another
WAIT = 120.0


@pytest.fixture(scope="module")
def live(web_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Serve a character of each version, brought as files before the server starts."""
    own = settings_in(tmp_path_factory.mktemp("voices"))
    write_front(own.models.path)
    for number, (name, version) in enumerate(VOICES.items()):
        bring_pair(own, name, version, seed=number)
        bring_character(own, name, name, pitch=120.0 + 60 * number)
    for version in ("v3", "v4"):
        bring_vocoder(own, version)
    settings = replace(
        web_settings,
        models=ModelsSettings(path=own.models.path, threads=1),
        presets=own.presets,
        cache=own.cache,
        default_characters=dict.fromkeys(("en", "zh", "ja", "mix"), "two"),
        gpt_sovits=GptSovitsSettings(device="cpu", precision="fp32", plan="eager"),
        vocoder=VocoderSettings(plan="eager"),
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(speaking, "CODES_A_PHONE", 2)
        patched.setattr(speaking, "SPARE_CODES", 16)
        with serving(scripted_services(settings)) as live:
            yield live


def by_tts(live: LiveServer, name: str, **fields: Any) -> httpx2.Response:
    body = {
        "text": TEXT,
        "text_lang": "ja",
        "ref_audio_path": f"clips/{name}.wav",
        "prompt_lang": "ja",
        "seed": 3,
        **fields,
    }
    return httpx2.post(f"{live.url}/tts", json=body, timeout=WAIT)


def by_openai(live: LiveServer, name: str, **fields: Any) -> httpx2.Response:
    body = {"model": "tts-1", "input": TEXT, "voice": name, "response_format": "wav", "seed": 3}
    headers = {"Cache-Control": "no-store"}
    url = f"{live.url}/v1/audio/speech"
    return httpx2.post(url, json={**body, **fields}, headers=headers, timeout=WAIT)


def by_lines(live: LiveServer, name: str) -> httpx2.Response:
    made = httpx2.post(
        f"{live.url}/lines",
        json={"text": TEXT, "character": name, "language": "ja", "seed": 3},
        timeout=WAIT,
    )
    assert made.status_code in (200, 201), made.text
    return httpx2.get(made.json()["url"], timeout=WAIT)


def by_socket(live: LiveServer, name: str) -> bytes:
    with RawSocket(live.address) as raw:
        assert raw.receive().json["type"] == "ready"
        raw.say("say", id="a", text=TEXT, character=name, language="ja", seed=3, pace=False)
        pcm, message = b"", {}
        while message.get("type") not in ("done", "error"):
            frame = raw.receive()
            if frame.opcode == BINARY:
                assert struct.unpack_from("<I", frame.data)[0]
                pcm += frame.data[4:]
            else:
                message = frame.json
        assert message["type"] == "done", message
        return pcm


def sound_of(answer: httpx2.Response, rate: int) -> Samples:
    assert answer.status_code == 200, answer.text
    samples: Samples
    samples, found = soundfile.read(io.BytesIO(answer.content), dtype="float32")
    assert found == rate
    return samples


@pytest.mark.parametrize(
    "name", ["two", "four", *(pytest.param(n, marks=pytest.mark.slow) for n in ("one", "three"))]
)
def test_every_version_speaks_through_every_door(live: LiveServer, name: str) -> None:
    rate = RATES[name]
    expected = sound_of(by_tts(live, name), rate)
    assert expected.size > 0.4 * rate and np.abs(expected).max() > 0.01
    for answer in (by_openai(live, name), by_lines(live, name)):
        assert np.array_equal(sound_of(answer, rate), expected)
    live_sound = np.frombuffer(by_socket(live, name), "<i2") / 32_768
    assert live_sound.size == pytest.approx(expected.size * SOCKET_RATE / rate, abs=2)
    wanted = soxr.resample(expected, rate, SOCKET_RATE)[: live_sound.size]
    assert np.corrcoef(live_sound[: wanted.size], wanted)[0, 1] > 0.99


def test_speaking_afresh_gives_the_same_bytes(live: LiveServer) -> None:
    first, second = (by_openai(live, "two") for _ in range(2))
    assert first.headers["x-cache"] == second.headers["x-cache"] == "miss"
    assert first.content == second.content
    assert by_openai(live, "two", seed=4).content != first.content


# The vocoder of v3 compiles, which takes half a minute.
@pytest.mark.parametrize(
    "voices", [("two", "four"), pytest.param(tuple(VOICES), marks=pytest.mark.slow)]
)
def test_voices_at_once_never_mix(live: LiveServer, voices: tuple[str, ...]) -> None:
    alone = {name: by_openai(live, name).content for name in voices}
    assert len(set(alone.values())) == len(voices)
    names = [*voices, *voices]
    with ThreadPoolExecutor(len(names)) as pool:
        answers = list(pool.map(lambda name: by_openai(live, name).content, names))
    for name, answer in zip(names, answers, strict=True):
        assert answer == alone[name]


def test_options_of_a_request_are_part_of_the_recording(live: LiveServer) -> None:
    plain, cold = by_tts(live, "two"), by_tts(live, "two", temperature=0.05, top_k=1)
    assert plain.status_code == cold.status_code == 200
    assert plain.content != cold.content
    assert by_tts(live, "two", top_k=1, temperature="0.05").content == cold.content


def test_models_of_characters_are_told(live: LiveServer) -> None:
    by_tts(live, "two")
    models = httpx2.get(f"{live.url}/api/models", timeout=WAIT).json()["models"]
    found = {each["id"]: each for each in models if each["id"].startswith("gpt_sovits:")}
    assert found["gpt_sovits:two-e15+two_e8"]["state"] == "loaded"
    assert len(found) == len(VOICES)
    characters = httpx2.get(f"{live.url}/api/characters", timeout=WAIT).json()["characters"]
    assert {each["engine"] for each in characters if each["name"] in VOICES} == {"gpt_sovits"}


def test_a_model_that_is_not_there_is_named(live: LiveServer) -> None:
    folder = Path(live.services.settings.presets.path)
    card = (folder / "two.yaml").read_text(encoding="utf-8")
    (folder / "lost.yaml").write_text(card.replace("two/two-e15", "two/gone"), encoding="utf-8")
    try:
        answer = by_openai(live, "lost")
        assert answer.status_code in (404, 503), answer.text
        if answer.status_code == 503:
            assert "gpt_sovits:gone+two_e8" in answer.json()["error"]["message"]
    finally:
        (folder / "lost.yaml").unlink()


def test_the_settings_of_vocoders_have_an_effect(live: LiveServer) -> None:
    by_tts(live, "four")
    networks = httpx2.get(f"{live.url}/api/acceleration", timeout=WAIT).json()["networks"]
    vocoders = [each for each in networks if each["engine"] == "gpt_sovits"]
    assert vocoders and all(each["plan"] == "eager" for each in vocoders)
    assert any(sum(each["hits"].values()) for each in vocoders)
