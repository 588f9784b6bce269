"""Fixtures of the commands' tests: settings with a file of keys of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.settings import AuthSettings, Settings


@pytest.fixture
def own_settings(tmp_path: Path) -> Settings:
    return Settings(auth=AuthSettings(keys_path=tmp_path / "keys.yaml"))
