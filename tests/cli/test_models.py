"""The command `models`: what is loaded, loaded and unloaded from a shell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from realtime.cli.commands import parse_arguments
from realtime.cli.models import models
from realtime.services import build
from realtime.settings import Settings
from tests.support.polling import wait_until
from tests.support.server import LiveServer, serving


@pytest.fixture(scope="module")
def live(settings: Settings) -> Iterator[LiveServer]:
    with serving(build(settings)) as live:
        wait_until(lambda: live.services.ready)  # until then the preload uses a model
        yield live


def run(live: LiveServer, *arguments: str) -> int:
    host, port = live.address
    settings = replace(live.services.settings, host=host, port=port)
    return models(parse_arguments(["models", *arguments]), settings)


def test_models_are_loaded_listed_and_unloaded(
    live: LiveServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(live, "load", "gain@cpu", "world") == 0
    assert "gain: loaded on cpu" in capsys.readouterr().out
    assert run(live, "ls") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("world: loaded on cpu")]
    (idle,) = [line for line in lines if line.startswith("gain: ")]
    assert "unloads in 30 min" in idle
    (unloaded,) = [line for line in lines if line.startswith("hibari: ")]
    assert unloaded.startswith("hibari: unloaded on cpu, about ")
    assert run(live, "ls", "--json") == 0
    assert {"gain", "world"} <= {m["id"] for m in json.loads(capsys.readouterr().out)["models"]}
    assert run(live, "unload", "gain", "--force") == 0
    assert "gain: unloaded" in capsys.readouterr().out
    assert run(live, "unload", "--all") == 0
    assert "world: unloaded" in capsys.readouterr().out
