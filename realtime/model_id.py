"""Ids of models: the name of an engine, and of its model where it has several."""

from __future__ import annotations

SEPARATOR = ":"  # between the two: `torchscript:nana`


def model_id(engine: str, model: str) -> str:
    """Join an engine's name and a model's to an id; without a model it is the engine's name."""
    return f"{engine}{SEPARATOR}{model}" if model else engine


def split_id(id: str) -> tuple[str, str]:
    """Split an id into the names of the engine and of the model, which may be empty."""
    engine, _, model = id.partition(SEPARATOR)
    return engine, model
