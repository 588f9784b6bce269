"""Voices in the models folder, and the index of each."""

from __future__ import annotations

from pathlib import Path

from realtime.engines.rvc.voice_files import find_voice, find_voices


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def index_of(folder: Path, name: str) -> str | None:
    found = find_voice(folder, name)
    assert found is not None
    return None if found.index is None else found.index.name


def test_voices_lie_anywhere_and_have_the_names_of_their_files(tmp_path: Path) -> None:
    put(tmp_path, "nana.pth", "a/kyo.pth", "a/b/mio.pth", ".hidden/no.pth", "nana.txt")
    assert find_voices(tmp_path) == ["kyo", "mio", "nana"]
    found = find_voice(tmp_path, "mio")
    assert found is not None and found.voice == tmp_path / "a" / "b" / "mio.pth"
    assert found.are_there
    assert find_voice(tmp_path, "no") is None and find_voice(tmp_path, "../nana") is None
    assert find_voices(tmp_path / "absent") == []


def test_an_index_has_the_name_of_its_voice(tmp_path: Path) -> None:
    put(
        tmp_path,
        "Nana.pth",
        "nana2.pth",
        "kyo.pth",
        "trained_IVF9_Flat_nprobe_1_kyo_v2.index",
        "added_IVF9_Flat_nprobe_1_nana2_v2.index",
        "added_IVF9_Flat_nprobe_1_nana_v2.index",
        "nana.index",
    )
    assert index_of(tmp_path, "Nana") == "added_IVF9_Flat_nprobe_1_nana_v2.index"
    assert index_of(tmp_path, "nana2") == "added_IVF9_Flat_nprobe_1_nana2_v2.index"
    assert index_of(tmp_path, "kyo") is None


def test_the_only_index_beside_the_only_voice_is_its_own(tmp_path: Path) -> None:
    put(tmp_path, "a/nana.pth", "a/added_IVF9_Flat_nprobe_1_training_v2.index", "b/kyo.pth")
    assert index_of(tmp_path, "nana") == "added_IVF9_Flat_nprobe_1_training_v2.index"
    assert index_of(tmp_path, "kyo") is None
