"""The vocoders by name run as the settings say, and say the same as when they were published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from realtime.engines import vocoderreport, vocoders
from realtime.errors import BadRequest, Unavailable
from realtime.settings import Models, Settings, Vocoder
from tests.engines.brought import bring_bigvgan, bring_hifigan
from tests.networks.made import network


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    bring_bigvgan(tmp_path)
    bring_hifigan(tmp_path)
    return Settings(models=Models(path=tmp_path), vocoder=Vocoder(vocoder_chunk_size=160))


@pytest.mark.parametrize(("name", "mel_rate", "rate", "bound"), [("hifigan", 32_000, 48_000, 1e-5)])
def test_a_recording_into_its_mel_and_back(
    settings: Settings, name: str, mel_rate: int, rate: int, bound: float
) -> None:
    opened = vocoders.opened(name, settings)
    assert (opened.form.sample_rate, opened.vocoder.sample_rate) == (mel_rate, rate)
    sound = vocoderreport.example(mel_rate, 2.5)
    made = opened.resynthesised(sound)
    frames = sound.size // opened.form.hop
    assert frames > opened.vocoder.whole.largest  # several windows
    assert made.size == frames * opened.vocoder.hop == sound.size * rate // mel_rate
    with torch.inference_mode():
        expected = opened.published(opened.mel(sound)[None])[0, 0].numpy()
    assert np.abs(made - expected).max() <= bound


def test_bigvgan_as_published_when_it_is_not_to_be_optimised(settings: Settings) -> None:
    plain = replace(settings, vocoder=Vocoder(use_vocoder_optimization=False))
    opened = vocoders.opened("bigvgan", plain)
    sound = vocoderreport.example(24_000, 1.0)
    assert opened.vocoder.sample_rate == 24_000
    assert opened.resynthesised(sound).size == sound.size // 256 * 256
    found = vocoderreport.quality(opened, sound)
    assert found["max_error"] == 0 and found["similarity"] == 1


def test_unknown_names_short_sounds_and_devices_that_are_not_there(settings: Settings) -> None:
    with pytest.raises(BadRequest, match="bigvgan, hifigan"):
        vocoders.opened("griffin", settings)
    opened = vocoders.opened("hifigan", settings)
    with pytest.raises(BadRequest, match="too short"):
        opened.resynthesised(np.zeros(1_280, np.float32))
    if not torch.cuda.is_available():
        with pytest.raises(Unavailable, match="cuda"):
            vocoders.opened("hifigan", replace(settings, vocoder=Vocoder(device="cuda")))


@pytest.mark.parametrize(
    ("chosen", "device", "expected"),
    [
        (Vocoder(), "cpu", ("eager", "fp32")),
        (Vocoder(), "cuda", ("auto", "fp32")),
        (Vocoder(plan="onnx"), "cpu", ("onnx", "fp32")),
        (Vocoder(precision="bf16"), "cpu", ("eager", "bf16")),
        (Vocoder(use_tensorrt=True), "cuda", ("tensorrt", "fp16")),
        (Vocoder(use_tensorrt=True, use_vocoder_optimization=False), "cuda", ("eager", "fp32")),
    ],
)
def test_which_plan_is_wanted(chosen: Vocoder, device: str, expected: tuple[str, str]) -> None:
    assert vocoders.wanted(Settings(vocoder=chosen), device) == expected


def test_how_it_is_cut_follows_the_settings() -> None:
    chosen = Vocoder(vocoder_chunk_size=300, vocoder_overlap_ratio=0.1, batch=8)
    cutting = vocoders.cutting(Settings(vocoder=chosen))
    assert (cutting.chunk, cutting.overlap_ratio, cutting.batch) == (300, 0.1, 8)
    built = vocoders.cutting(Settings(vocoder=replace(chosen, use_tensorrt=True)))
    assert built.batch == 4


def test_a_twin_has_the_same_weights_and_ways_of_its_own() -> None:
    made = network("generator_v4_tiny").fast()
    other = vocoders.twin(made).plain()
    assert made.rows and not other.rows
    assert other.conv_pre.weight.data_ptr() == made.conv_pre.weight.data_ptr()
    other.half()
    assert made.conv_pre.weight.dtype == torch.float32


def test_a_report_has_the_published_fields(settings: Settings) -> None:
    found = vocoderreport.speed(vocoders.opened("hifigan", settings), 40, 2, 2)
    assert {"original_time", "eager_time", "speedup"} <= set(found)
    assert found["throughput_original"] == pytest.approx(2 / found["original_time"])  # type: ignore[operator]
    assert found["throughput_eager"] == pytest.approx(2 / found["eager_time"])  # type: ignore[operator]


def test_several_devices_share_the_work(settings: Settings) -> None:
    """Of one request too: rows of its batch go to both, and come back in their order."""
    two = replace(settings, vocoder=Vocoder(vocoder_chunk_size=160, device="cpu, cpu:0"))
    opened = vocoders.opened("hifigan", two)
    assert [str(each.network.device) for each in (opened.run, *opened.beside)] == ["cpu", "cpu:0"]
    sounds = [vocoderreport.example(32_000, seconds) for seconds in (2.5, 1.0)]
    made = opened.vocoder.render([opened.mel(sound) for sound in sounds])
    for sound, found in zip(sounds, made, strict=True):
        with torch.inference_mode():
            expected = opened.published(opened.mel(sound)[None])[0, 0].numpy()
        assert np.abs(found - expected).max() <= 1e-5
    done = [each.described()["calls"] for each in (opened.run, *opened.beside)]
    assert sum(done) > 1


def test_a_device_is_named_once(settings: Settings) -> None:
    with pytest.raises(BadRequest, match="stands twice"):
        vocoders.opened("hifigan", replace(settings, vocoder=Vocoder(device="cpu,cpu")))
