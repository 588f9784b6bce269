"""What is counted can be read."""

from __future__ import annotations

from realtime.metrics import Metrics


def test_counts_are_exposed_under_their_names() -> None:
    metrics = Metrics()
    metrics.synthesised("tone")
    metrics.asked("hit")
    metrics.noticed("evicted")
    metrics.lagged(0.002)
    metrics.first_heard("tone", 0.05)
    metrics.working("tone", 3)
    metrics.held(100, 2)
    metrics.sockets(3)
    metrics.idled(0.015)
    text = metrics.exposed().decode()
    for line in (
        'yamabiko_syntheses_total{engine="tone"} 1.0',
        'yamabiko_cache_requests_total{result="hit"} 1.0',
        'yamabiko_cache_events_total{event="evicted"} 1.0',
        'yamabiko_event_loop_lag_seconds_bucket{le="0.002"} 1.0',
        'yamabiko_first_audio_seconds_count{engine="tone"} 1.0',
        'yamabiko_lane_busy{engine="tone"} 3.0',
        "yamabiko_cache_bytes 100.0",
        "yamabiko_sockets 3.0",
        'yamabiko_cancel_to_idle_seconds_bucket{le="0.02"} 1.0',
        "yamabiko_cache_recordings 2.0",
    ):
        assert line in text


def test_two_servers_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.asked("hit")
    assert b'result="hit"' not in other.exposed()
