"""The vocoders by name run as the settings say, and say the same as when they were published."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from realtime.acceleration import Accelerated
from realtime.errors import BadRequest, Unavailable
from realtime.networks.mel import MelFormat
from realtime.settings import AccelerationSettings, ModelsSettings, Settings, VocoderSettings
from realtime.vocoders import open, report
from realtime.vocoders.networks import hifigan
from realtime.vocoders.networks.fastest_snake import FastestSnake
from realtime.vocoders.networks.hifigan import Generator
from tests.support.small_vocoders import network
from tests.support.vocoder_files import bring_bigvgan, bring_hifigan


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    bring_bigvgan(tmp_path)
    bring_hifigan(tmp_path)
    return Settings(
        models=ModelsSettings(path=tmp_path),
        vocoder=VocoderSettings(vocoder_chunk_size=160, batch=1),
    )


@pytest.mark.slow
@pytest.mark.parametrize(("name", "mel_rate", "rate", "bound"), [("hifigan", 32_000, 48_000, 1e-5)])
def test_a_recording_into_its_mel_and_back(
    settings: Settings, name: str, mel_rate: int, rate: int, bound: float
) -> None:
    opened = open.open_vocoder(name, settings)
    assert (opened.mel_format.sample_rate, opened.vocoder.sample_rate) == (mel_rate, rate)
    sound = report.example_voice(mel_rate, 2.5)
    made = opened.resynthesise(sound)
    frames = sound.size // opened.mel_format.hop
    assert frames > opened.vocoder.schedule.largest  # several windows
    assert made.size == frames * opened.vocoder.hop == sound.size * rate // mel_rate
    with torch.inference_mode():
        expected = opened.published(opened.make_mel(sound)[None])[0, 0].numpy()
    assert np.abs(made - expected).max() <= bound


@pytest.mark.slow
def test_bigvgan_as_published_when_it_is_not_to_be_optimised(settings: Settings) -> None:
    plain = replace(settings, vocoder=VocoderSettings(use_vocoder_optimization=False))
    opened = open.open_vocoder("bigvgan", plain)
    sound = report.example_voice(24_000, 1.0)
    assert opened.vocoder.sample_rate == 24_000
    assert opened.resynthesise(sound).size == sound.size // 256 * 256
    found = report.measure_quality(opened, sound)
    assert found["max_error"] == 0 and found["similarity"] == 1


@pytest.mark.slow
def test_with_acceleration_off_bigvgan_compiles_no_activation(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its fast form would be compiled at its first run, under the plan eager too."""
    monkeypatch.setattr(FastestSnake, "__call__", unwanted)
    monkeypatch.setattr(torch, "compile", unwanted)
    opened = open.open_vocoder(
        "bigvgan", replace(settings, acceleration=AccelerationSettings(enabled=False))
    )
    sound = report.example_voice(24_000, 0.5)
    assert opened.resynthesise(sound).any() and opened.accelerated.mode == "eager"
    assert opened.accelerated.described()["hits"] == {"eager": 1}


def unwanted(*given: object, **options: object) -> None:
    raise AssertionError("nothing was to be compiled")


def test_unknown_names_short_sounds_and_devices_that_are_not_there(settings: Settings) -> None:
    with pytest.raises(BadRequest, match="bigvgan, hifigan"):
        open.open_vocoder("griffin", settings)
    opened = open.open_vocoder("hifigan", settings)
    with pytest.raises(BadRequest, match="too short"):
        opened.resynthesise(np.zeros(1_280, np.float32))
    if not torch.cuda.is_available():
        with pytest.raises(Unavailable, match="cuda"):
            open.open_vocoder("hifigan", replace(settings, vocoder=VocoderSettings(device="cuda")))


@pytest.mark.parametrize(
    ("chosen", "device", "expected"),
    [
        (VocoderSettings(), "cpu", ("eager", "fp32")),
        (VocoderSettings(), "cuda", ("auto", "fp32")),
        (VocoderSettings(plan="onnx"), "cpu", ("onnx", "fp32")),
        (VocoderSettings(precision="bf16"), "cpu", ("eager", "bf16")),
        (VocoderSettings(use_tensorrt=True), "cuda", ("tensorrt", "fp16")),
        (
            VocoderSettings(use_tensorrt=True, use_vocoder_optimization=False),
            "cuda",
            ("eager", "fp32"),
        ),
    ],
)
def test_which_plan_is_wanted(
    chosen: VocoderSettings, device: str, expected: tuple[str, str]
) -> None:
    assert open.choose_plan(Settings(vocoder=chosen), device) == expected


def test_how_it_is_cut_follows_the_settings() -> None:
    chosen = VocoderSettings(vocoder_chunk_size=300, vocoder_overlap_ratio=0.1, batch=8)
    windows = open.window_settings(Settings(vocoder=chosen))
    assert (windows.chunk, windows.overlap_ratio, windows.batch) == (300, 0.1, 8)
    built = open.window_settings(Settings(vocoder=replace(chosen, use_tensorrt=True)))
    assert built.batch == 4


def test_a_copy_has_the_same_weights_and_a_form_of_its_own() -> None:
    made = network("generator_v4_tiny").fast()
    other = open.copy_with_shared_weights(made).plain()
    assert made.channels_last and not other.channels_last
    assert other.conv_pre.weight.data_ptr() == made.conv_pre.weight.data_ptr()
    other.half()
    assert made.conv_pre.weight.dtype == torch.float32


@pytest.mark.slow
def test_a_report_has_the_published_fields(settings: Settings) -> None:
    found = report.measure_speed(open.open_vocoder("hifigan", settings), 40, 2, 2)
    assert {"original_time", "eager_time", "speedup"} <= set(found)
    assert found["throughput_original"] == pytest.approx(2 / found["original_time"])  # type: ignore[operator]
    assert found["throughput_eager"] == pytest.approx(2 / found["eager_time"])  # type: ignore[operator]
    assert found["ran"] == "eager" and "reason" not in found


MEL_FORMAT = MelFormat(24_000, 32, 8, 32, 6)


def prepared(tmp_path: Path, **chosen: Any) -> open.OpenedVocoder:
    """A network of few layers with two shapes: a stream's first window, and every other."""
    torch.manual_seed(1)
    shape = hifigan.GeneratorShape(
        initial_channel=6,
        resblock_kernel_sizes=(3,),
        resblock_dilation_sizes=((1,),),
        upsample_rates=(2,),
        upsample_initial_channel=8,
        upsample_kernel_sizes=(4,),
    )
    made = Generator(shape).eval().requires_grad_(False)
    settings = Settings(
        vocoder=VocoderSettings(vocoder_chunk_size=40, batch=1, **chosen),
        acceleration=AccelerationSettings(path=tmp_path / "engines"),
    )
    return open.build_vocoder(made, MEL_FORMAT, 24_000, settings)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("plan", [pytest.param("compile", marks=pytest.mark.slow), "onnx"])
def test_what_is_opened_runs_on_its_plan_from_the_first_window_on(
    tmp_path: Path, plan: str
) -> None:
    opened = prepared(tmp_path, plan=plan)
    assert (opened.readiness.ready, opened.readiness.wanted) == (2, 2)
    found = report.measure_speed(opened, opened.vocoder.schedule.largest, 1, 2)
    assert found["ran"] == plan and found[f"hits_{plan}"] == 4
    assert f"{plan}_time" in found and "reason" not in found
    stream, mel = opened.vocoder.stream(), torch.randn(6, 300)
    sound = np.concatenate([*stream.feed(mel), *stream.finish()])
    with torch.no_grad():
        expected = opened.published(mel[None])[0, 0].numpy()
    assert np.abs(sound - expected).max() <= 1e-4
    assert set(opened.accelerated.described()["hits"]) == {plan}


@pytest.mark.gpu
@pytest.mark.timeout(600)
@pytest.mark.parametrize("plan", ["compile", "eager_graphs", "graphs"])
@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_on_a_gpu_too(tmp_path: Path, plan: str, precision: str) -> None:
    opened = prepared(tmp_path, plan=plan, precision=precision, device="cuda")
    assert opened.readiness.ready == 2
    found = report.measure_speed(opened, opened.vocoder.schedule.largest, 1, 2)
    assert found["ran"] == plan and "reason" not in found


def test_a_report_says_what_ran_instead_and_why(tmp_path: Path) -> None:
    """A plan that was not prepared did not run: its name on the time of `eager` would be wrong."""
    opened = prepared(tmp_path, plan="compile", prepare_seconds=0.0)
    found = report.measure_speed(opened, opened.vocoder.schedule.largest, 1, 1)
    assert found["ran"] == "eager" and "eager_time" in found and "compile_time" not in found
    assert found["reason"] == "not prepared yet"


def test_plans_are_held_against_mels_of_noise() -> None:
    """A plan that is only right of silence is not right."""
    found = open.example_mels(100, 500)
    assert found.shape == (1, 100, 500)
    assert float(found.std()) == pytest.approx(open.SPREAD, abs=0.1)
    assert float(found.mean()) == pytest.approx(open.MEAN, abs=0.1)
    assert torch.equal(found, open.example_mels(100, 500))
    run = open.accelerate_for_windows(
        network("generator_v4_tiny").fast(), "eager", "fp32", "cpu", [50], 1
    )
    assert float(run.shapes.sample(run._spec.examples, (50, 1))[0].std()) > 1


def test_vocoders_do_not_run_in_inference_mode(settings: Settings) -> None:
    """Code that is compiled outside of it is not found inside: calls would quietly run eager."""
    modes: list[tuple[bool, bool]] = []
    opened = open.open_vocoder("hifigan", settings)
    inner = opened.accelerated.module.forward

    def seen(mel: torch.Tensor) -> torch.Tensor:
        modes.append((torch.is_inference_mode_enabled(), torch.is_grad_enabled()))
        sound: torch.Tensor = inner(mel)
        return sound

    opened.accelerated.module.forward = seen
    opened.vocoder.render([torch.zeros(100, 20)])
    assert modes == [(False, False)]


def test_weights_lie_in_memory_once_beside_what_a_plan_makes_of_them(settings: Settings) -> None:
    opened = open.open_vocoder("hifigan", settings)
    published = opened.published
    assert isinstance(published, torch.nn.Module)
    pairs = zip(
        published.parameters(), opened.accelerated.network.original.parameters(), strict=True
    )
    assert all(x.data_ptr() == y.data_ptr() for x, y in pairs)


class Met:
    """A device's network, which waits in its first run until the other one runs too."""

    def __init__(self, accelerated: Accelerated, meeting: threading.Barrier) -> None:
        self.rows: list[int] = []
        self._meeting = meeting
        self._inner = accelerated.module.forward
        accelerated.module.forward = self

    def __call__(self, mels: torch.Tensor) -> torch.Tensor:
        if not self.rows:
            self._meeting.wait(20.0)
        self.rows.append(len(mels))
        sound: torch.Tensor = self._inner(mels)
        return sound


@pytest.mark.slow
def test_several_devices_share_the_work(settings: Settings) -> None:
    """Rows of one run go to both, at the same time, and come back in their order."""
    two = replace(settings, vocoder=VocoderSettings(vocoder_chunk_size=160, device="cpu, cpu:0"))
    opened = open.open_vocoder("hifigan", two)
    both = (opened.accelerated, *opened.on_other_devices)
    assert [str(each.network.device) for each in both] == ["cpu", "cpu:0"]
    voice = report.example_voice(32_000, 1.2)
    mels = [opened.make_mel(voice[start : start + 32_000]) for start in (0, 3_200, 6_400)]
    with torch.inference_mode():
        expected = [opened.published(mel[None])[0, 0].numpy() for mel in mels]
    meeting = threading.Barrier(2)
    one, other = [Met(each, meeting) for each in both]
    for right, found in zip(expected, opened.vocoder.render(mels), strict=True):
        assert np.abs(found - right).max() <= 1e-5
    assert sorted((one.rows[0], other.rows[0])) == [1, 2]


def test_a_device_is_named_once(settings: Settings) -> None:
    with pytest.raises(BadRequest, match="stands twice"):
        open.open_vocoder("hifigan", replace(settings, vocoder=VocoderSettings(device="cpu,cpu")))
