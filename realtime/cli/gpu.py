"""The command `gpu`: the devices, the models on them, and how they are looked after.

It asks the server that runs; without one it looks at the devices itself.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from typing import Any

from realtime.cli.options import add_settings_options, settings_of
from realtime.cli.running_server import RunningServer
from realtime.cli.units import seconds_in_words, size
from realtime.models.device_readings import Device, DeviceReader
from realtime.settings import Settings

WATCH_SECONDS = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Print the processor and each GPU with its memory, load and temperature, the models that "
        "are loaded, and whether they are cleaned up by themselves. It asks the running server; "
        "without one it looks itself."
    )
    add_settings_options(parser)
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")
    parser.add_argument("--watch", action="store_true", help="print it again every two seconds")


def run(options: argparse.Namespace) -> int:
    return gpu(options, settings_of(options))


def gpu(options: argparse.Namespace, settings: Settings) -> int:
    server, reader = RunningServer(settings), DeviceReader()
    try:
        while True:
            found = _ask(server) if server.answers() else _look(reader)
            text = json.dumps(found, indent=2) if options.json else "\n".join(_lines(found))
            print(text, flush=True)
            if not options.watch:
                return 0
            time.sleep(WATCH_SECONDS)
            print()
    finally:
        reader.close()


def _ask(server: RunningServer) -> dict[str, Any]:
    models = server.get("/api/models")["models"]
    return {
        "running": True,
        "models": len(models),
        "loaded": [model["id"] for model in models if model["state"] == "loaded"],
        "cleanup": server.get("/api/memory/cleanup"),
        "monitoring": server.get("/api/memory/history?minutes=0")["monitoring"],
        "devices": server.get("/api/devices")["devices"],
    }


def _look(reader: DeviceReader) -> dict[str, Any]:
    devices = [asdict(device) for device in reader.read()]
    return {
        "running": False,
        "models": None,
        "loaded": None,
        "cleanup": None,
        "monitoring": None,
        "devices": devices,
    }


def _lines(found: dict[str, Any]) -> list[str]:
    if not found["running"]:
        lines = ["Model management: not running (no server answers)"]
    else:
        cleanup, loaded = found["cleanup"], ", ".join(found["loaded"]) or "none"
        idle = seconds_in_words(60 * cleanup["idle_timeout_minutes"])
        automatic = f"on, idle for {idle} or {cleanup['cleanup_threshold_percent']:g} % in use"
        lines = [
            "Model management: running",
            f"Loaded models: {len(found['loaded'])} of {found['models']} ({loaded})",
            f"Automatic clean-up: {automatic if cleanup['enabled'] else 'off'}",
            f"Memory monitor: {'on' if found['monitoring'] else 'off'}",
        ]
    return [*lines, *(_device_line(Device(**device)) for device in found["devices"])]


def _device_line(device: Device) -> str:
    """Describe a device in one line: `cuda:0 NVIDIA L4: 2.1 GB of 24.2 GB (8.9 %), load 15 %`."""
    facts = ["unknown memory"]
    if device.used_bytes is not None and device.total_bytes:
        used, total = size(device.used_bytes), size(device.total_bytes)
        facts = [f"{used} of {total} in use ({device.percent:g} %)"]
    for name, value, unit in (
        ("load", device.utilization, " %"),
        ("temperature", device.temperature_c, " °C"),
        ("power", device.power_w, " W"),
        ("driver", device.driver, ""),
    ):
        if value is not None:
            facts.append(f"{name} {value}{unit}")
    return f"{device.id} {device.name}: {', '.join(facts)}"
