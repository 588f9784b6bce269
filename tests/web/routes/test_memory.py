"""The memory of the devices: now, in the last minutes, and what was told of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from realtime.services import build
from realtime.settings import GpuSettings, Settings
from tests.support.documented_client import services_of
from tests.support.fake_devices import GIB, FakeDevices
from tests.support.polling import wait_until
from tests.support.server import local_client


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> FakeDevices:
    return FakeDevices(gpus=2).install(monkeypatch)


@pytest.fixture
def client(settings: Settings, devices: FakeDevices) -> Iterator[TestClient]:
    watched = replace(settings, gpu=GpuSettings(memory_monitoring_interval=0.25))
    with local_client(build(watched)) as client:
        yield client


def test_devices_are_listed(client: TestClient) -> None:
    found = client.get("/api/devices").json()["devices"]
    assert [each["id"] for each in found] == ["cpu", "cuda:0", "cuda:1"]
    assert found[1] == {
        "id": "cuda:0",
        "name": "NVIDIA Bell",
        "total_bytes": 8 * GIB,
        "used_bytes": GIB,
        "free_bytes": 7 * GIB,
        "utilization": 15,
        "temperature_c": None,
        "power_w": None,
        "driver": "580.65.06",
    }


def test_memory_is_told_as_it_is_now(client: TestClient) -> None:
    found = client.get("/api/memory").json()
    assert found["system"] == {
        "total": 16 * GIB,
        "used": 4 * GIB,
        "available": 12 * GIB,
        "percent": 25.0,
    }
    assert found["summary"] == {
        "gpu_count": 2,
        "gpu_used_bytes": 2 * GIB,
        "gpu_free_bytes": 14 * GIB,
    }
    assert found["time_ms"] > 0 and len(found["devices"]) == 3


def test_the_history_grows_by_itself(client: TestClient, devices: FakeDevices) -> None:
    wait_until(lambda: devices.reads > 2)
    found = client.get("/api/memory/history", params={"minutes": 1}).json()
    assert found["interval_s"] == 0.25 and found["monitoring"] is True
    assert len(found["points"]) >= 2
    assert found["points"][0]["devices"]["cuda:1"]["percent"] == 12.5
    assert found["statistics"]["cpu"] == {"least": 25.0, "mean": 25.0, "most": 25.0}
    assert client.get("/api/memory/history?minutes=0").json()["points"] == []


@pytest.mark.parametrize("query", ["minutes=61", "minutes=-1", "minutes=long", "hours=1"])
def test_a_history_that_is_not_kept_is_refused(client: TestClient, query: str) -> None:
    refused = client.get(f"/api/memory/history?{query}")
    assert refused.status_code == 400, refused.text
    assert query.partition("=")[0] in refused.json()["error"]["message"]


def test_little_memory_is_told(client: TestClient, devices: FakeDevices) -> None:
    assert client.get("/api/memory/alerts").json() == {"alerts": []}
    devices.used["cuda:1"] = 7
    wait_until(lambda: client.get("/api/memory/alerts").json()["alerts"])
    (alert,) = client.get("/api/memory/alerts").json()["alerts"]
    assert (alert["device"], alert["level"]) == ("cuda:1", "warning")
    assert (alert["percent"], alert["threshold"]) == (87.5, 80.0)
    assert "NVIDIA Bell" in alert["message"]
    figures = client.get("/metrics").text
    assert 'yamabiko_memory_alerts_total{device="cuda:1",level="warning"} 1.0' in figures
    assert (
        f'yamabiko_device_memory_bytes{{device="cuda:1",kind="used"}} {7 * GIB:.10e}'[:60]
        in figures
    )


def test_without_monitoring_it_is_read_when_asked(settings: Settings, devices: FakeDevices) -> None:
    quiet = replace(settings, gpu=GpuSettings(memory_monitoring_enabled=False))
    with local_client(build(quiet)) as client:
        assert devices.reads == 0
        assert client.get("/api/memory/history").json()["monitoring"] is False
        assert client.get("/api/devices").status_code == 200
        assert devices.reads == 1


def test_devices_that_cannot_be_read_are_told(client: TestClient, devices: FakeDevices) -> None:
    devices.error = OSError("secret detail")
    with local_client(build(services_of(client).settings)) as blind:
        refused = blind.get("/api/memory")
    assert refused.status_code == 503 and "secret" not in refused.text
    assert refused.json()["error"]["code"] == "devices_unreadable"


def test_the_clean_up_is_told_and_changed(client: TestClient) -> None:
    path = "/api/memory/cleanup"
    rules = {"enabled": True, "idle_timeout_minutes": 30.0, "cleanup_threshold_percent": 85.0}
    assert client.get(path).json() == rules
    changed = client.put(path, json={"enabled": False, "idle_timeout_minutes": 5})
    assert changed.json() == {**rules, "enabled": False, "idle_timeout_minutes": 5.0}
    assert client.get(path).json() == changed.json()
    assert client.put(path, json={"cleanup_threshold_percent": 50}).json()["enabled"] is False
    refused = client.put(path, json={"idle_timeout_minutes": 0})
    assert refused.status_code == 400 and "0.01" in refused.json()["error"]["message"]
