"""NSF-HiFiGAN's two files are read; what cannot be used is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from realtime.engines.ddsp_svc.vocoder_file import MOST_CONFIG, open_vocoder
from realtime.errors import Unavailable
from tests.support import ddsp_files as files
from tests.support.converter_files import ConverterReference


def read(folder: Path) -> Any:
    return open_vocoder(folder / "model", folder / "config.json")


def assert_refused(folder: Path, told: str) -> None:
    with pytest.raises(Unavailable, match=told) as refused:
        read(folder)
    assert refused.value.code == "bad_weights" and str(folder) in refused.value.message


@pytest.mark.parametrize("name", ["nsf_hifigan_tiny", "nsf_hifigan_mini_tiny"])
def test_the_published_formats_are_read(tmp_path: Path, name: str) -> None:
    reference = ConverterReference(name)
    config = {"n_fft": 2_048, "win_size": 2_048, "fmin": 40, "fmax": 16_000}
    config |= reference.facts("config")
    (tmp_path / "config.json").write_text(json.dumps(config))
    torch.save({"generator": reference.state()}, tmp_path / "model")
    found = read(tmp_path)
    assert found.generator.has_sine == ("mini" in name) and not found.takes_register
    assert found.mel_format.hop == found.generator.hop == config["hop_size"]
    pitch = torch.linspace(100.0, 300.0, 12, dtype=torch.float64)[None]
    turns = found.turns(pitch)
    noise = torch.zeros(1, 12 * found.generator.hop, max(1, found.generator.harmonics))
    whole = found.generator.source(pitch.float(), noise, 0.0)
    later = found.generator.source(pitch[:, 5:].float(), noise[:, : 7 * 512], 0.0)
    start = float(turns[:, :5].sum()) % 1.0
    moved = found.generator.source(pitch[:, 5:].float(), noise[:, : 7 * 512], start)
    each = whole.signal.shape[2] // 12
    torch.testing.assert_close(moved.signal, whole.signal[..., 5 * each :], atol=1e-4, rtol=0)
    assert not torch.allclose(later.signal, moved.signal, atol=1e-2)


def test_pc_aug_is_known(tmp_path: Path) -> None:
    assert read(files.write_small_vocoder(tmp_path, config={"pc_aug": True})).takes_register


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"hop_size": 65}, "do not make hop_size"),
        ({"num_mels": 0}, "num_mels in it"),
        ({"num_mels": 1 << 30}, "num_mels in it"),
        ({"upsample_rates": "8"}, "upsample_rates in it"),
        ({"upsample_rates": [1] * 100}, "upsample_rates in it"),
        ({"upsample_kernel_sizes": [16]}, "not as many"),
        ({"resblock_dilation_sizes": [[1], [2]]}, "no list for each kernel"),
        ({"resblock": "7"}, "neither 1 nor 2"),
        ({"fmax": 1e9}, "fmax in it"),
        ({"n_fft": 512}, "is not n_fft"),
        ({"win_size": 32, "n_fft": 32}, "is below hop_size"),
        ({"upsample_initial_channel": 64}, "size mismatch"),
        ({"mini_nsf": True}, "source_conv"),
    ],
)
def test_a_wrong_configuration_is_refused(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    folder = files.write_small_vocoder(tmp_path)
    config = json.loads((folder / "config.json").read_text()) | change
    (folder / "config.json").write_text(json.dumps(config))
    assert_refused(folder, told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "no JSON"),
        ("[]", "no object"),
        (" " * (MOST_CONFIG + 1), "no object"),
        ("[" * 9_999, "no JSON"),
    ],
)
def test_a_configuration_that_is_none_is_refused(tmp_path: Path, text: str, told: str) -> None:
    folder = files.write_small_vocoder(tmp_path)
    (folder / "config.json").write_text(text)
    assert_refused(folder, told)


def test_files_that_are_no_vocoder_are_refused(tmp_path: Path) -> None:
    folder = files.write_small_vocoder(tmp_path)
    path = folder / "model"
    path.write_bytes(path.read_bytes()[:5_000])
    assert_refused(folder, "ends too early|damaged")
    torch.save({"state_dict": {"a": torch.zeros(1)}}, path)
    assert_refused(folder, "no NSF-HiFiGAN")
    (folder / "config.json").unlink()
    assert_refused(folder, "cannot be read")
