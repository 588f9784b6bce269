"""Problems that no machine of the tests has by itself."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from realtime.cli.check_facts import DeviceReport, DiskReport
from realtime.cli.check_problems import (
    Problem,
    device_problems,
    find_server,
    shortage_problems,
    size,
)
from realtime.models.devices import Cuda, Processor
from realtime.models.nvidia import NvidiaGpu
from realtime.settings import GpuSettings, ModelsSettings, Settings, VocoderSettings

GB = 10**9


def devices(*free: int | None, available: bool = True) -> DeviceReport:
    """Describe a machine with plenty of everything and these GPUs."""
    gpus = tuple(NvidiaGpu("NVIDIA Bell", 16 * GB, each) for each in free)
    why = None if available else "torch is not installed"
    how = None if available else "run `make serve EXTRAS=torch`"
    cuda = Cuda(available, why, how, "580.65.06", "13.0", "2.11.0", "13.0", gpus)
    return DeviceReport(Processor("Bell", 8, 64 * GB, 32 * GB), DiskReport("cache", 90 * GB), cuda)


def with_vocoders_on(device: str) -> Settings:
    return replace(Settings(), vocoder=VocoderSettings(device=device))


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "cuda:0, cuda:1"])
def test_devices_that_are_there(device: str) -> None:
    assert not list(device_problems(devices(8 * GB, 8 * GB), with_vocoders_on(device)))


def test_a_gpu_beyond_the_last_one() -> None:
    (found,) = device_problems(devices(8 * GB, 8 * GB), with_vocoders_on("cuda:2"))
    expected = "vocoder.device is cuda:2, and there are 2 GPUs, counted from 0."
    assert (found.code, found.message, found.stops) == ("device_missing", expected, True)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (Settings(gpu=GpuSettings(device="cuda:2")), "gpu.device is cuda:2"),
        (
            Settings(models=ModelsSettings(devices={"torchscript:nana": "cuda:3"})),
            "models.devices: torchscript:nana is cuda:3",
        ),
    ],
)
def test_a_gpu_for_models_beyond_the_last_one(settings: Settings, named: str) -> None:
    (found,) = device_problems(devices(8 * GB, 8 * GB), settings)
    assert found.message == f"{named}, and there are 2 GPUs, counted from 0."


def test_a_gpu_that_only_torch_keeps_from_use() -> None:
    (found,) = device_problems(devices(8 * GB, available=False), with_vocoders_on("cuda"))
    assert found.message == "vocoder.device is cuda, and torch is not installed."
    assert found.how == "Set it to auto or cpu, or run `make serve EXTRAS=torch`."


def test_a_gpu_that_other_programs_hold() -> None:
    (found,) = shortage_problems(devices(8 * GB, GB, None), Settings())
    assert found == Problem(
        "gpu_memory_low",
        "Only 1.0 GB of the memory of GPU 1 are free.",
        "`nvidia-smi` shows which programs hold it.",
        stops=False,
    )
    assert not list(shortage_problems(devices(GB, available=False), Settings()))


@contextmanager
def answering(body: bytes) -> Iterator[int]:
    """Run a server of another kind; yield its port."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        yield other.server_port
        other.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b'{"status": "healthy", "model_loaded": true, "gpu_available": false}', "running"),
        (b'{"status": "healthy"}', "unusable"),
        (b"[1]", "unusable"),
        (b"<html>", "unusable"),
        (b"\xff" * 2_000, "unusable"),
    ],
)
def test_a_server_of_another_kind_is_told_from_one_of_these(
    tmp_path: Path, body: bytes, state: str
) -> None:
    with answering(body) as port:
        found, problems = find_server(own(tmp_path, port))
    assert found.state == state
    assert [each.code for each in problems] == ([] if state == "running" else ["port_taken"])


def test_a_program_that_never_answers_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.cli.check_problems.ANSWER_SECONDS", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found, _ = find_server(own(tmp_path, silent.getsockname()[1]))
    assert found.state == "unusable"


def own(folder: Path, port: int) -> Settings:
    return replace(
        Settings(), port=port, auth=replace(Settings().auth, keys_path=folder / "keys.yaml")
    )


def test_sizes_are_written_for_people() -> None:
    assert [size(each) for each in (0, 1_234_567, 99_900_000, 1_234_567_890)] == [
        "0.0 MB",
        "1.2 MB",
        "99.9 MB",
        "1.2 GB",
    ]
