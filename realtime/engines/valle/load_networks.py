"""The tensors of the files that people bring as networks; tensors of anything else are refused.

A wrong file is never the fault of who asks for sound: each refusal is a 503 that names the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from realtime.engines.valle.budget import LEVELS
from realtime.engines.valle.weights import CHECKPOINT, ENCODEC, VOCOS
from realtime.errors import Unavailable, YamabikoError
from realtime.weights import WeightFile

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.engines.valle.networks.checkpoint import ValleNetwork
    from realtime.engines.valle.networks.encodec import Encodec
    from realtime.engines.valle.networks.vocos import Vocos

State = Mapping[str, "Tensor"]
Network = TypeVar("Network")

CODES = 1024  # of a level, of EnCodec as of the model


def built(state: State) -> ValleNetwork:
    """The network of a checkpoint."""
    from realtime.engines.valle.networks.checkpoint import HEADS, ValleNetwork

    def make() -> ValleNetwork:
        network = ValleNetwork.loaded({name: value.float() for name, value in state.items()})
        shape = network.shape
        _require(shape.width > 0 and shape.width % HEADS == 0, f"its width is {shape.width}")
        _require(shape.layers > 0, "it has no layers")
        return network

    return _made(make, CHECKPOINT, "checkpoint of VALL-E X")


def vocoder(state: State) -> Vocos:
    """The network that makes sound of codes."""
    from realtime.engines.valle.networks.vocos import Vocos

    def make() -> Vocos:
        network = Vocos.loaded(state)
        shape = network.shape
        _require(shape.levels >= LEVELS, f"it has codes of {shape.levels} levels")
        _require(shape.layers > 0, "it has no layers")
        return network

    return _made(make, VOCOS, "Vocos for EnCodec's codes")


def codec(state: State) -> Encodec:
    """The network that makes codes of sound."""
    from realtime.engines.valle.networks.encodec import Encodec, shape_of

    def make() -> Encodec:
        codes = shape_of(state).codes
        _require(codes == CODES, f"a level has {codes} codes")
        return Encodec.loaded(state)

    return _made(make, ENCODEC, "EnCodec at 24 kHz")


def _made(make: Callable[[], Network], file: WeightFile, kind: str) -> Network:
    try:
        return make()
    except Exception as error:  # whatever tensors of another kind make torch say
        said = error.message if isinstance(error, YamabikoError) else str(error)
        *_, reason = said.strip().splitlines() or [type(error).__name__]
        raise Unavailable(
            f"{file.engine}/{file.name} is no {kind}: {reason.strip()[:200]}",
            code="bad_weights",
            hint=f"Bring the published file again ({file.origin}); where {file.converted} lies "
            "beside it, make that again too. docs/valle.md says more.",
        ) from error


def _require(right: bool, otherwise: str) -> None:
    if not right:
        raise ValueError(otherwise)
