"""Small networks of v3 and v4 with the weights of the reference numbers."""

from __future__ import annotations

from functools import cache

from realtime.engines.gpt_sovits.networks.mel_sovits import MelSovits
from realtime.engines.gpt_sovits.versions import VERSIONS, is_skipped
from tests.support.gpt_sovits_files import Weights, arguments, weights

VERSIONS_WITH_MEL = ("v3", "v4")
NETWORK = "cfm_v4_tiny"  # v3 has no weights of its own


def cases_of(version: str) -> str:
    return f"cfm_{version}_tiny"


def mel_state() -> Weights:
    """Return what of the file is for speaking."""
    found = weights(NETWORK)
    return {name: found[name] for name in found if not is_skipped(name, VERSIONS["v4"])}


@cache
def mel_network() -> MelSovits:
    """Return a network that all tests share; they must not change it."""
    return MelSovits.loaded(mel_state(), arguments(NETWORK, "config")["model"])
