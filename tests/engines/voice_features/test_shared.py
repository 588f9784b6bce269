"""A part is made once for a device, and goes with its last user."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import pytest

from realtime.engines.gpt_sovits.front import FrontNetworks
from realtime.engines.voice_features.shared import SharedPart, share
from realtime.settings import ModelsSettings, Settings


class Bell(SharedPart[list[int]]):
    """A part that counts how often it is loaded."""

    loads = 0
    ready = threading.Event()

    def ring(self) -> list[int]:
        return self._network()

    def _open(self) -> list[int]:
        Bell.loads += 1
        Bell.ready.wait(5)
        return [Bell.loads]


class Drum(Bell):
    """A part of another kind."""


@pytest.fixture(autouse=True)
def quick() -> None:
    Bell.loads = 0
    Bell.ready.set()


def settings(path: Path) -> Settings:
    return Settings(models=ModelsSettings(path=path))


def test_users_of_a_device_get_the_same_part(tmp_path: Path) -> None:
    first = share(Bell, settings(tmp_path), "cpu")
    assert share(Bell, settings(tmp_path), "cpu") is first
    others = [
        share(Drum, settings(tmp_path), "cpu"),
        share(Bell, settings(tmp_path), "cuda:0"),
        share(Bell, settings(tmp_path / "elsewhere"), "cpu"),
    ]
    assert len({id(each) for each in (first, *others)}) == 4


def test_it_goes_with_its_last_user(tmp_path: Path) -> None:
    first, second = (share(Bell, settings(tmp_path), "cpu") for _ in range(2))
    gone = weakref.ref(first)
    first.load()
    del first
    assert second.ring() == [1]
    del second
    gc.collect()
    assert gone() is None
    assert share(Bell, settings(tmp_path), "cpu").ring() == [2]


def test_threads_that_need_it_at_once_load_it_once(tmp_path: Path) -> None:
    Bell.ready.clear()
    part = share(Bell, settings(tmp_path), "cpu")
    found: list[list[int]] = []
    threads = [threading.Thread(target=lambda: found.append(part.ring())) for _ in range(4)]
    for thread in threads:
        thread.start()
    Bell.ready.set()
    for thread in threads:
        thread.join(timeout=10)
    assert found == [[1]] * 4


def test_the_networks_of_gpt_sovits_are_shared_in_the_same_way(tmp_path: Path) -> None:
    held = share(FrontNetworks, settings(tmp_path), "cpu")
    assert share(FrontNetworks, settings(tmp_path), "cpu") is held
