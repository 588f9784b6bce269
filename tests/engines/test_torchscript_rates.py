"""A card that asks for the recording's own rate, and what does not go with it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from realtime.engines.torchscript import TorchScript
from realtime.engines.torchscript_file import read_card
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest
from realtime.settings import ModelsSettings, Settings
from tests.support.torchscript_models import Filter, Telling, scripted


class ByWords(torch.nn.Module):
    """A model whose second argument is no number."""

    def forward(self, sound: torch.Tensor, words: list[str]) -> torch.Tensor:
        return sound


def loaded(folder: Path) -> TorchScript:
    settings = Settings(models=ModelsSettings(path=folder))
    (name,) = TorchScript(settings).find_models()
    engine = TorchScript(settings, name)
    engine.load()
    return engine


def test_plans_have_the_rate_that_comes(tmp_path: Path) -> None:
    scripted(tmp_path, "telling", Telling(), input_rate="own", block=480)
    engine = loaded(tmp_path)
    for rate in (8_000, 44_100):
        plan = engine.plan(VoiceChange(source_rate=rate))
        assert (plan.rate, plan.output_rate, plan.block) == (rate, rate, 480)
        assert plan.latency == round(0.02 * rate)
    assert engine.plan(VoiceChange()).rate == 16_000


def test_others_keep_the_rate_of_their_card(tmp_path: Path) -> None:
    scripted(tmp_path, "filter", Filter(), input_rate=22_050)
    assert loaded(tmp_path).plan(VoiceChange(source_rate=48_000)).rate == 22_050


@pytest.mark.parametrize(
    "text, told",
    [
        ("input_rate: own\noutput_rate: 16000", "the output has the input's rate"),
        ("input_rate: mine", "a whole number or own is expected"),
        ("output_rate: own", "a whole number is expected"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(text)
    with pytest.raises(BadRequest, match=told):
        read_card(path)


def test_a_second_argument_that_is_no_number_is_refused(tmp_path: Path) -> None:
    scripted(tmp_path, "words", ByWords(), input_rate="own")
    with pytest.raises(BadRequest, match=r"List\[str\]; an int, a float or a tensor is expected"):
        loaded(tmp_path)
    scripted(tmp_path, "words", ByWords(), input_rate=16_000)
    assert loaded(tmp_path), "it is told nothing where it does not ask for the rate"
