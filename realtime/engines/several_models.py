"""Engines with several models, such as `torchscript:nana` and `torchscript:kyo`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol, runtime_checkable

from realtime.errors import BadRequest, shortlist
from realtime.model_id import model_id, split_id


@runtime_checkable
class SeveralModels(Protocol):
    """An engine with several models, each loaded by itself.

    An instance holds one of them. The instance without a model stands for the engine: it finds the
    names of its models, and loading it says what is missing.
    """

    name: str
    model: str  # the name of the model that it holds; "": none

    def find_models(self) -> Sequence[str]:
        """List the names of the models that are there; this looks at a folder and opens no file."""

    def has_model(self, model: str) -> bool:
        """Tell whether there is a model of this name, also one that the list leaves out."""

    def with_model(self, model: str) -> Any:
        """Make the engine of one model, which loads nothing yet."""

    def files_of(self, model: str) -> str | None:
        """Name the files that a model of this name must have; None where there can be none."""


def named_id(engine: str, model: str) -> str:
    """Join the two fields of a request; the model may stand in both, and must be the same."""
    name, own = split_id(engine)
    if own and model not in ("", own):
        raise BadRequest(
            f"engine is {engine!r}, and model is {model!r}: these are two models.",
            hint="Name the model once.",
            code="unknown_model",
            field="model",
        )
    return model_id(name, own or model)


def id_of(engine: Any) -> str:
    """Give the id of the model that an engine holds."""
    return model_id(engine.name, engine.model if isinstance(engine, SeveralModels) else "")


def unknown_model(
    engine: str, model: str, there: Collection[str], files: str | None = None
) -> BadRequest:
    """Give the error for a model that is not there, or for one that must be named."""
    fault = f"has no model {model[:60]!r}" if model else "has several models, and one must be named"
    return BadRequest(
        f"The engine {engine!r} {fault}; there are: {shortlist(there)}.",
        code="unknown_model",
        hint=f"It needs {files}." if files else None,
        field="model",
    )
