"""Files that people brought: for which engines, and which blocks those need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from realtime import blocks
from realtime.engines.brought import (
    CONVERTED,
    UNUSED,
    WEIGHTS,
    blocks_of_brought_files,
    has_brought_files,
    list_files,
)
from realtime.models.memory_estimate import FILE
from realtime.settings import ModelsSettings, Settings
from tests.support.hidden_libraries import TORCH, hide

ROOT = Path(__file__).resolve().parents[2]
BROUGHT = {  # a file of each engine with a block of its own
    "valle": "valle/vallex-checkpoint.pt",
    "gpt_sovits": "gpt_sovits/nana/nana-e15.ckpt",
    "rvc": "rvc/nana/nana.pth",
    "torchscript": "torchscript/mine/model.pt",
    "ddsp_svc": "ddsp_svc/nana/model_100.pt",
    "contentvec": "contentvec/hubert_base.pt",
    "rmvpe": "rmvpe/rmvpe.pt",
    "bigvgan": "bigvgan/bigvgan_generator.pt",
    "hifigan": "hifigan/vocoder.pth",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models=ModelsSettings(path=tmp_path / "models"))


def bring(settings: Settings, *names: str) -> None:
    for name in names:
        path = settings.models.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")


def test_an_empty_folder_and_none_need_no_block(settings: Settings) -> None:
    assert blocks_of_brought_files(settings) == {}
    settings.models.path.mkdir()
    assert blocks_of_brought_files(settings) == {}


@pytest.mark.parametrize("name", BROUGHT)
def test_a_file_of_an_engine_needs_its_block(settings: Settings, name: str) -> None:
    bring(settings, BROUGHT[name])
    assert blocks_of_brought_files(settings) == {"torch": [name]}


def test_all_of_them(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, TORCH)  # it is asked before torch is installed
    bring(settings, *BROUGHT.values(), "revoice/small/model.bin", "kokoro/kokoro-v1.0.int8.onnx")
    found = blocks_of_brought_files(settings)
    assert set(found) == {blocks.TORCH, blocks.REVOICE}
    assert sorted(found["torch"]) == sorted(BROUGHT)
    assert found["revoice"] == ["revoice"]


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "valle/README.md",
        "valle/.vallex-checkpoint.pt.part",
        "kokoro/prepared-1234.onnx",
        "valle/prepared-1234.onnx",
        "elsewhere/vallex-checkpoint.pt",
    ],
)
def test_no_block_is_needed_for_a_file_that_nobody_reads(settings: Settings, name: str) -> None:
    bring(settings, name)
    assert blocks_of_brought_files(settings) == {}
    assert not has_brought_files("valle", settings)


def test_a_converted_file_alone_needs_torch_too(settings: Settings) -> None:
    bring(settings, "valle/vallex-checkpoint.safetensors")
    assert blocks_of_brought_files(settings) == {"torch": ["valle"]}


def test_torch_is_not_imported(settings: Settings) -> None:
    bring(settings, *BROUGHT.values())
    code = (
        "import sys; from pathlib import Path; from realtime.settings import *;"
        "from realtime.engines.brought import blocks_of_brought_files, list_files;"
        f"settings = Settings(models=ModelsSettings(path=Path({str(settings.models.path)!r})));"
        "assert blocks_of_brought_files(settings)['torch'] and list_files(settings);"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_each_file_is_told(settings: Settings) -> None:
    bring(
        settings,
        *BROUGHT.values(),
        "rvc/nana/added_IVF9_Flat_nprobe_1_nana_v2.index",
        "torchscript/mine/model.yaml",
        "torchscript/mine/notes.txt",
        "valle/vocos/pytorch_model.safetensors",
        "valle/encodec_24khz-d7cc33bc.th",
        "revoice/small/vocabulary.json",
        "kokoro/prepared-1234.onnx",
        "kokoro/prepared-1234.onnx.lock",
        "README.md",
        FILE,
        "vallex-checkpoint.pt",
        "old.ckpt",
        "config.json",
    )
    found = {each.path: (each.engine, each.kind, each.belongs) for each in list_files(settings)}
    weights = {path: (name, "weights", None) for name, path in BROUGHT.items()}
    assert found == {
        **weights,
        "rvc/nana/added_IVF9_Flat_nprobe_1_nana_v2.index": ("rvc", "weights", None),
        "torchscript/mine/model.yaml": ("torchscript", "weights", None),
        "torchscript/mine/notes.txt": (None, "unused", None),
        "valle/vocos/pytorch_model.safetensors": ("valle", "converted", None),
        "valle/encodec_24khz-d7cc33bc.th": ("valle", "weights", None),
        "revoice/small/vocabulary.json": ("revoice", "weights", None),
        "kokoro/prepared-1234.onnx": ("kokoro", "prepared", None),
        FILE: (None, "prepared", None),
        "vallex-checkpoint.pt": (None, "unused", "valle/vallex-checkpoint.pt"),
        "old.ckpt": (None, "unused", None),
        "config.json": (None, "unused", None),
    }
    assert all(each.bytes == len(b"weights") for each in list_files(settings))


def test_the_list_is_bounded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.files.MOST_WALKED", 2)
    bring(settings, "a.pt", "b.pt", "c.pt")
    assert [each.path for each in list_files(settings)] == ["a.pt", "b.pt"]


def test_files_of_any_name_are_known_by_their_endings(settings: Settings) -> None:
    names = ("a/nana-e15.ckpt", "nana.pth", "b/c/d.pth.safetensors", "a/notes.bin")
    bring(settings, *(f"gpt_sovits/{name}" for name in names))
    found = {file.path: (file.engine, file.kind) for file in list_files(settings)}
    assert found == {
        "gpt_sovits/a/nana-e15.ckpt": ("gpt_sovits", WEIGHTS),
        "gpt_sovits/nana.pth": ("gpt_sovits", WEIGHTS),
        "gpt_sovits/b/c/d.pth.safetensors": ("gpt_sovits", CONVERTED),
        "gpt_sovits/a/notes.bin": (None, UNUSED),
    }
