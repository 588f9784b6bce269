"""Tests of `weights convert`: it rewrites the files there are and names those that are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

import server
from realtime.cli import weights
from realtime.cli.commands import parse_arguments
from realtime.engines.gpt_sovits.voice_files import open_voice
from realtime.engines.valle.weights import CHECKPOINT, load_state
from realtime.settings import Settings
from tests.support import gpt_sovits_files, valle_files
from tests.support.hidden_libraries import TORCH, hide

OPTIONS = parse_arguments(["weights", "convert"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return valle_files.settings_in(tmp_path)


@pytest.mark.slow
def test_what_is_there_is_rewritten_and_the_rest_is_told(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    source = valle_files.write_checkpoint(settings)
    assert weights.weights(OPTIONS, settings) == 0
    told = capfd.readouterr().out
    assert "3 tensors" in told and "pytorch_model.bin: missing" in told
    assert CHECKPOINT.converted_path(settings.models.path) is not None
    source.unlink()
    assert load_state(CHECKPOINT, settings).keys() == valle_files.small_state().keys()
    assert weights.weights(OPTIONS, settings) == 0
    assert "there already" in capfd.readouterr().out


@pytest.mark.slow
def test_a_file_that_fails_is_told_and_the_others_are_rewritten(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    valle_files.write_checkpoint(settings).write_bytes(b"nothing")
    valle_files.write_vocos(settings)
    assert weights.weights(OPTIONS, settings) == 1
    told = capfd.readouterr()
    assert "vallex-checkpoint.pt cannot be used" in told.err and "3 tensors" in told.out


def test_without_torch_it_names_the_one_command(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    valle_files.write_checkpoint(settings)
    monkeypatch.setenv("YAMABIKO_MODELS__PATH", str(settings.models.path))
    hide(monkeypatch, TORCH)
    assert server.main(["weights", "convert"]) == 1
    told = capfd.readouterr().err
    assert "Rewriting checkpoints needs torch, which is not installed." in told
    assert "Run `make serve EXTRAS=torch`." in told


def test_without_any_file_it_fails(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    assert weights.weights(OPTIONS, settings) == 1
    assert capfd.readouterr().out.count("missing") == 3


@pytest.mark.slow
def test_the_files_of_a_voice_are_rewritten_and_a_hostile_one_is_told(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = settings.models.path / "gpt_sovits"
    gpt = gpt_sovits_files.write_gpt(folder / "voice.ckpt")
    sovits = gpt_sovits_files.write_sovits(folder / "voice.pth", "v2ProPlus")
    assert weights.weights(OPTIONS, settings) == 0
    assert capfd.readouterr().out.count(" tensors") == 2
    before = open_voice(gpt, sovits, settings)
    for path in (gpt, sovits):
        path.rename(path.with_suffix(".old"))
    made = [path.with_name(path.name + ".safetensors") for path in (gpt, sovits)]
    after = open_voice(*made, settings)
    assert after.version is before.version and after.sovits.config == before.sovits.config
    for was, now in ((before.gpt, after.gpt), (before.sovits, after.sovits)):
        assert was.state.keys() == now.state.keys()
        assert all(value.equal(now.state[name]) for name, value in was.state.items())
    (folder / "other.pth").write_bytes(b"nothing")
    assert weights.weights(OPTIONS, settings) == 1
    assert "other.pth cannot be used" in capfd.readouterr().err
