"""Tests of the metrics: what is counted can be scraped."""

from __future__ import annotations

from realtime.metrics import Metrics


def test_counts_are_exposed_under_their_names() -> None:
    metrics = Metrics()
    metrics.count_synthesis("tone")
    metrics.count_request("hit")
    metrics.count_cache_event("evicted")
    metrics.observe_lag(0.002)
    metrics.observe_first_audio("tone", 0.05)
    metrics.set_busy("tone", 3)
    metrics.set_cache_size(100, 2)
    metrics.set_sockets(3)
    metrics.observe_cancel(0.015)
    text = metrics.prometheus_text().decode()
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


def in_any_order(line: str) -> tuple[str, ...]:
    """Split a line into name, labels and value, whatever the order of the labels."""
    name, _, rest = line.partition("{")
    labels, _, value = rest.partition("}")
    return name, *sorted(labels.split(",")), value


def test_networks_are_told_as_their_report_says() -> None:
    metrics = Metrics()
    told = {
        "engine": "valle",
        "model": "valle:nana",
        "name": "step",
        "enabled": True,
        "mode": "graphs",
        "hits": {"graphs": 7, "eager": 1},
        "fallbacks": [{"plan": "graphs", "count": 2}, {"plan": "graphs", "count": 1}],
        "buckets": [{"plan": "graphs", "state": "ready"}] * 2,
        "padding_share": 0.25,
        "overlap_share": 0.5,
        "memory_bytes": 100,
    }
    metrics.set_networks([told])
    text = metrics.prometheus_text().decode()
    names = 'engine="valle:nana",network="step"'
    for line in (
        f'yamabiko_acceleration_calls{{{names},plan="graphs"}} 7.0',
        f'yamabiko_acceleration_fallbacks{{{names},plan="graphs"}} 3.0',
        f'yamabiko_acceleration_buckets{{{names},plan="graphs",state="ready"}} 2.0',
        f'yamabiko_acceleration_waste{{{names},kind="padding"}} 0.25',
        f"yamabiko_acceleration_memory_bytes{{{names}}} 100.0",
        f'yamabiko_acceleration_enabled{{{names},mode="graphs"}} 1.0',
    ):
        assert in_any_order(line) in map(in_any_order, text.splitlines()), line
    metrics.set_networks([])  # it was unloaded
    assert 'network="step"' not in metrics.prometheus_text().decode()


def test_two_servers_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.count_request("hit")
    assert b'result="hit"' not in other.prometheus_text()
