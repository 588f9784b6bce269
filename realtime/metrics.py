"""The metrics of a server, in the text format of Prometheus."""

from __future__ import annotations

from collections import Counter as Sums
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

K = TypeVar("K")

# Bounds of the histograms' buckets.
LAG_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)
IDLE_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5)
FIRST_AUDIO_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2, 5, 10, 30)


class Metrics:
    """The metrics of one server: none is global, so that tests and servers do not mix."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._syntheses = Counter(
            "yamabiko_syntheses", "Lines spoken by an engine", ["engine"], registry=self._registry
        )
        self._requests = Counter(
            "yamabiko_cache_requests", "Lines asked for", ["result"], registry=self._registry
        )
        self._events = Counter(
            "yamabiko_cache_events",
            "Recordings not kept, lost or evicted",
            ["event"],
            registry=self._registry,
        )
        self._refusals = Counter(
            "yamabiko_refusals", "Refused requests", ["reason"], registry=self._registry
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
            "Delay of the event loop at a timer",
            buckets=LAG_SECONDS,
            registry=self._registry,
        )
        self._sockets = Gauge("yamabiko_sockets", "Open sockets", registry=self._registry)
        self._idle = Histogram(
            "yamabiko_cancel_to_idle_seconds",
            "From a cancel until its engine is free",
            buckets=IDLE_SECONDS,
            registry=self._registry,
        )
        self._busy = Gauge(
            "yamabiko_lane_busy", "Lines on an engine's lane", ["engine"], registry=self._registry
        )
        self._networks = Networks(self._registry)
        self._devices = Devices(self._registry)
        self._bytes = Gauge(
            "yamabiko_cache_bytes", "Bytes of all finished recordings", registry=self._registry
        )
        self._recordings = Gauge(
            "yamabiko_cache_recordings", "Finished recordings", registry=self._registry
        )

    def count_synthesis(self, engine: str) -> None:
        self._syntheses.labels(engine).inc()

    def count_request(self, result: str) -> None:
        self._requests.labels(result).inc()

    def count_cache_event(self, event: str) -> None:
        self._events.labels(event).inc()

    def count_refusal(self, reason: str) -> None:
        self._refusals.labels(reason).inc()

    def observe_first_audio(self, engine: str, seconds: float) -> None:
        self._first_audio.labels(engine).observe(seconds)

    def observe_lag(self, seconds: float) -> None:
        self._lag.observe(seconds)

    def set_sockets(self, open_now: int) -> None:
        self._sockets.set(open_now)

    def observe_cancel(self, seconds: float) -> None:
        self._idle.observe(seconds)

    def set_busy(self, engine: str, jobs: int) -> None:
        self._busy.labels(engine).set(jobs)

    def set_cache_size(self, size: int, recordings: int) -> None:
        self._bytes.set(size)
        self._recordings.set(recordings)

    def set_device_memory(self, device: str, used: int | None, total: int | None) -> None:
        self._devices.set(device, used, total)

    def count_memory_alert(self, device: str, level: str) -> None:
        self._devices.count_alert(device, level)

    def set_networks(self, networks: Iterable[Mapping[str, Any]]) -> None:
        """Replace the metrics of accelerated networks by those of their reports."""
        self._networks.replace(networks)

    def requests_by_result(self) -> dict[str, int]:
        """Count the lines requested so far, by cache result: hit, join, miss or bypass."""
        found = (sample for metric in self._requests.collect() for sample in metric.samples)
        return {
            sample.labels["result"]: int(sample.value)
            for sample in found
            if sample.name.endswith("_total")
        }

    def prometheus_text(self) -> bytes:
        """Return the text that a Prometheus server scrapes."""
        text: bytes = generate_latest(self._registry)
        return text


class Devices:
    """The metrics of the devices that models run on."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._memory = Gauge(
            "yamabiko_device_memory_bytes",
            "Memory of the machine and of each GPU, other programs included",
            ["device", "kind"],
            registry=registry,
        )
        self._alerts = Counter(
            "yamabiko_memory_alerts",
            "Devices found with little memory left",
            ["device", "level"],
            registry=registry,
        )

    def set(self, device: str, used: int | None, total: int | None) -> None:
        for kind, size in (("used", used), ("total", total)):
            if size is not None:
                self._memory.labels(device, kind).set(size)

    def count_alert(self, device: str, level: str) -> None:
        self._alerts.labels(device, level).inc()


class Networks:
    """The metrics of accelerated networks, set anew at each scrape."""

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
            "Share of the computed samples that are padding or overlap",
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

    def replace(self, networks: Iterable[Mapping[str, Any]]) -> None:
        counted = (self._calls, self._fallbacks, self._buckets)
        for gauge in (*counted, self._waste, self._memory, self._modes):
            gauge.clear()  # networks that are gone, and modes that are over
        for report in networks:
            self._set(report)

    def _set(self, report: Mapping[str, Any]) -> None:
        names = (report["model"], report["name"])  # models of one engine may have equal networks
        for plan, calls in report["hits"].items():
            self._calls.labels(*names, plan).set(calls)
        fallbacks = ((item["plan"], item["count"]) for item in report["fallbacks"])
        for plan, count in _sums(fallbacks):
            self._fallbacks.labels(*names, plan).set(count)
        states = (((item["plan"], item["state"]), 1) for item in report["buckets"])
        for (plan, state), count in _sums(states):
            self._buckets.labels(*names, plan, state).set(count)
        self._waste.labels(*names, "padding").set(report["padding_share"])
        self._waste.labels(*names, "overlap").set(report["overlap_share"])
        self._memory.labels(*names).set(report["memory_bytes"])
        self._modes.labels(*names, report["mode"]).set(report["enabled"])


def _sums(counted: Iterable[tuple[K, int]]) -> Iterable[tuple[K, int]]:
    """Add up the counts of each name."""
    found: Sums[K] = Sums()
    for name, count in counted:
        found[name] += count
    return found.items()
