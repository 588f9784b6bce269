"""What most tests need: settings with folders of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.settings import Models, Presets, Settings

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for prepared graphs, so that they are prepared once."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def settings(models_folder: Path) -> Settings:
    return Settings(
        preload=("tone",),
        presets=Presets(path=ROOT / "presets"),
        models=Models(path=models_folder, retry_seconds=0.0),
    )
