"""Each form of the model says what the plainest says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from realtime import acceleration
from realtime.engines.valle import model as models
from realtime.engines.valle.device_choice import Run
from realtime.engines.valle.model import PlainBatch, ValleModel, built
from realtime.engines.valle.networks.autoregressive import Coarse
from realtime.engines.valle.speaking import Speaking, VoiceExample, Watch
from realtime.engines.valle.text import Encoded
from realtime.settings import Settings
from tests.support import small_valle
from tests.support.valle_files import settings_in

PLAIN = Run("cpu", "fp32", "eager", 2, (1, 2))
WORDS = Encoded(tuple(range(20, 36)), (0,) * 16)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made(folder: Path, run: Run = PLAIN) -> ValleModel:
    return ValleModel(
        small_valle.checkpoint(40.0), small_valle.sounding(), run, settings_in(folder)
    )


def said(model: ValleModel, settings: Settings) -> tuple[Any, Any]:
    speaking = Speaking(model, settings.valle.sampling)
    prompt = small_valle.prompt()
    heard = VoiceExample(prompt.codes, Encoded(prompt.ids, (0,) * len(prompt.ids)))
    *_, codes = speaking.say(WORDS, heard, 3, Watch(lambda: None, lambda: False))
    assert codes is not None
    return codes, speaking.sound(codes)


def test_what_is_padded_to_prepared_sizes_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes, sound = said(made(tmp_path), settings_in(tmp_path))

    def plainly(module: torch.nn.Module, **given: Any) -> acceleration.Accelerated:
        return acceleration.accelerate(module, **{**given, "plan": "eager"})

    monkeypatch.setattr(models, "accelerate", plainly)
    monkeypatch.setattr(models, "SPANS", (256, 512))
    monkeypatch.setattr(models, "LENGTHS", (128, 256))
    quick = made(tmp_path, Run("cpu", "fp32", "compile", 2, (1, 2)))
    quick.prepare()
    assert [network.name for network in quick.quick] == [
        "valle coarse",
        "valle fine",
        "valle vocos",
    ]
    found, heard = said(quick, settings_in(tmp_path))
    assert np.array_equal(found, codes)
    np.testing.assert_allclose(heard, sound, atol=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_compiled_it_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes, sound = said(made(tmp_path), settings_in(tmp_path))
    monkeypatch.setattr(models, "SPANS", (256,))
    monkeypatch.setattr(models, "LENGTHS", (128, 256))
    monkeypatch.setattr(models, "FRAMES", (75, 150))
    quick = made(tmp_path, Run("cpu", "fp32", "compile", 1, (1,)))
    quick.prepare()
    assert {network.mode for network in quick.quick} == {"compile"}
    found, heard = said(quick, settings_in(tmp_path))
    assert np.array_equal(found, codes)
    np.testing.assert_allclose(heard, sound, atol=1e-4)


@pytest.mark.parametrize(("precision", "least"), [("fp16", 0.99), ("bf16", 0.97)])
def test_shorter_floats_choose_the_same_code_nearly_always(precision: str, least: float) -> None:
    """Taught what was said; of two codes that are nearly as likely either may be the first."""
    model = built(small_valle.checkpoint())
    random = torch.Generator().manual_seed(5)
    text = torch.randint(5, 70, (60,), generator=random)
    codes = torch.randint(0, 1024, (500,), generator=random)
    long = Coarse(model, slots=1, places=640)
    exact = long.teach(text, torch.zeros_like(text), codes)
    working = PlainBatch(long, "cpu", precision).module
    assert isinstance(working, Coarse)
    found = working.teach(text, torch.zeros_like(text), codes)
    assert (found.argmax(-1) == exact.argmax(-1)).float().mean() >= least


def test_short_floats_leave_the_tables_of_the_passes_long(tmp_path: Path) -> None:
    model = made(tmp_path, Run("cpu", "bf16", "eager", 1, (1,)))
    assert {weight.dtype for weight in model.inputs.parameters()} == {torch.float32}
    codes, sound = said(model, settings_in(tmp_path))
    assert sound.size == 320 * len(codes) and np.isfinite(sound).all()
