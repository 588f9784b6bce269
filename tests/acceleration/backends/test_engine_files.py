"""Engines on disk come back as they were, or with the reason why not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from realtime.acceleration.backends.engine_files import EngineFile, EngineFiles

KEY = {"digest": "d" * 64, "torch": "2.11.0", "driver": "580", "inputs": [[1, 4]]}
DATA = b"an engine" * 100


def files(folder: Path, most_bytes: int = 1 << 20) -> EngineFiles:
    return EngineFiles(folder / "engines", most_bytes)


def only(folder: Path, ending: str) -> Path:
    (path,) = (folder / "engines").glob(f"*{ending}")
    return path


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    assert files(tmp_path).find("onnx", KEY) == EngineFile()
    assert files(tmp_path).keep("onnx", KEY, DATA) is None
    assert files(tmp_path).find("onnx", KEY) == EngineFile(DATA)
    assert files(tmp_path).find("tensorrt", KEY) == EngineFile()
    assert not list((tmp_path / "engines").glob("*.part"))


@pytest.mark.parametrize("harm", [b"", DATA[:-1], DATA + b"x", b"x" + DATA[1:]])
def test_a_damaged_engine_is_not_given(tmp_path: Path, harm: bytes) -> None:
    files(tmp_path).keep("onnx", KEY, DATA)
    only(tmp_path, ".engine").write_bytes(harm)
    found = files(tmp_path).find("onnx", KEY)
    assert found.data is None and found.note is not None and "damaged" in found.note


@pytest.mark.parametrize("sidecar", ["", "[]", "{", '{"sha256": 1}', "null"])
def test_a_damaged_sidecar_is_no_proof(tmp_path: Path, sidecar: str) -> None:
    files(tmp_path).keep("onnx", KEY, DATA)
    only(tmp_path, ".json").write_text(sidecar)
    found = files(tmp_path).find("onnx", KEY)
    assert found.data is None and found.note is not None


def test_another_engines_file_under_this_name_is_refused(tmp_path: Path) -> None:
    files(tmp_path).keep("onnx", KEY, DATA)
    sidecar = only(tmp_path, ".json")
    sidecar.write_text(sidecar.read_text().replace("2.11.0", "2.10.0"))
    found = files(tmp_path).find("onnx", KEY)
    assert found.data is None and found.note is not None and "something else" in found.note


def test_a_changed_driver_or_library_is_named(tmp_path: Path) -> None:
    files(tmp_path).keep("tensorrt", KEY, DATA)
    found = files(tmp_path).find("tensorrt", {**KEY, "driver": "590", "torch": "2.12.0"})
    assert found.data is None
    assert found.note is not None
    assert "torch was 2.11.0" in found.note and "driver was 580" in found.note


def test_the_longest_unused_goes_first(tmp_path: Path) -> None:
    kept = files(tmp_path, most_bytes=2 * len(DATA))
    keys = [{**KEY, "number": number} for number in range(3)]
    for age, key in enumerate(keys[:2]):
        kept.keep("onnx", key, DATA)
        os.utime(kept._path("onnx", key), (1_000 + age, 1_000 + age))
    assert kept.find("onnx", keys[0]).data == DATA  # used again
    kept.keep("onnx", keys[2], DATA)
    assert [kept.find("onnx", key).data is not None for key in keys] == [True, False, True]


def test_what_cannot_be_kept_is_told(tmp_path: Path) -> None:
    assert files(tmp_path, 10).keep("onnx", KEY, DATA) == "the engine is too large to be kept"
    (tmp_path / "engines").write_text("a file where the folder should be")
    note = files(tmp_path).keep("onnx", KEY, DATA)
    assert note is not None and "cannot be kept" in note
    nowhere = EngineFiles(None, 1 << 20)
    assert nowhere.keep("onnx", KEY, DATA) is None and nowhere.find("onnx", KEY) == EngineFile()


def test_removed_is_removed(tmp_path: Path) -> None:
    files(tmp_path).keep("onnx", KEY, DATA)
    files(tmp_path).remove("onnx", KEY)
    assert not list((tmp_path / "engines").iterdir())
