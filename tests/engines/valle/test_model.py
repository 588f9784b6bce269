"""Every way to run the model gives what plain torch gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from realtime import acceleration
from realtime.engines.decoding import runner
from realtime.engines.decoding.run_config import RunConfig
from realtime.engines.decoding.runner import EagerNetwork
from realtime.engines.decoding.turn import Turn
from realtime.engines.valle import model as models
from realtime.engines.valle.load_networks import build_network
from realtime.engines.valle.model import ValleModel
from realtime.engines.valle.networks.autoregressive import AutoregressiveModel
from realtime.engines.valle.speaking import PieceSpeaker, VoiceExample
from realtime.engines.valle.text import Encoded
from realtime.settings import Settings
from tests.support import small_valle
from tests.support.valle_cases import whole_logits
from tests.support.valle_files import settings_in

PLAIN = RunConfig("cpu", "fp32", "eager", 2, (1, 2))
TEXT = Encoded(tuple(range(20, 36)), (0,) * 16)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_model(folder: Path, run: RunConfig = PLAIN) -> ValleModel:
    return ValleModel(
        small_valle.make_checkpoint(40.0), small_valle.make_vocos(), run, settings_in(folder)
    )


def speak(model: ValleModel, settings: Settings) -> tuple[Any, Any]:
    """Return the codes and the sound of one piece."""
    speaker = PieceSpeaker(model, settings.valle.sampling)
    prompt = small_valle.make_prompt()
    example = VoiceExample(prompt.codes, Encoded(prompt.ids, (0,) * len(prompt.ids)))
    turn = Turn(lambda: None, lambda: False)
    codes = list(speaker.make_codes(TEXT, example, 3, turn))[-1]
    assert codes is not None
    return codes, speaker.make_sound(codes)


def test_what_is_padded_to_prepared_sizes_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, sound = speak(make_model(tmp_path), settings_in(tmp_path))

    def accelerate_eagerly(module: torch.nn.Module, **given: Any) -> acceleration.Accelerated:
        return acceleration.accelerate(module, **{**given, "plan": "eager"})

    monkeypatch.setattr(runner, "accelerate", accelerate_eagerly)
    monkeypatch.setattr(models, "SPANS", (256, 512))
    monkeypatch.setattr(models, "LENGTHS", (128, 256))
    padded = make_model(tmp_path, RunConfig("cpu", "fp32", "compile", 2, (1, 2)))
    padded.prepare()
    assert [network.name for network in padded.accelerated] == [
        "valle coarse",
        "valle fine",
        "valle vocos",
    ]
    padded_codes, padded_sound = speak(padded, settings_in(tmp_path))
    assert np.array_equal(padded_codes, codes)
    np.testing.assert_allclose(padded_sound, sound, atol=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_compiled_it_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes, sound = speak(make_model(tmp_path), settings_in(tmp_path))
    monkeypatch.setattr(models, "SPANS", (256,))
    monkeypatch.setattr(models, "LENGTHS", (128, 256))
    monkeypatch.setattr(models, "FRAMES", (75, 150))
    compiled = make_model(tmp_path, RunConfig("cpu", "fp32", "compile", 1, (1,)))
    compiled.prepare()
    assert {network.mode for network in compiled.accelerated} == {"compile"}
    compiled_codes, compiled_sound = speak(compiled, settings_in(tmp_path))
    assert np.array_equal(compiled_codes, codes)
    np.testing.assert_allclose(compiled_sound, sound, atol=1e-4)


@pytest.mark.parametrize(("precision", "least"), [("fp16", 0.99), ("bf16", 0.97)])
def test_shorter_floats_choose_the_same_code_nearly_always(precision: str, least: float) -> None:
    """The codes before are given; of two codes that are nearly as likely either may be first."""
    network = build_network(small_valle.make_checkpoint())
    generator = torch.Generator().manual_seed(5)
    text = torch.randint(5, 70, (60,), generator=generator)
    codes = torch.randint(0, 1024, (500,), generator=generator)
    model = AutoregressiveModel(network, slots=1, places=640)
    exact = whole_logits(model, text, torch.zeros_like(text), codes)
    shortened = EagerNetwork(model, "cpu", precision).module
    assert isinstance(shortened, AutoregressiveModel)
    logits = whole_logits(shortened, text, torch.zeros_like(text), codes)
    assert (logits.argmax(-1) == exact.argmax(-1)).float().mean() >= least


def test_short_floats_leave_the_tables_of_the_passes_in_fp32(tmp_path: Path) -> None:
    model = make_model(tmp_path, RunConfig("cpu", "bf16", "eager", 1, (1,)))
    assert {weight.dtype for weight in model.parallel_inputs.parameters()} == {torch.float32}
    codes, sound = speak(model, settings_in(tmp_path))
    assert sound.size == 320 * len(codes) and np.isfinite(sound).all()
