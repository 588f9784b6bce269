"""Fixtures of most tests: settings with folders of their own."""

from __future__ import annotations

import functools
import gc
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest

from realtime import characters
from realtime.cache import Cache as RecordingCache
from realtime.characters.watched_folder import Reader
from realtime.configuration import share_cores
from realtime.settings import AuthSettings, CacheSettings, ModelsSettings, PresetsSettings, Settings
from tests.support.cores import cores_each
from tests.support.examples import PROFILES
from tests.support.left_out import LeftOut
from tests.support.schedule import Schedule

# No test asserts a time: an example that a busy machine was slow with is no fault.
# `make test-slow` runs the tests with examples once more, with more of them.
for name, count in PROFILES.items():
    hypothesis.settings.register_profile(name, deadline=None, max_examples=count)
hypothesis.settings.load_profile("usual")


def pytest_configure(config: pytest.Config) -> None:
    # Before torch is imported. Threads that find no core spin, which cost half of all the time.
    os.environ.setdefault("OMP_NUM_THREADS", str(cores_each()))
    share_cores()
    config.pluginmanager.register(Schedule())
    config.pluginmanager.register(LeftOut(has_gpu=Path("/dev/nvidia0").exists()))


def pytest_collection_finish() -> None:
    """Take what is imported by now out of collections of garbage.

    A model that is unloaded has all memory looked through, which took longer than its test.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail the run in continuous integration when a test was skipped: nobody ran it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _shipped_characters_are_read_once() -> Iterator[None]:
    """Share the characters that come with the program: each of some hundred servers reads them."""
    packs = characters.VoicePacks()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(characters, "VoicePacks", lambda: packs)
        for name in ("read_voice", "_read_card_file"):
            patch.setattr(characters, name, _once_if_shipped(getattr(characters, name)))
        yield


def _once_if_shipped(read: Reader) -> Reader:
    shipped = functools.cache(read)
    return lambda path: (shipped if path.parent == ROOT / "presets" else read)(path)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one folder for prepared graphs, so that they are prepared once in a run."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def shared_settings(models_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Make the settings of servers that tests of several files share."""
    return settings_in(tmp_path_factory, models_folder)


@pytest.fixture(scope="module")
def settings(models_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Make settings for one file of tests, which finds in its cache what it put there itself."""
    return settings_in(tmp_path_factory, models_folder)


def settings_in(folders: pytest.TempPathFactory, models_folder: Path) -> Settings:
    return Settings(
        preload=("tone",),
        warm=("off",),
        presets=PresetsSettings(path=ROOT / "presets"),
        models=ModelsSettings(path=models_folder, retry_seconds=0.0, threads=cores_each()),
        cache=CacheSettings(path=folders.mktemp("cache")),
        auth=AuthSettings(keys_path=folders.mktemp("keys") / "keys.yaml"),
    )


@pytest.fixture
async def cache(tmp_path: Path) -> AsyncIterator[RecordingCache]:
    """Start a cache with a folder of its own."""
    cache = RecordingCache(Settings(cache=CacheSettings(path=tmp_path)))
    await cache.start()
    yield cache
    await cache.close()


@pytest.fixture
def free_port() -> int:
    """Find a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
