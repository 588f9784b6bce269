"""Servers elsewhere, one of each kind, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime.settings import CacheSettings, Settings
from tests.support.remote_world import RemoteWorld, remote_world


@pytest.fixture
def own_settings(tmp_path: Path) -> Settings:
    return Settings(cache=CacheSettings(path=tmp_path / "cache"))


@pytest.fixture
def openai(own_settings: Settings, tmp_path: Path) -> Iterator[RemoteWorld]:
    with remote_world("remote_openai", own_settings, tmp_path / "presets") as world:
        yield world


@pytest.fixture
def gpt_sovits(own_settings: Settings, tmp_path: Path) -> Iterator[RemoteWorld]:
    with remote_world("remote_gpt_sovits", own_settings, tmp_path / "presets") as world:
        yield world


@pytest.fixture
def voicevox(own_settings: Settings, tmp_path: Path) -> Iterator[RemoteWorld]:
    with remote_world("remote_voicevox", own_settings, tmp_path / "presets") as world:
        yield world
