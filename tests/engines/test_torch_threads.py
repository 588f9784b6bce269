"""A lane's threads of torch are those of the settings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch

from realtime.engines.torch_threads import set_torch_threads
from realtime.settings import ModelsSettings, Settings


def threads_after(threads: int) -> int:
    """Count the threads of a lane of its own."""
    with ThreadPoolExecutor(1) as lane:
        lane.submit(torch.set_num_threads, 1).result()
        settings = Settings(models=ModelsSettings(threads=threads))
        lane.submit(set_torch_threads, settings).result()
        return lane.submit(torch.get_num_threads).result()


def test_the_settings_say_how_many() -> None:
    before = torch.get_num_threads()
    assert threads_after(2) == 2
    assert torch.get_num_threads() == before, "no other thread is changed"


def test_zero_leaves_them() -> None:
    assert threads_after(0) == 1
