"""Pairs of files are found by name, wherever people put them."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.engines.gpt_sovits.pairs import Pair, find_pair, find_pairs, output_rate
from realtime.errors import Unavailable
from realtime.settings import Settings
from tests.support.gpt_sovits_files import write_sovits
from tests.support.gpt_sovits_voices import settings_in


def put(folder: Path, *names: str) -> Settings:
    settings = settings_in(folder)
    for name in names:
        path = settings.models.path / "gpt_sovits" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"PK")
    return settings


def test_a_folder_with_one_of_each_is_a_pair(tmp_path: Path) -> None:
    settings = put(
        tmp_path,
        "nana/nana-e15.ckpt",
        "nana/nana_e8.pth",
        "kyo/kyo.ckpt",
        "kyo/kyo.pth",
        "many/a.ckpt",
        "many/b.ckpt",
        "many/c.pth",
        "chinese-hubert-base/pytorch_model.bin",
        "sv/pretrained.ckpt",
    )
    assert [pair.name for pair in find_pairs(settings)] == ["kyo", "nana-e15+nana_e8"]


def test_files_of_one_training_are_a_pair_in_folders_of_their_own(tmp_path: Path) -> None:
    settings = put(
        tmp_path,
        "GPT_weights_v2/nana-e5.ckpt",
        "GPT_weights_v2/nana-e15.ckpt",
        "GPT_weights_v2/kyo-e10.ckpt",
        "SoVITS_weights_v2/nana_e4_s48.pth",
        "SoVITS_weights_v2/nana_e12_s144.pth",
        "SoVITS_weights_v4/yon_e2_s30_l32.pth",
        "GPT_weights_v2/yon-e15.ckpt",
    )
    found = [pair.name for pair in find_pairs(settings)]
    assert found == ["nana-e15+nana_e12_s144", "yon-e15+yon_e2_s30_l32"]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("nana-e15+nana_e8", ("GPT_weights/nana-e15.ckpt", "SoVITS_weights/nana_e8.pth")),
        ("b+c", ("many/b.ckpt", "many/c.pth")),
        ("one+two+three", ("x/one+two.ckpt", "y/three.pth")),
        ("same", ("x/same.ckpt", "y/same.pth")),
    ],
)
def test_any_two_files_are_a_pair_by_their_names(
    tmp_path: Path, name: str, files: tuple[str, str]
) -> None:
    settings = put(tmp_path, *files, "other/other.ckpt")
    folder = settings.models.path / "gpt_sovits"
    assert find_pair(name, settings) == Pair(*(folder / file for file in files))
    assert find_pair(name + "x", settings) is None


def test_a_converted_file_stands_for_what_it_was_made_of(tmp_path: Path) -> None:
    settings = put(tmp_path, "a/a.ckpt", "a/a.ckpt.safetensors", "a/a.pth")
    (pair,) = find_pairs(settings)
    assert pair.gpt.name == "a.ckpt.safetensors" and pair.name == "a"


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    settings = put(tmp_path, "x/a.ckpt", "y/a.ckpt", "y/a.pth")
    with pytest.raises(Unavailable, match="has the same name"):
        find_pair("a", settings)


@pytest.mark.parametrize(
    ("version", "rate"), [("v1", 32_000), ("v2ProPlus", 32_000), ("v3", 24_000), ("v4", 48_000)]
)
def test_a_file_shows_the_rate_of_its_sound(tmp_path: Path, version: str, rate: int) -> None:
    path = write_sovits(tmp_path / "a.pth", version)
    assert output_rate(Pair(tmp_path / "a.ckpt", path)) == rate


@pytest.mark.parametrize(
    ("path", "stated"),
    [
        ("SoVITS_weights_v4/a.pth", "v4"),
        ("GPT/nana_V3_e8.pth", "v3"),
        ("v4/nana_v3.pth", "v3"),
        ("v2/a.pth", None),
        ("v41/a.pth", None),
    ],
)
def test_a_path_may_say_the_version(path: str, stated: str | None) -> None:
    assert Pair(Path("a.ckpt"), Path("models") / path).stated == stated
