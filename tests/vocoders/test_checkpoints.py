"""Published files become networks; a wrong file is named, and nothing in it is executed."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from realtime.errors import Unavailable, WeightsMissing
from realtime.networks.mel import MelFormat
from realtime.settings import ModelsSettings, Settings
from realtime.vocoders import checkpoints
from tests.support.small_vocoders import example, state
from tests.support.vocoder_files import bring_bigvgan, bring_hifigan


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models=ModelsSettings(path=tmp_path))


@pytest.mark.slow
def test_bigvgan_from_its_two_files(settings: Settings) -> None:
    bring_bigvgan(settings.models.path)
    network, mel_format = checkpoints.load_bigvgan(settings)
    mel, audio = example("bigvgan_tiny")
    with torch.inference_mode():
        assert (network.plain()(mel) - audio).abs().max() < 1e-5
    assert mel_format == MelFormat(24_000, 1_024, 256, 1_024, 100, lowest=0.0, highest=None)


def test_hifigan_from_its_one_file(settings: Settings) -> None:
    bring_hifigan(settings.models.path)
    network, mel_format = checkpoints.load_hifigan(settings)
    mel, audio = example("generator_v4_tiny")
    with torch.inference_mode():
        assert (network(mel) - audio).abs().max() < 1e-5
    assert mel_format == MelFormat(32_000, 1_280, 320, 1_280, 100)


def test_files_that_are_not_there_are_named(settings: Settings) -> None:
    for load, name in (
        (checkpoints.load_bigvgan, "bigvgan/config.json"),
        (checkpoints.load_hifigan, "hifigan/vocoder.pth"),
    ):
        with pytest.raises(WeightsMissing) as caught:
            load(settings)
        assert str(settings.models.path / name) in caught.value.message
        assert caught.value.retry_after is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("upsample_rates", []),
        ("upsample_rates", [4, -1]),
        ("upsample_rates", [3, 4, 2, 2, 2, 2]),
        ("upsample_initial_channel", "64"),
        ("upsample_initial_channel", 1 << 40),
        ("upsample_initial_channel", 128),
        ("num_mels", True),
        ("hop_size", 0),
        ("resblock", "3"),
        ("resblock_dilation_sizes", [[1, 3, 5], 7]),
        ("activation", "relu"),
        ("snake_logscale", "maybe"),
        ("fmax", "high"),
        ("hop_size", 255),
    ],
)
def test_a_configuration_that_cannot_be(settings: Settings, field: str, value: Any) -> None:
    folder = bring_bigvgan(settings.models.path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, field: value}))
    with pytest.raises(Unavailable) as caught:
        checkpoints.load_bigvgan(settings)
    assert caught.value.code == "bad_weights"


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "3"])
def test_a_configuration_that_is_none(settings: Settings, text: str) -> None:
    (bring_bigvgan(settings.models.path) / "config.json").write_text(text)
    with pytest.raises(Unavailable, match="config.json"):
        checkpoints.load_bigvgan(settings)


class Evil:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("executed"),))


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", b"PK\x03\x04 cut short", pickle.dumps(Evil()), pickle.dumps({"a": 1})],
)
def test_a_file_that_holds_no_weights(
    settings: Settings, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (bring_hifigan(settings.models.path) / "vocoder.pth").write_bytes(content)
    with pytest.raises(Unavailable) as caught:
        checkpoints.load_hifigan(settings)
    assert caught.value.code == "bad_weights"
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("wrong", ["missing", "left over", "other shape", "no tensors", "half"])
def test_weights_that_do_not_fit(settings: Settings, wrong: str) -> None:
    folder = bring_hifigan(settings.models.path)
    weights: dict[str, Any] = dict(state("generator_v4_tiny")[1])
    if wrong == "missing":
        del weights["ups.0.weight"]
    elif wrong == "left over":
        weights["ups.9.weight"] = torch.ones(1)
    elif wrong == "other shape":
        weights["ups.0.weight"] = torch.ones(1)
    elif wrong == "half":
        weights["ups.0.weight_g"] = torch.ones(1)
    else:
        weights = {"a": 1}
    torch.save(weights, folder / "vocoder.pth")
    with pytest.raises(Unavailable) as caught:
        checkpoints.load_hifigan(settings)
    assert caught.value.code == "bad_weights"
