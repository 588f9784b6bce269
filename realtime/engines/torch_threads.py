"""The number of torch's threads of a lane."""

from __future__ import annotations

from realtime.settings import Settings


def set_torch_threads(settings: Settings) -> None:
    """Give this lane's thread, and no other, as many threads of torch as the settings say."""
    import torch

    if settings.models.threads:
        torch.set_num_threads(settings.models.threads)
