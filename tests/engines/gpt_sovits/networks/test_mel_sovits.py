"""Features of v3 and v4 are those of the published code, without its void frames."""

from __future__ import annotations

import pytest
import torch

from realtime.engines.gpt_sovits.networks.mel_sovits import RATES, MelSovits
from realtime.engines.gpt_sovits.networks.sovits import Style
from tests.support.gpt_sovits_files import arguments, tensor
from tests.support.mel_networks import (
    NETWORK,
    VERSIONS_WITH_MEL,
    cases_of,
    mel_network,
    mel_state,
)

NEAR = 1e-4


def style_of(cases: str) -> Style:
    return mel_network().style_of([tensor(cases, "shared.in.refer0")], [])


@pytest.mark.parametrize("version", VERSIONS_WITH_MEL)
@pytest.mark.parametrize("case", ["features", "features_fast", "features_slow"])
def test_features_are_those_of_the_published_code(version: str, case: str) -> None:
    """Upstream's last frames of v4 are zero at another speed, and are sounded as speech."""
    cases = cases_of(version)
    with torch.inference_mode():
        style = style_of(cases)
        found = mel_network().features(
            tensor(cases, "shared.in.codes"),
            tensor(cases, "shared.in.text"),
            style,
            RATES[version],
            arguments(cases, f"{case}.args")["speed"],
        )
    assert (style.whole - tensor(cases, f"{case}.out.ge")).abs().max() < NEAR
    expected = tensor(cases, f"{case}.out.fea")
    count = found.shape[2]
    assert (found - expected[:, :, :count]).abs().max() < NEAR
    assert not expected[:, :, count:].any()
    # Each frame that is left is of the line: none of them is zero.
    assert found.abs().amax(dim=1).min() > 0.0
    void = 1 if version == "v4" and case != "features" else 0
    assert expected.shape[2] - count == void


@pytest.mark.parametrize("version", VERSIONS_WITH_MEL)
def test_a_code_has_so_many_frames(version: str) -> None:
    cases = cases_of(version)
    codes = tensor(cases, "shared.in.codes")
    with torch.inference_mode():
        found = mel_network().features(
            codes, tensor(cases, "shared.in.text"), style_of(cases), RATES[version]
        )
    assert found.shape[2] == int(len(codes) * {"v3": 3.75, "v4": 4.0}[version])


def test_nothing_may_be_missing_or_left_over() -> None:
    model = arguments(NETWORK, "config")["model"]
    state = mel_state()
    with pytest.raises(RuntimeError, match="Unexpected"):
        MelSovits.loaded({**state, "more": torch.zeros(1)}, model)
    del state["bridge.0.bias"]
    with pytest.raises(RuntimeError, match="Missing"):
        MelSovits.loaded(state, model)
