"""A file that an engine prepares once is made by a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from realtime.engines.kokoro import Kokoro
from realtime.models import preparation
from realtime.models.loaded import LoadedModels
from realtime.models.preparation import prepare_files
from realtime.settings import ModelsSettings, Settings
from tests.support.polling import until

pytestmark = pytest.mark.anyio


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    return replace(settings, models=ModelsSettings(path=tmp_path, retry_seconds=0.0))


@pytest.mark.slow
async def test_kokoros_graph_is_made_before_it_loads(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_graph(self: Kokoro) -> bytes:
        raise AssertionError("the server itself makes no graph")

    monkeypatch.setattr(Kokoro, "_make_graph", make_graph)
    models = LoadedModels(own, names=("kokoro",))
    assert Kokoro(own).can_prepare()
    await models.load("kokoro")
    assert not Kokoro(own).can_prepare()
    await models.close()


@pytest.mark.slow
async def test_an_engine_makes_its_file_itself_where_that_failed(
    own: Settings, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Kokoro(settings)
    made.prepare()
    graph = made._prepared().read_bytes()
    monkeypatch.setattr(Kokoro, "_make_graph", lambda self: graph)
    monkeypatch.setattr(preparation, "MODULE", "realtime.no_such_module")
    models = LoadedModels(own, names=("kokoro",))
    await models.load("kokoro")
    assert models.is_loaded("kokoro")
    await models.close()


async def test_the_reason_of_a_failure_is_told(
    own: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = own.models.path / "kokoro" / "kokoro-v1.0.int8.onnx"
    wrong.parent.mkdir()
    wrong.write_bytes(b"no model")
    assert not await prepare_files("kokoro", own)
    assert "is not the expected file" in caplog.text


async def test_what_is_missing_is_not_tried(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.engines.kokoro.source_of", lambda file, settings: None)
    assert not Kokoro(own).can_prepare()


@pytest.mark.parametrize("moment", ["before", "while it runs"])
async def test_a_server_that_stops_stops_the_process(
    own: Settings, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    begun: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def start_sleeping(command: list[str], **options: Any) -> subprocess.Popen[str]:
        begun.append(popen(["sleep", "600"], **options))
        return begun[0]

    monkeypatch.setattr(subprocess, "Popen", start_sleeping)
    preparing = asyncio.create_task(prepare_files("kokoro", own))
    await asyncio.sleep(0)
    if moment == "while it runs":
        await until(lambda: begun)
    preparing.cancel()
    await asyncio.gather(preparing, return_exceptions=True)
    assert preparing.cancelled() and all(each.returncode for each in begun)
