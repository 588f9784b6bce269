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


def in_any_order(line: str) -> tuple[str, ...]:
    """A line's name, labels and value, whatever the labels' order."""
    name, _, rest = line.partition("{")
    labels, _, value = rest.partition("}")
    return name, *sorted(labels.split(",")), value


def test_networks_are_told_as_their_report_says() -> None:
    metrics = Metrics()
    told = {
        "engine": "valle",
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
    metrics.accelerated([told])
    text = metrics.exposed().decode()
    names = 'engine="valle",network="step"'
    for line in (
        f'yamabiko_acceleration_calls{{{names},plan="graphs"}} 7.0',
        f'yamabiko_acceleration_fallbacks{{{names},plan="graphs"}} 3.0',
        f'yamabiko_acceleration_buckets{{{names},plan="graphs",state="ready"}} 2.0',
        f'yamabiko_acceleration_waste{{{names},kind="padding"}} 0.25',
        f"yamabiko_acceleration_memory_bytes{{{names}}} 100.0",
        f'yamabiko_acceleration_enabled{{{names},mode="graphs"}} 1.0',
    ):
        assert in_any_order(line) in map(in_any_order, text.splitlines()), line
    metrics.accelerated([])  # it was unloaded
    assert 'network="step"' not in metrics.exposed().decode()


def test_two_servers_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.asked("hit")
    assert b'result="hit"' not in other.exposed()
