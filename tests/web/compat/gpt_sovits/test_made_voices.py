"""Voices are made, made ready, and spoken with the weights that clients choose."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.services import build
from realtime.settings import GptSovitsSettings, Settings
from tests.support.gpt_sovits_files import write_front
from tests.support.gpt_sovits_voices import SAID, bring_pair, settings_in
from tests.support.server import JSON, LiveServer, serving
from tests.web.routes.test_clone import CLIP


@pytest.fixture
def live(web_settings: Settings, tmp_path: Path) -> Iterator[LiveServer]:
    """Return a server with two models and no character."""
    own = settings_in(tmp_path)
    own.presets.path.mkdir()
    write_front(own.models.path)
    bring_pair(own, "nana")
    bring_pair(own, "kyo", "v2", seed=5)
    settings = replace(
        web_settings,
        models=own.models,
        presets=own.presets,
        cache=own.cache,
        gpt_sovits=GptSovitsSettings(precision="fp32"),
    )
    with serving(build(settings)) as live:
        yield live


def sent(live: LiveServer, path: str, body: bytes | None = None, **query: str) -> tuple[int, bytes]:
    """Ask, with a form of the clip and its words where there is a body."""
    address = f"{live.url}{path}?{urllib.parse.urlencode(query)}"
    request = urllib.request.Request(address, body)
    if body:
        request.add_header("Content-Type", "multipart/form-data; boundary=cut")
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def form() -> bytes:
    words, clip = (
        f'--cut\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
        for name in ("text_file", "audio_file")
    )
    parts = (words.encode(), SAID.encode(), b"\r\n", clip.encode(), CLIP, b"\r\n--cut--\r\n")
    return b"".join(parts)


def choose(live: LiveServer, name: str) -> None:
    for part, file in (("gpt", f"{name}-e15.ckpt"), ("sovits", f"{name}_e8.pth")):
        assert sent(live, f"/set_{part}_weights", weights_path=f"{name}/{file}")[0] == 200


def unload_all(live: LiveServer) -> None:
    request = urllib.request.Request(f"{live.url}/api/models/unload-all", b"{}", JSON)
    urllib.request.urlopen(request).close()


def spoken(live: LiveServer, clip: str) -> Any:
    line = {"text": "元気ですか。", "text_lang": "ja", "prompt_lang": "ja", "seed": "1"}
    status, sound = sent(live, "/tts", ref_audio_path=clip, media_type="raw", **line)
    assert status == 200, sound
    return np.frombuffer(sound, "<i2")


@pytest.mark.slow
def test_a_voice_is_made_and_kept_and_spoken_with_the_chosen_weights(live: LiveServer) -> None:
    several = sent(live, "/upload_voice", form(), voice_name="Kyo", language="ja")
    assert several[0] == 400 and b"kyo-e15+kyo_e8, nana-e15+nana_e8" in several[1]
    choose(live, "kyo")
    status, answer = sent(live, "/upload_voice", form(), voice_name="Kyo", language="ja")
    assert status == 200 and b'"cache_loaded":true' in answer, answer
    assert live.get("/voice_cache_status")["cached_voices"] == ["Kyo"]
    assert live.get("/api/characters")["characters"][0]["engine"] == "gpt_sovits"
    own = spoken(live, "Kyo.wav")
    assert own.any() and np.array_equal(own, spoken(live, "clips/nobody.wav"))
    choose(live, "nana")
    other = spoken(live, "clips/nobody.wav")
    assert other.any() and not np.array_equal(own[:8_000], other[:8_000])
    assert np.array_equal(own, spoken(live, "Kyo.wav")), "a voice that is named keeps its own"
    unload_all(live)
    assert live.get("/voice_cache_status")["cached_voices"] == []
    status, answer = sent(live, "/refresh_voice_cache", b"x")
    assert status == 200 and b'"success_count":1,"error_count":0' in answer
    assert live.get("/voice_cache_status")["cached_voices"] == ["Kyo"]
