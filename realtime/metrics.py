"""What is counted, in Prometheus' form; it knows nobody who counts."""

from __future__ import annotations

from collections import Counter as Sums
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

K = TypeVar("K")

LAG_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)

IDLE_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
FIRST_AUDIO_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2, 5, 10, 30)


class Metrics:
    """One set of counters for one server; nothing is global."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._syntheses = Counter(
            "yamabiko_syntheses", "Lines spoken by an engine", ["engine"], registry=self._registry
        )
        self._asked = Counter(
            "yamabiko_cache_requests", "Lines asked for", ["result"], registry=self._registry
        )
        self._events = Counter(
            "yamabiko_cache_events",
            "Recordings not kept, lost or evicted",
            ["event"],
            registry=self._registry,
        )
        self._refused = Counter(
            "yamabiko_refusals",
            "Requests that were not let in",
            ["reason"],
            registry=self._registry,
        )
        self._first_audio = Histogram(
            "yamabiko_first_audio_seconds",
            "From a line's start to its first sound",
            ["engine"],
            buckets=FIRST_AUDIO_SECONDS,
            registry=self._registry,
        )
        self._lag = Histogram(
            "yamabiko_event_loop_lag_seconds",
            "How late the event loop came to a timer",
            buckets=LAG_SECONDS,
            registry=self._registry,
        )
        self._sockets = Gauge("yamabiko_sockets", "Open conversations", registry=self._registry)
        self._idle = Histogram(
            "yamabiko_cancel_to_idle_seconds",
            "From a cancel until the engine is free of what was cancelled",
            buckets=IDLE_SECONDS,
            registry=self._registry,
        )
        self._working = Gauge(
            "yamabiko_lane_busy", "Lines on an engine's lane", ["engine"], registry=self._registry
        )
        self._networks = Networks(self._registry)
        self._held = Gauge(
            "yamabiko_cache_bytes", "Bytes of all finished recordings", registry=self._registry
        )
        self._recordings = Gauge(
            "yamabiko_cache_recordings", "Finished recordings", registry=self._registry
        )

    def count_synthesis(self, engine: str) -> None:
        self._syntheses.labels(engine).inc()

    def count_request(self, result: str) -> None:
        self._asked.labels(result).inc()

    def count_cache_event(self, event: str) -> None:
        self._events.labels(event).inc()

    def count_refusal(self, reason: str) -> None:
        self._refused.labels(reason).inc()

    def observe_first_audio(self, engine: str, seconds: float) -> None:
        self._first_audio.labels(engine).observe(seconds)

    def observe_lag(self, seconds: float) -> None:
        self._lag.observe(seconds)

    def set_sockets(self, open_now: int) -> None:
        self._sockets.set(open_now)

    def observe_cancel(self, seconds: float) -> None:
        self._idle.observe(seconds)

    def set_busy(self, engine: str, jobs: int) -> None:
        self._working.labels(engine).set(jobs)

    def set_cache_size(self, size: int, recordings: int) -> None:
        self._held.set(size)
        self._recordings.set(recordings)

    def set_networks(self, networks: Iterable[Mapping[str, Any]]) -> None:
        """How each network does now, as their reports say it."""
        self._networks.tell(networks)

    def requests_by_result(self) -> dict[str, int]:
        """How many lines were asked for, by what the cache had of them."""
        found = (sample for metric in self._asked.collect() for sample in metric.samples)
        return {
            sample.labels["result"]: int(sample.value)
            for sample in found
            if sample.name.endswith("_total")
        }

    def prometheus_text(self) -> bytes:
        """The text that a Prometheus server reads."""
        text: bytes = generate_latest(self._registry)
        return text


class Networks:
    """What is told of accelerated networks, as it is when somebody reads it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        names = ["engine", "network"]
        self._calls = Gauge(
            "yamabiko_acceleration_calls",
            "Calls of a network by the plan that answered",
            [*names, "plan"],
            registry=registry,
        )
        self._fallbacks = Gauge(
            "yamabiko_acceleration_fallbacks",
            "Calls or preparations that a plan could not do",
            [*names, "plan"],
            registry=registry,
        )
        self._buckets = Gauge(
            "yamabiko_acceleration_buckets",
            "Shapes that are prepared, or failed to be",
            [*names, "plan", "state"],
            registry=registry,
        )
        self._waste = Gauge(
            "yamabiko_acceleration_waste",
            "The part of what was computed that nobody asked for",
            [*names, "kind"],
            registry=registry,
        )
        self._memory = Gauge(
            "yamabiko_acceleration_memory_bytes",
            "Bytes that torch holds on a network's device",
            names,
            registry=registry,
        )
        self._modes = Gauge(
            "yamabiko_acceleration_enabled",
            "Whether a network runs in its quick form",
            [*names, "mode"],
            registry=registry,
        )

    def tell(self, networks: Iterable[Mapping[str, Any]]) -> None:
        counted = (self._calls, self._fallbacks, self._buckets)
        for gauge in (*counted, self._waste, self._memory, self._modes):
            gauge.clear()  # networks that are gone, and modes that are over
        for told in networks:
            self._tell_one(told)

    def _tell_one(self, told: Mapping[str, Any]) -> None:
        names = (told["engine"], told["name"])
        for plan, calls in told["hits"].items():
            self._calls.labels(*names, plan).set(calls)
        for plan, count in _sums((item["plan"], item["count"]) for item in told["fallbacks"]):
            self._fallbacks.labels(*names, plan).set(count)
        states = (((item["plan"], item["state"]), 1) for item in told["buckets"])
        for (plan, state), count in _sums(states):
            self._buckets.labels(*names, plan, state).set(count)
        self._waste.labels(*names, "padding").set(told["padding_share"])
        self._waste.labels(*names, "overlap").set(told["overlap_share"])
        self._memory.labels(*names).set(told["memory_bytes"])
        self._modes.labels(*names, told["mode"]).set(told["enabled"])


def _sums(counted: Iterable[tuple[K, int]]) -> Iterable[tuple[K, int]]:
    """What is named several times, added up."""
    found: Sums[K] = Sums()
    for name, count in counted:
        found[name] += count
    return found.items()
