"""Tests of the command that measures a vocoder and tries it on a recording."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import soundfile
import torch

import server
from realtime.vocoders.report import example_voice
from tests.support.hidden_libraries import TORCH, hide
from tests.support.vocoder_files import bring_hifigan

HAS_GPU = torch.cuda.is_available()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("YAMABIKO_MODELS__PATH", str(tmp_path / "models"))
    monkeypatch.setenv("YAMABIKO_VOCODER__VOCODER_CHUNK_SIZE", "49")
    monkeypatch.setenv("YAMABIKO_VOCODER__BATCH", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: object) -> int:
    return server.main(["vocoder", *map(str, arguments)])


def test_without_weights_it_says_which_and_where(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("bench", "hifigan") == 1
    told = capsys.readouterr().err
    assert "vocoder.pth" in told and str(folder / "models/hifigan/vocoder.pth") in told


def test_without_torch_it_names_the_one_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bring_hifigan(folder / "models")
    hide(monkeypatch, TORCH)
    assert run("bench", "hifigan") == 1
    told = capsys.readouterr().err
    assert "The vocoder 'hifigan' needs torch, which is not installed." in told
    assert "Run `make serve EXTRAS=torch`." in told


@pytest.mark.slow
def test_a_recording_there_and_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bring_hifigan(folder / "models")
    given = folder / "in.wav"
    soundfile.write(given, example_voice(22_050, 1.0), 22_050)
    assert run("resynth", "hifigan", given, folder / "out.wav") == 0
    sound, rate = soundfile.read(folder / "out.wav")
    assert rate == 48_000
    assert sound.size == 100 * 480
    told = capsys.readouterr().out
    assert "1.00 s at 48000 Hz" in told
    assert "2 of 2 shapes ready" in told


@pytest.mark.slow
@pytest.mark.skipif(HAS_GPU, reason="there ONNX Runtime says something else")
def test_what_ran_instead_of_the_plan_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring_hifigan(folder / "models")
    path = folder / "figures.json"
    plan = ("--plan", "onnx", "--precision", "bf16")
    assert run("bench", "hifigan", *plan, "--frames", 49, "--runs", 1, "--json", path) == 0
    figures = json.loads(path.read_text())
    assert figures["plan"] == "onnx" and figures["ran"] == "eager"
    assert "no quick kernels of 16 bits" in figures["reason"]
    assert "onnx_time" not in figures and figures["eager_time"] > 0
    described = figures["acceleration"]
    assert described["mode"] == "eager" and described["hits"]["eager"] >= 3
    assert {tuple(bucket["sizes"]) for bucket in described["buckets"]} == {(28, 1), (49, 1)}
    assert "1 × 49 frames: eager ready" in capsys.readouterr().out
    given = folder / "in.wav"
    soundfile.write(given, example_voice(32_000, 0.5), 32_000)
    assert run("resynth", "hifigan", given, folder / "out.wav", *plan) == 0
    assert "eager ran: ONNX Runtime has no quick kernels" in capsys.readouterr().out


@pytest.mark.slow
def test_the_reports(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bring_hifigan(folder / "models")
    path = folder / "figures.json"
    options = ("--plan", "eager", "--precision", "bf16", "--json", path)
    assert run("bench", "hifigan", "--frames", 20, "--batch", 1, "--runs", 1, *options) == 0
    figures = json.loads(path.read_text())
    assert figures["frames"] == 20 and figures["speedup"] > 0
    assert "throughput_original" in capsys.readouterr().out
    assert run("quality", "hifigan", *options) == 0
    figures = json.loads(path.read_text())
    assert figures["snr_db"] >= 20
    assert figures["similarity"] == pytest.approx(1 - figures["mae"])


def test_what_cannot_be_read_or_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bring_hifigan(folder / "models")
    assert run("resynth", "hifigan", folder / "none.wav", folder / "out.wav") == 1
    assert "cannot be read" in capsys.readouterr().err
    (folder / "in.wav").write_bytes(b"no sound")
    assert run("resynth", "hifigan", folder / "in.wav", folder / "out.wav") == 1
    sound = io.BytesIO()
    soundfile.write(sound, example_voice(32_000, 0.5), 32_000, format="WAV")
    (folder / "in.wav").write_bytes(sound.getvalue())
    assert run("resynth", "hifigan", folder / "in.wav", folder / "no/out.wav") == 1
    assert "cannot be written" in capsys.readouterr().err


def test_numbers_must_be_at_least_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("bench", "hifigan", "--frames", 0)
    assert "at least 1" in capsys.readouterr().err
