"""Figures of the fork: each request counted once, and the switch of quick forms."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.support.documented_client import services_of
from tests.support.server import LiveServer, forget_recordings

LINE = {
    "text": "abc def.",
    "text_lang": "en",
    "ref_audio_path": "af_heart.wav",
    "prompt_lang": "en",
}
VOICE = {"text": "abc def.", "text_lang": "en", "voice_name": "af_heart"}
WAIT = 20.0


def test_each_request_is_counted_once(bot: TestClient) -> None:
    forget_recordings(services_of(bot))
    assert bot.post("/reset_performance_stats").json() == {"message": "success"}
    assert bot.get("/performance_stats").json()["total_requests"] == 0
    bot.get("/tts", params=LINE)
    bot.post("/tts", json={**LINE, "streaming_mode": 1, "media_type": "ogg"})
    bot.post("/tts_with_cached_voice", params=VOICE)
    bot.post("/tts", json={})  # refused before anything is spoken
    stats = bot.get("/performance_stats").json()
    assert (stats["total_requests"], stats["failed_requests"]) == (3, 0)
    assert stats["total_t2s_time"] > 0, "the original has 0 here, since it times no work"
    assert stats["total_postprocess_time"] > 0
    assert stats["avg_tts_time"] == pytest.approx(stats["total_tts_time"] / 3, abs=1e-4)
    assert stats["cuda_optimization_enabled"] is True
    assert stats["optimization_initialized"] is False  # tones have no network


def test_a_failed_request_is_counted_as_one(bot: TestClient) -> None:
    bot.post("/reset_performance_stats")
    assert bot.post("/tts", json={**LINE, "ref_audio_path": "breaking"}).status_code == 400
    stats = bot.get("/performance_stats").json()
    assert (stats["total_requests"], stats["failed_requests"]) == (1, 1)


def test_the_switch_is_that_of_acceleration(bot: TestClient) -> None:
    for enable, word in (("false", "off"), ("true", "on")):
        answer = bot.post("/toggle_optimization", params={"enable": enable})
        assert answer.json() == {"success": True, "message": f"optimization is {word}"}
        enabled = enable == "true"
        assert bot.get("/api/acceleration").json()["enabled"] is enabled
        status = bot.get("/optimization_status").json()
        assert status["optimization_enabled"] is enabled
    assert status["config"] == {"chunk_size": 500, "overlap_ratio": 0.0}
    details = status["optimization_details"]
    assert details["cached_graph_shapes"] == 0 and details["performance_history_length"] >= 0
    for query in ({}, {"enable": "maybe"}):
        answer = bot.post("/toggle_optimization", params=query)
        assert answer.status_code == 400 and answer.json()["message"].startswith("enable is ")


def test_requests_at_once_are_counted(running: LiveServer) -> None:
    """The original answers with an endless recursion here."""
    with ThreadPoolExecutor() as pool:
        sent = {**LINE, "ref_audio_path": "waiting.wav"}
        speaking = pool.submit(httpx2.post, f"{running.url}/tts", json=sent, timeout=WAIT)
        assert running.gated.waiting.wait(WAIT)
        try:
            stats = running.get("/concurrent_stats")
            assert stats["concurrent_enabled"] and stats["lines"] == 1
            assert (stats["active_requests"], stats["total_requests"]) == (1, 0)
        finally:
            running.gated.gate.set()
        assert speaking.result(WAIT).status_code == 200
    stats = running.get("/concurrent_stats")
    assert (stats["active_requests"], stats["most_active_requests"]) == (0, 1)
    assert stats["total_requests"] == 1


def test_pages_from_elsewhere_may_switch_nothing(bot: TestClient) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    for path in ("/toggle_optimization?enable=false", "/reset_performance_stats"):
        assert bot.post(path, headers=foreign).status_code == 403
