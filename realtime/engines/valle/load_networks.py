"""Networks of the tensors in the files that people bring; other tensors are refused.

A wrong file is not the fault of the client that asks for sound: each refusal is a 503 that names
the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from realtime.engines.valle.codes import CODES, LEVELS
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


def build_network(state: State) -> ValleNetwork:
    """Build VALL-E X from the tensors of its checkpoint."""
    from realtime.engines.valle.networks.checkpoint import HEADS, ValleNetwork

    def make() -> ValleNetwork:
        network = ValleNetwork.loaded({name: value.float() for name, value in state.items()})
        shape = network.shape
        _require(shape.width > 0 and shape.width % HEADS == 0, f"its width is {shape.width}")
        _require(shape.layers > 0, "it has no layers")
        return network

    return _refuse_errors(make, CHECKPOINT, "checkpoint of VALL-E X")


def build_vocoder(state: State) -> Vocos:
    """Build the network that makes sound of codes."""
    from realtime.engines.valle.networks.vocos import Vocos

    def make() -> Vocos:
        network = Vocos.loaded(state)
        shape = network.shape
        _require(shape.levels >= LEVELS, f"it has codes of {shape.levels} levels")
        _require(shape.layers > 0, "it has no layers")
        return network

    return _refuse_errors(make, VOCOS, "Vocos for EnCodec's codes")


def build_codec(state: State) -> Encodec:
    """Build the network that makes codes of sound."""
    from realtime.engines.valle.networks.encodec import Encodec, shape_of

    def make() -> Encodec:
        codes = shape_of(state).codes
        _require(codes == CODES, f"a level has {codes} codes")
        return Encodec.loaded(state)

    return _refuse_errors(make, ENCODEC, "EnCodec at 24 kHz")


def _refuse_errors(make: Callable[[], Network], file: WeightFile, kind: str) -> Network:
    """Make a network; any error becomes a 503 with the last line of its message."""
    try:
        return make()
    except Exception as error:  # torch raises many kinds for tensors that do not fit
        message = error.message if isinstance(error, YamabikoError) else str(error)
        lines = message.strip().splitlines() or [type(error).__name__]
        raise Unavailable(
            f"{file.engine}/{file.name} is no {kind}: {lines[-1].strip()[:200]}",
            code="bad_weights",
            hint=f"Bring the published file again ({file.origin}); where {file.converted} lies "
            "beside it, make that again too. docs/valle.md says more.",
        ) from error


def _require(condition: bool, reason: str) -> None:
    """Raise the reason unless the condition holds."""
    if not condition:
        raise ValueError(reason)
