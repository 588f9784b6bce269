"""The failure of an engine: its trace goes to the log, and one error to the client."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from realtime.acceleration.cuda_health import CUDA_HEALTH
from realtime.errors import ConversionFailed, SynthesisFailed, YamabikoError

logger = logging.getLogger(__name__)

Work = Literal["speaking", "converting", "listening"]
# What the engine did, and its failure.
WORKS: dict[Work, tuple[str, type[SynthesisFailed]]] = {
    "speaking": ("spoke", SynthesisFailed),
    "converting": ("converted a voice", ConversionFailed),
    "listening": ("listened", ConversionFailed),
}


@contextmanager
def engine_failures(engine: str, work: Work) -> Iterator[None]:
    """Turn whatever a model library raises into an error that ends this work alone."""
    try:
        yield
    except YamabikoError:
        raise
    except Exception as error:
        CUDA_HEALTH.note(error)
        logger.exception("%s failed while %s", engine, work)
        did, failure = WORKS[work]
        raise failure(
            f"The engine {engine!r} failed while it {did}.",
            hint="The server's log says more; trying again may help.",
        ) from error
